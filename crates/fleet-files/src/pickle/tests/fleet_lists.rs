//! The fleet's lists, as Python wrote them and as this crate writes them.

use super::*;

const GROUP: i64 = -10_012_345_678;

fn score(nospam: f64) -> PyValue {
    texts(
        [
            "captcha", "clean", "lang", "long", "noflood", "noporn", "nospam", "warn",
        ]
        .map(|name| {
            let score = if name == "nospam" { nospam } else { 0.0 };
            (name, PyValue::Float(score))
        }),
    )
}

fn user(avatar: &str, join: PyValue, message: PyValue, nospam: f64) -> PyValue {
    texts([
        ("avatar", avatar.into()),
        ("join", join),
        ("message", message),
        ("score", score(nospam)),
    ])
}

fn bad(channels: PyValue, users: PyValue) -> PyValue {
    texts([("channels", channels), ("users", users)])
}

/// Returns the values that `make.py` pickles, by the names of its files.
fn lists() -> [(&'static str, PyValue); 10] {
    let rule = |text: &str| PyValue::from(text);
    [
        (
            "user_ids",
            dict([
                (
                    PyValue::Int(12_345_678),
                    user(
                        "AQADAgADr6cxGw",
                        dict([(PyValue::Int(GROUP), PyValue::Int(1_568_000_000))]),
                        dict([(PyValue::Int(GROUP), PyValue::Set(ints([123, 124])))]),
                        0.4,
                    ),
                ),
                (PyValue::Int(87_654_321), user("", dict([]), dict([]), 0.0)),
            ]),
        ),
        (
            "bad_ids",
            bad(
                PyValue::Set(ints([GROUP])),
                PyValue::Set(ints([12_345_678, 5_000_000_001])),
            ),
        ),
        (
            "except_ids",
            texts([("long", set(["AQADAgADr6cxGw".into()]))]),
        ),
        (
            "admin_ids",
            dict([(
                PyValue::Int(GROUP),
                PyValue::Set(ints([12_345_678, 87_654_321])),
            )]),
        ),
        (
            "nm_words",
            texts([
                ("(?i)加.{0,3}微信", PyValue::Int(3)),
                (r"t\.me/\w+", PyValue::Int(0)),
                (r"(?<!\d)1\d{10}(?!\d)", PyValue::Int(12)),
            ]),
        ),
        (
            "nm_words_protocol_0",
            texts([
                ("(?i)加.{0,3}微信", PyValue::Int(3)),
                (r"t\.me/\w+", PyValue::Int(0)),
            ]),
        ),
        (
            "nm_words_protocol_2",
            PyValue::List(vec![rule("(?i)加.{0,3}微信"), rule(r"t\.me/\w+")]),
        ),
        (
            "bad_ids_protocol_3",
            bad(
                PyValue::Set(ints([GROUP])),
                PyValue::Set(ints([12_345_678, 5_000_000_001])),
            ),
        ),
        (
            "bad_ids_protocol_0",
            bad(set([]), PyValue::Set(ints([12_345_678]))),
        ),
        ("empty_set", set([])),
    ]
}

#[test]
fn every_list_of_the_fleet_has_the_value_that_python_pickled() {
    for (name, expected) in lists() {
        let pickle = decrypted(name);
        assert_eq!(sorted(read_data(&pickle).unwrap()), expected, "{name}");
    }
}

#[test]
fn written_lists_read_back_and_are_the_ones_that_python_opens() {
    // tests/interop/python_files.py opens these frozen files with pyAesCrypt and pickle.
    for (name, value) in lists() {
        let pickle = write(&value);
        assert_eq!(read_data(&pickle).unwrap(), value, "{name}");
        assert_eq!(decrypted(&format!("ours/{name}")), pickle, "{name}");
    }
}

#[test]
fn the_later_of_two_equal_keys_counts() {
    let value = texts([("users", PyValue::Int(1)), ("users", PyValue::Int(2))]);
    assert_eq!(value.get("users"), Some(&PyValue::Int(2)));
    assert_eq!(value.get("channels"), None);
}
