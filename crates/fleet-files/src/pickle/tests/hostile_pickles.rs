//! Hostile, damaged and oversized pickles. `tests/parsers` checks mutated ones.

use super::*;
use crate::aescrypt;

fn error(pickle: &[u8]) -> PickleError {
    read(pickle).expect_err("an error")
}

#[test]
fn any_other_name_in_a_pickle_is_refused() {
    for protocol in 0..6 {
        let builtins = if protocol < 3 {
            "__builtin__"
        } else {
            "builtins"
        };
        for (value, name) in [
            ("calls_os_system", "posix.system".to_owned()),
            ("names_len", format!("{builtins}.len")),
            ("ordered", "collections.OrderedDict".to_owned()),
            ("date", "datetime.date".to_owned()),
            (
                "range",
                if protocol < 3 {
                    "__builtin__.xrange".into()
                } else {
                    "builtins.range".into()
                },
            ),
            ("complex", format!("{builtins}.complex")),
            ("fraction", "fractions.Fraction".to_owned()),
        ] {
            let pickle = fixture(&format!("protocols/{value}_{protocol}.pickle"));
            assert_eq!(
                error(&pickle),
                PickleError::Refused { name },
                "{value} {protocol}"
            );
        }
        if protocol < 3 {
            let pickle = fixture(&format!("protocols/bytes_{protocol}.pickle"));
            let found = error(&pickle);
            assert!(
                matches!(&found, PickleError::Refused { name } if name == "_codecs.encode" || name == "__builtin__.bytes"),
                "{found}"
            );
        }
    }
}

#[test]
fn opcodes_that_only_objects_need_are_refused() {
    for (pickle, expected) in [
        (&b"Pid\n."[..], "refers to an object outside of the pickle"),
        (b"NQ.", "refers to an object outside of the pickle"),
        (b"\x82\x01.", "names something by a registered number"),
        (b"\x97.", "refers to a buffer outside of the pickle"),
        (b"(ibuiltins\nset\n.", "makes an object"),
        (b"(cbuiltins\nset\no.", "makes an object"),
        (b"cbuiltins\nset\n)\x81.", "makes an object"),
        (b"cPIL.Image\nImage\n)R.", "calls an image class"),
        (b"cPIL.Image\nImage\nK\x01\x85\x81.", "makes an object"),
        (b"]Nb.", "sets the state of an object"),
    ] {
        let found = error(pickle);
        assert!(
            matches!(found, PickleError::NotData { action, .. } if action == expected),
            "{found}"
        );
    }
    assert_eq!(
        error(b"cbuiltins\nset\n."),
        PickleError::Refused {
            name: "set as a value".into()
        }
    );
    let long = [&b"cos\n"[..], &b"\x1b".repeat(200), b"\n."].concat();
    let found = error(&long).to_string();
    assert!(!found.contains('\x1b') && found.len() < 500, "{found}");
    let class = [
        &b"cPIL."[..],
        &b"x".repeat(1 << 20),
        b"ImagePlugin\nImageFile\n.",
    ]
    .concat();
    assert!(matches!(error(&class), PickleError::Refused { name } if name.len() < 200));
}

#[test]
fn sets_are_made_only_from_lists() {
    for (pickle, expected) in [
        (&b"cbuiltins\nset\n(]tR."[..], Ok(set([]))),
        (b"cbuiltins\nset\n)R.", Ok(set([]))),
        (
            b"c__builtin__\nfrozenset\n((K\x01ltR.",
            Ok(PyValue::FrozenSet(ints([1]))),
        ),
        (
            b"cbuiltins\nset\n(U\x02abtR.",
            Err("the argument of a set is not a list"),
        ),
        (
            b"cbuiltins\nset\n(]]tR.",
            Err("a set has more than one argument"),
        ),
        (
            b"cbuiltins\nset\n]R.",
            Err("the arguments of a call are not a tuple"),
        ),
        (b"N)R.", Err("the callee of a call is not a name")),
    ] {
        match expected {
            Ok(value) => assert_eq!(read_data(pickle).unwrap(), value),
            Err(expected) => {
                let found = error(pickle);
                assert!(
                    matches!(found, PickleError::Malformed { reason, .. } if reason == expected),
                    "{found}"
                );
            }
        }
    }
    for pickle in [&b"\x8f(]\x90."[..], b"}]Ns.", b"}(]\x85Nu.", b"(}\x91."] {
        assert_eq!(error(pickle), PickleError::Unhashable);
    }
}

