//! Regression tests for lists of dialogs that change while they are read, groups that fail beside healthy ones, posts
//! that are always refused, and a database and a spool that other programs changed.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use grammers_tl_types::{Deserializable as _, enums, functions as f, types};
use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, Options};

use crate::harness::{Scene, now};

const DIALOGS: &str = "messages.getDialogs";
const DIFFERENCE: &str = "updates.getChannelDifference";
const SEND_MEDIA: &str = "messages.sendMedia";
const FETCHED: &str =
    "SELECT 1 FROM outbox WHERE class = 'avatar' AND state IN ('fetched', 'sending')";
const FAILED: &str = "SELECT 1 FROM joins WHERE outcome = 'failed'";

fn scene() -> Scene {
    Scene::with_photo_size(64)
}

/// Lets `count` users with photos join a group; returns their ids.
fn join_users(scene: &Scene, group: i64, count: usize) -> BTreeSet<i64> {
    (0..count).map(|_| scene.join_user_in(group)).collect()
}

/// Adds so many dialogs with messages that every chat without one is not on the first page of the list.
fn fill_a_page_of_dialogs(scene: &Scene) {
    let owner = scene.sim.owner();
    for _ in 0..130 {
        let channel = scene.sim.add_channel("News", false);
        scene.sim.post(channel, owner, "news", None);
    }
}

/// Moves a chat to the top of the list of dialogs.
fn move_to_top(scene: &Scene, chat: i64) {
    let owner = scene.sim.owner();
    for _ in 0..3 {
        scene.sim.send_message(chat, owner, "{}");
    }
}

/// Lets a user join without a push of the join, so that only a pull shows it; returns the user's id.
fn join_without_push(scene: &Scene, group: i64) -> i64 {
    let user = scene.add_user();
    scene.sim.drop_pushes(1);
    scene.sim.join(group, user, JoinKind::ByLink);
    scene.sim.push_too_long(group);
    user
}

/// Reports whether this call asks for the archive, which the program reads after the main list.
fn is_of_the_archive(request: &f::messages::GetDialogs) -> bool {
    request.folder_id == Some(1)
}

/// Returns the push of a join by a link into the scene's group, whose `pts` it moved to `pts`.
fn push_of_join(scene: &Scene, user: i64, message: i32, pts: i32) -> enums::Updates {
    let peer_id = enums::Peer::Channel(types::PeerChannel {
        channel_id: scene.group,
    });
    let date = scene.sim.join_date(scene.group, user).expect("a member");
    let message = enums::Message::Service(types::MessageService {
        out: false,
        mentioned: false,
        media_unread: false,
        reactions_are_possible: false,
        silent: false,
        post: false,
        legacy: false,
        id: message,
        from_id: Some(enums::Peer::User(types::PeerUser { user_id: user })),
        peer_id,
        saved_peer_id: None,
        reply_to: None,
        date,
        action: enums::MessageAction::ChatJoinedByLink(types::MessageActionChatJoinedByLink {
            inviter_id: scene.sim.owner(),
        }),
        reactions: None,
        ttl_period: None,
    });
    let update = enums::Update::NewChannelMessage(types::UpdateNewChannelMessage {
        message,
        pts,
        pts_count: 1,
    });
    enums::Updates::Updates(types::Updates {
        updates: vec![update],
        users: Vec::new(),
        chats: Vec::new(),
        date,
        seq: 0,
    })
}

#[test]
fn a_late_push_of_a_join_from_before_a_clear_is_no_new_join() {
    // Pushes come in their order.
    let mut scene = Scene::with_options(Options {
        latest_push: Duration::ZERO,
        ..Options::default()
    });
    scene.start();
    let user = scene.add_user();
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    let push = push_of_join(&scene, user, message, scene.sim.pts(scene.group));
    scene.wait_for_outcome(user, "forwarded");
    let clear = json!({"admin_id": 7, "type": "all"});
    scene.obey("MANAGE", "clear", "user", &clear);
    scene.sim.push(&push);
    let later = scene.join_user();
    scene.wait_for_outcome(later, "forwarded");
    let joins = format!("SELECT 1 FROM joins WHERE user_id = {user}");
    assert_eq!(scene.count(&joins), 0);
    scene.finish();
}

