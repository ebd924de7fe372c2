//! Texts of others in the output of `status`, `why` and `open`: no character of them controls the terminal
//! (docs/json-output.md).

use serde_json::{Value, json};

use crate::harness::{Scene, output_of, sealed_list};

/// Texts that clear the screen, turn the direction of writing, or hide.
const TITLE: &str =
    "A\u{1b}[2J\u{9b}2J\u{85}\u{7f} title \u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}群組\u{2028}";

/// Fails if a text, except for its line feeds, has a character that controls the terminal or is invisible.
#[track_caller]
fn assert_harmless(text: &str) {
    let harmful = |c: &char| (c.is_control() && *c != '\n') || TITLE.contains(*c) && is_marked(*c);
    let found: Vec<String> = text
        .chars()
        .filter(harmful)
        .map(|c| c.escape_unicode().to_string())
        .collect();
    assert!(found.is_empty(), "{found:?} in\n{text:?}");
}

fn is_marked(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{206f}' | '\u{feff}' | '\u{e0041}')
}

fn output(scene: &Scene, arguments: &[&str]) -> String {
    let mut command = scene.command(arguments[0]);
    let (code, out, err) = output_of(command.args(&arguments[1..]));
    assert_eq!(code, Some(0), "{err}");
    out
}

#[test]
fn titles_of_groups_are_escaped_in_json_and_replaced_in_text() {
    let mut scene = Scene::new();
    let group = scene.sim.add_group(TITLE);
    scene.start();
    let user = scene.join_user_in(group);
    scene.wait_for_outcome(user, "forwarded");
    let user = user.to_string();
    for arguments in [&["status"][..], &["why", &user]] {
        assert_harmless(&output(&scene, arguments));
    }
    let status = output(&scene, &["status", "--json"]);
    assert_harmless(&status);
    assert!(
        status.contains(
            "\\u009b2J\\u0085\\u007f title \\u202e\\u2066\\u200b\\ufeff\\udb40\\udc41群組\\u2028"
        ),
        "{status}"
    );
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let titles: Vec<&Value> = status["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| &group["title"])
        .collect();
    assert!(titles.contains(&&json!(TITLE)), "{titles:?}");
    let why = output(&scene, &["why", &user, "--json"]);
    assert_harmless(&why);
    serde_json::from_str::<Value>(&why).expect("JSON");
    scene.finish();
}

#[test]
fn the_entries_of_a_list_are_escaped_in_json_and_replaced_in_text() {
    let scene = Scene::new();
    let file = scene.data_dir().join("list");
    let data = json!({TITLE: 7});
    std::fs::write(&file, sealed_list("nm_words", data.clone())).expect("written");
    let file = file.to_str().expect("UTF-8");
    assert_harmless(&output(&scene, &["open", file]));
    let list = output(&scene, &["open", file, "--json"]);
    assert_harmless(&list);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["data"], data);
}
