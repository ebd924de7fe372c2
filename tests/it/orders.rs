//! The fleet's orders, each row of SPEC §5.5 end to end; and the reports of §5.3.

mod reports;
mod table;

use scp_079_avatar::exchange::format_data;
use scp_079_avatar::file_codec::{DecodedFile, Decoder};
use serde_json::{Value, json};
use telegram_sim::{Fault, How, Match, Post, bot_api_id};

use crate::harness::{PASSWORD, Scene, somebody};

/// Posts an envelope in HIDE, as the HIDE bot carries it across.
pub(crate) fn order(
    scene: &Scene,
    from: &str,
    to: &[&str],
    action: &str,
    kind: &str,
    data: &Value,
) -> i32 {
    order_with(scene, from, to, (action, kind), data, None)
}

fn order_with(
    scene: &Scene,
    from: &str,
    to: &[&str],
    (action, kind): (&str, &str),
    data: &Value,
    file: Option<&[u8]>,
) -> i32 {
    let text = format_data(from, to, action, kind, data);
    let owner = scene.sim.owner();
    let file = file.map(|bytes| ("file", bytes));
    scene.sim.post(scene.hide, owner, &text, file)
}

/// Waits until the order in this post has this verdict in `state.db`.
pub(crate) fn heard(scene: &Scene, message: i32, verdict: &str) {
    scene.poll(&format!("order {message} to be {verdict}"), || {
        scene
            .query(
                &format!("SELECT verdict FROM orders WHERE message_id = {message}"),
                |row| row.get::<_, String>(0),
            )
            .first()
            .is_some_and(|found| found.contains(verdict))
    });
}

pub(crate) fn avatar(scene: &Scene, action: &str, kind: &str, from: &str, data: &Value) {
    let message = order(scene, from, &["AVATAR"], action, kind, data);
    heard(scene, message, "obeyed");
}

/// The envelopes that were posted with this action and type.
fn said(scene: &Scene, action: &str, kind: &str) -> Vec<(Value, Post)> {
    said_in(scene, scene.posts_go_to(), action, kind)
}

/// The envelopes that were posted in that channel with this action and type.
fn said_in(scene: &Scene, channel: i64, action: &str, kind: &str) -> Vec<(Value, Post)> {
    scene
        .sim
        .posts(channel)
        .into_iter()
        .filter(|post| post.by_account)
        .filter_map(|post| {
            let said: Value = serde_json::from_str(&post.text).ok()?;
            (said["action"] == action && said["type"] == kind).then_some((said, post))
        })
        .collect()
}

fn wait_said(scene: &Scene, action: &str, kind: &str, count: usize) -> Vec<(Value, Post)> {
    scene.poll(&format!("{count} × {action}/{kind}"), || {
        said(scene, action, kind).len() >= count
    });
    said(scene, action, kind)
}

fn opened(post: &Post) -> DecodedFile {
    let file = post.file.as_ref().expect("a file");
    Decoder::new(&PASSWORD.into())
        .decode(&file.bytes)
        .expect("it opens")
}

fn text_of(post: &Post) -> String {
    match opened(post) {
        DecodedFile::Other(plain) => String::from_utf8(plain).expect("a text"),
        other => panic!("no text: {other:?}"),
    }
}

/// Holds the photos back, so that orders meet them while they wait.
pub(crate) fn hold_photos(scene: &Scene) {
    scene.sim.fault(
        Match::method("upload.getFile"),
        Fault::error(500, "INTERNAL"),
    );
}

#[test]
fn each_row_is_obeyed_from_its_senders_and_refused_from_another() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    let group = bot_api_id(scene.group);
    for row in table::rows(group, user) {
        let file = row.list.map(|list| match list {
            "bad_ids" => sealed_list(list, json!({"users": [user], "channels": []})),
            list => sealed_list(list, json!({"a rule": 0})),
        });
        let give = |from: &str| {
            order_with(
                &scene,
                from,
                &[row.to],
                row.action,
                &row.data,
                file.as_deref(),
            )
        };
        if let Some((sender, why)) = row.refused {
            let message = give(sender);
            heard(&scene, message, why);
        }
        for sender in row.senders {
            let message = give(sender);
            scene.poll(&format!("the row {:?} from {sender}", row.name), || {
                scene
                    .query(
                        &format!(
                            "SELECT 1 FROM orders WHERE message_id = {message} AND verdict = 'obeyed'"
                        ),
                        |_| Ok(()),
                    )
                    .len()
                    == 1
            });
        }
    }
    scene.finish();
}