#[test]
fn a_private_channel_that_moves_during_the_dialog_sync_at_start_is_found() {
    let mut scene = scene();
    fill_a_page_of_dialogs(&scene);
    let second_page = Match::method(DIALOGS).after(1).once();
    scene.sim.fault(second_page, Fault::HoldBefore);
    scene.launch();
    scene.wait_for_call(DIALOGS, 2);
    move_to_top(&scene, scene.hide);
    scene.sim.release();
    let users = join_users(&scene, scene.group, 1);
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.reports("online").len(), 1);
    scene.finish();
}

#[test]
fn a_group_that_moves_during_a_dialog_sync_stays_watched() {
    let mut scene = scene();
    fill_a_page_of_dialogs(&scene);
    scene.start_and_sync();
    let before = scene.sim.calls_of(DIALOGS).len();
    let second_page = Match::method(DIALOGS).after(1).once();
    scene.sim.fault(second_page, Fault::HoldBefore);
    scene.sim.cut_all();
    scene.wait_for_call(DIALOGS, before + 2);
    move_to_top(&scene, scene.group);
    scene.sim.release();
    scene.wait_for("the list to be read", |world| {
        world.calls_of(DIALOGS).skip(before).any(|call| {
            let request = call.decode::<f::messages::GetDialogs>();
            call.succeeded() && request.is_some_and(|request| is_of_the_archive(&request))
        })
    });
    let user = join_without_push(&scene, scene.group);
    scene.wait_for_photos_of(&BTreeSet::from([user]));
    let absent = "SELECT 1 FROM ledger WHERE NOT present";
    assert_eq!(scene.count(absent), 0);
    scene.finish();
}

