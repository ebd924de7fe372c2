//! What happens by the clock: what was missed while the program was down, status reports in their minutes, the reset,
//! administrators.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;
use telegram_sim::How;

use crate::harness::{Scene, said, somebody};

const DAY: i64 = 24 * 3600;

/// What the clock made the program do, by name: how often each was owed, and how often the lists were reset.
fn done(scene: &Scene) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    let reports = "SELECT COALESCE(purpose, 'backup') FROM outbox WHERE class = 'report'";
    for word in scene.query(reports, |row| row.get::<_, String>(0)) {
        *done.entry(word).or_default() += 1;
    }
    done
}

fn change(scene: &Scene, sql: &str) {
    let database = Connection::open(scene.state()).expect("state.db");
    database.execute_batch(sql).expect("changed");
}

/// A moment of the clock as hour and minute, and as a date.
fn civil(now: i64) -> jiff::civil::DateTime {
    let moment = jiff::Timestamp::from_second(now).expect("a moment");
    moment.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An expression for the time of day of a moment, on every day.
fn daily(moment: i64) -> String {
    let time = civil(moment);
    format!("{} {} {} * * *", time.second(), time.minute(), time.hour())
}

/// A scene whose backup fell due an hour ago, the count 50 minutes ago, the reset 20 days and 40 minutes ago; with
/// something in each list, and a daemon that has run and was stopped.
fn scene_with_a_past() -> Scene {
    let mut scene = Scene::new();
    let now = now();
    let reset = now - 20 * DAY - 2400;
    scene.set("custom", &format!("reset_day = \"{}\"", civil(reset).day()));
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
    let joiner = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, joiner, How::ByLink);
    scene.wait_for_outcome(joiner, "forwarded");
    scene.stop();
    change(
        &scene,
        "INSERT INTO rules VALUES ('nm_words', 0, 'x', 3);
         INSERT INTO bad VALUES ('user', 77, 1), ('channel', 78, 1);
         INSERT INTO excepted VALUES (79, 1);
         DELETE FROM outbox",
    );
    scene
}

/// Starts the daemon again as if it had been down for that long, and says what it made up for.
fn down_for(scene: &mut Scene, seconds: i64) -> (BTreeMap<String, usize>, bool) {
    change(
        scene,
        &format!(
            "UPDATE runs SET due_at = {0} - {seconds}, ran_at = {0} - {seconds}",
            now()
        ),
    );
    scene.start();
    scene.poll("everything to be settled", || scene.unsettled().is_empty());
    let made_up = done(scene);
    // Killed and started again, it makes up for nothing more.
    scene.kill();
    scene.start();
    scene.poll("everything to be settled", || scene.unsettled().is_empty());
    scene.stop();
    let again = done(scene);
    for word in ["backup", "count"] {
        assert_eq!(made_up.get(word), again.get(word), "{word} twice");
    }
    let joins = scene.query("SELECT 1 FROM joins", |_| Ok(())).len();
    let bad = scene.query("SELECT 1 FROM bad", |_| Ok(())).len();
    assert_eq!((joins == 0), (bad == 0), "half a reset");
    (made_up, joins == 0)
}

fn count(done: &BTreeMap<String, usize>, word: &str) -> usize {
    done.get(word).copied().unwrap_or(0)
}

#[test]
fn down_for_three_minutes_nothing_is_made_up_for() {
    let mut scene = scene_with_a_past();
    let (made_up, reset) = down_for(&mut scene, 180);
    assert_eq!(
        (count(&made_up, "backup"), count(&made_up, "count")),
        (0, 0)
    );
    assert!(!reset);
    assert_eq!(count(&made_up, "awake"), 0);
    scene.finish();
}

#[test]
fn down_for_three_hours_or_three_days_backup_and_count_are_made_up_for_once() {
    for seconds in [3 * 3600, 3 * DAY] {
        let mut scene = scene_with_a_past();
        let (made_up, reset) = down_for(&mut scene, seconds);
        // user_ids, bad_ids, except_ids, admin_ids and nm_words: each list that is not empty.
        assert_eq!(count(&made_up, "backup"), 5, "{seconds} s: {made_up:?}");
        assert_eq!(count(&made_up, "count"), 1, "{seconds} s: {made_up:?}");
        assert!(!reset, "{seconds} s");
        assert_eq!(count(&made_up, "awake"), 0);
        let hits = scene.query("SELECT hits FROM rules", |row| row.get::<_, i64>(0));
        assert_eq!(hits, [0]);
        scene.finish();
    }
}

#[test]
fn down_for_forty_days_the_reset_comes_too_after_the_backup_was_saved() {
    let mut scene = scene_with_a_past();
    let (made_up, reset) = down_for(&mut scene, 40 * DAY);
    assert_eq!(count(&made_up, "backup"), 5, "{made_up:?}");
    assert_eq!(count(&made_up, "count"), 1, "{made_up:?}");
    assert!(reset);
    assert_eq!(scene.query("SELECT 1 FROM people", |_| Ok(())).len(), 0);
    // Rules and exceptions stay.
    assert_eq!(scene.query("SELECT 1 FROM rules", |_| Ok(())).len(), 1);
    assert_eq!(scene.query("SELECT 1 FROM excepted", |_| Ok(())).len(), 1);
    // What the reset took is in the backup that fell due before it.
    let saved = saved_lists(&scene);
    assert_eq!(saved["user_ids"]["joins"].as_array().map(Vec::len), Some(1));
    assert_eq!(saved["bad_ids"]["users"], serde_json::json!([77]));
    scene.finish();
}

