//! The command `joins`, which lists the latest recorded joins.

use serde_json::Value;
use telegram_sim::{JoinKind, bot_api_id};

use super::{file_states, is_time, json_of, text_of};
use crate::harness::{Scene, assert_contains, execute_batch, output_of, user_with_photo};

/// Returns the users of the listed joins.
fn users(scene: &Scene, arguments: &[&str]) -> Vec<i64> {
    let json = json_of(scene, "joins", arguments);
    let joins = json["joins"].as_array().expect("joins");
    let users = joins.iter().map(|join| join["user_id"].as_i64());
    users.map(|user| user.expect("an id")).collect()
}

#[test]
fn joins_are_listed_beside_a_running_daemon_and_of_a_stopped_one() {
    let mut scene = Scene::with_photo_size(64);
    scene.write_config();
    assert_eq!(text_of(&scene, "joins", &[]), "no such join is recorded\n");
    let other = scene.sim.add_group("Another\u{1b} group");
    scene.start();
    let forwarded = scene.join_user();
    scene.wait_for_outcome(forwarded, "forwarded");
    let bot = scene.sim.add_user(user_with_photo("Bot").bot());
    let message = scene.sim.join(other, bot, JoinKind::AddedBy(forwarded));
    scene.wait_for_outcome(bot, "bot");
    // The order within one second is not that of the joins.
    scene.execute(&format!(
        "UPDATE joins SET joined_at = joined_at - 7200 WHERE user_id = {forwarded}"
    ));
    for is_running in [true, false] {
        if !is_running {
            scene.stop();
        }
        let before = file_states(&scene).into_keys().collect::<Vec<_>>();
        let text = text_of(&scene, "joins", &[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        let heading: Vec<&str> = lines[0].split_whitespace().collect();
        assert_eq!(
            heading,
            [
                "JOINED", "AGO", "USER", "OUTCOME", "FOUND", "BY", "GROUP", "MESSAGE", "TITLE"
            ]
        );
        assert_contains(
            lines[1],
            &[
                &bot.to_string(),
                " bot ",
                &bot_api_id(other).to_string(),
                "Another· group",
            ],
        );
        assert_contains(lines[2], &[&forwarded.to_string(), " forwarded ", " 2 h "]);
        let json = json_of(&scene, "joins", &[]);
        assert!(is_time(&json["now"]) && json["has_more"] == false);
        let join = &json["joins"][0];
        assert_eq!(join["outcome"], "bot");
        assert_eq!(join["link"], format!("https://t.me/c/{other}/{message}"));
        assert_eq!(
            (&join["by"], &join["added_by"]),
            (&Value::from("user"), &forwarded.into())
        );
        let group = bot_api_id(scene.group).to_string();
        let link = format!("https://t.me/c/{other}/5");
        for (arguments, expected) in [
            (&[][..], &[bot, forwarded][..]),
            (&["--last", "1"], &[bot]),
            (&["--outcome", "forwarded"], &[forwarded]),
            (&["--outcome", "held"], &[]),
            (&["--group", &group], &[forwarded]),
            (&["--group", &link], &[bot]),
            (&["--group", &group, "--outcome", "bot"], &[]),
            (&["--since", "1h"], &[bot]),
            (&["--since", "1d", "--outcome", "forwarded"], &[forwarded]),
        ] {
            assert_eq!(users(&scene, arguments), expected, "{arguments:?}");
        }
        assert_eq!(json_of(&scene, "joins", &["--last", "1"])["has_more"], true);
        let text = text_of(&scene, "joins", &["--last", "1"]);
        assert_contains(&text, &["there are older ones: use --last N"]);
        let after = file_states(&scene).into_keys().collect::<Vec<_>>();
        assert_eq!(after, before, "a file was created or removed");
    }
    scene.finish();
}

#[test]
fn invalid_filters_are_usage_errors_that_propose_an_outcome() {
    let scene = Scene::new();
    for (arguments, words) in [
        (
            &["--outcome", "forwardd"][..],
            &["'forwardd'", "a similar value exists: 'forwarded'"][..],
        ),
        (
            &["--outcome", "sung"],
            &["possible values: ", "unwatched_group", "lookup"],
        ),
        (&["--since", "yesterday"], &["such as 30m, 1h or 2d"]),
        (&["--last", "0"], &["--last"]),
        (&["--group", "here"], &["a group's id is a number"]),
        (
            &["--group", "https://t.me/durov/5"],
            &["stores no usernames"],
        ),
    ] {
        let (code, out, err) = output_of(scene.command("joins").args(arguments));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
        assert_contains(&err, words);
    }
}

#[test]
fn an_older_layout_is_refused_as_by_status() {
    let scene = Scene::new();
    scene.copy_newest_state();
    assert_contains(&text_of(&scene, "joins", &[]), &["OUTCOME"]);
    execute_batch(&scene.state(), "PRAGMA user_version = 8");
    let (code, _, err) = output_of(&mut scene.command("joins"));
    assert_eq!(code, Some(1));
    assert_contains(&err, &["older version"]);
}
