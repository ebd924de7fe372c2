//! Orders whose file Telegram does not hand over (docs/exchange.md, "Orders").

use scp_079_avatar::exchange::format_data;
use serde_json::json;
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, sealed_list};

const GET_FILE: &str = "upload.getFile";

/// Posts an order of REGEX that replaces `nm_words`; returns the id of the message.
fn order_rules(scene: &Scene) -> i32 {
    let file = sealed_list("nm_words", json!({"a rule": 0}));
    let order = ("regex", "update");
    scene.post_envelope("REGEX", &["AVATAR"], order, &json!("nm_words"), Some(&file))
}

/// Posts an order that needs no file, and waits until the daemon has obeyed it.
fn obey_another(scene: &Scene) {
    let user = scene.add_user();
    scene.obey("NOSPAM", "add", "bad", &json!({"id": user, "type": "user"}));
}

#[test]
fn an_order_whose_file_is_limited_for_more_than_five_minutes_is_refused_and_later_orders_go_on() {
    let mut scene = Scene::new();
    scene.start();
    scene
        .sim
        .fault(Match::method(GET_FILE), Fault::FloodWait(400));
    let order = order_rules(&scene);
    obey_another(&scene);
    scene.wait_for_verdict(order, "its file could not be fetched within 5 minutes");
    assert_eq!(scene.count("SELECT 1 FROM rules"), 0);
    scene.wait_for_log("an order could not be carried out: its file could not be fetched");
    scene.finish();
}

#[test]
fn an_order_whose_file_is_refused_for_a_while_is_obeyed_before_later_orders() {
    for fault in [
        Fault::error(400, "LOCATION_INVALID"),
        Fault::error(403, "SOMETHING_NEW"),
        Fault::error(500, "INTERNAL"),
    ] {
        let mut scene = Scene::new();
        scene.start();
        scene.sim.fault(Match::method(GET_FILE).times(2), fault);
        let order = order_rules(&scene);
        obey_another(&scene);
        let sql = format!("SELECT verdict FROM orders WHERE message_id = {order}");
        let verdicts = scene.query(&sql, |row| row.get::<_, String>(0));
        assert_eq!(verdicts, ["obeyed"]);
        scene.finish();
    }
}

#[test]
fn the_file_of_one_order_is_fetched_while_that_of_another_is_refused() {
    let mut scene = Scene::new();
    scene.start();
    scene.kill();
    let orders = [order_rules(&scene), order_rules(&scene)];
    scene.sim.fault(
        Match::method(GET_FILE).once(),
        Fault::error(400, "LOCATION_INVALID"),
    );
    scene.start();
    for order in orders {
        scene.wait_for_verdict(order, "obeyed");
    }
    scene.finish();
}

#[test]
fn a_file_that_hangs_holds_up_only_the_later_orders_of_its_channel() {
    let mut scene = Scene::with_photo_size(64);
    let exchange = scene.add_exchange();
    scene.start();
    scene
        .sim
        .fault(Match::method(GET_FILE).once(), Fault::HoldBefore);
    let order = order_rules(&scene);
    scene.wait_for_call(GET_FILE, 1);
    let add_bad = |id: i64| json!({"id": id, "type": "user"});
    let held = scene.order("NOSPAM", "add", "bad", &add_bad(5_000_000_001));
    // Joins, and orders of the other channel, go on.
    let user = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    let text = format_data("NOSPAM", &["AVATAR"], "add", "bad", &add_bad(5_000_000_002));
    scene.sim.post(exchange, scene.sim.owner(), &text, None);
    scene.wait_for_rows("SELECT 1 FROM bad WHERE id = 5000000002", 1);
    assert_eq!(scene.count("SELECT 1 FROM bad"), 1);
    assert_eq!(scene.count("SELECT 1 FROM rules"), 0);
    scene.sim.release();
    scene.wait_for_verdict(order, "obeyed");
    scene.wait_for_verdict(held, "obeyed");
    scene.finish();
}

#[test]
fn an_order_with_a_file_that_is_given_twice_and_copied_is_obeyed_twice() {
    for is_copied_while_down in [false, true] {
        let mut scene = Scene::with_photo_size(64);
        let channels = [scene.add_exchange(), scene.hide];
        scene.start();
        let text = format_data("REGEX", &["AVATAR"], "regex", "update", &json!("nm_words"));
        let post = |scene: &Scene, channel: i64, rule: &str| {
            let file = sealed_list("nm_words", json!({rule: 0}));
            scene.post_text(channel, &text, Some(&file))
        };
        let [first, second] = ["first", "second"].map(|rule| post(&scene, channels[0], rule));
        if is_copied_while_down {
            scene.kill();
        } else {
            for order in [first, second] {
                scene.wait_for_verdict_in(channels[0], order, "obeyed");
            }
        }
        for rule in ["first", "second"] {
            post(&scene, channels[1], rule);
        }
        if is_copied_while_down {
            scene.start();
        }
        scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'obeyed'", 2);
        scene.wait_for_rows("SELECT 1 FROM orders WHERE verdict = 'copy'", 2);
        let rules = scene.query("SELECT pattern FROM rules", |row| row.get::<_, String>(0));
        assert_eq!(rules, ["second"]);
        scene.finish();
    }
}
