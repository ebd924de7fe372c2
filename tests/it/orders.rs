//! The fleet's orders end to end, and the reports that the program posts (docs/exchange.md, "Orders" and "Reports").

mod files;
mod reports;
mod table;

use scp_079_avatar::file_codec::DecodedFile;
use serde_json::{Value, json};
use telegram_sim::{Fault, JoinKind, Match, bot_api_id};

use crate::harness::{Scene, now, open_file, sealed_list, user_with_photo, utc};

#[test]
fn each_order_is_obeyed_from_its_senders_and_refused_from_another() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene.add_user();
    let group = bot_api_id(scene.group);
    for row in table::rows(group, user) {
        let file = row.list.map(|list| match list {
            "bad_ids" => sealed_list(list, json!({"users": [user], "channels": []})),
            list => sealed_list(list, json!({"a rule": 0})),
        });
        let order = |from: &str| {
            scene.post_envelope(from, &[row.to], row.action, &row.data, file.as_deref())
        };
        if let Some((sender, reason)) = row.refused {
            println!("{} from {sender}", row.name);
            let message = order(sender);
            scene.wait_for_verdict(message, reason);
        }
        for sender in row.senders {
            println!("{} from {sender}", row.name);
            let message = order(sender);
            scene.wait_for_verdict(message, "obeyed");
        }
    }
    scene.finish();
}

#[test]
fn backup_and_count_run_on_schedule() {
    let mut scene = Scene::new();
    // The jobs run twice a minute, so that a slow start misses one run only.
    let second = |later: i64| utc(now() + later).second();
    let at = format!("{},{} * * * * *", second(4), second(34));
    scene.set("schedule", &format!("backup = \"{at}\"\ncount = \"{at}\""));
    scene.set("exchange", "dialect = \"current\"");
    scene.start();
    scene.update_rules("ban_words", json!({"a rule": 5}));
    let lists = scene.wait_for_envelopes("backup", "data", 1);
    assert_eq!(lists[0].json["to"], json!(["BACKUP"]));
    let counts = scene.wait_for_envelopes("regex", "count", 1);
    assert_eq!(counts[0].json["data"], "ban_words");
    scene.finish();
}

#[test]
fn malformed_envelopes_are_counted_and_change_nothing() {
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
    let last = scene.order(
        "MANAGE",
        "clear",
        "except",
        &json!({"admin_id": 7, "type": "long"}),
    );
    scene.wait_for_verdict(last, "obeyed");
    let malformed = scene.query(
        "SELECT value FROM settings WHERE key = 'malformed'",
        |row| row.get::<_, String>(0),
    );
    assert_eq!(malformed, [posts.to_string()]);
    for table in ["bad", "excepted", "declared", "flooded", "rules"] {
        assert_eq!(scene.count(&format!("SELECT 1 FROM {table}")), 0, "{table}");
    }
    scene.finish();
}

#[test]
fn a_bad_user_is_skipped_and_queued_photos_are_cancelled_until_removed() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    scene.obey("NOSPAM", "add", "bad", &json!({"id": user, "type": "user"}));
    scene.wait_for_outcome(user, "bad");
    scene.rejoin(user);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'bad'", 2);
    scene.obey(
        "USER",
        "remove",
        "bad",
        &json!({"id": user, "type": "user"}),
    );
    assert_eq!(
        scene.outcomes().get(&user),
        None,
        "the user's records are still there"
    );
    scene.sim.clear_faults();
    scene.rejoin(user);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn bad_channels_are_stored_and_manage_clears_each_list() {
    let mut scene = Scene::new();
    scene.start();
    let channel = bot_api_id(1_234_567_890);
    let user = scene.add_user();
    scene.obey(
        "MANAGE",
        "add",
        "bad",
        &json!({"id": channel, "type": "channel"}),
    );
    scene.obey("CLEAN", "add", "bad", &json!({"id": user, "type": "user"}));
    scene.obey(
        "NOSPAM",
        "add",
        "except",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_rows("SELECT 1 FROM bad", 2);
    for (kind, list, rows) in [
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
        scene.obey(
            "MANAGE",
            "clear",
            kind,
            &json!({"admin_id": 7, "type": list}),
        );
        assert_eq!(scene.count(rows), 0, "{list}");
    }
    // Only MANAGE and NOSPAM may name a channel.
    let message = scene.order(
        "CLEAN",
        "add",
        "bad",
        &json!({"id": channel, "type": "channel"}),
    );
    scene.wait_for_verdict(message, "may not order it");
    scene.finish();
}

#[test]
fn users_are_cleared_all_new_or_one_by_one() {
    let mut scene = Scene::new();
    scene.start();
    let users = scene.join_users(3);
    scene.wait_for_photos(3);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 3);
    scene.obey("MANAGE", "remove", "score", &json!(users[0]));
    assert_eq!(scene.outcomes().get(&users[0]), None);
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "new"}),
    );
    assert!(scene.outcomes().is_empty());
    assert_eq!(scene.count("SELECT 1 FROM forwarded"), 2);
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "all"}),
    );
    assert_eq!(scene.count("SELECT 1 FROM forwarded"), 0);
    scene.finish();
}

