use serde_json::json;

use super::*;
use crate::format_data;

/// Returns an envelope with `data` inserted verbatim.
fn with_data(data: &str) -> String {
    format!(
        r#"{{"from": "MANAGE", "to": ["AVATAR"], "action": "remove", "type": "score", "data": {data}}}"#
    )
}

/// Returns the envelope that [`with_data`] writes.
fn expected(data: Value) -> Envelope {
    Envelope {
        from: "MANAGE".to_owned(),
        to: vec!["AVATAR".to_owned()],
        action: "remove".to_owned(),
        kind: "score".to_owned(),
        data,
    }
}

#[test]
fn every_documented_text_is_read_as_its_call() {
    for fixture in [
        include_str!("../../tests/fixtures/exchange.json"),
        include_str!("../../tests/fixtures/exchange-more.json"),
    ] {
        let calls: Vec<Value> = serde_json::from_str(fixture).unwrap();
        for call in calls {
            let envelope = Envelope::parse(call["text"].as_str().unwrap()).unwrap();
            assert_eq!(envelope.from, call["sender"]);
            assert_eq!(json!(envelope.to), call["receivers"]);
            assert_eq!(envelope.action, call["action"]);
            assert_eq!(envelope.kind, call["action_type"]);
            assert_eq!(envelope.data, call["data"]);
        }
    }
}

#[test]
fn surroundings_order_and_unknown_keys_do_not_matter() {
    let plain = with_data("5");
    let reordered = r#"{"data": 5, "type": "score", "x": {"from": 1}, "action": "remove", "to": "AVATAR",
        "from": "MANAGE", "the": null}"#;
    for text in [
        plain.clone(),
        reordered.to_owned(),
        format!("\u{feff}{plain}"),
        format!(" \r\n\t{plain}\n\n"),
        format!("```json\n{plain}\n```"),
        format!("<code>{plain}</code>, signed {{me}}"),
        format!("as {{}} and {{x}} and {{\n say: {plain} {}", with_data("6")),
        plain.replace("\"from\"", r#""from": "TIP", "\u0066rom""#),
        plain.replace("\"to\": [", r#""to": ["TIP"], "to": ["#),
    ] {
        assert_eq!(
            Envelope::parse(&text).unwrap(),
            expected(json!(5)),
            "{text}"
        );
    }
}

#[test]
fn data_may_be_any_json() {
    for (text, data) in [
        ("null", json!(null)),
        (r#""online""#, json!("online")),
        ("-1.50", json!(-1.5)),
        (r#"{"a": [], "b": "NaN"}"#, json!({"a": [], "b": "NaN"})),
        (r#"{"a": 1, "b": 2, "a": 3}"#, json!({"a": 3, "b": 2})),
        (
            r#""\ud83d\ude00 \u52a0 加 «” \u0000""#,
            json!("😀 加 加 «” \0"),
        ),
        (
            "123456789012345678901234567890",
            json!(123_456_789_012_345_678_901_234_567_890_f64),
        ),
    ] {
        let envelope = Envelope::parse(&with_data(text)).unwrap();
        assert_eq!(envelope, expected(data), "{text}");
    }
    let without = with_data("5").replace(r#", "data": 5"#, "");
    assert_eq!(Envelope::parse(&without).unwrap(), expected(json!(null)));
}

#[test]
fn text_without_an_object_is_malformed() {
    let plain = with_data("5");
    for text in [
        String::new(),
        "online {} {0} {'from': 'MANAGE'}".to_owned(),
        plain.replace('"', "”"),
        plain.replace('"', "'"),
    ] {
        let error = Envelope::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), "the text contains no JSON object");
    }
    let error = Envelope::parse(&with_data(&"9".repeat(1 << 20))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1048659 bytes are too long for an envelope"
    );
}

#[test]
fn an_object_that_is_not_json_is_malformed() {
    let plain = with_data("5");
    let truncated = &plain[..plain.len() - 1];
    for (text, cause) in [
        (truncated.to_owned(), "EOF while parsing an object"),
        // An envelope inside a broken object is not what was posted.
        (format!(r#"{{"x": {plain}"#), "EOF while parsing an object"),
        (with_data("\"\n\""), "control character"),
        (with_data("NaN"), "expected value"),
        (with_data("Infinity"), "expected value"),
        (with_data("-Infinity"), "invalid number"),
        (with_data(r#""\ud83d""#), "unexpected end of hex escape"),
        (with_data(r#""\ude00\ud83d""#), "lone leading surrogate"),
        (with_data("1e999"), "number out of range"),
        (with_data(&"9".repeat(60_000)), "number out of range"),
        (
            with_data(&("[".repeat(128) + &"]".repeat(128))),
            "recursion limit",
        ),
        (with_data(&"[".repeat(60_000)), "recursion limit"),
        (r#"{"x":"#.repeat(13_000), "recursion limit"),
    ] {
        let error = Envelope::parse(&text).unwrap_err().to_string();
        let start = format!("the object is not valid JSON: {cause}");
        assert!(error.starts_with(&start), "{error}");
    }
}

#[test]
fn a_missing_key_or_a_wrong_type_is_named() {
    let plain = with_data("5");
    for (text, message) in [
        (plain.replace("from", "form"), "\"from\" is missing"),
        (plain.replace("\"to\"", "\"at\""), "\"to\" is missing"),
        (plain.replace("\"MANAGE\"", "7"), "\"from\" is not a string"),
        (
            plain.replace("\"remove\"", "null"),
            "\"action\" is not a string",
        ),
        (
            plain.replace("\"score\"", "[\"score\"]"),
            "\"type\" is not a string",
        ),
        (
            plain.replace("[\"AVATAR\"]", "[\"AVATAR\", 5]"),
            "\"to\" is not a list of strings",
        ),
        (
            plain.replace("[\"AVATAR\"]", "{\"AVATAR\": 1}"),
            "\"to\" is not a list of strings",
        ),
    ] {
        assert_eq!(Envelope::parse(&text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_hundred_levels_of_nesting_are_read() {
    let data = "[".repeat(100) + &"]".repeat(100);
    let envelope = Envelope::parse(&with_data(&data)).unwrap();
    let written = format_data("MANAGE", &["AVATAR"], "remove", "score", &envelope.data);
    assert_eq!(Envelope::parse(&written).unwrap(), envelope);
}

#[test]
fn the_text_of_the_object_has_no_surroundings() {
    let plain = with_data("5");
    for text in [
        plain.clone(),
        format!("\u{feff} {plain}\n"),
        format!("```json\n{plain}\n```"),
        format!("copied: {plain} {plain}"),
    ] {
        assert_eq!(object_text(&text), Some(&*plain), "{text}");
    }
    for text in ["", "no object", "{\"from\": 1"] {
        assert_eq!(object_text(text), None, "{text}");
    }
}
