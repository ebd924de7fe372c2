//! The fleet's orders end to end, and the reports that the program posts (docs/exchange.md, "Orders" and "Reports").

mod files;
mod manage;
mod moderation;
mod reports;
mod rules;
mod table;

use scp_079_avatar::exchange::format_data;
use scp_079_avatar::file_codec::DecodedFile;
use serde_json::{Value, json};
use telegram_sim::bot_api_id;

use crate::harness::{Scene, now, open_file, sealed_list, utc};

#[test]
fn each_order_is_obeyed_from_its_senders_and_refused_from_another() {
    let mut scene = Scene::new();
    scene.start();
    let hide = scene.hide;
    run_table(&scene, &[hide]);
    scene.finish();
}

#[test]
fn each_order_that_is_copied_from_exchange_into_hide_has_its_effect_once() {
    let mut scene = Scene::new();
    let (exchange, hide) = (scene.add_exchange(), scene.hide);
    scene.start();
    run_table(&scene, &[exchange, hide]);
    let verdicts =
        |condition: &str| scene.count(&format!("SELECT 1 FROM orders WHERE verdict {condition}"));
    assert_eq!(verdicts("= 'copy'"), verdicts("<> 'copy'"));
    // A copy is not downloaded, answered or passed on.
    let files = table::rows(0, 0)
        .iter()
        .filter(|row| row.list.is_some())
        .count();
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), files);
    scene.wait_until_settled();
    for (action, kind) in [("version", "reply"), ("status", "reply")] {
        assert_eq!(scene.envelopes(action, kind).len(), 1, "{action}/{kind}");
    }
    assert_eq!(scene.envelopes_in(hide, "backup", "hide").len(), 1);
    scene.finish();
}

/// Posts each order of the table, from each of its senders, in these channels one after the other. Waits until the
/// first post has its verdict and the others are copies.
fn run_table(scene: &Scene, channels: &[i64]) {
    let mut copies = Vec::new();
    let user = scene.add_user();
    let group = bot_api_id(scene.group);
    for row in table::rows(group, user) {
        let file = row.list.map(|list| match list {
            "bad_ids" => sealed_list(list, json!({"users": [user], "channels": []})),
            list => sealed_list(list, json!({"a rule": 0})),
        });
        let (action, kind) = row.action;
        let mut order = |from: &str, verdict: &str| {
            let text = format_data(from, &[row.to], action, kind, &row.data);
            let message = scene.post_text(channels[0], &text, file.as_deref());
            scene.poll(&format!("{} from {from} to be {verdict}", row.name), || {
                scene.has_verdict(channels[0], message, verdict)
            });
            for channel in &channels[1..] {
                let message = scene.post_text(*channel, &text, file.as_deref());
                copies.push((*channel, message));
            }
        };
        if let Some((sender, reason)) = row.refused {
            order(sender, reason);
        }
        for sender in row.senders {
            order(sender, "obeyed");
        }
    }
    for (channel, message) in copies {
        scene.wait_for_verdict_in(channel, message, "copy");
    }
}

#[test]
fn an_order_that_is_read_in_both_channels_after_a_restart_is_obeyed_once() {
    for order_of_channels in [[0, 1], [1, 0]] {
        let mut scene = Scene::new();
        let channels = [scene.add_exchange(), scene.hide];
        scene.start();
        let data = json!({"admin_id": 7, "message_id": 9});
        let text = format_data("HIDE", &["AVATAR"], "version", "ask", &data);
        let [first, second] = order_of_channels.map(|index| channels[index]);
        let message = scene.post_text(first, &text, None);
        scene.wait_for_verdict_in(first, message, "obeyed");
        scene.wait_for_envelopes("version", "reply", 1);
        scene.kill();
        let message = scene.post_text(second, &text, None);
        // This order is read in both channels only after the start.
        let add = format_data(
            "CLEAN",
            &["AVATAR"],
            "add",
            "bad",
            &json!({"id": 5, "type": "user"}),
        );
        for channel in channels {
            scene.post_text(channel, &add, None);
        }
        scene.start();
        scene.wait_for_verdict_in(second, message, "copy");
        scene.wait_for_rows("SELECT 1 FROM orders WHERE sender = 'CLEAN'", 2);
        assert_eq!(
            scene.count("SELECT 1 FROM orders WHERE verdict = 'obeyed'"),
            2
        );
        assert_eq!(scene.envelopes("version", "reply").len(), 1);
        scene.finish();
    }
}