#[test]
fn an_excepted_photo_is_not_forwarded_until_it_is_removed() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    scene.obey(
        "NOSPAM",
        "add",
        "except",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_outcome(user, "excepted");
    scene.obey(
        "MANAGE",
        "remove",
        "except",
        &json!({"id": user, "type": "long"}),
    );
    scene.wait_for_rows(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM excepted) AND NOT EXISTS (SELECT 1 FROM exceptions_due)",
        1,
    );
    scene.sim.clear_faults();
    scene.rejoin(user);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn a_declared_message_cancels_its_photo_before_the_join_and_while_queued() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    for (from, action, kind) in [
        ("NOSPAM", "update", "declare"),
        ("CAPTCHA", "declare", "ban"),
        ("LONG", "declare", "delete"),
    ] {
        let user = scene.add_user();
        let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_outcome(user, "queued");
        let data = json!({"group_id": bot_api_id(scene.group), "message_id": message});
        scene.obey(from, action, kind, &data);
        scene.wait_for_outcome(user, "declared");
    }
    // The order comes before the join, whose message id can be predicted.
    scene.sim.clear_faults();
    let user = scene.add_user();
    let next = scene
        .sim
        .send_message(scene.group, scene.sim.owner(), "talk")
        + 1;
    let data = json!({"group_id": bot_api_id(scene.group), "message_id": next});
    scene.obey("CLEAN", "update", "declare", &data);
    assert_eq!(scene.sim.join(scene.group, user, JoinKind::ByLink), next);
    scene.wait_for_outcome(user, "declared");
    assert!(scene.photos().is_empty());
    scene.finish();
}

#[test]
fn photos_of_a_flooded_group_wait_and_are_decided_again_at_its_end() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let waiting = scene.join_user();
    scene.wait_for_outcome(waiting, "queued");
    let group = bot_api_id(scene.group);
    let flood = |status: &str| json!({"group_id": group, "status": status});
    scene.obey("CAPTCHA", "flood", "status", &flood("begin"));
    scene.wait_for_outcome(waiting, "held");
    let during = scene.join_user();
    scene.wait_for_outcome(during, "held");
    scene.sim.clear_faults();
    // When the flood ends, one of the users shows no photo any more.
    scene.sim.set_photo(waiting, None);
    scene.kill();
    scene.start();
    scene.obey("CAPTCHA", "flood", "status", &flood("end"));
    assert_eq!(scene.wait_for_photos(1)[0].user, during);
    scene.wait_for_outcome(waiting, "no_photo");
    scene.finish();
}

