//! Several instances, each with its own account in the same groups, that do one job (docs/several-accounts.md).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use scp_079_avatar::exchange::reports::avatar;
use scp_079_avatar::model::{ChannelId, MessageId, UserId};
use serde_json::{Value, json};
use telegram_sim::{Fault, JoinKind, Match, Options, Post};

use crate::harness::{Scene, assert_contains, output_of, user_with_photo};

/// The limit of the one wait for a minute of silence.
const MINUTES: Duration = Duration::from_secs(180);

/// Makes instances that share the members, the first one first, and starts them. Each post is followed by a pause of
/// `interval_ms`.
fn start(count: usize, interval_ms: u32) -> Vec<Scene> {
    let first = Scene::with_options(Options {
        photo_size: (64, 64),
        ..Options::default()
    });
    let mut scenes = vec![first];
    for _ in 1..count {
        let next = scenes[0].another_instance();
        scenes.push(next);
    }
    for (index, scene) in scenes.iter_mut().enumerate() {
        scene.set("mode", &format!("share = \"{}/{count}\"", index + 1));
        scene.set(
            "delivery",
            &format!("pace = \"steady\"\nmin_interval_ms = {interval_ms}"),
        );
        launch(scene);
    }
    scenes
}

/// Starts an instance, and waits until it follows its channels. Only the first one sends a report that says so.
fn launch(scene: &mut Scene) {
    let before = scene.log().matches("watching").count();
    scene.launch();
    scene.poll("the start", || {
        scene.log().matches("watching").count() > before
    });
}

/// Lets users join whose ids follow each other from this number on; returns the ids.
fn join_users(scene: &Scene, numbers: Range<i64>) -> BTreeSet<i64> {
    numbers
        .map(|number| {
            let spec = user_with_photo("Joiner").id(6_600_000_000 + number);
            let user = scene.sim.add_user(spec);
            scene.sim.join(scene.group, user, JoinKind::ByLink);
            user
        })
        .collect()
}

fn account_of(scene: &Scene) -> i64 {
    let sql = "SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'account'";
    scene.query(sql, |row| row.get(0))[0]
}

/// Returns the photos in HIDE, oldest first, with the users that they show.
fn photos(posts: Vec<Post>) -> Vec<(i64, Post)> {
    let photos = posts.into_iter().filter(|post| post.file.is_some());
    let with_user = |post: Post| {
        let caption: Value = serde_json::from_str(&post.text).expect("JSON");
        (caption["data"]["user_id"].as_i64().expect("an id"), post)
    };
    photos.map(with_user).collect()
}

/// Returns the accounts that posted each user's photo.
fn posters(scene: &Scene) -> BTreeMap<i64, Vec<i64>> {
    let mut posters: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (user, post) in photos(scene.sim.posts(scene.hide)) {
        posters.entry(user).or_default().push(post.from);
    }
    posters
}

fn owner(user: i64, instances: usize) -> usize {
    usize::try_from(user).expect("positive") % instances
}

fn finish(scenes: Vec<Scene>) {
    // The instances go on reading each other's photos until all of them have settled.
    for scene in &scenes {
        scene.wait_until_settled();
    }
    for scene in scenes {
        scene.finish();
    }
}

#[test]
fn each_photo_of_a_raid_is_posted_once_by_the_instance_of_its_member() {
    for count in [2, 3] {
        let scenes = start(count, 0);
        let accounts: Vec<i64> = scenes.iter().map(account_of).collect();
        let users = join_users(&scenes[0], 0..24);
        scenes[0].wait_for_photos_of(&users);
        for (user, from) in posters(&scenes[0]) {
            assert_eq!(from, [accounts[owner(user, count)]], "{user} of {count}");
        }
        for (index, scene) in scenes.iter().enumerate() {
            for user in &users {
                let is_own = owner(*user, count) == index;
                scene.wait_for_outcome(*user, if is_own { "forwarded" } else { "taken" });
            }
        }
        // Both commands say whose the members are.
        let other = users.iter().find(|user| owner(**user, count) == 0);
        let other = other.expect("a member of the first instance").to_string();
        let print = |arguments: &[&str]| {
            let mut command = scenes[1].command(arguments[0]);
            let (code, out, err) = output_of(command.args(&arguments[1..]));
            assert_eq!(code, Some(0), "{err}");
            out
        };
        let instance = format!("1/{count}: photos are posted here only while");
        let why = print(&["why", &other]);
        assert_contains(&why, &["taken: another account", &instance, "(HIDE)"]);
        let share = format!("2/{count}; 0 photos of other instances' members wait");
        assert_contains(&print(&["status"]), &["  taken", &share]);
        finish(scenes);
    }
}

