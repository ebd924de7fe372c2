//! Writes the text of an envelope, byte for byte as Python's `json.dumps(…, indent=4)` does.
//!
//! serde_json decides which JSON a Rust value becomes. [`PythonFormatter`] writes floats, escapes and indentation
//! as CPython does.

mod formatter;

use serde::Serialize;

use self::formatter::PythonFormatter;

/// Writes the envelope `{from, to, action, type, data}` as the fleet's `format_data` does.
///
/// The text is ASCII. NaN and the infinities have no JSON form: as everywhere in serde_json, `null` is written for
/// them.
///
/// # Panics
///
/// Panics if `data` has no JSON form: its `Serialize` implementation fails, or a map in it has a key that is not
/// a string, an integer, a bool or a finite float. A [`serde_json::Value`] never panics.
pub fn format_data(
    sender: &str,
    receivers: &[&str],
    action: &str,
    action_type: &str,
    data: &impl Serialize,
) -> String {
    let fields = Fields {
        from: sender,
        to: receivers,
        action,
        action_type,
        data,
    };
    let mut text = Vec::new();
    let formatter = PythonFormatter::default();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    if let Err(error) = fields.serialize(&mut serializer) {
        panic!("the data of {action}/{action_type} has no JSON form: {error}");
    }
    String::from_utf8(text).expect("the formatter writes ASCII only")
}

#[derive(Serialize)]
struct Fields<'a, T> {
    from: &'a str,
    to: &'a [&'a str],
    action: &'a str,
    #[serde(rename = "type")]
    action_type: &'a str,
    data: &'a T,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// Returns the text of `data`, without the envelope around it.
    fn data_text(data: &impl Serialize) -> String {
        let text = format_data("A", &["B"], "c", "d", data);
        let head = "{\n    \"from\": \"A\",\n    \"to\": [\n        \"B\"\n    ],\n    \"action\": \"c\",\n    \
             \"type\": \"d\",\n    \"data\": ";
        let data = text.strip_prefix(head).expect("the envelope's head");
        data.strip_suffix("\n}")
            .expect("the envelope's foot")
            .to_owned()
    }

    #[test]
    fn every_documented_call_gives_its_text() {
        for (fixture, count) in [
            (include_str!("../tests/fixtures/exchange.json"), 53),
            (include_str!("../tests/fixtures/exchange-more.json"), 99),
        ] {
            let calls: Vec<Value> = serde_json::from_str(fixture).unwrap();
            assert_eq!(calls.len(), count);
            for call in calls {
                let receivers = call["receivers"].as_array().unwrap();
                let receivers: Vec<_> = receivers.iter().filter_map(Value::as_str).collect();
                let text = format_data(
                    call["sender"].as_str().unwrap(),
                    &receivers,
                    call["action"].as_str().unwrap(),
                    call["action_type"].as_str().unwrap(),
                    &call["data"],
                );
                assert_eq!(text, call["text"].as_str().unwrap());
            }
        }
    }

    #[test]
    fn floats_and_strings_are_written_as_python_writes_them() {
        let fixture: Value =
            serde_json::from_str(include_str!("../tests/fixtures/json_dumps.json")).unwrap();
        let floats = fixture["floats"].as_array().unwrap();
        assert!(floats.len() > 4000);
        for pair in floats {
            let bits = u64::from_str_radix(pair[0].as_str().unwrap(), 16).unwrap();
            assert_eq!(data_text(&f64::from_bits(bits)), pair[1].as_str().unwrap());
        }
        for pair in fixture["strings"].as_array().unwrap() {
            assert_eq!(data_text(&pair[0]), pair[1].as_str().unwrap());
        }
    }

    #[test]
    fn numbers_keep_their_width() {
        assert_eq!(data_text(&u128::MAX), u128::MAX.to_string());
        assert_eq!(data_text(&i128::MIN), i128::MIN.to_string());
        assert_eq!(data_text(&json!(u64::MAX)), "18446744073709551615");
        assert_eq!(data_text(&0.1f32), "0.10000000149011612");
    }

    #[test]
    fn a_number_that_json_lacks_becomes_null() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(data_text(&number), "null");
        }
    }

    /// Python 3.11 printed each expected text for a dict with the same key.
    #[test]
    fn keys_that_are_not_strings_are_written_as_strings() {
        for (text, key) in [
            (
                data_text(&BTreeMap::from([(-10012345678i64, 1)])),
                "-10012345678",
            ),
            (data_text(&BTreeMap::from([(true, 1)])), "true"),
            (
                data_text(&BTreeMap::from([("\"微\"", 1)])),
                "\\\"\\u5fae\\\"",
            ),
            (data_text(&OneFloatKey(1.5)), "1.5"),
            (data_text(&OneFloatKey(1e16)), "1e+16"),
            (data_text(&OneFloatKey(-0.0)), "-0.0"),
        ] {
            assert_eq!(text, format!("{{\n        \"{key}\": 1\n    }}"));
        }
    }

    struct OneFloatKey(f64);

    impl Serialize for OneFloatKey {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(self.0, 1)])
        }
    }

    #[test]
    fn empty_lists_and_objects_stay_on_their_line() {
        assert_eq!(data_text(&json!([])), "[]");
        assert_eq!(data_text(&json!({})), "{}");
        assert_eq!(
            data_text(&json!([[], {"a": {}}])),
            "[\n        [],\n        {\n            \"a\": {}\n        }\n    ]"
        );
        assert_eq!(data_text(&None::<i32>), "null");
        assert_eq!(
            format_data("", &[], "", "", &()),
            "{\n    \"from\": \"\",\n    \"to\": [],\n    \"action\": \"\",\n    \"type\": \"\",\n    \"data\": null\n}"
        );
    }

    #[test]
    #[should_panic(expected = "the data of c/d has no JSON form: key must be a string")]
    fn a_list_as_a_key_panics() {
        format_data("A", &[], "c", "d", &BTreeMap::from([([1, 2], 3)]));
    }
}