#[test]
fn a_member_who_joins_again_after_the_reset_is_new() {
    let mut scene = scene_with_a_past();
    let joiner = scene.query("SELECT user_id FROM joins", |row| row.get::<_, i64>(0))[0];
    let (_, reset) = down_for(&mut scene, 40 * DAY);
    assert!(reset);
    scene.start();
    scene.sim.leave(scene.group, joiner);
    scene.sim.join(scene.group, joiner, How::ByLink);
    scene.wait_for_outcome(joiner, "forwarded");
    scene.finish();
}

#[test]
fn a_new_expression_makes_up_for_nothing_of_before_it() {
    let mut scene = scene_with_a_past();
    change(
        &scene,
        &format!(
            "UPDATE runs SET due_at = {0} - 3456000, expression = '1 2 3 * *' WHERE job = 'reset'",
            now()
        ),
    );
    scene.start();
    scene.stop();
    assert_eq!(
        scene.query("SELECT 1 FROM joins", |_| Ok(())).len(),
        1,
        "reset"
    );
    let jobs = scene.query("SELECT 1 FROM runs WHERE next_at > due_at", |_| Ok(()));
    assert_eq!(jobs.len(), 6);
    scene.finish();
}

#[test]
fn a_row_with_absurd_times_ends_nothing_and_is_put_right() {
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
        let database = Connection::open(scene.state()).expect("state.db");
        database
            .execute(
                "UPDATE runs SET due_at = ?1, ran_at = ?2, next_at = ?2",
                [due_at, ran_at],
            )
            .expect("changed");
        drop(database);
        for form in [None, Some("--json")] {
            let (code, _, err) = said(scene.command("status").args(form));
            assert_eq!(code, Some(0), "{due_at} {ran_at}: {err}");
        }
        scene.start();
        let sane = format!(
            "SELECT 1 FROM runs WHERE due_at BETWEEN {} AND {}",
            now() - 400 * DAY,
            now() + DAY
        );
        scene.wait_for_state(&sane, 6);
        scene.poll("everything to be settled", || scene.unsettled().is_empty());
        assert_eq!(scene.stop().code(), Some(0), "{}", scene.log());
    }
    scene.finish();
}

#[test]
fn a_status_report_is_not_posted_once_its_minutes_are_over() {
    let mut scene = Scene::new();
    scene.set("schedule", "status = \"* * * * * *\"");
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    scene.wait_for_state(
        "SELECT 1 FROM outbox WHERE purpose = 'awake' AND state IN ('fetched', 'sending')",
        2,
    );
    scene.kill();
    scene.sim.set_can_post(scene.hide, true);
    let said = scene.reports("awake").len();
    // Its minutes pass while the program is dead; also those of one whose post was begun.
    change(
        &scene,
        "UPDATE outbox SET expires_at = expires_at - 150
         WHERE purpose = 'awake' AND state IN ('fetched', 'sending')",
    );
    scene.set("schedule", "count = \"0 0 1 1 *\"");
    scene.start();
    scene.poll("everything to be settled", || scene.unsettled().is_empty());
    let late = scene.query(
        "SELECT 1 FROM outbox WHERE purpose = 'awake' AND state = 'sent' AND settled_at > expires_at",
        |_| Ok(()),
    );
    assert_eq!(late.len(), 0);
    let outdated = "SELECT 1 FROM outbox WHERE purpose = 'awake' AND reason = 'outdated'";
    scene.wait_for_state(outdated, 2);
    assert!(scene.reports("awake").len() >= said);
    scene.finish();
}

#[test]
fn administrators_are_learned_anew_on_schedule() {
    let mut scene = Scene::new();
    scene.set("schedule", "admins = \"*/2 * * * * *\"");
    scene.start();
    let helper = scene.sim.add_user(somebody("Helper"));
    scene.sim.join(scene.group, helper, How::ByLink);
    scene.wait_for_outcome(helper, "forwarded");
    scene.sim.set_admin(scene.group, helper, true);
    scene.poll("the administrator to be known", || {
        let admins = scene.query("SELECT user_id FROM admins", |row| row.get::<_, i64>(0));
        admins.contains(&helper)
    });
    // Whom they add is left alone, and they are trusted themselves.
    let guest = scene.sim.add_user(somebody("Guest"));
    scene.sim.join(scene.group, guest, How::AddedBy(helper));
    scene.wait_for_outcome(guest, "added_by_trusted");
    scene.finish();
}

/// The lists that were posted for BACKUP, by name.
fn saved_lists(scene: &Scene) -> BTreeMap<String, Value> {
    let posts = scene.sim.posts(scene.hide);
    posts
        .into_iter()
        .filter(|post| post.by_account && post.text.contains("\"backup\""))
        .filter_map(|post| {
            let file = post.file?;
            let plain = crate::harness::unsealed(&file.bytes);
            let whole: Value = serde_json::from_slice(&plain).expect("JSON");
            let name = whole["list"].as_str().expect("a name").to_owned();
            Some((name, whole["data"].clone()))
        })
        .collect()
}
