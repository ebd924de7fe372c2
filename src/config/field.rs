//! The value of one key, and how an error describes it.
//!
//! A description never repeats the value of a secret: [`Field::kind`] is for secrets,
//! [`Field::describe`] for everything else.

use toml::de::{DeInteger, DeValue};

use super::syntax::PLACEHOLDER;

/// Longer texts are not repeated in an error.
pub(super) const MAX_QUOTED_CHARS: usize = 40;

/// A key's value and the line that it is on.
pub(super) struct Field<'t> {
    /// The line, counted from 1.
    pub(super) line: usize,
    pub(super) value: DeValue<'t>,
}

impl Field<'_> {
    /// Returns true if the value is `[DATA EXPUNGED]`.
    pub(super) fn is_placeholder(&self) -> bool {
        self.as_text()
            .is_some_and(|text| text.trim() == PLACEHOLDER)
    }

    /// Returns true if the value is `[DATA EXPUNGED]` or an empty text.
    pub(super) fn is_unfilled(&self) -> bool {
        self.is_placeholder() || self.as_text().is_some_and(|text| text.trim().is_empty())
    }

    /// Returns the value if it is a text.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// Returns the value's digits if it is a whole number.
    pub(super) fn as_digits(&self) -> Option<String> {
        self.value
            .as_integer()
            .and_then(integer)
            .map(|number| number.to_string())
    }

    /// Returns the value's type in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Returns the value's type and, if it is short, the value.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            DeValue::String(text) if text.chars().count() <= MAX_QUOTED_CHARS => {
                format!("the text {text:?}")
            }
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(value) => format!("{value}"),
            DeValue::Datetime(value) => format!("the date {value}"),
            _ => self.kind().to_owned(),
        }
    }
}

/// Parses a TOML integer; returns `None` if it does not fit 64 bits.
pub(super) fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