#[test]
fn the_members_of_a_dead_instance_come_from_another_one_a_minute_later() {
    // The third instance covers for ten seconds, and the turn of the first one comes after five.
    let mut scenes = start(3, 700);
    let accounts: Vec<i64> = scenes.iter().map(account_of).collect();
    let posted_by = |posts: Vec<Post>, account: i64| {
        let photos = photos(posts).into_iter();
        photos.filter(|(_, post)| post.from == account).count()
    };
    let of_second = |users: &BTreeSet<i64>| -> BTreeSet<i64> {
        let users = users.iter().filter(|user| owner(**user, 3) == 1);
        users.copied().collect()
    };
    // The second instance dies during its fourth post, which has not reached HIDE yet.
    let fourth = Match::method("messages.sendMedia").account(accounts[1]);
    scenes[0]
        .sim
        .fault(fourth.after(3).once(), Fault::HoldBefore);
    let mut users = join_users(&scenes[0], 0..36);
    let hide = scenes[0].hide;
    assert_eq!(of_second(&users).len(), 12);
    scenes[0].wait_for("the first photos, and a post that is held", |world| {
        let posted = [0, 2].map(|index| posted_by(world.posts(hide), accounts[index]));
        posted == [12, 12] && world.held() == 1
    });
    scenes[1].kill();
    let killed_at = scenes[0].sim.read(|world| world.elapsed());
    // Only an instance that reads HIDE right before it covers sees what the other one has posted.
    scenes[0].sim.set_silent(hide, true);
    users.extend(join_users(&scenes[0], 36..48));
    let all_posted = scenes[0].sim.wait(
        |world| {
            let posted: BTreeSet<i64> = photos(world.posts(hide))
                .into_iter()
                .map(|(u, _)| u)
                .collect();
            (posted == users).then_some(())
        },
        MINUTES,
    );
    assert!(all_posted.is_ok(), "{}", scenes[0].log());
    scenes[0].sim.set_silent(hide, false);
    let second = of_second(&users);
    let covered: Vec<(i64, Post)> = photos(scenes[0].sim.posts(hide))
        .into_iter()
        .filter(|(user, post)| second.contains(user) && post.from != accounts[1])
        .collect();
    assert_eq!(covered.len(), 12 + 4 - 3);
    let last_sign = photos(scenes[0].sim.posts(hide))
        .iter()
        .filter(|(_, post)| post.from == accounts[1])
        .map(|(_, post)| post.at)
        .max()
        .expect("three photos");
    assert!(last_sign <= killed_at);
    for (_, post) in &covered {
        assert!(post.at >= last_sign + Duration::from_secs(60), "{post:?}");
    }
    // The second instance comes back. Its fourth post, which both have begun, arrives; it posts nothing else again, also
    // not for those who joined meanwhile.
    let next = &mut scenes[1];
    launch(next);
    next.sim.release();
    scenes[1].wait_until_settled();
    let twice: Vec<i64> = posters(&scenes[0])
        .into_iter()
        .filter(|(_, from)| from.len() > 1)
        .map(|(user, from)| {
            assert_eq!((from.len(), from[1]), (2, accounts[1]), "{user}");
            user
        })
        .collect();
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert_eq!(
        posters(&scenes[0]).keys().copied().collect::<BTreeSet<_>>(),
        users
    );
    for user in &second {
        let from = &posters(&scenes[0])[user];
        let outcome = if from.contains(&accounts[1]) {
            "forwarded"
        } else {
            "taken"
        };
        scenes[1].wait_for_outcome(*user, outcome);
    }
    finish(scenes);
}

#[test]
fn an_instance_that_comes_back_reads_hide_before_it_posts_its_own_photos() {
    let mut scene = Scene::with_photo_size(64);
    let other = scene.sim.add_account("Another account");
    scene.set("mode", "share = \"2/2\"");
    // Each run posts one photo.
    scene.set("delivery", "min_interval_ms = 3600000");
    launch(&mut scene);
    join_users(&scene, 0..6);
    let waiting = "SELECT user_id FROM outbox WHERE state = 'fetched' AND user_id % 2 = 1
         ORDER BY created_at DESC, id DESC";
    scene.wait_for_photos(1);
    scene.wait_for_rows(waiting, 2);
    scene.kill();
    let waiting: Vec<i64> = scene.query(waiting, |row| row.get(0));
    let [newest, next] = waiting[..] else {
        panic!("{waiting:?}");
    };
    // Another account covered for the photo that would be the next one.
    let (group, user) = (ChannelId::from_bare(scene.group), UserId::new(newest));
    let covered = avatar(group, user, MessageId::new(0));
    scene.sim.post(scene.hide, other, &covered, None);
    // The program does not hear otherwise that HIDE moved.
    for method in ["messages.getDialogs", "messages.getPeerDialogs"] {
        scene.sim.fault(Match::method(method), Fault::Hold);
    }
    launch(&mut scene);
    scene.wait_for_outcome(next, "forwarded");
    scene.wait_for_outcome(newest, "taken");
    scene.sim.clear_faults();
    scene.sim.release();
    assert!(!posters(&scene).contains_key(&newest));
    scene.kill();
    assert_eq!(scene.sim.failures(), Vec::<String>::new());
}