#[test]
fn integers_of_more_than_64_bits_are_refused() {
    for protocol in 0..6 {
        let found = error(&fixture(&format!("protocols/big_{protocol}.pickle")));
        assert!(
            matches!(found, PickleError::Malformed { reason, .. } if reason.contains("64 bits")),
            "{found}"
        );
    }
    let thousand_digits = [&b"L"[..], &b"9".repeat(1 << 20), b"L\n."].concat();
    error(&thousand_digits);
    assert_eq!(
        read_data(b"\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff.").unwrap(),
        PyValue::Int(-1)
    );
}

#[test]
fn truncated_pickles_and_trailing_bytes_are_refused() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/plain_{protocol}.pickle"));
        for length in 0..pickle.len() {
            read(&pickle[..length]).expect_err("a truncated pickle");
        }
        let at = pickle.len();
        assert_eq!(
            error(&[&pickle[..], b"\x01"].concat()),
            PickleError::TrailingBytes { at }
        );
    }
    assert_eq!(error(b""), PickleError::Truncated);
    assert_eq!(error(b"\x80\x06."), PickleError::UnknownProtocol(6));
    assert_eq!(
        error(b"\xff\xd8"),
        PickleError::UnknownOpcode {
            opcode: 0xff,
            at: 0
        }
    );
}

#[test]
fn values_that_contain_themselves_or_are_too_deep_are_refused() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/holds_itself_{protocol}.pickle"));
        assert_eq!(error(&pickle), PickleError::TooDeep);
    }
    let large = [&b"]q\x00("[..], &b"h\x00".repeat(1 << 20), b"e."].concat();
    assert_eq!(error(&large), PickleError::TooLarge);
    let nested = |levels: usize| [b"(".repeat(levels), b"l".repeat(levels), b".".to_vec()].concat();
    read_data(&nested(MAX_DEPTH)).unwrap();
    for levels in [MAX_DEPTH + 1, 1_000_000] {
        assert_eq!(error(&nested(levels)), PickleError::TooDeep);
    }
    let tuples = [&b"N"[..], &b"\x85".repeat(1_000_000), b"."].concat();
    assert_eq!(error(&tuples), PickleError::TooDeep);
}

#[test]
fn copies_of_shared_values_count_against_the_limits() {
    // Thirty levels, each of which contains the one before it twice: 2^30 values from 100 bytes.
    let doubled = [&b"]q\x00"[..], &b"0(h\x00h\x00lq\x00".repeat(30), b"."].concat();
    assert_eq!(error(&doubled), PickleError::TooLarge);
    // A text of one MiB, a thousand times.
    let text = [
        &b"(X\0\0\x10\0"[..],
        &b"a".repeat(1 << 20),
        b"q\x00",
        &b"h\x00".repeat(1000),
        b"l.",
    ]
    .concat();
    assert_eq!(error(&text), PickleError::TooLarge);
    // A list of a thousand members, from which a set is made thirty thousand times.
    let sets = [
        &b"]q\x00("[..],
        &b"N".repeat(1000),
        b"e0(",
        &b"cbuiltins\nset\nh\x00\x85R".repeat(30_000),
        b"l.",
    ]
    .concat();
    assert_eq!(error(&sets), PickleError::TooLarge);
}

#[test]
fn steps_that_only_take_memory_are_limited() {
    for piece in [b"N", b"(", b"\x94"] {
        let pickle = [&b"N"[..], &piece.repeat(MAX_VALUES + 1)].concat();
        assert_eq!(error(&pickle), PickleError::TooLarge, "{piece:?}");
    }
    assert_eq!(error(&vec![b'N'; MAX_BYTES + 1]), PickleError::TooLarge);
    // Lengths beyond the end of the pickle.
    for pickle in [
        &b"B\xff\xff\xff\xff"[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x95\0\0\0\0\0\0\0\x01.",
    ] {
        assert_eq!(error(pickle), PickleError::Truncated);
    }
}

#[test]
fn a_flipped_bit_in_the_length_byte_of_an_aes_crypt_file_is_detected() {
    // AES Crypt itself does not authenticate this byte.
    let password = "correct horse 電池".into();
    for length in 0..16 {
        let text = "x".repeat(length);
        let mut file = aescrypt::seal(&write(&text.as_str().into()), &password).unwrap();
        let at = file.len() - 33;
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            if let Ok(pickle) = aescrypt::open(&file, &password) {
                let found = error(&pickle);
                assert!(
                    matches!(found, PickleError::TrailingBytes { .. }),
                    "{found}"
                );
            }
            file[at] ^= 1 << bit;
        }
    }
}
