//! The program among the other bots of the fleet (docs/fleet.md), for which the stand-ins of `fleet-sim` post and read.

use std::collections::BTreeMap;

use fleet_sim::{Channels, Files, Fleet, Verdict};
use scp_079_avatar::version::{COMMIT, VERSION};
use telegram_sim::JoinKind;

use crate::harness::{PASSWORD, Scene, TIMEOUT, now, utc};

/// The two kinds of a fleet, by the program's settings.
const KINDS: [(&str, &str); 2] = [("classic", "sealed"), ("current", "python")];

/// Adds a fleet of this kind to a scene without EXCHANGE, and starts the daemon.
fn start(scene: &mut Scene, (dialect, files): (&str, &str)) -> Fleet {
    let settings = format!("dialect = \"{dialect}\"\nfiles = \"{files}\"");
    scene.set("exchange", &settings);
    let channels = Channels::hide_only(&scene.sim, scene.hide);
    let files = match files {
        "sealed" => Files::sealed(PASSWORD),
        _ => Files::python(PASSWORD),
    };
    let fleet = Fleet::new(&scene.sim, channels, files);
    scene.start();
    fleet
}

/// Waits until the fleet has what `look` returns.
#[track_caller]
fn wait<T>(
    scene: &Scene,
    fleet: &mut Fleet,
    what: &str,
    look: impl FnMut(&Fleet) -> Option<T>,
) -> T {
    fleet
        .wait(&scene.sim, TIMEOUT, look)
        .unwrap_or_else(|error| panic!("waiting for {what}: {error}\n{}", scene.log()))
}

/// Lets the fleet act until a user's latest join has this outcome.
fn wait_for_outcome(scene: &Scene, fleet: &mut Fleet, user: i64, outcome: &str) {
    wait_for_photo(scene, fleet, user);
    scene.wait_for_outcome(user, outcome);
}

/// Waits until NOSPAM has opened a photo of this user.
fn wait_for_photo(scene: &Scene, fleet: &mut Fleet, user: i64) {
    wait(scene, fleet, "a photo", |fleet| {
        fleet.nospam.photos_of(user).next().map(|_| ())
    });
}

fn finish(scene: Scene, mut fleet: Fleet) {
    fleet.act(&scene.sim);
    assert_eq!(fleet.problems, Vec::<String>::new());
    scene.finish();
}

#[test]
fn version_typed_in_test_is_answered_in_test_in_both_dialects() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let mut fleet = start(&mut scene, kind);
        let asked = fleet.test.type_version(&scene.sim);
        let answer = wait(&scene, &mut fleet, "the version", |fleet| {
            fleet.hide.answer_to(asked).cloned()
        });
        let in_test = scene.sim.posts(fleet.test.group);
        let posted = in_test.last().expect("an answer");
        assert_eq!((posted.id, &posted.text), (answer.message, &answer.text));
        assert!(!posted.by_account);
        assert!(answer.text.contains(VERSION), "{}", answer.text);
        assert_eq!(kind.0 == "current", answer.text.contains(COMMIT));
        assert_eq!(fleet.hide.answers.len(), 1);
        finish(scene, fleet);
    }
}

#[test]
fn nospam_excepts_a_photo_declares_a_join_and_calls_a_user_bad() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let other_group = scene.sim.add_group("Another group");
        let mut fleet = start(&mut scene, kind);
        let [excepted, declared, bad] = [(); 3].map(|()| scene.add_user());
        fleet.nospam.set_verdict(excepted, Verdict::Except);
        fleet.nospam.set_verdict(declared, Verdict::Declare);
        fleet.nospam.set_verdict(bad, Verdict::Bad);
        let group = scene.group;
        for user in [excepted, declared, bad] {
            scene.sim.join(group, user, JoinKind::ByLink);
            wait_for_outcome(&scene, &mut fleet, user, "forwarded");
        }
        scene.wait_for_rows("SELECT 1 FROM excepted", 1);
        scene.wait_for_rows("SELECT 1 FROM bad", 1);
        scene.wait_for_rows("SELECT 1 FROM declared", 1);
        // The photo of an excepted user and that of a bad one are not posted for another group.
        for (user, outcome) in [
            (excepted, "excepted"),
            (bad, "bad"),
            (declared, "forwarded"),
        ] {
            scene.sim.join(other_group, user, JoinKind::ByLink);
            let rows = format!(
                "SELECT 1 FROM joins WHERE user_id = {user} AND group_id = {other_group}
                 AND outcome = '{outcome}'"
            );
            scene.wait_for_rows(&rows, 1);
        }
        wait(&scene, &mut fleet, "the fourth photo", |fleet| {
            (fleet.nospam.photos.len() == 4).then_some(())
        });
        finish(scene, fleet);
    }
}

