//! Jobs on schedule: runs missed while the program was down, the monthly reset, status reports that become outdated, and
//! refreshes of the administrators (docs/schedule.md).

use std::collections::BTreeMap;

use serde_json::Value;
use telegram_sim::{Fault, JoinKind, Match};

use crate::harness::{
    DAY, Scene, daily, execute_batch, now, open_list, output_of, user_with_photo, utc,
};

/// Returns how many reports of each purpose were enqueued; the lists of a backup count as `backup`.
fn enqueued_reports(scene: &Scene) -> BTreeMap<String, usize> {
    let mut reports = BTreeMap::new();
    let purposes = "SELECT COALESCE(purpose, 'backup') FROM outbox WHERE class = 'report'";
    for purpose in scene.query(purposes, |row| row.get::<_, String>(0)) {
        *reports.entry(purpose).or_default() += 1;
    }
    reports
}

/// Makes a scene whose backup was due an hour ago, the count 50 minutes ago, and the reset 20 days and 40 minutes ago.
/// Every list has an entry, and the daemon has run and was stopped.
fn scene_after_a_run() -> Scene {
    let mut scene = Scene::new();
    let now = now();
    let reset = now - 20 * DAY - 2400;
    scene.set("custom", &format!("reset_day = \"{}\"", utc(reset).day()));
    scene.set(
        "schedule",
        &format!(
            "backup = \"{}\"\ncount = \"{}\"\nreset_time = \"{}\"\nstatus = \"0 0 1 1 *\"",
            daily(now - 3600),
            daily(now - 3000),
            daily(reset)
        ),
    );
    scene.start();
    let joiner = scene.join_user();
    scene.wait_for_outcome(joiner, "forwarded");
    scene.stop();
    execute_batch(
        &scene.state(),
        "INSERT INTO rules VALUES ('nm_words', 0, 'x', 3);
         INSERT INTO bad VALUES ('user', 77, 1), ('channel', 78, 1);
         INSERT INTO excepted VALUES (79, 1);
         DELETE FROM outbox",
    );
    scene
}

/// The jobs that a daemon ran at its start because their times had passed.
struct CatchUp {
    reports: BTreeMap<String, usize>,
    reset: bool,
}

impl CatchUp {
    fn count(&self, kind: &str) -> usize {
        self.reports.get(kind).copied().unwrap_or(0)
    }
}

/// Starts the daemon as if it had been down for that long, and returns the jobs that it caught up on.
fn restart_after(scene: &mut Scene, seconds: i64) -> CatchUp {
    scene.execute(&format!(
        "UPDATE runs SET due_at = {0} - {seconds}, ran_at = {0} - {seconds}",
        now()
    ));
    scene.start();
    scene.wait_until_settled();
    let reports = enqueued_reports(scene);
    // Killed and started again, the daemon catches up on nothing more.
    scene.kill();
    scene.start();
    scene.wait_until_settled();
    scene.stop();
    let again = enqueued_reports(scene);
    for kind in ["backup", "nm_words"] {
        assert_eq!(reports.get(kind), again.get(kind), "{kind} twice");
    }
    let joins = scene.count("SELECT 1 FROM joins");
    let bad = scene.count("SELECT 1 FROM bad WHERE kind = 'user'");
    assert_eq!((joins == 0), (bad == 0), "half of a reset");
    CatchUp {
        reports,
        reset: joins == 0,
    }
}

#[test]
fn a_pause_of_three_minutes_is_not_caught_up_on() {
    let mut scene = scene_after_a_run();
    let caught_up = restart_after(&mut scene, 180);
    assert_eq!(
        (caught_up.count("backup"), caught_up.count("count")),
        (0, 0)
    );
    assert!(!caught_up.reset);
    assert_eq!(caught_up.count("awake"), 0);
    scene.finish();
}

#[test]
fn backup_and_count_are_caught_up_on_once_after_three_hours_and_after_three_days() {
    for seconds in [3 * 3600, 3 * DAY] {
        let mut scene = scene_after_a_run();
        let caught_up = restart_after(&mut scene, seconds);
        // These are user_ids, bad_ids, except_ids, admin_ids and nm_words, the lists that are not empty.
        assert_eq!(
            caught_up.count("backup"),
            5,
            "{seconds} s: {:?}",
            caught_up.reports
        );
        assert_eq!(
            caught_up.count("count"),
            1,
            "{seconds} s: {:?}",
            caught_up.reports
        );
        assert!(!caught_up.reset, "{seconds} s");
        assert_eq!(caught_up.count("awake"), 0);
        let hits = scene.query("SELECT hits FROM rules", |row| row.get::<_, i64>(0));
        assert_eq!(hits, [0]);
        scene.finish();
    }
}

#[test]
fn the_reset_is_caught_up_on_after_forty_days_and_after_the_backup() {
    let mut scene = scene_after_a_run();
    let caught_up = restart_after(&mut scene, 40 * DAY);
    assert_eq!(caught_up.count("backup"), 5, "{:?}", caught_up.reports);
    assert_eq!(caught_up.count("count"), 1, "{:?}", caught_up.reports);
    assert!(caught_up.reset);
    // The next list of members shows access hashes again.
    let seen = "SELECT 1 FROM people WHERE photo_id IS NOT NULL OR seen_in_message IS NOT NULL";
    assert_eq!(scene.count(seen), 0);
    // The reset keeps rules and exceptions.
    assert_eq!(scene.count("SELECT 1 FROM rules"), 1);
    assert_eq!(scene.count("SELECT 1 FROM excepted"), 1);
    // The backup, which was due before the reset, has the entries that the reset cleared.
    let saved = posted_lists(&scene);
    assert_eq!(saved["user_ids"]["joins"].as_array().map(Vec::len), Some(1));
    assert_eq!(saved["bad_ids"]["users"], serde_json::json!([77]));
    scene.finish();
}

