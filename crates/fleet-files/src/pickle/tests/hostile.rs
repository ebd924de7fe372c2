//! Pickles that were not made by a friend.

use super::*;
use crate::aescrypt;

fn fault(pickle: &[u8]) -> PickleFault {
    read(pickle).expect_err("a fault")
}

/// Many times the same piece.
fn times(piece: &[u8], count: usize) -> Vec<u8> {
    piece.repeat(count)
}

#[test]
fn whatever_else_a_pickle_names_is_refused_by_that_name() {
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
                fault(&pickle),
                PickleFault::Refused { name },
                "{value} {protocol}"
            );
        }
        if protocol < 3 {
            let pickle = fixture(&format!("protocols/bytes_{protocol}.pickle"));
            let found = fault(&pickle);
            assert!(
                matches!(&found, PickleFault::Refused { name } if name == "_codecs.encode" || name == "__builtin__.bytes"),
                "{found}"
            );
        }
    }
}

#[test]
fn values_that_are_no_plain_data_are_refused() {
    for (pickle, what) in [
        (&b"Pid\n."[..], "refers to an object outside of it"),
        (b"NQ.", "refers to an object outside of it"),
        (b"\x82\x01.", "names something by a registered number"),
        (b"\x97.", "refers to a buffer outside of it"),
        (b"(ibuiltins\nset\n.", "makes an object"),
        (b"(cbuiltins\nset\no.", "makes an object"),
        (b"cbuiltins\nset\n)\x81.", "makes an object"),
        (b"cPIL.Image\nImage\n)R.", "calls an image class"),
        (b"cPIL.Image\nImage\nK\x01\x85\x81.", "makes an object"),
        (b"]Nb.", "sets the state of an object"),
    ] {
        let found = fault(pickle);
        assert!(
            matches!(found, PickleFault::NotData { what: told, .. } if told == what),
            "{found}"
        );
    }
    assert_eq!(
        fault(b"cbuiltins\nset\n."),
        PickleFault::Refused {
            name: "set as a value".into()
        }
    );
    let long = [&b"cos\n"[..], &times(b"\x1b", 200), b"\n."].concat();
    let found = fault(&long).to_string();
    assert!(!found.contains('\x1b') && found.len() < 500, "{found}");
    let class = [
        &b"cPIL."[..],
        &times(b"x", 1 << 20),
        b"ImagePlugin\nImageFile\n.",
    ]
    .concat();
    assert!(matches!(fault(&class), PickleFault::Refused { name } if name.len() < 200));
}

#[test]
fn sets_are_made_of_lists_alone() {
    for (pickle, expected) in [
        (&b"cbuiltins\nset\n(]tR."[..], Ok(set([]))),
        (b"cbuiltins\nset\n)R.", Ok(set([]))),
        (
            b"c__builtin__\nfrozenset\n((K\x01ltR.",
            Ok(Value::FrozenSet(ints([1]))),
        ),
        (
            b"cbuiltins\nset\n(U\x02abtR.",
            Err("a set is made of no list"),
        ),
        (
            b"cbuiltins\nset\n(]]tR.",
            Err("a set is made of more than a list"),
        ),
        (
            b"cbuiltins\nset\n]R.",
            Err("the arguments of a call are no tuple"),
        ),
        (b"N)R.", Err("it calls what is no name")),
    ] {
        match expected {
            Ok(value) => assert_eq!(read_data(pickle).unwrap(), value),
            Err(what) => {
                let found = fault(pickle);
                assert!(
                    matches!(found, PickleFault::Malformed { what: told, .. } if told == what),
                    "{found}"
                );
            }
        }
    }
    for pickle in [&b"\x8f(]\x90."[..], b"}]Ns.", b"}(]\x85Nu.", b"(}\x91."] {
        assert_eq!(fault(pickle), PickleFault::Unhashable);
    }
}

#[test]
fn integers_of_more_than_64_bits_are_refused() {
    for protocol in 0..6 {
        let found = fault(&fixture(&format!("protocols/big_{protocol}.pickle")));
        assert!(
            matches!(found, PickleFault::Malformed { what, .. } if what.contains("64 bits")),
            "{found}"
        );
    }
    let thousand_digits = [&b"L"[..], &times(b"9", 1 << 20), b"L\n."].concat();
    fault(&thousand_digits);
    assert_eq!(
        read_data(b"\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff.").unwrap(),
        Value::Int(-1)
    );
}

#[test]
fn a_cut_anywhere_is_a_fault_and_so_is_a_tail() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/plain_{protocol}.pickle"));
        for length in 0..pickle.len() {
            read(&pickle[..length]).expect_err("a cut pickle");
        }
        let at = pickle.len();
        assert_eq!(
            fault(&[&pickle[..], b"\x01"].concat()),
            PickleFault::TrailingBytes { at }
        );
    }
    assert_eq!(fault(b""), PickleFault::Truncated);
    assert_eq!(fault(b"\x80\x06."), PickleFault::UnknownProtocol(6));
    assert_eq!(
        fault(b"\xff\xd8"),
        PickleFault::UnknownOpcode {
            opcode: 0xff,
            at: 0
        }
    );
}

