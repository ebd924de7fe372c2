//! Pickles of Python programs.

use fleet_files::pickle::{
    MAX_BYTES, MAX_DEPTH, MAX_VALUES, PyValue, Unpickled, read, write, write_photo,
};

use super::Parser;
use super::samples::fixtures;

/// The largest value that is written and read again, in values: reading counts steps, of which a value may take more
/// than it has parts.
const MAX_REWRITTEN: usize = 100_000;

/// A pickle as plain data or a photo.
pub const PICKLE: Parser = Parser {
    name: "pickle",
    samples: || {
        let mut samples = fixtures("python/protocols", "pickle");
        samples.extend(fixtures("python/photos", "pickle"));
        samples
    },
    pieces: &[
        b"(",
        b".",
        b"0",
        b"1",
        b"2",
        b"]",
        b"}",
        b"s",
        b"e",
        b"u",
        b"l",
        b"d",
        b"R",
        b"b",
        b"N",
        b"\x85",
        b"\x90",
        b"\x91",
        b"\x94",
        b"\x8f",
        b"h\0",
        b"q\0",
        b"r\xff\xff\xff\xff",
        b"\x8c\x03set",
        b"\x8c\x08builtins",
        b"\x93",
        b"cbuiltins\nset\n",
        b"cPIL.Image\nImage\n",
        b"\x95\xff\0\0\0\0\0\0\0",
        b"B\xff\xff\xff\xff",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"L-9223372036854775808L\n",
        b"F1e999\n",
        b"Gnan\0\0\0\0\0\0",
        b"V\\ud800\n",
    ],
    check,
};

/// The content is within the limits, and is written and read as the same.
fn check(input: &[u8]) -> bool {
    match read(input) {
        Ok(Unpickled::Data(value)) => {
            let size = Size::of(&value);
            assert!(size.values <= MAX_VALUES && size.bytes <= MAX_BYTES);
            assert!(size.levels <= MAX_DEPTH);
            if size.values <= MAX_REWRITTEN {
                let written = write(&value);
                let Ok(Unpickled::Data(again)) = read(&written) else {
                    panic!("a written pickle is not read as data");
                };
                // Not a number differs from itself, so the bytes are compared.
                assert_eq!(write(&again), written);
            }
            true
        }
        Ok(Unpickled::Photo(photo)) => {
            assert_eq!(read(&write_photo(&photo)), Ok(Unpickled::Photo(photo)));
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 1000);
            false
        }
    }
}

#[derive(Default)]
struct Size {
    /// The values inside of others.
    values: usize,
    /// The bytes of all strings.
    bytes: usize,
    /// The levels of nesting.
    levels: usize,
}

impl Size {
    fn of(value: &PyValue) -> Self {
        match value {
            PyValue::Bytes(bytes) => Self {
                bytes: bytes.len(),
                ..Self::default()
            },
            PyValue::Str(text) => Self {
                bytes: text.len(),
                ..Self::default()
            },
            PyValue::List(members)
            | PyValue::Tuple(members)
            | PyValue::Set(members)
            | PyValue::FrozenSet(members) => Self::of_all(members.iter()),
            PyValue::Dict(pairs) => {
                Self::of_all(pairs.iter().flat_map(|(key, value)| [key, value]))
            }
            _ => Self::default(),
        }
    }

    fn of_all<'a>(members: impl Iterator<Item = &'a PyValue>) -> Self {
        let mut sum = Self::default();
        for member in members {
            let size = Self::of(member);
            sum.values += 1 + size.values;
            sum.bytes += size.bytes;
            sum.levels = sum.levels.max(size.levels);
        }
        sum.levels += 1;
        sum
    }
}