#[test]
fn every_channel_of_long_dialog_lists_is_found_also_in_the_archive() {
    let mut scene = scene();
    let exchange = scene.add_exchange();
    let groups: Vec<i64> = (0..230).map(|_| scene.sim.add_group("A group")).collect();
    let owner = scene.sim.owner();
    for (number, group) in groups.iter().enumerate() {
        scene.sim.send_message(*group, owner, "hello");
        scene.sim.archive(*group, number % 2 == 0);
    }
    scene.sim.archive(scene.hide, true);
    scene.sim.archive(exchange, true);
    scene.start();
    // The other three are the scene's group, HIDE and EXCHANGE.
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE present", groups.len() + 3);
    let mut users = BTreeSet::new();
    for group in [groups[0], groups[1], groups[228], groups[229]] {
        users.extend(join_users(&scene, group, 1));
    }
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_group_joined_while_the_program_did_not_run_is_read_back_to_that_time() {
    let mut scene = scene();
    scene.start_and_sync();
    scene.kill();
    let group = scene.sim.add_group("A new group");
    let mut users = join_users(&scene, group, 5);
    let long_lived = scene.sim.add_group("With members of before");
    join_users(&scene, long_lived, 3);
    scene.sim.age_chat(long_lived, 3600);
    let entered = i32::try_from(now()).expect("a time before 2038");
    scene.sim.set_join_date(long_lived, scene.sim.me(), entered);
    scene.start();
    // The program applies later messages only after it has read back the earlier ones.
    users.extend(join_users(&scene, long_lived, 1));
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    scene.finish();
}

#[test]
fn a_group_joined_during_a_network_outage_is_read_back() {
    let mut scene = scene();
    scene.start_and_sync();
    scene.sim.refuse_connections(true);
    scene.sim.cut_all();
    let group = scene.sim.add_group("A new group");
    let users = join_users(&scene, group, 5);
    scene.sim.refuse_connections(false);
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_group_joined_during_a_dialog_sync_is_watched_from_its_first_join() {
    let mut scene = scene();
    scene.start_and_sync();
    let before = scene.sim.calls_of(DIALOGS).len();
    scene.sim.fault(Match::method(DIALOGS).once(), Fault::Hold);
    scene.sim.cut_all();
    scene.wait_for_call(DIALOGS, before + 1);
    let group = scene.sim.add_group("A new group");
    let users = join_users(&scene, group, 5);
    scene.sim.release();
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn groups_that_cannot_be_pulled_do_not_delay_another_one() {
    let mut scene = scene();
    let sick = [(); 2].map(|()| scene.sim.add_group("A sick group"));
    scene.start_and_sync();
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
    let late = sick.map(|group| join_without_push(&scene, group));
    scene.wait_for("both groups to be refused", |world| {
        let refused = world.calls_of(DIFFERENCE).filter(|c| c.error().is_some());
        refused.count() >= 2
    });
    let user = join_without_push(&scene, scene.group);
    scene.wait_for_photos_of(&BTreeSet::from([user]));
    scene.sim.clear_faults();
    scene.wait_for_photos_of(&late.into_iter().chain([user]).collect());
    scene.finish();
}

#[test]
fn a_post_that_stays_in_progress_does_not_delay_the_others() {
    let mut scene = scene();
    // At this pace a post that is retried after two seconds could take every turn.
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
    let stuck = join_users(&scene, scene.group, 1);
    scene.wait_for_call(SEND_MEDIA, 1);
    let users = join_users(&scene, scene.group, 2);
    scene.wait_for_photos_of(&users);
    scene.sim.clear_faults();
    scene.wait_for_photos_of(&users.union(&stuck).copied().collect());
    scene.finish();
}

#[test]
fn a_limited_account_keeps_its_photos_until_it_may_post_again() {
    let mut scene = scene();
    scene.start();
    scene
        .sim
        .fault(Match::method(SEND_MEDIA), Fault::error(400, "PEER_FLOOD"));
    let users = join_users(&scene, scene.group, 4);
    scene.wait_for_rows(FETCHED, users.len());
    scene.wait_for_call(SEND_MEDIA, 1);
    scene.kill();
    scene.sim.clear_faults();
    assert_eq!(scene.count(FAILED), 0);
    scene.start();
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_directory_in_the_spool_loses_no_photo() {
    let mut scene = scene();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let users = join_users(&scene, scene.group, 4);
    scene.wait_for_rows(FETCHED, users.len());
    scene.kill();
    // The photos are in the spool only.
    for user in &users {
        scene.sim.set_photo(*user, None);
    }
    let strays = ["lost+found", "strayDir"].map(|name| scene.spool().join(name));
    for stray in &strays {
        fs::create_dir(stray).expect("made");
    }
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    scene.wait_for_photos_of(&users);
    for stray in &strays {
        fs::remove_dir(stray).expect("still there");
    }
    scene.finish();
}

#[test]
fn a_pts_ahead_of_telegrams_is_corrected() {
    let mut scene = scene();
    scene.start_and_sync();
    scene.kill();
    scene.execute("UPDATE ledger SET pts = pts + 50");
    let mut users = join_users(&scene, scene.group, 2);
    scene.start();
    users.extend(join_users(&scene, scene.group, 3));
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_report_with_damaged_content_holds_up_no_other_post() {
    let mut scene = scene();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let users = join_users(&scene, scene.group, 3);
    scene.wait_for_rows(FETCHED, users.len());
    let data = json!({"admin_id": 7, "message_id": 9});
    scene.order("MANAGE", "status", "ask", &data);
    let asked = "SELECT 1 FROM outbox WHERE purpose = 'status_reply' AND state <> 'sent'";
    scene.wait_for_rows(asked, 1);
    scene.kill();
    scene.execute("UPDATE outbox SET content = 'x' WHERE purpose = 'status_reply'");
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    scene.wait_for_photos_of(&users);
    let dropped = "SELECT 1 FROM outbox WHERE state = 'dropped' AND reason = 'unreadable'";
    scene.wait_for_rows(dropped, 1);
    scene.finish();
}

#[test]
fn a_status_report_that_could_not_be_posted_in_time_is_dropped() {
    let mut scene = scene();
    let command = scene.command("run");
    let config = fs::read_to_string(scene.config_path()).expect("a configuration");
    let often = format!("{config}\n[schedule]\nstatus = \"* * * * * *\"\n");
    fs::write(scene.config_path(), often).expect("written");
    scene.launch_with(command);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE purpose = 'awake'", 1);
    scene.sim.set_can_post(scene.hide, false);
    let outdated = "SELECT 1 FROM outbox WHERE purpose = 'awake' AND reason = 'outdated'";
    scene.wait_for_rows(outdated, 3);
    scene.kill();
    let waiting = scene.query(
        "SELECT id FROM outbox WHERE purpose = 'awake' AND state <> 'sent'",
        |row| row.get::<_, i64>(0),
    );
    scene.sim.set_can_post(scene.hide, true);
    // From here on the usual schedule holds; reports are posted in the order in which they were enqueued.
    scene.start();
    let sent = scene.query(
        "SELECT id FROM outbox WHERE purpose = 'awake' AND state = 'sent'",
        |row| row.get::<_, i64>(0),
    );
    let late = waiting.iter().filter(|id| sent.contains(id)).count();
    assert!(late <= 1, "{late} posted late");
    scene.finish();
}
