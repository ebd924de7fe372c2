//! What an attempt to break the program once did break: lists that move while they are read, groups
//! in trouble beside healthy ones, posts refused without end, a store and a spool that somebody touched.

use std::collections::BTreeSet;
use std::fs;

use grammers_tl_types::{Deserializable as _, enums, functions as f};
use rusqlite::Connection;
use scp_079_avatar::exchange::format_data;
use serde_json::json;
use telegram_sim::{Fault, How, Match, Options};

use crate::harness::{PATIENCE, Scene, somebody};

const DIALOGS: &str = "messages.getDialogs";
const DIFFERENCE: &str = "updates.getChannelDifference";
const SEND_MEDIA: &str = "messages.sendMedia";
const LIST_READ: &str = "SELECT 1 FROM settings WHERE key = 'first_census'";
const FETCHED: &str =
    "SELECT 1 FROM outbox WHERE class = 'avatar' AND state IN ('fetched', 'sending')";
const FAILED: &str = "SELECT 1 FROM joins WHERE outcome = 'failed'";

/// A world of small pictures.
fn scene() -> Scene {
    Scene::with(Options {
        photo_size: (64, 64),
        ..Options::default()
    })
}

fn join_some(scene: &Scene, group: i64, count: usize) -> BTreeSet<i64> {
    (0..count)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(group, user, How::ByLink);
            user
        })
        .collect()
}

/// These users' photos arrive, each once, and nobody else's.
fn arrive_once(scene: &Scene, users: &BTreeSet<i64>) {
    let photos = scene.wait_for_photos(users.len());
    let who: Vec<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!(who.len(), users.len(), "{who:?}");
    assert_eq!(&who.into_iter().collect::<BTreeSet<_>>(), users);
}

/// Adds dialogs that push everything without a message off the first page of the list.
fn fill_a_page_of_dialogs(scene: &Scene) {
    let owner = scene.sim.owner();
    for _ in 0..130 {
        let channel = scene.sim.add_channel("News", false);
        scene.sim.post(channel, owner, "news", None);
    }
}

/// Moves a chat to the top of the list of dialogs, past all that hold one message.
fn bump(scene: &Scene, chat: i64) {
    let owner = scene.sim.owner();
    for _ in 0..3 {
        scene.sim.message(chat, owner, "{}");
    }
}

/// Lets somebody join so that only a pull can tell of it.
fn join_unpushed(scene: &Scene, group: i64) -> i64 {
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.skip_pushes(1);
    scene.sim.join(group, user, How::ByLink);
    scene.sim.push_too_long(group);
    user
}

/// Changes `state.db` while the program is down.
fn change_state(scene: &Scene, sql: &str) {
    let database = Connection::open(scene.state()).expect("a database");
    assert!(database.execute(sql, []).expect("done") > 0, "{sql}");
    database.close().expect("closed");
}

/// A list of the archive, asked for after the main list is read.
fn is_of_the_archive(request: &f::messages::GetDialogs) -> bool {
    request.folder_id == Some(1)
}

#[test]
fn a_private_channel_that_moves_while_the_list_is_read_at_start_is_found() {
    let mut scene = scene();
    fill_a_page_of_dialogs(&scene);
    let second_page = Match::method(DIALOGS).after(1).once();
    scene.sim.fault(second_page, Fault::HoldBefore);
    scene.launch();
    scene
        .sim
        .wait_for_call(DIALOGS, 2, PATIENCE)
        .expect("a second page");
    bump(&scene, scene.hide);
    scene.sim.release();
    let users = join_some(&scene, scene.group, 1);
    arrive_once(&scene, &users);
    assert_eq!(scene.reports("online").len(), 1);
    scene.finish();
}

#[test]
fn a_group_that_moves_while_the_list_is_read_stays_watched() {
    let mut scene = scene();
    fill_a_page_of_dialogs(&scene);
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    let before = scene.sim.calls_of(DIALOGS).len();
    let second_page = Match::method(DIALOGS).after(1).once();
    scene.sim.fault(second_page, Fault::HoldBefore);
    scene.sim.cut_all();
    scene
        .sim
        .wait_for_call(DIALOGS, before + 2, PATIENCE)
        .expect("a second page");
    bump(&scene, scene.group);
    scene.sim.release();
    scene.wait_for("the list to be read", |world| {
        world.calls_of(DIALOGS).skip(before).any(|call| {
            let request = call.decode::<f::messages::GetDialogs>();
            call.succeeded() && request.is_some_and(|request| is_of_the_archive(&request))
        })
    });
    let user = join_unpushed(&scene, scene.group);
    arrive_once(&scene, &BTreeSet::from([user]));
    let absent = "SELECT 1 FROM ledger WHERE NOT present";
    assert_eq!(scene.query(absent, |_| Ok(())).len(), 0);
    scene.finish();
}

