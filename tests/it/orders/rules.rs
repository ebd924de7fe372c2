//! Rules that REGEX replaces: which names and bios they match, and how their hits are counted.

use scp_079_avatar::file_codec::DecodedFile;
use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match};

use crate::harness::{Scene, user_with_photo};

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
