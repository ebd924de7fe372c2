//! The notation of the envelope's text: indentation, keys, strings and floats as CPython writes them.
//!
//! Knows how a piece of JSON looks, not which Rust value asked for it; that is `serializer`'s.

use std::fmt::Display;

use serde::ser::{self, Serialize};

const INDENT: &str = "    ";

/// What is written so far, and how deep the value stands that comes next.
#[derive(Default)]
pub(super) struct Text {
    written: String,
    depth: usize,
}

impl Text {
    pub(super) fn into_string(self) -> String {
        self.written
    }

    pub(super) fn push(&mut self, text: &str) {
        self.written.push_str(text);
    }

    fn push_line(&mut self) {
        self.written.push('\n');
        for _ in 0..self.depth {
            self.written.push_str(INDENT);
        }
    }

    /// Python turns `1`, `True`, `None` and `1.5` into the strings of their JSON forms when they are keys.
    pub(super) fn push_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        let start = self.written.len();
        key.serialize(&mut *self)?;
        match self.written.as_bytes().get(start) {
            Some(b'"') => {}
            Some(b'[' | b'{') => return Err(Unwritable::CompositeKey),
            _ => {
                self.written.insert(start, '"');
                self.written.push('"');
            }
        }
        self.push(": ");
        Ok(())
    }

    pub(super) fn push_string(&mut self, text: &str) {
        self.written.push('"');
        for character in text.chars() {
            match character {
                '"' => self.written.push_str("\\\""),
                '\\' => self.written.push_str("\\\\"),
                '\n' => self.written.push_str("\\n"),
                '\r' => self.written.push_str("\\r"),
                '\t' => self.written.push_str("\\t"),
                '\u{8}' => self.written.push_str("\\b"),
                '\u{c}' => self.written.push_str("\\f"),
                ' '..='~' => self.written.push(character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        self.written.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        self.written.push('"');
    }

    pub(super) fn open(&mut self, brackets: Brackets) -> Compound<'_> {
        self.written.push(brackets.opening());
        self.depth += 1;
        Compound {
            text: self,
            brackets,
            is_empty: true,
            is_variant: false,
        }
    }

    /// Opens the object of one key that an enum's variant with contents becomes.
    pub(super) fn open_variant(&mut self, name: &str, brackets: Brackets) -> Compound<'_> {
        self.open(Brackets::Object).next_line();
        self.push_string(name);
        self.written.push_str(": ");
        let mut contents = self.open(brackets);
        contents.is_variant = true;
        contents
    }
}

#[derive(Clone, Copy)]
pub(super) enum Brackets {
    List,
    Object,
}

impl Brackets {
    fn opening(self) -> char {
        match self {
            Self::List => '[',
            Self::Object => '{',
        }
    }

    fn closing(self) -> char {
        match self {
            Self::List => ']',
            Self::Object => '}',
        }
    }
}

/// A list or an object that is being written.
pub(super) struct Compound<'a> {
    pub(super) text: &'a mut Text,
    brackets: Brackets,
    is_empty: bool,
    is_variant: bool,
}

impl Compound<'_> {
    pub(super) fn next_line(&mut self) {
        if !self.is_empty {
            self.text.written.push(',');
        }
        self.is_empty = false;
        self.text.push_line();
    }

    pub(super) fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.next_line();
        value.serialize(&mut *self.text)
    }

    pub(super) fn entry<T: Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.next_line();
        self.text.push_key(key)?;
        value.serialize(&mut *self.text)
    }

    pub(super) fn close(self) -> Result<(), Unwritable> {
        self.text.depth -= 1;
        if !self.is_empty {
            self.text.push_line();
        }
        self.text.written.push(self.brackets.closing());
        if self.is_variant {
            self.text.depth -= 1;
            self.text.push_line();
            self.text.written.push('}');
        }
        Ok(())
    }
}

/// Writes a float as Python's `repr` does: the fewest digits that read back as the same number, in exponent form
/// below 1e-4 and from 1e16 on.
pub(super) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        let plain = nearest(value, value.to_string(), |places| {
            format!("{value:.places$}")
        });
        return if plain.contains('.') {
            plain
        } else {
            plain + ".0"
        };
    }
    let scientific = nearest(value, format!("{value:e}"), |places| {
        format!("{value:.places$e}")
    });
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("the format `e` always writes an exponent");
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

/// Of two shortest notations that are equally far from the number, Rust takes the upper and Python the even one,
/// which is also what rounding to that many places gives; near a power of two that rounding may read back as the
/// neighbour, and then the shortest stands.
fn nearest(value: f64, shortest: String, rounded: impl Fn(usize) -> String) -> String {
    let places = shortest.split_once('.').map_or(0, |(_, behind)| {
        behind.bytes().take_while(u8::is_ascii_digit).count()
    });
    let rounded = rounded(places);
    if rounded.parse() == Ok(value) {
        rounded
    } else {
        shortest
    }
}

/// Why a value has no JSON form.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("{0}")]
    Refused(String),
    #[error("a list or an object stands where a map's key must be")]
    CompositeKey,
}

impl ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Self::Refused(message.to_string())
    }
}
