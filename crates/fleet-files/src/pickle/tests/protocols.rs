//! The same values in every protocol, from the real Python.

use super::*;

fn plain() -> Value {
    let one = |value| vec![Value::Int(value)];
    let shared = Value::List(vec!["shared".into(), texts([("key", Value::Int(1))])]);
    let key = shared.members().unwrap()[1].clone();
    let mut deep = Value::from("bottom");
    for _ in 0..10 {
        deep = Value::List(vec![deep]);
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
        ("none", Value::None),
        (
            "bools",
            Value::List(vec![Value::Bool(true), Value::Bool(false)]),
        ),
        (
            "ints",
            Value::List(ints([
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
        ("floats", Value::List(floats.map(Value::Float).into())),
        ("text", Value::List(text.map(Value::from).into())),
        (
            "tuples",
            Value::List(
                (0..5)
                    .map(|length| Value::Tuple((1..=length).map(Value::Int).collect()))
                    .collect(),
            ),
        ),
        (
            "sets",
            Value::List(vec![
                set([]),
                Value::Set(one(7)),
                Value::FrozenSet(vec![]),
                Value::FrozenSet(one(7)),
            ]),
        ),
        (
            "dicts",
            Value::List(vec![
                dict([]),
                dict([(Value::Int(1), dict([]))]),
                dict([
                    (
                        Value::Tuple(vec![Value::Int(1), "a".into()]),
                        Value::List(vec![]),
                    ),
                    (Value::FrozenSet(one(2)), Value::None),
                    (Value::Bool(true), Value::Float(0.5)),
                ]),
            ]),
        ),
        ("shared", Value::List(vec![shared.clone(), shared, key])),
        ("deep", deep),
    ])
}

#[test]
fn plain_values_are_the_same_in_every_protocol() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/plain_{protocol}.pickle"));
        assert_eq!(read_data(&pickle).unwrap(), plain(), "protocol {protocol}");
    }
    // Equality does not tell the two zeros apart.
    let zero = |pickle: &[u8]| {
        let value = read_data(pickle).unwrap();
        match value.get("floats").unwrap().members().unwrap()[1] {
            Value::Float(zero) => zero.is_sign_negative(),
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
fn what_is_written_reads_back() {
    let value = Value::List(vec![plain(), Value::Bytes(vec![0; 70_000])]);
    assert_eq!(read_data(&write(&value)).unwrap(), value);
}

#[test]
fn bytes_are_data_where_the_protocol_has_them() {
    let bytes = [&b""[..], b"\0\xff", &[b'x'; 300]].map(|bytes| Value::Bytes(bytes.into()));
    for protocol in 3..6 {
        let pickle = fixture(&format!("protocols/bytes_{protocol}.pickle"));
        assert_eq!(read_data(&pickle).unwrap(), Value::List(bytes.to_vec()));
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
        let fault = read_data(pickle).unwrap_err();
        assert!(matches!(fault, PickleFault::Malformed { .. }), "{fault}");
    }
}