#[test]
fn the_daily_backup_and_count_come_on_schedule() {
    let mut scene = Scene::new();
    // Twice a minute, so that a slow start misses one of them only.
    #[expect(
        clippy::disallowed_methods,
        reason = "the daemon's own clock is the system's"
    )]
    let now = std::time::SystemTime::now();
    let now = jiff::Timestamp::try_from(now)
        .expect("a time")
        .to_zoned(jiff::tz::TimeZone::UTC);
    let second = |later: i8| (now.second() + later) % 60;
    let at = format!("{},{} * * * * *", second(4), second(34));
    scene.set("schedule", &format!("backup = \"{at}\"\ncount = \"{at}\""));
    scene.set("exchange", "dialect = \"current\"");
    scene.start();
    update_rules(&scene, "ban_words", json!({"a rule": 5}));
    let lists = wait_said(&scene, "backup", "data", 1);
    assert_eq!(lists[0].0["to"], json!(["BACKUP"]));
    let counts = wait_said(&scene, "regex", "count", 1);
    assert_eq!(counts[0].0["data"], "ban_words");
    scene.finish();
}

#[test]
fn mutilated_envelopes_change_nothing() {
    let mut scene = Scene::new();
    scene.start();
    let vectors: Vec<Value> = serde_json::from_str(include_str!(
        "../../crates/fleet-exchange/tests/fixtures/exchange.json"
    ))
    .expect("vectors");
    let owner = scene.sim.owner();
    let mut posts = 0;
    for (number, vector) in vectors.iter().enumerate() {
        let text = vector["text"].as_str().expect("a text");
        for cut in [text.len() / 3, text.len() / 2, text.len() - 2 - number % 3] {
            scene.sim.post(scene.hide, owner, &text[..cut], None);
            scene
                .sim
                .post(scene.hide, owner, &text.replacen('"', "'", cut), None);
            posts += 2;
        }
    }
    let last = order(
        &scene,
        "MANAGE",
        &["AVATAR"],
        "clear",
        "except",
        &json!({"admin_id": 7, "type": "long"}),
    );
    heard(&scene, last, "obeyed");
    let malformed = scene.query(
        "SELECT value FROM settings WHERE key = 'malformed'",
        |row| row.get::<_, String>(0),
    );
    assert_eq!(malformed, [posts.to_string()]);
    for table in ["bad", "excepted", "declared", "flooded", "rules"] {
        assert_eq!(
            scene
                .query(&format!("SELECT 1 FROM {table}"), |_| Ok(()))
                .len(),
            0,
            "{table}"
        );
    }
    scene.finish();
}

