//! The same values in every protocol, as CPython pickles them.

use super::*;

fn plain() -> PyValue {
    let one = |value| vec![PyValue::Int(value)];
    let shared = PyValue::List(vec!["shared".into(), texts([("key", PyValue::Int(1))])]);
    let key = shared.as_members().unwrap()[1].clone();
    let mut deep = PyValue::from("bottom");
    for _ in 0..10 {
        deep = PyValue::List(vec![deep]);
    }
    let floats = [
        0.0,
        -0.0,
        0.4,
        1e300,
        -2.5e-7,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let text = [
        "",
        "plain",
        "加.{0,3}微信",
        "é \\ \\u0041 ' \" \n \r \t \0 \x1a \x7f",
        "😀",
        &"x".repeat(300),
    ];
    texts([
        ("none", PyValue::None),
        (
            "bools",
            PyValue::List(vec![PyValue::Bool(true), PyValue::Bool(false)]),
        ),
        (
            "ints",
            PyValue::List(ints([
                0,
                1,
                255,
                256,
                65_535,
                65_536,
                -1,
                i32::MAX.into(),
                i32::MIN.into(),
                1 << 31,
                -(1 << 31) - 1,
                5_000_000_001,
                -1_001_234_567_890,
                i64::MAX,
                i64::MIN,
            ])),
        ),
        ("floats", PyValue::List(floats.map(PyValue::Float).into())),
        ("text", PyValue::List(text.map(PyValue::from).into())),
        (
            "tuples",
            PyValue::List(
                (0..5)
                    .map(|length| PyValue::Tuple((1..=length).map(PyValue::Int).collect()))
                    .collect(),
            ),
        ),
        (
            "sets",
            PyValue::List(vec![
                set([]),
                PyValue::Set(one(7)),
                PyValue::FrozenSet(vec![]),
                PyValue::FrozenSet(one(7)),
            ]),
        ),
        (
            "dicts",
            PyValue::List(vec![
                dict([]),
                dict([(PyValue::Int(1), dict([]))]),
                dict([
                    (
                        PyValue::Tuple(vec![PyValue::Int(1), "a".into()]),
                        PyValue::List(vec![]),
                    ),
                    (PyValue::FrozenSet(one(2)), PyValue::None),
                    (PyValue::Bool(true), PyValue::Float(0.5)),
                ]),
            ]),
        ),
        ("shared", PyValue::List(vec![shared.clone(), shared, key])),
        ("deep", deep),
    ])
}

#[test]
fn plain_values_are_the_same_in_every_protocol() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/plain_{protocol}.pickle"));
        assert_eq!(read_data(&pickle).unwrap(), plain(), "protocol {protocol}");
    }
    // 0.0 equals -0.0, so the signs are compared.
    let zero = |pickle: &[u8]| {
        let value = read_data(pickle).unwrap();
        match value.get("floats").unwrap().as_members().unwrap()[1] {
            PyValue::Float(zero) => zero.is_sign_negative(),
            _ => false,
        }
    };
    for protocol in 0..6 {
        assert!(zero(&fixture(&format!(
            "protocols/plain_{protocol}.pickle"
        ))));
    }
    assert!(zero(&write(&plain())));
}

#[test]
fn written_values_read_back() {
    let value = PyValue::List(vec![plain(), PyValue::Bytes(vec![0; 70_000])]);
    assert_eq!(read_data(&write(&value)).unwrap(), value);
}

#[test]
fn bytes_are_data_in_the_protocols_that_have_them() {
    let bytes = [&b""[..], b"\0\xff", &[b'x'; 300]].map(|bytes| PyValue::Bytes(bytes.into()));
    for protocol in 3..6 {
        let pickle = fixture(&format!("protocols/bytes_{protocol}.pickle"));
        assert_eq!(read_data(&pickle).unwrap(), PyValue::List(bytes.to_vec()));
    }
    let pickle = fixture("protocols/bytearray_5.pickle");
    assert_eq!(read_data(&pickle).unwrap(), bytes[1]);
}

#[test]
fn python_2_text_is_read_as_ascii() {
    let cases: [(&[u8], &str); 4] = [
        (b"S'it\\'s \\x41\\102\\n\\q'\np0\n.", "it's AB\n\\q"),
        (b"S\"it's\"\n.", "it's"),
        (b"U\x03abc.", "abc"),
        (b"T\x03\0\0\0abc.", "abc"),
    ];
    for (pickle, text) in cases {
        assert_eq!(read_data(pickle).unwrap(), text.into());
    }
    for pickle in [
        &b"U\x01\xe9."[..],
        b"S'\\xe9'\n.",
        b"S'\xe9'\n.",
        b"S'open\n.",
        b"S'\n.",
        b"S'\\'\n.",
    ] {
        let error = read_data(pickle).unwrap_err();
        assert!(matches!(error, PickleError::Malformed { .. }), "{error}");
    }
}