#[test]
fn the_route_follows_the_latest_order_if_the_same_orders_are_given_again() {
    let mut scene = Scene::new();
    let channels = [scene.add_exchange(), scene.hide];
    scene.start();
    let text = |is_hidden: bool| {
        let data = Value::Bool(is_hidden);
        format_data("BACKUP", &["EMERGENCY"], "backup", "hide", &data)
    };
    let post = |scene: &Scene, channel: i64, is_hidden: bool, verdict: &str| {
        let message = scene.post_text(channel, &text(is_hidden), None);
        scene.wait_for_verdict_in(channel, message, verdict);
    };
    let [exchange, hide] = channels;
    let route = |scene: &Scene| {
        let sql = "SELECT value FROM settings WHERE key = 'route'";
        scene.query(sql, |row| row.get::<_, String>(0)).remove(0)
    };
    // The first order is read in HIDE first, and the second in EXCHANGE.
    post(&scene, hide, true, "obeyed");
    post(&scene, exchange, true, "copy");
    post(&scene, exchange, false, "obeyed");
    post(&scene, hide, false, "copy");
    assert_eq!(route(&scene), "exchange");
    // Both are given again before their copies are read.
    post(&scene, exchange, true, "obeyed");
    assert_eq!(route(&scene), "hide");
    post(&scene, exchange, false, "obeyed");
    scene.kill();
    for is_hidden in [true, false] {
        scene.post_text(hide, &text(is_hidden), None);
    }
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'copy'", 4);
    assert_eq!(route(&scene), "exchange");
    // EXCHANGE is lost: the order stands in HIDE only.
    post(&scene, hide, true, "obeyed");
    assert_eq!(route(&scene), "hide");
    scene.finish();
}

#[test]
fn destructive_orders_that_are_read_in_both_channels_at_the_start_are_obeyed_once() {
    let mut scene = Scene::with_photo_size(64);
    let channels = [scene.add_exchange(), scene.hide];
    scene.start();
    let user = scene.add_user();
    scene.obey("NOSPAM", "add", "bad", &json!({"id": user, "type": "user"}));
    scene.kill();
    let file = sealed_list("bad_ids", json!({"users": [user, 5], "channels": []}));
    for channel in channels {
        let order = |names: (&str, &str), data: &Value, file: Option<&[u8]>| {
            let text = format_data("MANAGE", &["AVATAR"], names.0, names.1, data);
            scene.post_text(channel, &format!("```\n{text}\n```"), file);
        };
        order(("backup", "now"), &Value::Null, None);
        order(
            ("clear", "bad"),
            &json!({"admin_id": 7, "type": "users"}),
            None,
        );
        let data = json!({"admin_id": 7, "type": "bad_ids"});
        order(("backup", "rollback"), &data, Some(&file));
    }
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 4);
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'copy'", 3);
    assert_eq!(scene.count("SELECT 1 FROM bad"), 2);
    let lists = scene.wait_for_envelopes("backup", "pickle", 2);
    scene.wait_until_settled();
    assert_eq!(scene.envelopes("backup", "pickle").len(), lists.len());
    assert_eq!(scene.replaced_lists("bad_ids").len(), 1);
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
    scene.age_online_reports();
    scene.launch();
    let hide = scene.hide;
    scene.wait_for("the report in HIDE", |world| {
        let posts = world.posts(hide);
        posts
            .iter()
            .any(|post| post.by_account && post.text.contains("\"online\""))
    });
    // Every bot may start the emergency; of these two only BACKUP may end it.
    let message = scene.order_to("EMERGENCY", "CLEAN", "backup", "hide", &json!(false));
    scene.wait_for_verdict(message, "may not order it");
    let message = scene.order_to("EMERGENCY", "BACKUP", "backup", "hide", &json!(false));
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
        scene.order("USER", action, "bad", &data);
    }
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 3);
    assert_eq!(scene.count("SELECT 1 FROM bad"), 1);
    // Pulling the channel once more obeys no order twice.
    scene.order("USER", "remove", "bad", &data);
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
