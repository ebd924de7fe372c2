//! The notation of CPython's `json` module, as a formatter for serde_json.

use std::io::{self, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

/// Writes JSON as `json.dumps(…, indent=4)` does: ASCII only, floats as `repr` gives them.
pub(super) struct PythonFormatter {
    layout: PrettyFormatter<'static>,
}

impl Default for PythonFormatter {
    fn default() -> Self {
        Self {
            layout: PrettyFormatter::with_indent(b"    "),
        }
    }
}

impl Formatter for PythonFormatter {
    fn write_f32<W: ?Sized + Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.write_f64(writer, value.into())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(repr(value).as_bytes())
    }

    /// Writes a part of a string in which serde_json found nothing to escape.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                write!(writer, "{character}")?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.layout.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.layout.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object_value(writer)
    }
}

/// Writes a finite float as Python's `repr` does: the fewest digits that read back as the same number.
///
/// Rust's `{:?}` changes to an exponent at the same magnitudes as Python, below 1e-4 and from 1e16 on. Python
/// writes the exponent with a sign and at least two digits.
fn repr(value: f64) -> String {
    let shortest = format!("{value:?}");
    let (mantissa, has_exponent) = match shortest.split_once('e') {
        Some((mantissa, _)) => (mantissa, true),
        None => (shortest.as_str(), false),
    };
    let places = mantissa
        .split_once('.')
        .map_or(0, |(_, digits)| digits.len());
    if !has_exponent {
        return half_to_even(value, format!("{value:.places$}"), shortest);
    }
    let scientific = half_to_even(value, format!("{value:.places$e}"), shortest);
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("both notations have an exponent");
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

/// Chooses between two shortest notations that are equally far from the number.
///
/// Rust takes the upper one, Python the even one. Rounding to as many places also gives the even one. Near a power
/// of two the rounded number may read back as another number, and then there was no such choice.
fn half_to_even(value: f64, rounded: String, shortest: String) -> String {
    if rounded.parse() == Ok(value) {
        rounded
    } else {
        shortest
    }
}