#[test]
fn a_bad_user_is_skipped_and_what_waits_is_cancelled_until_taken_off() {
    let mut scene = Scene::new();
    scene.start();
    hold_photos(&scene);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "queued");
    avatar(
        &scene,
        "add",
        "bad",
        "NOSPAM",
        &json!({"id": user, "type": "user"}),
    );
    scene.wait_for_outcome(user, "bad");
    scene.sim.leave(scene.group, user);
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'bad'", 2);
    avatar(
        &scene,
        "remove",
        "bad",
        "USER",
        &json!({"id": user, "type": "user"}),
    );
    assert_eq!(scene.outcomes().get(&user), None, "the records are cleared");
    scene.sim.clear_faults();
    scene.sim.leave(scene.group, user);
    scene.sim.join(scene.group, user, How::ByLink);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn bad_channels_are_kept_and_each_part_is_cleared_by_manage() {
    let mut scene = Scene::new();
    scene.start();
    let channel = bot_api_id(1_234_567_890);
    let user = scene.sim.add_user(somebody("Joiner"));
    avatar(
        &scene,
        "add",
        "bad",
        "MANAGE",
        &json!({"id": channel, "type": "channel"}),
    );
    avatar(
        &scene,
        "add",
        "bad",
        "CLEAN",
        &json!({"id": user, "type": "user"}),
    );
    avatar(
        &scene,
        "add",
        "except",
        "NOSPAM",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_state("SELECT 1 FROM bad", 2);
    for (action, what, table) in [
        (
            "bad",
            "channels",
            "SELECT 1 FROM bad WHERE kind = 'channel'",
        ),
        ("bad", "users", "SELECT 1 FROM bad WHERE kind = 'user'"),
        (
            "except",
            "long",
            "SELECT 1 FROM excepted UNION SELECT 1 FROM exceptions_due",
        ),
    ] {
        avatar(
            &scene,
            "clear",
            action,
            "MANAGE",
            &json!({"admin_id": 7, "type": what}),
        );
        assert_eq!(scene.query(table, |_| Ok(())).len(), 0, "{what}");
    }
    // Only MANAGE and NOSPAM may name a channel.
    let message = order(
        &scene,
        "CLEAN",
        &["AVATAR"],
        "add",
        "bad",
        &json!({"id": channel, "type": "channel"}),
    );
    heard(&scene, message, "may not order it");
    scene.finish();
}

#[test]
fn users_are_cleared_all_or_new_and_one_by_one() {
    let mut scene = Scene::new();
    scene.start();
    let users: Vec<i64> = (0..3)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect();
    scene.wait_for_photos(3);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 3);
    avatar(&scene, "remove", "score", "MANAGE", &json!(users[0]));
    assert_eq!(scene.outcomes().get(&users[0]), None);
    avatar(
        &scene,
        "clear",
        "user",
        "MANAGE",
        &json!({"admin_id": 7, "type": "new"}),
    );
    assert!(scene.outcomes().is_empty());
    assert_eq!(scene.query("SELECT 1 FROM forwarded", |_| Ok(())).len(), 2);
    avatar(
        &scene,
        "clear",
        "user",
        "MANAGE",
        &json!({"admin_id": 7, "type": "all"}),
    );
    assert_eq!(scene.query("SELECT 1 FROM forwarded", |_| Ok(())).len(), 0);
    scene.finish();
}

#[test]
fn an_excepted_photo_is_not_forwarded_until_it_is_taken_off() {
    let mut scene = Scene::new();
    scene.start();
    hold_photos(&scene);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "queued");
    avatar(
        &scene,
        "add",
        "except",
        "NOSPAM",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_outcome(user, "excepted");
    avatar(
        &scene,
        "remove",
        "except",
        "MANAGE",
        &json!({"id": user, "type": "long"}),
    );
    scene.wait_for_state(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM excepted) AND NOT EXISTS (SELECT 1 FROM exceptions_due)",
        1,
    );
    scene.sim.clear_faults();
    scene.sim.leave(scene.group, user);
    scene.sim.join(scene.group, user, How::ByLink);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn a_declared_message_cancels_its_photo_before_and_while_it_waits() {
    let mut scene = Scene::new();
    scene.start();
    hold_photos(&scene);
    for (from, action, kind) in [
        ("NOSPAM", "update", "declare"),
        ("CAPTCHA", "declare", "ban"),
        ("LONG", "declare", "delete"),
    ] {
        let user = scene.sim.add_user(somebody("Joiner"));
        let message = scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_outcome(user, "queued");
        let data = json!({"group_id": bot_api_id(scene.group), "message_id": message});
        avatar(&scene, action, kind, from, &data);
        scene.wait_for_outcome(user, "declared");
    }
    // Declared before the join is seen at all: the next message's number is known.
    scene.sim.clear_faults();
    let user = scene.sim.add_user(somebody("Joiner"));
    let next = scene.sim.message(scene.group, scene.sim.owner(), "talk") + 1;
    let data = json!({"group_id": bot_api_id(scene.group), "message_id": next});
    avatar(&scene, "update", "declare", "CLEAN", &data);
    assert_eq!(scene.sim.join(scene.group, user, How::ByLink), next);
    scene.wait_for_outcome(user, "declared");
    assert!(scene.photos().is_empty());
    scene.finish();
}