#[test]
fn a_kick_drops_the_photo_and_join_in_that_group_only() {
    let mut scene = Scene::new();
    let other = scene.sim.add_group("Another group");
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.sim.join(other, user, JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'queued'", 2);
    let data = json!({"group_id": bot_api_id(scene.group), "user_id": user, "type": "single"});
    // The order is addressed to USER; AVATAR obeys it from WARN and ignores it from NOSPAM.
    scene.order_to("USER", "NOSPAM", "help", "delete", &data);
    let message = scene.order_to("USER", "WARN", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'kicked'", 1);
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
        scene.obey("HIDE", "version", "ask", &ask);
        let version = scp_079_avatar::version::VERSION;
        if dialect == "classic" {
            let reply = &scene.wait_for_envelopes("version", "reply", 1)[0].json;
            assert_eq!(reply["to"], json!(["HIDE"]));
            assert_eq!(
                reply["data"],
                json!({"admin_id": 7, "message_id": 9, "version": version})
            );
        } else {
            let reply = &scene.wait_for_envelopes("help", "send", 1)[0];
            assert_eq!(
                reply.json["data"],
                json!({"chat_id": chat, "message_id": 9})
            );
            let text = reply.text();
            assert!(text.contains(version), "{text}");
            assert!(text.contains(scp_079_avatar::version::COMMIT), "{text}");
        }
        scene.obey(
            "MANAGE",
            "status",
            "ask",
            &json!({"admin_id": 7, "message_id": 11}),
        );
        let reply = &scene.wait_for_envelopes("status", "reply", 1)[0];
        assert_eq!(reply.json["to"], json!(["MANAGE"]));
        assert_eq!(reply.json["data"], json!({"admin_id": 7, "message_id": 11}));
        let figures: Value = serde_json::from_str(&reply.text()).expect("JSON");
        assert_eq!(figures["data"]["groups"], 1);
        scene.finish();
    }
}

#[test]
fn rules_are_replaced_matched_and_counted() {
    let mut scene = Scene::new();
    scene.start();
    scene.update_rules(
        "nm_words",
        json!({"加.{0,3}微信": 0, "(?<!x)spam": 0, "(unclosed": 0}),
    );
    scene.wait_for_log("nm_words, rule 3");
    for name in ["Best SPAM", "加我微信", "Honest"] {
        let user = scene.sim.add_user(user_with_photo(name));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        let outcome = if name == "Honest" {
            "forwarded"
        } else {
            "named"
        };
        scene.wait_for_outcome(user, outcome);
    }
    // A rule that is in the new list too keeps its hits.
    scene.update_rules("nm_words", json!({"(?<!x)spam": 0, "new": 0}));
    scene.obey("REGEX", "regex", "count", &json!("ask"));
    let counts = &scene.wait_for_envelopes("regex", "count", 1)[0];
    assert_eq!(counts.json["to"], json!(["REGEX"]));
    assert_eq!(counts.json["data"], "nm_words");
    let DecodedFile::List(list) = counts.open() else {
        panic!("not a list")
    };
    assert_eq!(
        list.to_json().expect("JSON")["data"],
        json!({"(?<!x)spam": 1, "new": 0})
    );
    assert!(
        !scene.log().contains("微信"),
        "a name or rule is in the log"
    );
    scene.finish();
}

#[test]
fn rules_with_the_largest_hit_counts_still_match_and_are_reported() {
    let mut scene = Scene::new();
    scene.start();
    scene.update_rules("nm_words", json!({"advert": u64::MAX, "poker": u64::MAX}));
    let user = scene.sim.add_user(user_with_photo("An advert"));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "named");
    let asked = json!({"admin_id": 7, "message_id": 8});
    scene.obey("MANAGE", "status", "ask", &asked);
    scene.obey("REGEX", "regex", "count", &json!("ask"));
    scene.finish();
}

#[test]
fn bios_are_matched_if_check_bio_is_set() {
    let mut scene = Scene::new();
    scene.set("custom", "check_bio = true");
    scene.start();
    scene.update_rules("bio_words", json!({"cheap .* here": 0}));
    for (bio, outcome) in [("cheap\nthings here", "named"), ("a poet", "forwarded")] {
        let user = scene.sim.add_user(user_with_photo("Joiner").about(bio));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_outcome(user, outcome);
    }
    // A bio that cannot be read does not hold back a photo.
    scene
        .sim
        .fault(Match::method("users.getFullUser"), Fault::FloodWait(1000));
    let user = scene
        .sim
        .add_user(user_with_photo("Joiner").about("cheap things here"));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

#[test]
fn backup_now_posts_each_list_and_rollback_restores_one() {
    let mut scene = Scene::new();
    scene.start();
    let bad = scene.add_user();
    scene.obey("NOSPAM", "add", "bad", &json!({"id": bad, "type": "user"}));
    scene.wait_for_rows("SELECT 1 FROM admins", 1);
    scene.obey("MANAGE", "backup", "now", &Value::Null);
    let lists = scene.wait_for_envelopes("backup", "pickle", 2);
    let names: Vec<&str> = lists
        .iter()
        .filter_map(|envelope| envelope.json["data"].as_str())
        .collect();
    assert!(
        names.contains(&"bad_ids") && names.contains(&"admin_ids"),
        "{names:?}"
    );
    let saved = lists
        .iter()
        .find(|envelope| envelope.json["data"] == "bad_ids")
        .map(|envelope| envelope.post.file.clone().expect("a file").bytes)
        .expect("the bad list");
    scene.obey(
        "MANAGE",
        "clear",
        "bad",
        &json!({"admin_id": 7, "type": "users"}),
    );
    // A file of another list and a damaged file are refused and change nothing.
    let mut damaged = saved.clone();
    let middle = damaged.len() - 20;
    damaged[middle] ^= 1;
    for (list, file, reason) in [
        ("except_ids", &saved, "bad_ids"),
        ("bad_ids", &damaged, "does not open"),
    ] {
        let message = scene.roll_back(list, file);
        scene.wait_for_verdict(message, reason);
    }
    assert_eq!(scene.count("SELECT 1 FROM bad"), 0);
    let message = scene.roll_back("bad_ids", &saved);
    scene.wait_for_verdict(message, "obeyed");
    let restored = scene.query("SELECT id FROM bad", |row| row.get::<_, i64>(0));
    assert_eq!(restored, [bad]);
    assert_eq!(scene.replaced_lists("bad_ids").len(), 1);
    scene.finish();
}

#[test]
fn administrators_are_refreshed_when_manage_orders_it() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 1);
    let user = scene.sim.add_user(user_with_photo("Admin"));
    let adder = scene.sim.owner();
    scene.sim.join(scene.group, user, JoinKind::AddedBy(adder));
    scene.wait_for_outcome(user, "added_by_trusted");
    scene.sim.set_admin(scene.group, user, true);
    scene.obey("MANAGE", "update", "refresh", &json!(7));
    scene.wait_for_rows(&format!("SELECT 1 FROM admins WHERE user_id = {user}"), 1);
    scene.finish();
}

