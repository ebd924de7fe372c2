//! `why` with the link to a join message in place of the user.

use telegram_sim::{JoinKind, bot_api_id};

use super::{json_of, text_of};
use crate::harness::{Scene, assert_contains, output_of};

#[test]
fn a_link_to_a_join_message_stands_for_its_user_and_group() {
    let mut scene = Scene::with_photo_size(64);
    let other = scene.sim.add_group("Another group");
    scene.start();
    let user = scene.add_user();
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    scene.sim.join(other, user, JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 2);
    let group = scene.group;
    for link in [
        format!("https://t.me/c/{group}/{message}"),
        format!("t.me/c/{group}/1/{message}?single"),
    ] {
        let json = json_of(&scene, "why", &[&link]);
        assert_eq!(json["user_id"], user);
        assert_eq!(json["group_id"], bot_api_id(group));
        assert_eq!(json["joins"].as_array().map(Vec::len), Some(1));
        assert_contains(
            &text_of(&scene, "why", &[&link]),
            &[
                &format!("User {user} in {}", bot_api_id(group)),
                "forwarded: ",
            ],
        );
    }
    // A link stands for a group, too.
    let in_other = format!("https://t.me/c/{other}/1");
    let json = json_of(&scene, "why", &[&user.to_string(), &in_other]);
    assert_eq!(json["group_id"], bot_api_id(other));

    // One message adds several users.
    scene.stop();
    scene.execute(&format!(
        "INSERT INTO joins (group_id, message_id, user_id, joined_at, outcome) VALUES ({group}, {message}, 77, 1, 'bot')"
    ));
    let link = format!("https://t.me/c/{group}/{message}");
    let text = text_of(&scene, "why", &[&link]);
    assert_contains(&text, &["User 77 in ", &format!("User {user} in ")]);
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let (exit_code, out, err) = output_of(scene.command("why").args(arguments));
        assert_eq!((exit_code, out.as_str()), (Some(code), ""), "{err}");
        assert_contains(&err, words);
    };
    refused(&[&link, "--json"], 1, &["several users", "77, "]);
    let no_join = format!("https://t.me/c/{group}/{}", message + 1000);
    refused(
        &[&no_join],
        1,
        &["no join is recorded with message", "(A group)"],
    );
    let unknown = "https://t.me/c/1999999999/5";
    refused(&[unknown], 1, &["not in the group -1001999999999"]);
    refused(&[&link, &group.to_string()], 64, &["leave the group out"]);
    refused(
        &["https://t.me/some_group/5"],
        64,
        &["stores no usernames", "@some_group", "https://t.me/c/ID/5"],
    );
    refused(&["https://t.me/c/5"], 64, &["https://t.me/c/1234567890/12"]);
    scene.finish();
}