#[test]
fn a_member_who_joins_again_after_the_reset_is_new() {
    let mut scene = scene_after_a_run();
    let joiner = scene.query("SELECT user_id FROM joins", |row| row.get::<_, i64>(0))[0];
    let caught_up = restart_after(&mut scene, 40 * DAY);
    assert!(caught_up.reset);
    scene.start();
    scene.rejoin(joiner);
    scene.wait_for_outcome(joiner, "forwarded");
    scene.finish();
}

#[test]
fn a_changed_expression_is_not_caught_up_on() {
    let mut scene = scene_after_a_run();
    scene.execute(&format!(
        "UPDATE runs SET due_at = {0} - 3456000, expression = '1 2 3 * *' WHERE job = 'reset'",
        now()
    ));
    scene.start();
    scene.stop();
    assert_eq!(scene.count("SELECT 1 FROM joins"), 1, "reset");
    let jobs = scene.count("SELECT 1 FROM runs WHERE next_at > due_at");
    assert_eq!(jobs, 6);
    scene.finish();
}

#[test]
fn a_row_with_absurd_times_is_repaired_and_stops_nothing() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    for (due_at, ran_at) in [
        (i64::MIN, i64::MIN),
        (i64::MAX, i64::MAX),
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MIN),
        (-1, -1),
        (1 << 53, 0),
    ] {
        scene.execute(&format!(
            "UPDATE runs SET due_at = {due_at}, ran_at = {ran_at}, next_at = {ran_at}"
        ));
        for form in [None, Some("--json")] {
            let (code, _, err) = output_of(scene.command("status").args(form));
            assert_eq!(code, Some(0), "{due_at} {ran_at}: {err}");
        }
        scene.start();
        let sane = format!(
            "SELECT 1 FROM runs WHERE due_at BETWEEN {} AND {}",
            now() - 400 * DAY,
            now() + DAY
        );
        scene.wait_for_rows(&sane, 6);
        scene.wait_until_settled();
        assert_eq!(scene.stop().code(), Some(0), "{}", scene.log());
    }
    scene.finish();
}

#[test]
fn an_outdated_status_report_is_not_posted() {
    let mut scene = Scene::new();
    scene.set("schedule", "status = \"* * * * * *\"");
    scene.start();
    // After this answer a post may exist, so the next report does not replace it.
    let posts = Match::method("messages.sendMessage");
    let in_progress = Fault::error(500, "RANDOM_ID_DUPLICATE");
    scene.sim.fault(posts, in_progress);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE purpose = 'awake' AND state IN ('fetched', 'sending')",
        2,
    );
    scene.kill();
    scene.sim.clear_faults();
    let before = scene.reports("awake").len();
    // The reports become outdated while the program does not run, also one whose post was begun.
    scene.execute(
        "UPDATE outbox SET expires_at = expires_at - 150
         WHERE purpose = 'awake' AND state IN ('fetched', 'sending')",
    );
    scene.set("schedule", "count = \"0 0 1 1 *\"");
    scene.start();
    scene.wait_until_settled();
    let late = scene.count("SELECT 1 FROM outbox WHERE purpose = 'awake' AND state = 'sent' AND settled_at > expires_at");
    assert_eq!(late, 0);
    let outdated = "SELECT 1 FROM outbox WHERE purpose = 'awake' AND reason = 'outdated'";
    scene.wait_for_rows(outdated, 2);
    assert!(scene.reports("awake").len() >= before);
    scene.finish();
}

#[test]
fn administrators_are_refreshed_on_schedule() {
    let mut scene = Scene::new();
    scene.set("schedule", "admins = \"*/2 * * * * *\"");
    scene.start();
    let helper = scene.sim.add_user(user_with_photo("Helper"));
    scene.sim.join(scene.group, helper, JoinKind::ByLink);
    scene.wait_for_outcome(helper, "forwarded");
    scene.sim.set_admin(scene.group, helper, true);
    scene.poll("the administrator to be known", || {
        let admins = scene.query("SELECT user_id FROM admins", |row| row.get::<_, i64>(0));
        admins.contains(&helper)
    });
    // Users whom the new administrator adds are not forwarded.
    let guest = scene.sim.add_user(user_with_photo("Guest"));
    scene
        .sim
        .join(scene.group, guest, JoinKind::AddedBy(helper));
    scene.wait_for_outcome(guest, "added_by_trusted");
    scene.finish();
}

/// Returns the lists that were posted for BACKUP, by name.
fn posted_lists(scene: &Scene) -> BTreeMap<String, Value> {
    let posts = scene.sim.posts(scene.hide);
    posts
        .into_iter()
        .filter(|post| post.by_account && post.text.contains("\"backup\""))
        .filter_map(|post| {
            let file = post.file?;
            let whole = open_list(&file.bytes).to_json().expect("JSON");
            let name = whole["list"].as_str().expect("a name").to_owned();
            Some((name, whole["data"].clone()))
        })
        .collect()
}