#[test]
fn orders_of_manage_are_reported_to_the_debug_channel() {
    let mut scene = Scene::new();
    let debug = bot_api_id(1_700_000_009);
    scene.set("channels", &format!("debug_channel_id = {debug}"));
    scene.start();
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 77, "type": "all"}),
    );
    let envelope = &scene.wait_for_envelopes("help", "send", 1)[0];
    assert_eq!(envelope.json["to"], json!(["HIDE"]));
    assert_eq!(
        envelope.json["data"],
        json!({"chat_id": debug, "message_id": null})
    );
    let text = envelope.text();
    assert!(
        text.contains("77") && text.contains("users cleared"),
        "{text}"
    );
    scene.finish();
}

#[test]
fn posts_fall_back_to_hide_and_return_to_exchange() {
    let mut scene = Scene::new();
    let exchange = scene.add_exchange();
    scene.start();
    // EXCHANGE fails permanently: the order is relayed once, in HIDE, and the photo is posted there.
    scene.sim.set_can_post(exchange, false);
    scene.join_user();
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
    // The choice survives a restart: the report is posted in HIDE.
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
    // Every bot may start the emergency; of these two only MANAGE may end it.
    let message = scene.order_to("EMERGENCY", "CLEAN", "backup", "hide", &json!(false));
    scene.wait_for_verdict(message, "may not order it");
    let message = scene.order_to("EMERGENCY", "MANAGE", "backup", "hide", &json!(false));
    scene.wait_for_verdict(message, "obeyed");
    scene.join_user();
    scene.poll("the photo in EXCHANGE", || {
        scene.photos_in(exchange).len() == 1
    });
    let message = scene.order_to("EMERGENCY", "USER", "backup", "hide", &json!(true));
    scene.wait_for_verdict(message, "obeyed");
    scene.poll("the order to be relayed once more", || {
        let posts = scene.sim.posts(scene.hide);
        let passed_on = posts
            .iter()
            .filter(|post| post.by_account && post.text.contains("\"EMERGENCY\""));
        passed_on.count() == 2
    });
    scene.finish();
}

#[test]
fn orders_posted_while_the_program_did_not_run_are_obeyed_once_in_order() {
    let mut scene = Scene::new();
    scene.start();
    scene.kill();
    let user = scene.add_user();
    let data = json!({"id": user, "type": "user"});
    for round in 0..3 {
        let action = if round % 2 == 0 { "add" } else { "remove" };
        scene.order("NOSPAM", action, "bad", &data);
    }
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 3);
    assert_eq!(scene.count("SELECT 1 FROM bad"), 1);
    // Pulling the channel once more obeys no order twice.
    scene.order("NOSPAM", "remove", "bad", &data);
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 4);
    scene.sim.push_too_long(scene.hide);
    scene.sim.cut_all();
    let last = scene.order("MANAGE", "remove", "score", &json!(user));
    scene.wait_for_verdict(last, "obeyed");
    assert_eq!(scene.count("SELECT 1 FROM bad"), 0);
    scene.finish();
}

#[test]
fn texts_that_are_not_envelopes_are_counted_and_change_nothing() {
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
    let message = scene.order(
        "LANG",
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "all"}),
    );
    scene.wait_for_verdict(message, "may not order it");
    scene.wait_for_rows(
        "SELECT 1 FROM settings WHERE key = 'malformed' AND value = '4'",
        1,
    );
    scene.finish();
}

#[test]
fn photos_are_posted_as_python_files_if_configured() {
    let mut scene = Scene::new();
    scene.set("exchange", "files = \"python\"");
    scene.start();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    let photo = scene
        .sim
        .posts(scene.hide)
        .into_iter()
        .find(|post| post.file.is_some())
        .expect("a photo");
    let bytes = &photo.file.as_ref().expect("a file").bytes;
    assert!(bytes.starts_with(b"AES\x02"));
    let DecodedFile::Photo(png) = open_file(bytes) else {
        panic!("not a photo")
    };
    assert!(png.starts_with(b"\x89PNG"));
    scene.finish();
}
