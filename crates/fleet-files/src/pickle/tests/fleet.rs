//! The fleet's lists, as its own programs wrote them and as this one does.

use super::*;

const GROUP: i64 = -10_012_345_678;

fn score(nospam: f64) -> Value {
    texts(
        [
            "captcha", "clean", "lang", "long", "noflood", "noporn", "nospam", "warn",
        ]
        .map(|name| {
            let score = if name == "nospam" { nospam } else { 0.0 };
            (name, Value::Float(score))
        }),
    )
}

fn user(avatar: &str, join: Value, message: Value, nospam: f64) -> Value {
    texts([
        ("avatar", avatar.into()),
        ("join", join),
        ("message", message),
        ("score", score(nospam)),
    ])
}

fn bad(channels: Value, users: Value) -> Value {
    texts([("channels", channels), ("users", users)])
}

/// What `make.py` puts in, file by file.
fn lists() -> [(&'static str, Value); 10] {
    let rule = |text: &str| Value::from(text);
    [
        (
            "user_ids",
            dict([
                (
                    Value::Int(12_345_678),
                    user(
                        "AQADAgADr6cxGw",
                        dict([(Value::Int(GROUP), Value::Int(1_568_000_000))]),
                        dict([(Value::Int(GROUP), Value::Set(ints([123, 124])))]),
                        0.4,
                    ),
                ),
                (Value::Int(87_654_321), user("", dict([]), dict([]), 0.0)),
            ]),
        ),
        (
            "bad_ids",
            bad(
                Value::Set(ints([GROUP])),
                Value::Set(ints([12_345_678, 5_000_000_001])),
            ),
        ),
        (
            "except_ids",
            texts([("long", set(["AQADAgADr6cxGw".into()]))]),
        ),
        (
            "admin_ids",
            dict([(
                Value::Int(GROUP),
                Value::Set(ints([12_345_678, 87_654_321])),
            )]),
        ),
        (
            "nm_words",
            texts([
                ("(?i)加.{0,3}微信", Value::Int(3)),
                (r"t\.me/\w+", Value::Int(0)),
                (r"(?<!\d)1\d{10}(?!\d)", Value::Int(12)),
            ]),
        ),
        (
            "nm_words_protocol_0",
            texts([
                ("(?i)加.{0,3}微信", Value::Int(3)),
                (r"t\.me/\w+", Value::Int(0)),
            ]),
        ),
        (
            "nm_words_protocol_2",
            Value::List(vec![rule("(?i)加.{0,3}微信"), rule(r"t\.me/\w+")]),
        ),
        (
            "bad_ids_protocol_3",
            bad(
                Value::Set(ints([GROUP])),
                Value::Set(ints([12_345_678, 5_000_000_001])),
            ),
        ),
        (
            "bad_ids_protocol_0",
            bad(set([]), Value::Set(ints([12_345_678]))),
        ),
        ("empty_set", set([])),
    ]
}

#[test]
fn every_list_of_the_fleet_is_what_python_put_in() {
    for (name, expected) in lists() {
        let pickle = opened(name);
        assert_eq!(sorted(read_data(&pickle).unwrap()), expected, "{name}");
    }
}

#[test]
fn what_is_written_reads_back_and_is_what_python_was_shown() {
    // tests/interop/python_files.py opens these frozen files with pyAesCrypt and pickle. To freeze another one,
    // write what `write` gives.
    for (name, value) in lists() {
        let pickle = write(&value);
        assert_eq!(read_data(&pickle).unwrap(), value, "{name}");
        assert_eq!(opened(&format!("ours/{name}")), pickle, "{name}");
    }
}

#[test]
fn the_later_of_two_equal_keys_holds() {
    let value = texts([("users", Value::Int(1)), ("users", Value::Int(2))]);
    assert_eq!(value.get("users"), Some(&Value::Int(2)));
    assert_eq!(value.get("channels"), None);
}
