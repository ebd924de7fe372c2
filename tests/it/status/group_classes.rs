//! The classes and the coverage of groups in `status`, `why` and `check`, and the way in which a join was found.

use std::fs;

use serde_json::{Value, json};

use super::{is_time, json_of, status, text_of, why};
use crate::harness::{Scene, assert_contains, assert_in_order, execute_batch, output_of};

/// A group of each class, beside the one of the fixture, which gets three messages that were deleted unread.
const GROUPS: &str = "
UPDATE ledger SET deleted_unread = 3;
INSERT INTO settings VALUES ('started_at', '1700000000'), ('ended_at', '1700000100');
INSERT INTO ledger (channel_id, access_hash, kind, title, present, can_post, pts, last_message_id, since, class) VALUES
    (1000000001, 1, 'group', 'Ordinary', 1, 0, 1, 1, 1, 'announced'),
    (1000000002, 1, 'group', 'Large', 1, 0, 1, 1, 1, 'scanned'),
    (1000000003, 1, 'group', 'Hidden', 1, 0, 1, 1, 1, 'hidden'),
    (1000000004, 1, 'group', 'Refused', 1, 0, 1, 1, 1, 'hidden'),
    (1000000005, 1, 'group', 'Gigagroup', 1, 0, 1, 1, 1, 'none'),
    (1000000006, 1, 'group', 'Growing', 1, 0, 1, 1, 1, 'announced'),
    (1000000007, 1, 'group', 'Left', 0, 0, 1, 1, 1, 'scanned');
INSERT INTO member_scans (group_id, scanned_at, dates_refused_at, unexplained_joins) VALUES
    (1000000002, unixepoch() - 190, NULL, 0),
    (1000000003, NULL, unixepoch() - 172800, 0),
    (1000000004, NULL, unixepoch() - 3600, 0),
    (1000000006, NULL, NULL, 7);
";
const FIXTURE_GROUP: i64 = -1_001_234_567_890;

fn stopped_instance() -> Scene {
    let scene = Scene::new();
    scene.copy_newest_state();
    execute_batch(&scene.state(), GROUPS);
    scene
}

/// Returns the id of the n-th of [`GROUPS`].
fn group(n: i64) -> i64 {
    -1_001_000_000_000 - n
}

/// Reports whether a row of a table has these cells, one after the other.
fn has_row(text: &str, cells: &[&str]) -> bool {
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let cells = words(&cells.join(" "));
    text.lines().any(|line| words(line) == cells)
}

#[test]
fn status_shows_the_class_and_coverage_of_each_group() {
    let scene = stopped_instance();
    let text = text_of(&scene, "status", &[]);
    for row in [
        [
            "-1001000000001",
            "announced",
            "full",
            "0",
            "0",
            "never",
            "Ordinary",
        ],
        [
            "-1001000000002",
            "scanned",
            "partial",
            "0",
            "0",
            "3 min ago",
            "Large",
        ],
        [
            "-1001000000003",
            "hidden",
            "partial",
            "0",
            "0",
            "never",
            "Hidden",
        ],
        [
            "-1001000000004",
            "hidden",
            "blind",
            "0",
            "0",
            "never",
            "Refused",
        ],
        [
            "-1001000000005",
            "none",
            "none",
            "0",
            "0",
            "never",
            "Gigagroup",
        ],
        [
            "-1001000000006",
            "announced",
            "partial",
            "0",
            "7",
            "never",
            "Growing",
        ],
    ] {
        assert!(has_row(&text, &row), "{row:?} is not in\n{text}");
    }
    let left = [
        "-1001000000007",
        "left",
        "0",
        "never",
        "not known yet",
        "Left",
    ];
    assert!(has_row(&text, &left), "{text}");
    assert_contains(
        &text,
        &[
            "in all: 3 announced, 1 scanned, 2 hidden, 1 none; coverage: 1 full, 4 partial, 1 blind, 1 none; 3 deleted",
            "scanned: some joins there have no message",
            "hidden: the group hides its members",
            "blind: Telegram refuses the dates",
            "unexplained: joins that only the number of members shows",
        ],
    );
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(120), "{text}");

    let json = status(&scene);
    let shown = |id: i64| -> Value {
        let groups = json["groups"].as_array().expect("groups");
        let found = groups.iter().find(|group| group["id"] == id);
        found.expect("the group").clone()
    };
    let fixture_group = shown(FIXTURE_GROUP);
    assert_eq!(fixture_group["deleted_unread"], 3);
    assert_eq!(fixture_group["coverage"], "partial");
    assert_eq!(fixture_group["scanned_at"], "2025-10-09T08:53:25Z");
    for (n, class, coverage) in [
        (1, "announced", "full"),
        (2, "scanned", "partial"),
        (3, "hidden", "partial"),
        (4, "hidden", "blind"),
        (5, "none", "none"),
        (6, "announced", "partial"),
    ] {
        let group = shown(group(n));
        assert_eq!(
            (&group["class"], &group["coverage"]),
            (&json!(class), &json!(coverage))
        );
        assert_eq!(is_time(&group["scanned_at"]), n == 2);
        assert_eq!(is_time(&group["dates_refused_at"]), n == 3 || n == 4);
    }
    assert_eq!(shown(group(6))["unexplained_joins"], 7);
}