#[test]
fn a_flooded_groups_photos_wait_and_are_decided_anew_at_its_end() {
    let mut scene = Scene::new();
    scene.start();
    hold_photos(&scene);
    let waiting = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, waiting, How::ByLink);
    scene.wait_for_outcome(waiting, "queued");
    let group = bot_api_id(scene.group);
    let flood = |status: &str| json!({"group_id": group, "status": status});
    avatar(&scene, "flood", "status", "CAPTCHA", &flood("begin"));
    scene.wait_for_outcome(waiting, "held");
    let during = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, during, How::ByLink);
    scene.wait_for_outcome(during, "held");
    scene.sim.clear_faults();
    // Decided anew: one of them has lost the photo meanwhile.
    scene.sim.set_photo(waiting, None);
    scene.kill();
    scene.start();
    avatar(&scene, "flood", "status", "CAPTCHA", &flood("end"));
    assert_eq!(scene.wait_for_photos(1)[0].user, during);
    scene.wait_for_outcome(waiting, "no_photo");
    scene.finish();
}

#[test]
fn a_kicked_users_photo_and_join_are_dropped_there_and_nowhere_else() {
    let mut scene = Scene::new();
    let other = scene.sim.add_group("Another group");
    scene.start();
    hold_photos(&scene);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.sim.join(other, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'queued'", 2);
    let data = json!({"group_id": bot_api_id(scene.group), "user_id": user, "type": "single"});
    // Addressed to USER; NOSPAM's is not for AVATAR's ears.
    order(&scene, "NOSPAM", &["USER"], "help", "delete", &data);
    let message = order(&scene, "WARN", &["USER"], "help", "delete", &data);
    heard(&scene, message, "obeyed");
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'kicked'", 1);
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].group, bot_api_id(other));
    scene.finish();
}

#[test]
fn version_and_status_are_answered_in_both_dialects() {
    for dialect in ["classic", "current"] {
        let mut scene = Scene::new();
        scene.set("exchange", &format!("dialect = \"{dialect}\""));
        scene.start();
        let chat = bot_api_id(1_700_000_001);
        let ask = json!({"admin_id": 7, "message_id": 9, "group_id": chat});
        avatar(&scene, "version", "ask", "HIDE", &ask);
        let version = scp_079_avatar::version::VERSION;
        if dialect == "classic" {
            let reply = &wait_said(&scene, "version", "reply", 1)[0].0;
            assert_eq!(reply["to"], json!(["HIDE"]));
            assert_eq!(
                reply["data"],
                json!({"admin_id": 7, "message_id": 9, "version": version})
            );
        } else {
            let (reply, post) = &wait_said(&scene, "help", "send", 1)[0];
            assert_eq!(reply["data"], json!({"chat_id": chat, "message_id": 9}));
            let text = text_of(post);
            assert!(text.contains(version), "{text}");
            assert!(text.contains(scp_079_avatar::version::COMMIT), "{text}");
        }
        avatar(
            &scene,
            "status",
            "ask",
            "MANAGE",
            &json!({"admin_id": 7, "message_id": 11}),
        );
        let (reply, post) = &wait_said(&scene, "status", "reply", 1)[0];
        assert_eq!(reply["to"], json!(["MANAGE"]));
        assert_eq!(reply["data"], json!({"admin_id": 7, "message_id": 11}));
        let figures: Value = serde_json::from_str(&text_of(post)).expect("JSON");
        assert_eq!(figures["data"]["groups"], 1);
        scene.finish();
    }
}

