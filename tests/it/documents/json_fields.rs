//! docs/json-output.md lists the fields that the commands print with `--json`, all of them and no other.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use telegram_sim::{Fault, Match, bot_api_id};

use super::{cells, code_spans, page, section};
use crate::harness::{Scene, fixture, output_of};

type Fields = BTreeSet<String>;

/// Returns the documented fields of a command. The heading of a table names the objects that have its fields.
fn documented(heading: &str) -> Fields {
    let page = page("json-output.md");
    let mut fields = Fields::new();
    let mut objects = vec![""];
    let mut lines = section(&page, heading).lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with('|') || line.starts_with("|---") {
            continue;
        }
        let names = code_spans(cells(line)[0]);
        if lines.peek().is_some_and(|next| next.starts_with("|---")) {
            objects = if names.is_empty() { vec![""] } else { names };
            continue;
        }
        for object in &objects {
            for name in &names {
                let field = format!("{object}.{name}");
                let is_new = fields.insert(field.trim_start_matches('.').to_owned());
                assert!(is_new, "{field} is documented twice");
            }
        }
    }
    assert!(!fields.is_empty(), "{heading} documents no field");
    fields
}

/// Adds the fields of an object and of the objects in it. The fields in `maps` are maps with other keys each time.
fn add_fields(object: &Value, path: &str, maps: &[&str], fields: &mut Fields) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let field = format!("{path}.{name}");
        let field = field.trim_start_matches('.');
        let members = value.as_array().map_or(&[][..], Vec::as_slice);
        if maps.contains(&field) {
            fields.insert(field.to_owned());
            continue;
        }
        // `instance.state` names its object; `groups` is documented itself.
        if !value.is_object() || field.contains('.') {
            fields.insert(field.to_owned());
        }
        for inner in members.iter().chain(Some(value)) {
            add_fields(inner, field, maps, fields);
        }
    }
}

fn printed(scene: &Scene, subcommand: &str, arguments: &[&str], maps: &[&str]) -> Fields {
    let mut command = scene.command(subcommand);
    let (code, out, err) = output_of(command.args(arguments).arg("--json"));
    assert_eq!(code, Some(0), "{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let mut fields = Fields::new();
    add_fields(&json, "", maps, &mut fields);
    fields
}

#[test]
fn each_field_of_status_and_why_is_documented_and_each_documented_field_is_printed() {
    let mut scene = Scene::with_photo_size(160);
    scene.add_exchange();
    let raided = scene.sim.add_group("A raided group");
    scene.start();
    scene.join_user();
    scene.wait_for_photos(1);
    let flood = json!({"group_id": bot_api_id(raided), "status": "begin"});
    scene.obey("CAPTCHA", "flood", "status", &flood);
    let refused = scene.order("LANG", "backup", "now", &json!(null));
    scene.wait_for_verdict(refused, "");
    let limit = Fault::FloodWait(3000);
    scene.sim.fault(Match::method("messages.sendMedia"), limit);
    let waiting = scene.join_user();
    scene.wait_for_rows("SELECT 1 FROM floods", 1);
    let dropped = scene.join_user();
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 2);
    let bad = json!({"id": dropped, "type": "user"});
    scene.obey("NOSPAM", "add", "bad", &bad);
    scene.stop();

    let maps = ["joins_today", "joins_found_today", "queue.sent_24h"];
    let status = printed(&scene, "status", &[], &maps);
    assert_eq!(documented("## `status --json`"), status);
    let why = printed(&scene, "why", &[&waiting.to_string()], &[]);
    assert_eq!(documented("## `why --json`"), why);
    let joins = printed(&scene, "joins", &[], &[]);
    assert_eq!(documented("## `joins --json`"), joins);
}

#[test]
fn each_field_of_an_opened_list_is_documented() {
    let scene = Scene::new();
    let file = fixture("python/bad_ids.pickle.aes");
    let file = file.to_str().expect("UTF-8");
    let open = printed(&scene, "open", &[file], &["data"]);
    assert_eq!(documented("## `open --json`"), open);
}