#[test]
fn what_holds_itself_or_is_too_deep_is_refused() {
    for protocol in 0..6 {
        let pickle = fixture(&format!("protocols/holds_itself_{protocol}.pickle"));
        assert_eq!(fault(&pickle), PickleFault::TooDeep);
    }
    let large = [&b"]q\x00("[..], &times(b"h\x00", 1 << 20), b"e."].concat();
    assert_eq!(fault(&large), PickleFault::TooLarge);
    let nested = |levels: usize| [times(b"(", levels), times(b"l", levels), b".".to_vec()].concat();
    read_data(&nested(DEEPEST)).unwrap();
    for levels in [DEEPEST + 1, 1_000_000] {
        assert_eq!(fault(&nested(levels)), PickleFault::TooDeep);
    }
    let tuples = [&b"N"[..], &times(b"\x85", 1_000_000), b"."].concat();
    assert_eq!(fault(&tuples), PickleFault::TooDeep);
}

#[test]
fn shared_values_cannot_become_more_than_memory_holds() {
    // Thirty levels, each of which holds the one before it twice: 2^30 values from 100 bytes.
    let doubled = [&b"]q\x00"[..], &times(b"0(h\x00h\x00lq\x00", 30), b"."].concat();
    assert_eq!(fault(&doubled), PickleFault::TooLarge);
    // A text of one MiB, a thousand times.
    let text = [
        &b"(X\0\0\x10\0"[..],
        &times(b"a", 1 << 20),
        b"q\x00",
        &times(b"h\x00", 1000),
        b"l.",
    ]
    .concat();
    assert_eq!(fault(&text), PickleFault::TooLarge);
    // A list of a thousand members, made into a set thirty thousand times.
    let sets = [
        &b"]q\x00("[..],
        &times(b"N", 1000),
        b"e0(",
        &times(b"cbuiltins\nset\nh\x00\x85R", 30_000),
        b"l.",
    ]
    .concat();
    assert_eq!(fault(&sets), PickleFault::TooLarge);
}

#[test]
fn instructions_that_only_take_memory_are_limited() {
    for piece in [b"N", b"(", b"\x94"] {
        let pickle = [&b"N"[..], &times(piece, MOST_VALUES + 1)].concat();
        assert_eq!(fault(&pickle), PickleFault::TooLarge, "{piece:?}");
    }
    assert_eq!(fault(&vec![b'N'; LARGEST + 1]), PickleFault::TooLarge);
    // Lengths that no pickle has.
    for pickle in [
        &b"B\xff\xff\xff\xff"[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x95\0\0\0\0\0\0\0\x01.",
    ] {
        assert_eq!(fault(pickle), PickleFault::Truncated);
    }
}

#[test]
fn mutated_pickles_give_plain_data_or_a_fault() {
    let mut pickles: Vec<Vec<u8>> = Vec::new();
    for folder in ["protocols", "photos"] {
        let mut names: Vec<_> = std::fs::read_dir(directory().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "pickle")
            })
            .collect();
        names.sort();
        pickles.extend(names.iter().map(|path| std::fs::read(path).unwrap()));
    }
    assert!(pickles.len() > 90);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut read_well = 0;
    for round in 0..100_000 {
        let mut pickle = pickles[round % pickles.len()].clone();
        for _ in 0..=next(4) {
            let at = next(pickle.len());
            match next(6) {
                0 => pickle.truncate(at.max(1)),
                1 => pickle[at] = next(256) as u8,
                2 => pickle.insert(at, next(256) as u8),
                3 => pickle[at] ^= 1 << next(8),
                4 => pickle[at] = b"(.012]}seu\x85\x90\x94Rbh\x8c"[next(17)],
                _ => {
                    let other = &pickles[next(pickles.len())];
                    let start = next(other.len());
                    let piece = &other[start..other.len().min(start + 20)];
                    pickle.splice(at..at, piece.iter().copied());
                }
            }
        }
        match read(&pickle) {
            Ok(Content::Data(value)) => {
                read_well += 1;
                let again = write(&value);
                assert_eq!(write(&read_data(&again).unwrap()), again, "{round}");
            }
            Ok(Content::Photo(photo)) => {
                read_well += 1;
                assert_eq!(read_photo(&write_photo(&photo)).unwrap(), photo, "{round}");
            }
            Err(fault) => assert!(fault.to_string().len() < 1000, "{round}"),
        }
    }
    // Otherwise the mutations are too coarse to get behind the first check.
    assert!(read_well > 1000, "{read_well}");
}

#[test]
fn a_flipped_bit_in_the_length_byte_of_an_aes_crypt_file_never_passes() {
    // The one place where that format alone would let a flipped bit through.
    let password = "correct horse 電池".into();
    for length in 0..16 {
        let text = "x".repeat(length);
        let mut file = aescrypt::seal(&write(&text.as_str().into()), &password).unwrap();
        let at = file.len() - 33;
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            if let Ok(pickle) = aescrypt::open(&file, &password) {
                let found = fault(&pickle);
                assert!(
                    matches!(found, PickleFault::TrailingBytes { .. }),
                    "{found}"
                );
            }
            file[at] ^= 1 << bit;
        }
    }
}
