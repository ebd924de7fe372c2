//! What is read, and what is refused, by hand; the random ones are in `orders`.

use serde_json::json;

use super::*;
use crate::format_data;

/// An envelope with this `data` as it stands.
fn with_data(data: &str) -> String {
    format!(
        r#"{{"from": "MANAGE", "to": ["AVATAR"], "action": "remove", "type": "score", "data": {data}}}"#
    )
}

fn the_envelope(data: Value) -> Envelope {
    Envelope {
        from: "MANAGE".to_owned(),
        to: vec!["AVATAR".to_owned()],
        action: "remove".to_owned(),
        kind: "score".to_owned(),
        data,
    }
}

#[test]
fn what_the_fleet_writes_is_read_as_it_was_meant() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/fixtures/exchange.json")).unwrap();
    assert_eq!(vectors.len(), 53);
    for vector in vectors {
        let read = read(vector["text"].as_str().unwrap()).unwrap();
        assert_eq!(read.from, vector["sender"]);
        assert_eq!(json!(read.to), vector["receivers"]);
        assert_eq!(read.action, vector["action"]);
        assert_eq!(read.kind, vector["action_type"]);
        assert_eq!(read.data, vector["data"]);
    }
}

#[test]
fn surroundings_order_and_unknown_keys_do_not_matter() {
    let plain = with_data("5");
    let others = r#"{"data": 5, "type": "score", "x": {"from": 1}, "action": "remove", "to": "AVATAR",
        "from": "MANAGE", "the": null}"#;
    for text in [
        plain.clone(),
        others.to_owned(),
        format!("\u{feff}{plain}"),
        format!(" \r\n\t{plain}\n\n"),
        format!("```json\n{plain}\n```"),
        format!("<code>{plain}</code>, signed {{me}}"),
        format!("as {{}} and {{x}} and {{\n say: {plain} {}", with_data("6")),
        plain.replace("\"from\"", r#""from": "TIP", "\u0066rom""#),
        plain.replace("\"to\": [", r#""to": ["TIP"], "to": ["#),
    ] {
        assert_eq!(read(&text).unwrap(), the_envelope(json!(5)), "{text}");
    }
}

#[test]
fn data_may_be_any_json_and_what_python_makes_of_it() {
    for (text, data) in [
        ("null", json!(null)),
        (r#""online""#, json!("online")),
        ("-1.50", json!(-1.5)),
        ("NaN", json!(null)),
        (
            r#"{"a": -Infinity, "b": "NaN"}"#,
            json!({"a": null, "b": "NaN"}),
        ),
        (r#"{"a": 1, "b": 2, "a": 3}"#, json!({"a": 3, "b": 2})),
        (
            r#""\ud83d\ude00 \ud83d \ude00""#,
            json!("😀 \u{fffd} \u{fffd}"),
        ),
        (r#""\u52a0 加 «” \u0000""#, json!("加 加 «” \0")),
        (
            "123456789012345678901234567890",
            json!(123_456_789_012_345_678_901_234_567_890_f64),
        ),
    ] {
        assert_eq!(
            read(&with_data(text)).unwrap(),
            the_envelope(data),
            "{text}"
        );
    }
    let without = with_data("5").replace(r#", "data": 5"#, "");
    assert_eq!(read(&without).unwrap(), the_envelope(json!(null)));
}

#[test]
fn what_is_no_envelope_says_why() {
    let plain = with_data("5");
    let cut = &plain[..plain.len() - 1];
    for (text, why) in [
        (String::new(), "there is no JSON object in the text"),
        (
            "online {} {0} {'from': 'MANAGE'}".to_owned(),
            "there is no JSON object in the text",
        ),
        (
            plain.replace('"', "”"),
            "there is no JSON object in the text",
        ),
        (
            plain.replace('"', "'"),
            "there is no JSON object in the text",
        ),
        (
            cut.to_owned(),
            "the object cannot be read: EOF while parsing an object",
        ),
        // The whole one inside is not what was posted.
        (
            format!(r#"{{"x": {plain}"#),
            "the object cannot be read: EOF while parsing an object",
        ),
        (
            with_data("\"\n\""),
            "the object cannot be read: control character",
        ),
        (
            with_data("1e999"),
            "the object cannot be read: number out of range",
        ),
        (
            with_data(&"9".repeat(60_000)),
            "the object cannot be read: number out of range",
        ),
        (
            with_data(&("[".repeat(128) + &"]".repeat(128))),
            "the object cannot be read: recursion limit",
        ),
        (
            with_data(&"[".repeat(60_000)),
            "the object cannot be read: recursion limit",
        ),
        (
            r#"{"x":"#.repeat(13_000),
            "the object cannot be read: recursion limit",
        ),
        (
            with_data(&"9".repeat(1 << 20)),
            "1048659 bytes are too long for an envelope",
        ),
        (plain.replace("from", "form"), "\"from\" is missing"),
        (plain.replace("\"to\"", "\"at\""), "\"to\" is missing"),
        (plain.replace("\"MANAGE\"", "7"), "\"from\" is not a text"),
        (
            plain.replace("\"remove\"", "null"),
            "\"action\" is not a text",
        ),
        (
            plain.replace("\"score\"", "[\"score\"]"),
            "\"type\" is not a text",
        ),
        (
            plain.replace("[\"AVATAR\"]", "[\"AVATAR\", 5]"),
            "\"to\" is not a list of texts",
        ),
        (
            plain.replace("[\"AVATAR\"]", "{\"AVATAR\": 1}"),
            "\"to\" is not a list of texts",
        ),
    ] {
        let said = read(&text).unwrap_err().to_string();
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn a_hundred_levels_of_nesting_are_no_matter() {
    let data = "[".repeat(100) + &"]".repeat(100);
    let envelope = read(&with_data(&data)).unwrap();
    let written = format_data("MANAGE", &["AVATAR"], "remove", "score", &envelope.data);
    assert_eq!(read(&written).unwrap(), envelope);
}