#[test]
fn every_channel_of_long_lists_is_found_also_in_the_archive() {
    let mut scene = scene();
    let exchange = scene.exchange();
    let groups: Vec<i64> = (0..230).map(|_| scene.sim.add_group("A group")).collect();
    let owner = scene.sim.owner();
    for (number, group) in groups.iter().enumerate() {
        scene.sim.message(*group, owner, "hello");
        scene.sim.archive(*group, number % 2 == 0);
    }
    scene.sim.archive(scene.hide, true);
    scene.sim.archive(exchange, true);
    scene.start();
    // And the group of every scene, HIDE, EXCHANGE.
    scene.wait_for_state("SELECT 1 FROM ledger WHERE present", groups.len() + 3);
    let mut users = BTreeSet::new();
    for group in [groups[0], groups[1], groups[228], groups[229]] {
        users.extend(join_some(&scene, group, 1));
    }
    arrive_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_group_joined_while_the_program_was_down_is_read_back_to_that_moment() {
    let mut scene = scene();
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    scene.kill();
    let group = scene.sim.add_group("Joined meanwhile");
    let mut users = join_some(&scene, group, 5);
    let long_lived = scene.sim.add_group("With members of before");
    join_some(&scene, long_lived, 3);
    scene
        .sim
        .set_join_date(long_lived, scene.sim.me(), i32::MAX);
    scene.start();
    // What comes after the messages that were read back is told only once they are.
    users.extend(join_some(&scene, long_lived, 1));
    arrive_once(&scene, &users);
    assert_eq!(scene.outcomes().len(), users.len());
    scene.finish();
}

#[test]
fn a_group_joined_while_the_network_was_cut_is_read_back() {
    let mut scene = scene();
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    scene.sim.refuse_connections(true);
    scene.sim.cut_all();
    let group = scene.sim.add_group("Joined meanwhile");
    let users = join_some(&scene, group, 5);
    scene.sim.refuse_connections(false);
    arrive_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_group_joined_while_the_list_is_read_is_watched_from_its_first_join() {
    let mut scene = scene();
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    let before = scene.sim.calls_of(DIALOGS).len();
    scene.sim.fault(Match::method(DIALOGS).once(), Fault::Hold);
    scene.sim.cut_all();
    scene
        .sim
        .wait_for_call(DIALOGS, before + 1, PATIENCE)
        .expect("a list");
    let group = scene.sim.add_group("Joined meanwhile");
    let users = join_some(&scene, group, 5);
    scene.sim.release();
    arrive_once(&scene, &users);
    scene.finish();
}

#[test]
fn groups_that_cannot_be_pulled_do_not_hold_up_another() {
    let mut scene = scene();
    let sick = [(); 2].map(|()| scene.sim.add_group("A sick group"));
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    scene.sim.fault(
        Match::method(DIFFERENCE).when(move |request| {
            let arguments = request.get(4..).unwrap_or_default();
            f::updates::GetChannelDifference::from_bytes(arguments).is_ok_and(|call| {
                matches!(call.channel, enums::InputChannel::Channel(channel)
                    if sick.contains(&channel.channel_id))
            })
        }),
        Fault::error(500, "PERSISTENT_TIMESTAMP_OUTDATED"),
    );
    let late = sick.map(|group| join_unpushed(&scene, group));
    scene.wait_for("both groups to be refused", |world| {
        let refused = world.calls_of(DIFFERENCE).filter(|c| c.error().is_some());
        refused.count() >= 2
    });
    let user = join_unpushed(&scene, scene.group);
    arrive_once(&scene, &BTreeSet::from([user]));
    scene.sim.clear_faults();
    arrive_once(&scene, &late.into_iter().chain([user]).collect());
    scene.finish();
}

#[test]
fn a_post_that_stays_under_way_does_not_hold_up_the_others() {
    let mut scene = scene();
    // At this pace, what is tried again after two seconds could be tried every time.
    scene.set("delivery", "min_interval_ms = 2500");
    scene.start();
    let first = std::sync::Mutex::new(None);
    scene.sim.fault(
        Match::method(SEND_MEDIA).when(move |request| {
            let arguments = request.get(4..).unwrap_or_default();
            f::messages::SendMedia::from_bytes(arguments).is_ok_and(|call| {
                let mut first = first.lock().expect("not poisoned");
                *first.get_or_insert(call.random_id) == call.random_id
            })
        }),
        Fault::error(500, "RANDOM_ID_DUPLICATE"),
    );
    let stuck = join_some(&scene, scene.group, 1);
    scene
        .sim
        .wait_for_call(SEND_MEDIA, 1, PATIENCE)
        .expect("a post");
    let users = join_some(&scene, scene.group, 2);
    arrive_once(&scene, &users);
    scene.sim.clear_faults();
    arrive_once(&scene, &users.union(&stuck).copied().collect());
    scene.finish();
}

#[test]
fn a_limited_account_keeps_its_photos_until_it_may_post_again() {
    let mut scene = scene();
    scene.start();
    scene
        .sim
        .fault(Match::method(SEND_MEDIA), Fault::error(400, "PEER_FLOOD"));
    let users = join_some(&scene, scene.group, 4);
    scene.wait_for_state(FETCHED, users.len());
    scene
        .sim
        .wait_for_call(SEND_MEDIA, 1, PATIENCE)
        .expect("a post");
    scene.kill();
    scene.sim.clear_faults();
    assert_eq!(scene.query(FAILED, |_| Ok(())).len(), 0);
    scene.start();
    arrive_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_directory_in_the_spool_costs_no_photo() {
    let mut scene = scene();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let users = join_some(&scene, scene.group, 4);
    scene.wait_for_state(FETCHED, users.len());
    scene.kill();
    // The spool is all there is of them.
    for user in &users {
        scene.sim.set_photo(*user, None);
    }
    let strays = ["lost+found", "strayDir"].map(|name| scene.data_dir().join("spool").join(name));
    for stray in &strays {
        fs::create_dir(stray).expect("made");
    }
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    arrive_once(&scene, &users);
    for stray in &strays {
        fs::remove_dir(stray).expect("left alone");
    }
    scene.finish();
}

#[test]
fn a_ledger_ahead_of_telegram_is_noticed() {
    let mut scene = scene();
    scene.start();
    scene.wait_for_state(LIST_READ, 1);
    scene.kill();
    change_state(&scene, "UPDATE ledger SET pts = pts + 50");
    let mut users = join_some(&scene, scene.group, 2);
    scene.start();
    users.extend(join_some(&scene, scene.group, 3));
    arrive_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_report_with_damaged_content_holds_up_no_other_post() {
    let mut scene = scene();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let users = join_some(&scene, scene.group, 3);
    scene.wait_for_state(FETCHED, users.len());
    let data = json!({"admin_id": 7, "message_id": 9});
    let text = format_data("MANAGE", &["AVATAR"], "status", "ask", &data);
    let owner = scene.sim.owner();
    scene.sim.post(scene.hide, owner, &text, None);
    let asked = "SELECT 1 FROM outbox WHERE purpose = 'status_reply' AND state <> 'sent'";
    scene.wait_for_state(asked, 1);
    scene.kill();
    change_state(
        &scene,
        "UPDATE outbox SET content = 'x' WHERE purpose = 'status_reply'",
    );
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    arrive_once(&scene, &users);
    let dropped = "SELECT 1 FROM outbox WHERE state = 'dropped' AND reason = 'unreadable'";
    scene.wait_for_state(dropped, 1);
    scene.finish();
}

#[test]
fn a_status_that_could_not_be_said_in_time_is_not_said_late() {
    let mut scene = scene();
    let command = scene.command("run");
    let config = fs::read_to_string(scene.config_path()).expect("a configuration");
    let often = format!("{config}\n[schedule]\nstatus = \"* * * * * *\"\n");
    fs::write(scene.config_path(), often).expect("written");
    scene.launch_as(command);
    scene.wait_for_state("SELECT 1 FROM outbox WHERE purpose = 'awake'", 1);
    scene.sim.set_can_post(scene.hide, false);
    let outdated = "SELECT 1 FROM outbox WHERE purpose = 'awake' AND reason = 'outdated'";
    scene.wait_for_state(outdated, 3);
    scene.kill();
    let enqueue = scene.query(
        "SELECT id FROM outbox WHERE purpose = 'awake' AND state <> 'sent'",
        |row| row.get::<_, i64>(0),
    );
    scene.sim.set_can_post(scene.hide, true);
    // From here on by the usual schedule; reports are posted in the order in which they were owed.
    scene.start();
    let said = scene.query(
        "SELECT id FROM outbox WHERE purpose = 'awake' AND state = 'sent'",
        |row| row.get::<_, i64>(0),
    );
    let late = enqueue.iter().filter(|id| said.contains(id)).count();
    assert!(late <= 1, "{late} said late");
    scene.finish();
}