#[test]
fn a_photo_whose_post_met_a_rate_limit_is_taken_like_one_that_was_not_begun() {
    let mut scene = Scene::with_photo_size(64);
    let other = scene.sim.add_account("Another account");
    scene.set("mode", "share = \"2/2\"");
    launch(&mut scene);
    let limited = Match::method("messages.sendMedia").once();
    scene.sim.fault(limited, Fault::FloodWait(20));
    let user = *join_users(&scene, 1..2).first().expect("a user");
    scene.wait_for_call("messages.sendMedia", 1);
    scene.wait_for_log("rate limit");
    // Another account covers meanwhile.
    let (group, member) = (ChannelId::from_bare(scene.group), UserId::new(user));
    let covered = avatar(group, member, MessageId::new(0));
    scene.sim.post(scene.hide, other, &covered, None);
    scene.wait_for_outcome(user, "taken");
    scene.finish();
}

#[test]
fn every_instance_obeys_and_the_first_one_alone_reports() {
    let mut scenes = start(2, 0);
    for scene in &mut scenes {
        scene.stop();
        let debug = scene.sim.add_group("Debug");
        let id = telegram_sim::bot_api_id(debug);
        scene.set("channels", &format!("debug_channel_id = {id}"));
        launch(scene);
    }
    let first = &scenes[0];
    let orders = [
        first.order("NOSPAM", "add", "bad", &json!({"id": 5, "type": "user"})),
        first.order("MANAGE", "backup", "now", &json!(null)),
        first.order(
            "MANAGE",
            "status",
            "ask",
            &json!({"admin_id": 7, "message_id": 8}),
        ),
        first.order(
            "HIDE",
            "version",
            "ask",
            &json!({"admin_id": 7, "message_id": 9}),
        ),
        first.order("REGEX", "regex", "count", &json!("ask")),
        first.order_to("EMERGENCY", "BACKUP", "backup", "hide", &json!(true)),
    ];
    for scene in &scenes {
        for message in orders {
            scene.wait_for_verdict(message, "obeyed");
        }
        scene.wait_for_rows("SELECT 1 FROM bad WHERE id = 5", 1);
    }
    for (action, kind) in [
        ("backup", "pickle"),
        ("status", "reply"),
        ("version", "reply"),
        ("help", "send"),
    ] {
        first.wait_for_envelopes(action, kind, 1);
    }
    let second = account_of(&scenes[1]);
    for scene in &scenes {
        scene.wait_until_settled();
    }
    let posts = scenes[0].sim.posts(scenes[0].hide);
    let of_second: Vec<&Post> = posts.iter().filter(|post| post.from == second).collect();
    assert!(of_second.is_empty(), "{of_second:?}");
    let lists = scenes[0].envelopes("backup", "pickle").into_iter();
    let lists: Vec<String> = lists.map(|list| list.json["data"].to_string()).collect();
    let distinct: BTreeSet<&String> = lists.iter().collect();
    assert_eq!(distinct.len(), lists.len(), "{lists:?}");
    assert!(!scenes[0].reports("online").is_empty());
    finish(scenes);
}

#[test]
fn a_photo_of_another_account_means_nothing_to_the_only_instance() {
    let mut scene = Scene::with_photo_size(64);
    let other = scene.sim.add_account("Another account");
    scene.start();
    let user = scene.join_user();
    scene.wait_for_photos(1);
    // A report that another account posted means nothing to it.
    let posted = photos(scene.sim.posts(scene.hide)).remove(0).1;
    scene.sim.post(scene.hide, other, &posted.text, None);
    scene.obey("NOSPAM", "add", "bad", &json!({"id": 5, "type": "user"}));
    assert_eq!(scene.count("SELECT 1 FROM others_avatars"), 0);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}
