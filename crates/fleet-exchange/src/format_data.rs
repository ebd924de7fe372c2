//! The text of an envelope, byte for byte what Python's `json.dumps(…, indent=4)` writes (SPEC §5.1).
//!
//! The bots in service compare and parse these texts, so that this room follows CPython where it differs from
//! `serde_json`: floats as `repr` prints them, NaN and the infinities as words, every character outside
//! printable ASCII escaped, scalar keys of every kind. `serde_json` decides NaN before its formatter is asked,
//! which is why this is a serializer of its own. Structs, enums and byte strings take `serde_json`'s shapes.
//! It knows no action and no receiver; what is said is for the rooms beside it.

mod serializer;
mod text;

use serde::Serialize;

use self::text::Text;

/// Writes the envelope `{from, to, action, type, data}` as the fleet's `format_data` does (SPEC §5.1).
///
/// # Panics
/// When `data` has no JSON form by its own making: its `Serialize` refuses, or a map in it has lists or objects
/// as keys. No contents can bring that about for strings, numbers, options, structs, sequences, maps with scalar
/// keys, or any `serde_json::Value`, which is all that this program sends.
pub fn format_data(
    sender: &str,
    receivers: &[&str],
    action: &str,
    action_type: &str,
    data: &impl Serialize,
) -> String {
    let envelope = Envelope {
        from: sender,
        to: receivers,
        action,
        action_type,
        data,
    };
    let mut text = Text::default();
    match envelope.serialize(&mut text) {
        Ok(()) => text.into_string(),
        Err(fault) => panic!("the data of {action}/{action_type} cannot be written: {fault}"),
    }
}

#[derive(serde::Serialize)]
struct Envelope<'a, T> {
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

    /// The text of `data` alone: what stands after `"data": ` and before the envelope's closing brace.
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
    fn every_call_of_the_fleets_documents_gives_its_text() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../tests/fixtures/exchange.json")).unwrap();
        assert_eq!(vectors.len(), 53);
        for vector in vectors {
            let receivers: Vec<&str> = vector["receivers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|receiver| receiver.as_str().unwrap())
                .collect();
            let text = format_data(
                vector["sender"].as_str().unwrap(),
                &receivers,
                vector["action"].as_str().unwrap(),
                vector["action_type"].as_str().unwrap(),
                &vector["data"],
            );
            assert_eq!(text, vector["text"].as_str().unwrap());
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

    /// Each expectation is what Python 3.11 printed for the dict of the same keys.
    #[test]
    fn keys_that_are_no_strings_become_the_strings_of_their_json() {
        assert_eq!(
            data_text(&BTreeMap::from([(-10012345678i64, 1)])),
            "{\n        \"-10012345678\": 1\n    }"
        );
        assert_eq!(
            data_text(&BTreeMap::from([(true, 1)])),
            "{\n        \"true\": 1\n    }"
        );
        assert_eq!(
            data_text(&BTreeMap::from([(None::<u8>, 1)])),
            "{\n        \"null\": 1\n    }"
        );
        assert_eq!(
            data_text(&BTreeMap::from([("\"微\"", 1)])),
            "{\n        \"\\\"\\u5fae\\\"\": 1\n    }"
        );
        for (key, text) in [
            (1.5, "1.5"),
            (1e16, "1e+16"),
            (-0.0, "-0.0"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(
                data_text(&OneFloatKey(key)),
                format!("{{\n        \"{text}\": 1\n    }}")
            );
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

    #[derive(serde::Serialize)]
    enum Every {
        Unit,
        Newtype(Box<Self>),
        Tuple(u8, char),
        Struct { bytes: Bytes, unit: () },
    }

    #[derive(serde::Serialize)]
    struct Wrapped(Option<&'static str>);

    struct Bytes;

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 255])
        }
    }

    /// `serde_json` with the same indent is the reference for shapes; it differs in floats and non-ASCII only.
    #[test]
    fn types_take_the_shapes_that_serde_json_gives_them() {
        let every = (
            Every::Unit,
            Every::Newtype(Box::new(Every::Tuple(7, 'x'))),
            [Every::Struct {
                bytes: Bytes,
                unit: (),
            }],
            Wrapped(Some("in")),
            BTreeMap::from([(('k'), Wrapped(None))]),
        );
        let mut reference = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut reference, indent);
        json!({ "data": serde_json::to_value(&every).unwrap() })
            .serialize(&mut serializer)
            .unwrap();
        let reference = String::from_utf8(reference).unwrap();
        assert_eq!(
            format!("{{\n    \"data\": {}\n}}", data_text(&every)),
            reference
        );
    }

    #[test]
    #[should_panic(expected = "a list or an object stands where a map's key must be")]
    fn a_list_as_a_key_is_a_mistake_in_the_program() {
        format_data("A", &[], "c", "d", &BTreeMap::from([([1, 2], 3)]));
    }
}
