//! `why` for users who are on lists, in roles, or cleared.

use serde_json::json;
use telegram_sim::{JoinKind, bot_api_id};

use super::{is_time, json_of, order, scene, text_of, why};
use crate::harness::{assert_contains, user_with_photo};

#[test]
fn why_shows_lists_roles_and_clears_beside_joins() {
    const CAPTCHA: i64 = 450_000_002;
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    scene.start();
    let bad = scene.sim.add_user(user_with_photo("Bad"));
    let id = json!({"id": bad, "type": "user"});
    order(&scene, "NOSPAM", ("add", "bad"), &id);
    scene.sim.join(scene.group, bad, JoinKind::ByLink);
    scene.wait_for_outcome(bad, "bad");
    let declared = scene.sim.add_user(user_with_photo("Declared"));
    let message = scene.sim.join(scene.group, declared, JoinKind::ByLink);
    scene.wait_for_outcome(declared, "forwarded");
    let data = json!({"group_id": bot_api_id(scene.group), "message_id": message});
    order(&scene, "NOSPAM", ("update", "declare"), &data);
    let except = json!({"id": declared, "type": "long"});
    order(&scene, "MANAGE", ("add", "except"), &except);
    scene.wait_for_rows("SELECT 1 FROM excepted", 1);

    let (text, json) = why(&scene, bad);
    assert_contains(
        &text,
        &[
            "on the bad list since",
            "bad: the user was on the bad list",
            "remove / bad",
        ],
    );
    assert!(is_time(&json["bad_since"]) && json["known"] == true);
    let (text, json) = why(&scene, declared);
    assert_contains(&text, &["which is on the exception list", "declared   20"]);
    assert_eq!(json["last_photo_excepted"], true);
    assert!(is_time(&json["joins"][0]["declared_at"]));
    let (text, json) = why(&scene, scene.sim.owner());
    assert_contains(&text, &["administers", "(A group)", "No join and no photo"]);
    assert_eq!(json["administrator_of"][0], bot_api_id(scene.group));
    let (text, json) = why(&scene, CAPTCHA);
    assert_contains(&text, &["CAPTCHA, by [bots]"]);
    assert_eq!(json["fleet"], "captcha");
    let (text, _) = why(&scene, scene.sim.me());
    assert_contains(&text, &["this is the account itself"]);

    // These are one group of several, in both forms of its id, and an unknown group.
    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, declared, JoinKind::ByLink);
    scene.wait_for_outcome(declared, "excepted");
    let user = declared.to_string();
    for (group, joins) in [
        (bot_api_id(other), 1),
        (other, 1),
        (bot_api_id(scene.group), 1),
        (bot_api_id(77), 0),
    ] {
        let json = json_of(&scene, "why", &[&user, &group.to_string()]);
        assert_eq!(
            json["joins"].as_array().map(Vec::len),
            Some(joins),
            "{group}"
        );
    }
    assert_eq!(
        why(&scene, declared).1["joins"].as_array().map(Vec::len),
        Some(2)
    );
    assert_contains(
        &text_of(&scene, "why", &[&user, &bot_api_id(77).to_string()]),
        &["the account is not in that group, and never was"],
    );
    order(
        &scene,
        "MANAGE",
        ("clear", "user"),
        &json!({"admin_id": 5, "type": "all"}),
    );
    let (text, json) = why(&scene, declared);
    assert_contains(
        &text,
        &[
            "No join and no photo of this user is recorded.",
            "clear / user (the last one ",
        ],
    );
    assert!(is_time(&json["cleared"]["users_at"]) && json["joins"] == json!([]));
    let (text, json) = why(&scene, 5_000_000_000);
    assert_contains(
        &text,
        &[
            "never joined while the account was there",
            "none is recorded",
        ],
    );
    assert_eq!(json["known"], false);
    scene.finish();
}