#[test]
fn rules_are_replaced_hit_and_counted() {
    let mut scene = Scene::new();
    scene.start();
    update_rules(
        &scene,
        "nm_words",
        json!({"加.{0,3}微信": 0, "(?<!x)spam": 0, "(unclosed": 0}),
    );
    scene.poll("the broken rule to be named", || {
        scene.log().contains("nm_words, rule 3")
    });
    for name in ["Best SPAM", "加我微信", "Honest"] {
        let user = scene.sim.add_user(somebody(name));
        scene.sim.join(scene.group, user, How::ByLink);
        let outcome = if name == "Honest" {
            "forwarded"
        } else {
            "named"
        };
        scene.wait_for_outcome(user, outcome);
    }
    // A rule that stays keeps its hits.
    update_rules(&scene, "nm_words", json!({"(?<!x)spam": 0, "new": 0}));
    avatar(&scene, "regex", "count", "REGEX", &json!("ask"));
    let (caption, post) = &wait_said(&scene, "regex", "count", 1)[0];
    assert_eq!(caption["to"], json!(["REGEX"]));
    assert_eq!(caption["data"], "nm_words");
    let DecodedFile::List(counts) = opened(post) else {
        panic!("no counts")
    };
    assert_eq!(
        counts.to_json().expect("JSON")["data"],
        json!({"(?<!x)spam": 1, "new": 0})
    );
    assert!(
        !scene.log().contains("微信"),
        "a name or rule is in the log"
    );
    scene.finish();
}