#[test]
fn why_says_how_each_join_was_found() {
    let scene = stopped_instance();
    let (text, json) = why(&scene, 30);
    assert_contains(
        &text,
        &[
            "by themselves or added by another user",
            "message    none was read",
            "found      in the list of members: no join message was read",
        ],
    );
    let join = &json["joins"][0];
    assert_eq!(join["found_by"], "scan");
    assert_eq!(
        (&join["message_id"], &join["by"]),
        (&json!(0), &json!("unknown"))
    );
    assert!(join["link"].is_null());
    for (change, words) in [
        (
            "message_id = 50",
            "found      in the list of members; the join message was read later",
        ),
        (
            "message_id = -9, found_by = 'first_message'",
            "found      by a first message, because the group hides its members: no join message was read",
        ),
        (
            "message_id = 50, found_by = 'push'",
            "found      by the join message, which Telegram pushed",
        ),
        (
            "found_by = 'poll'",
            "found      by the join message, which the program asked for",
        ),
        (
            "found_by = 'gap'",
            "found      by the join message, which the program read by its id over a gap",
        ),
        (
            "found_by = NULL",
            "found      unknown: an older version recorded the join",
        ),
    ] {
        execute_batch(
            &scene.state(),
            &format!("UPDATE joins SET {change} WHERE user_id = 30"),
        );
        let (text, json) = why(&scene, 30);
        assert_contains(&text, &[words]);
        assert_eq!(json["joins"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn why_says_for_which_reason_a_group_may_not_have_shown_a_join() {
    let scene = stopped_instance();
    for (id, class, coverage, words) in [
        (
            group(1),
            "announced",
            "full",
            "never joined while the account was there",
        ),
        (
            FIXTURE_GROUP,
            "announced",
            "partial",
            "somebody deleted the join message before",
        ),
        (
            group(2),
            "scanned",
            "partial",
            "left before the list of members was read",
        ),
        (
            group(3),
            "hidden",
            "partial",
            "the user has not written a message there",
        ),
        (
            group(4),
            "hidden",
            "blind",
            "Telegram refuses the dates of the members",
        ),
        (
            group(5),
            "none",
            "none",
            "a gigagroup or a monoforum, which is not watched",
        ),
        (
            group(6),
            "announced",
            "partial",
            "the number of members rose by more than the joins",
        ),
        (
            group(7),
            "scanned",
            "partial",
            "the account is not in that group any more",
        ),
    ] {
        let arguments = ["77", &id.to_string()];
        let text = text_of(&scene, "why", &arguments);
        assert_contains(
            &text,
            &[&format!("class {class}, coverage {coverage}"), words],
        );
        let json = json_of(&scene, "why", &arguments);
        assert_eq!(json["group_class"], class);
        assert_eq!(json["group_coverage"], coverage);
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(120), "{text}");
    }
    let ordinary = text_of(&scene, "why", &["77", &group(1).to_string()]);
    assert!(
        !ordinary.contains("before the list of members"),
        "{ordinary}"
    );
    // Without a group, each reason names the number of groups for which it holds.
    let (text, json) = why(&scene, 77);
    assert_in_order(
        &text,
        &[
            "deleted the join message",
            "(1 of 7 groups)",
            "the number of members rose",
            "(1 of 7 groups)",
            "joined without a join message",
            "(1 of 7 groups)",
            "hides its members",
            "(2 of 7 groups)",
            "refuses the dates",
            "(1 of 7 groups)",
        ],
    );
    assert!(json["group_class"].is_null() && json["group_coverage"].is_null());
}

#[test]
fn check_says_which_joins_are_found_and_counts_the_groups() {
    let scene = stopped_instance();
    let check = || {
        let (code, out, err) = output_of(&mut scene.command("check"));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert_contains(
            &out,
            &[
                "Joins are found by their messages",
                "silent ones stay unseen",
            ],
        );
        out
    };
    assert_contains(&check(), &["3 announced, 1 scanned, 2 hidden, 1 none."]);
    // A database that cannot be read is not the matter of this command.
    for content in ["no database", ""] {
        fs::write(scene.state(), content).expect("written");
        assert!(!check().contains("Groups of the last run"));
    }
    fs::remove_file(scene.state()).expect("removed");
    assert!(!check().contains("Groups of the last run"));
    assert!(!scene.state().exists(), "check made a file");
}