#[test]
fn a_photo_that_waits_is_cancelled_if_nospam_declares_its_join() {
    let mut scene = Scene::new();
    let mut fleet = start(&mut scene, KINDS[0]);
    scene.refuse_downloads();
    let user = scene.add_user();
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "queued");
    fleet.nospam.declare(&scene.sim, scene.group, message);
    fleet.act(&scene.sim);
    scene.wait_for_outcome(user, "declared");
    scene.sim.clear_faults();
    let next = scene.join_user();
    wait_for_photo(&scene, &mut fleet, next);
    assert_eq!(fleet.nospam.photos.len(), 1);
    finish(scene, fleet);
}

#[test]
fn a_list_that_backup_kept_is_restored_by_manage() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let mut fleet = start(&mut scene, kind);
        let user = scene.add_user();
        fleet.nospam.set_verdict(user, Verdict::Bad);
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        wait_for_outcome(&scene, &mut fleet, user, "forwarded");
        scene.wait_for_rows("SELECT 1 FROM bad", 1);
        fleet.manage.back_up_now(&scene.sim);
        let saved = wait(&scene, &mut fleet, "bad_ids", |fleet| {
            fleet.backup.lists.get("bad_ids").cloned()
        });
        assert_eq!(saved.content.ids("users"), Some(vec![user]));
        fleet.manage.clear_bad_users(&scene.sim);
        fleet.act(&scene.sim);
        scene.poll("the list to be cleared", || {
            scene.count("SELECT 1 FROM bad") == 0
        });
        fleet.manage.roll_back(&scene.sim, "bad_ids", &saved);
        fleet.act(&scene.sim);
        scene.wait_for_rows(&format!("SELECT 1 FROM bad WHERE id = {user}"), 1);
        finish(scene, fleet);
    }
}

#[test]
fn backup_keeps_the_status_reports_and_the_daily_lists() {
    let mut scene = Scene::new();
    // The jobs run twice a minute, so that a slow start misses one run only, and the test ends between two runs.
    let second = |later: i64| utc(now() + later).second();
    let at = format!("{},{} * * * * *", second(6), second(36));
    scene.set("schedule", &format!("status = \"{at}\"\nbackup = \"{at}\""));
    let mut fleet = start(&mut scene, KINDS[0]);
    let user = scene.join_user();
    wait_for_photo(&scene, &mut fleet, user);
    wait(&scene, &mut fleet, "the reports and lists", |fleet| {
        let awake = fleet.backup.reports.iter().any(|word| word == "awake");
        (awake && fleet.backup.lists.contains_key("user_ids")).then_some(())
    });
    assert_eq!(fleet.backup.reports[0], "online");
    finish(scene, fleet);
}

#[test]
fn rules_of_regex_skip_a_name_and_their_hits_are_counted() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let mut fleet = start(&mut scene, kind);
        let files = match kind.1 {
            "sealed" => Files::sealed(PASSWORD),
            _ => Files::python(PASSWORD),
        };
        let rules = ["Joi.er", "no such name"];
        fleet
            .regex
            .send_rules(&scene.sim, &files, "nm_words", &rules);
        fleet.act(&scene.sim);
        scene.wait_for_rows("SELECT 1 FROM rules", 2);
        let user = scene.join_user();
        scene.wait_for_outcome(user, "named");
        fleet.regex.ask_for_counts(&scene.sim);
        let counts = wait(&scene, &mut fleet, "counts", |fleet| {
            fleet.regex.counts.get("nm_words").cloned()
        });
        let expected = [("Joi.er".to_owned(), 1), ("no such name".to_owned(), 0)];
        assert_eq!(counts, BTreeMap::from(expected));
        assert_eq!(fleet.nospam.photos, []);
        finish(scene, fleet);
    }
}

#[test]
fn manage_gets_the_figures_of_the_status() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let mut fleet = start(&mut scene, kind);
        fleet.manage.ask_for_status(&scene.sim, 17);
        let reply = wait(&scene, &mut fleet, "the status", |fleet| {
            fleet.manage.replies.first().cloned()
        });
        assert_eq!((reply.message, reply.figures["groups"]), (17, 1));
        finish(scene, fleet);
    }
}

#[test]
fn an_order_that_hide_copies_into_its_channel_is_carried_out_with_both_channels() {
    let mut scene = Scene::new();
    let exchange = scene.add_exchange();
    let channels = Channels::both(scene.hide, exchange);
    let mut fleet = Fleet::new(&scene.sim, channels, Files::sealed(PASSWORD));
    scene.start();
    let user = scene.add_user();
    fleet.nospam.set_verdict(user, Verdict::Bad);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    wait_for_outcome(&scene, &mut fleet, user, "forwarded");
    scene.wait_for_rows("SELECT 1 FROM bad", 1);
    assert_eq!(fleet.hide.copied, 1);
    // The order is recorded once for each channel in which it was read.
    scene.wait_for_rows("SELECT 1 FROM orders", 2);
    let asked = fleet.test.type_version(&scene.sim);
    wait(&scene, &mut fleet, "the version", |fleet| {
        fleet.hide.answer_to(asked).map(|_| ())
    });
    assert_eq!(fleet.hide.carried, 0);
    finish(scene, fleet);
}