#[test]
fn rules_with_more_hits_than_can_be_counted_still_hit_and_are_told() {
    let mut scene = Scene::new();
    scene.start();
    update_rules(
        &scene,
        "nm_words",
        json!({"advert": u64::MAX, "poker": u64::MAX}),
    );
    let user = scene.sim.add_user(somebody("An advert"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "named");
    let asked = json!({"admin_id": 7, "message_id": 8});
    avatar(&scene, "status", "ask", "MANAGE", &asked);
    avatar(&scene, "regex", "count", "REGEX", &json!("ask"));
    scene.finish();
}

#[test]
fn bios_are_matched_where_they_are_to_be_checked() {
    let mut scene = Scene::new();
    scene.set("custom", "check_bio = true");
    scene.start();
    update_rules(&scene, "bio_words", json!({"cheap .* here": 0}));
    for (bio, outcome) in [("cheap\nthings here", "named"), ("a poet", "forwarded")] {
        let user = scene.sim.add_user(somebody("Joiner").about(bio));
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_outcome(user, outcome);
    }
    // A bio that cannot be had does not keep a photo back.
    scene
        .sim
        .fault(Match::method("users.getFullUser"), Fault::FloodWait(1000));
    let user = scene
        .sim
        .add_user(somebody("Joiner").about("cheap things here"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

#[test]
fn backup_now_posts_each_list_and_rollback_brings_one_back() {
    let mut scene = Scene::new();
    scene.start();
    let bad = scene.sim.add_user(somebody("Joiner"));
    avatar(
        &scene,
        "add",
        "bad",
        "NOSPAM",
        &json!({"id": bad, "type": "user"}),
    );
    scene.wait_for_state("SELECT 1 FROM admins", 1);
    avatar(&scene, "backup", "now", "MANAGE", &Value::Null);
    let lists = wait_said(&scene, "backup", "pickle", 2);
    let names: Vec<&str> = lists
        .iter()
        .filter_map(|(said, _)| said["data"].as_str())
        .collect();
    assert!(
        names.contains(&"bad_ids") && names.contains(&"admin_ids"),
        "{names:?}"
    );
    let saved = lists
        .iter()
        .find(|(said, _)| said["data"] == "bad_ids")
        .map(|(_, post)| post.file.clone().expect("a file").bytes)
        .expect("the bad list");
    avatar(
        &scene,
        "clear",
        "bad",
        "MANAGE",
        &json!({"admin_id": 7, "type": "users"}),
    );
    // A file of another list is refused, and so is a damaged one; nothing changes.
    let mut damaged = saved.clone();
    let middle = damaged.len() - 20;
    damaged[middle] ^= 1;
    for (list, file, why) in [
        ("except_ids", &saved, "bad_ids"),
        ("bad_ids", &damaged, "does not open"),
    ] {
        let message = order_with(
            &scene,
            "MANAGE",
            &["AVATAR"],
            ("backup", "rollback"),
            &json!({"admin_id": 7, "type": list}),
            Some(file),
        );
        heard(&scene, message, why);
    }
    assert_eq!(scene.query("SELECT 1 FROM bad", |_| Ok(())).len(), 0);
    let message = order_with(
        &scene,
        "MANAGE",
        &["AVATAR"],
        ("backup", "rollback"),
        &json!({"admin_id": 7, "type": "bad_ids"}),
        Some(&saved),
    );
    heard(&scene, message, "obeyed");
    let back = scene.query("SELECT id FROM bad", |row| row.get::<_, i64>(0));
    assert_eq!(back, [bad]);
    let kept = std::fs::read_dir(scene.data_dir())
        .expect("readable")
        .filter(|file| {
            let name = file.as_ref().expect("a file").file_name();
            name.to_string_lossy().starts_with("replaced-bad_ids")
        })
        .count();
    assert_eq!(kept, 1);
    scene.finish();
}

#[test]
fn administrators_are_learned_anew_when_manage_says_so() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_for_state("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 1);
    let user = scene.sim.add_user(somebody("Admin"));
    let adder = scene.sim.owner();
    scene.sim.join(scene.group, user, How::AddedBy(adder));
    scene.wait_for_outcome(user, "added_by_trusted");
    scene.sim.set_admin(scene.group, user, true);
    avatar(&scene, "update", "refresh", "MANAGE", &json!(7));
    scene.wait_for_state(&format!("SELECT 1 FROM admins WHERE user_id = {user}"), 1);
    scene.finish();
}

#[test]
fn manages_orders_are_reported_to_the_debug_channel() {
    let mut scene = Scene::new();
    let debug = bot_api_id(1_700_000_009);
    scene.set("channels", &format!("debug_channel_id = {debug}"));
    scene.start();
    avatar(
        &scene,
        "clear",
        "user",
        "MANAGE",
        &json!({"admin_id": 77, "type": "all"}),
    );
    let (said, post) = &wait_said(&scene, "help", "send", 1)[0];
    assert_eq!(said["to"], json!(["HIDE"]));
    assert_eq!(said["data"], json!({"chat_id": debug, "message_id": null}));
    let text = text_of(post);
    assert!(
        text.contains("77") && text.contains("users cleared"),
        "{text}"
    );
    scene.finish();
}

#[test]
fn exchange_gives_way_to_hide_and_comes_back() {
    let mut scene = Scene::new();
    let exchange = scene.exchange();
    scene.start();
    // EXCHANGE fails for good: the order is passed on once, in HIDE, and the photo goes there.
    scene.sim.set_can_post(exchange, false);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.poll("the photo in HIDE", || {
        scene.photos_in(scene.hide).len() == 1
    });
    let emergencies = || {
        let posts = scene.sim.posts(scene.hide);
        posts
            .iter()
            .filter(|post| post.by_account && post.text.contains("\"EMERGENCY\""))
            .count()
    };
    assert_eq!(emergencies(), 1);
    // The choice survives a restart: the report goes to HIDE.
    scene.sim.set_can_post(exchange, true);
    scene.kill();
    scene.launch();
    let hide = scene.hide;
    scene.wait_for("the report in HIDE", |world| {
        let posts = world.posts(hide);
        posts
            .iter()
            .any(|post| post.by_account && post.text.contains("\"online\""))
    });
    // Anybody may call the emergency, only MANAGE ends it.
    let message = order(
        &scene,
        "CLEAN",
        &["EMERGENCY"],
        "backup",
        "hide",
        &json!(false),
    );
    heard(&scene, message, "may not order it");
    let message = order(
        &scene,
        "MANAGE",
        &["EMERGENCY"],
        "backup",
        "hide",
        &json!(false),
    );
    heard(&scene, message, "obeyed");
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.poll("the photo in EXCHANGE", || {
        scene.photos_in(exchange).len() == 1
    });
    let message = order(
        &scene,
        "USER",
        &["EMERGENCY"],
        "backup",
        "hide",
        &json!(true),
    );
    heard(&scene, message, "obeyed");
    scene.poll("the order passed on once more", || {
        let posts = scene.sim.posts(scene.hide);
        let passed_on = posts
            .iter()
            .filter(|post| post.by_account && post.text.contains("\"EMERGENCY\""));
        passed_on.count() == 2
    });
    scene.finish();
}

#[test]
fn orders_given_while_the_program_was_down_are_obeyed_once_in_order() {
    let mut scene = Scene::new();
    scene.start();
    scene.kill();
    let user = scene.sim.add_user(somebody("Joiner"));
    let data = json!({"id": user, "type": "user"});
    for round in 0..3 {
        let action = if round % 2 == 0 { "add" } else { "remove" };
        order(&scene, "NOSPAM", &["AVATAR"], action, "bad", &data);
    }
    scene.start();
    scene.wait_for_state("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 3);
    assert_eq!(scene.query("SELECT 1 FROM bad", |_| Ok(())).len(), 1);
    // The same channel pulled once more changes nothing.
    order(&scene, "NOSPAM", &["AVATAR"], "remove", "bad", &data);
    scene.wait_for_state("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 4);
    scene.sim.push_too_long(scene.hide);
    scene.sim.cut_all();
    let last = order(
        &scene,
        "MANAGE",
        &["AVATAR"],
        "remove",
        "score",
        &json!(user),
    );
    heard(&scene, last, "obeyed");
    assert_eq!(scene.query("SELECT 1 FROM bad", |_| Ok(())).len(), 0);
    scene.finish();
}

#[test]
fn what_is_no_order_is_counted_and_changes_nothing() {
    let mut scene = Scene::new();
    scene.start();
    let owner = scene.sim.owner();
    for text in [
        "good morning",
        "{\"from\": \"NOSPAM\"",
        "{\"from\": 1, \"to\": [], \"action\": \"add\", \"type\": \"bad\", \"data\": NaN}",
        &"[".repeat(4000),
    ] {
        scene.sim.post(scene.hide, owner, text, None);
    }
    let message = order(
        &scene,
        "LANG",
        &["AVATAR"],
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "all"}),
    );
    heard(&scene, message, "may not order it");
    scene.wait_for_state(
        "SELECT 1 FROM settings WHERE key = 'malformed' AND value = '4'",
        1,
    );
    scene.finish();
}

#[test]
fn the_python_kind_is_written_where_it_is_configured() {
    let mut scene = Scene::new();
    scene.set("exchange", "files = \"python\"");
    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    let photo = scene
        .sim
        .posts(scene.hide)
        .into_iter()
        .find(|post| post.file.is_some())
        .expect("a photo");
    let bytes = &photo.file.as_ref().expect("a file").bytes;
    assert!(bytes.starts_with(b"AES\x02"));
    let DecodedFile::Photo(png) = opened(&photo) else {
        panic!("no photo")
    };
    assert!(png.starts_with(b"\x89PNG"));
    scene.finish();
}

/// REGEX replaces a list of rules.
pub(crate) fn update_rules(scene: &Scene, list: &str, rules: Value) {
    let message = order_with(
        scene,
        "REGEX",
        &["AVATAR", "NOSPAM"],
        ("regex", "update"),
        &json!(list),
        Some(&sealed_list(list, rules)),
    );
    heard(scene, message, "obeyed");
}

/// A list's sealed file, as another of the fleet would make it.
fn sealed_list(name: &str, data: Value) -> Vec<u8> {
    let sealer = fleet_files::sealed::Sealer::new(&PASSWORD.into()).expect("a key");
    let json = scp_079_avatar::list_file::sealed_json::document(name, data, "2026-01-01T00:00:00Z");
    sealer.seal_bytes(&json).expect("sealed")
}
