//! Reading the keys of one section.
//!
//! Owns the step from a TOML value to a checked one, and the words for what is wrong with it. Every
//! reading method gives `None` exactly if it has noted an error; a key that is absent gives its
//! default. Refuses to know what a key is for, and never quotes the value of a secret.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::de::{DeInteger, DeValue};

use super::document::{Document, Presence, Taken};
use super::finding::Finding;
use super::syntax::PLACEHOLDER;

/// How much of a wrong text an error repeats.
const QUOTED: usize = 40;

/// A section that is being read.
pub(super) struct Section<'d, 't> {
    document: &'d mut Document<'t>,
    name: &'static str,
    taken: Taken<'t>,
    known: Vec<&'static str>,
    lines: BTreeMap<&'static str, usize>,
}

/// A key's value and the line that it stands on.
pub(super) struct Field<'t> {
    /// The line, counted from 1.
    pub(super) line: usize,
    value: DeValue<'t>,
}

impl<'d, 't> Section<'d, 't> {
    /// Opens a section; one that is absent reads as empty.
    pub(super) fn open(document: &'d mut Document<'t>, name: &'static str) -> Self {
        let taken = document.take(name);
        Self {
            document,
            name,
            taken,
            known: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Ends the reading: keys that were never asked for are strangers.
    pub(super) fn close(self) {
        self.document
            .learn(self.name, self.known, &self.taken.table);
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> Option<bool> {
        let Some(field) = self.take(key) else {
            return Some(default);
        };
        if let DeValue::Boolean(value) = field.value {
            return Some(value);
        }
        let remedy = format!("write {key} = true or {key} = false");
        self.mistyped(key, &field, "true or false", remedy)
    }

    /// Reads a whole number within `range`; `what` says what it counts.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: i64,
        range: RangeInclusive<i64>,
        what: &str,
    ) -> Option<i64> {
        let Some(field) = self.take(key) else {
            return Some(default);
        };
        let (low, high) = (range.start(), range.end());
        let remedy = format!("write {what}, {low} to {high}, such as {key} = {default}");
        match &field.value {
            DeValue::Integer(number) => match integer(number).filter(|n| range.contains(n)) {
                Some(number) => Some(number),
                None => self.wrong(key, field.line, format!("{number} is out of range"), remedy),
            },
            _ => self.mistyped(key, &field, "a whole number", remedy),
        }
    }

    /// Reads an id that may be left out: 0, like an absent key, means none.
    ///
    /// `parse` turns the number into the id, or says what is wrong and what to write.
    pub(super) fn id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(i64) -> Result<T, (String, String)>,
        example: &str,
    ) -> Option<Option<T>> {
        match self.take(key) {
            Some(field) if matches!(&field.value, DeValue::Integer(n) if integer(n) == Some(0)) => {
                Some(None)
            }
            Some(field) => self.parsed_id(key, &field, parse, example).map(Some),
            None => Some(None),
        }
    }

    /// Reads an id that must be there.
    pub(super) fn required_id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(i64) -> Result<T, (String, String)>,
        example: &str,
    ) -> Option<T> {
        match self.take(key) {
            Some(field) if field.is_unfilled() => self.unfilled(
                key,
                Some(field.line),
                format!("write the id as the Bot API has it, such as {key} = {example}"),
            ),
            Some(field) => self.parsed_id(key, &field, parse, example),
            None => self.unfilled(
                key,
                None,
                format!("write the id as the Bot API has it, such as {key} = {example}"),
            ),
        }
    }

    fn parsed_id<T>(
        &mut self,
        key: &'static str,
        field: &Field<'t>,
        parse: impl Fn(i64) -> Result<T, (String, String)>,
        example: &str,
    ) -> Option<T> {
        let DeValue::Integer(number) = &field.value else {
            let remedy = format!("write a whole number without quotes, such as {key} = {example}");
            return self.mistyped(key, field, "a whole number", remedy);
        };
        match integer(number).map(parse) {
            Some(Ok(id)) => Some(id),
            Some(Err((problem, remedy))) => self.wrong(key, field.line, problem, remedy),
            None => self.wrong(
                key,
                field.line,
                format!("{number} is out of range"),
                format!("write an id of Telegram's, such as {key} = {example}"),
            ),
        }
    }

    /// Reads a text as it stands; it may be empty only if its default is.
    pub(super) fn text(&mut self, key: &'static str, default: &str) -> Option<String> {
        let Some(field) = self.take(key) else {
            return Some(default.to_owned());
        };
        match &field.value {
            DeValue::String(text) if text.is_empty() && default.is_empty() => Some(String::new()),
            DeValue::String(text) if !field.is_unfilled() => Some(text.to_string()),
            _ => {
                let remedy = format!("write a text in quotes, such as {key} = \"{default}\"");
                self.mistyped(key, &field, "a text", remedy)
            }
        }
    }

    /// Reads a text that means something; `parse` gives the meaning, or says what is wrong with it.
    ///
    /// A whole number counts as the text of its digits. `hint` says what may be written.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
        hint: &str,
    ) -> Option<T> {
        let field = self.take(key);
        let line = self.line_of(key);
        let remedy = format!("write {hint}, such as {key} = \"{default}\"");
        let text = match &field {
            None => default.to_owned(),
            Some(field) => match &field.value {
                DeValue::String(text) if !field.is_unfilled() => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                _ => return self.mistyped(key, field, "a text", remedy),
            },
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => self.wrong(key, line, problem, remedy),
        }
    }

    /// Takes a key's value out of the section and learns that the key exists.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field<'t>> {
        self.known.push(key);
        let (name, value) = self.taken.table.remove_entry(key)?;
        let line = self.document.line_of(name.span().start);
        self.lines.insert(key, line);
        Some(Field {
            line,
            value: value.into_inner(),
        })
    }

    /// Notes that a required key has no value: `line` is where it stands empty, if it stands at all.
    pub(super) fn unfilled<T>(
        &mut self,
        key: &'static str,
        line: Option<usize>,
        remedy: String,
    ) -> Option<T> {
        let finding = |line, problem: &str| Finding {
            line: Some(line),
            section: Some(self.name.to_owned()),
            key: Some(key.to_owned()),
            problem: problem.to_owned(),
            remedy,
            ..Finding::default()
        };
        match (line, self.taken.state) {
            (Some(line), _) => {
                let finding = finding(line, "is not filled in");
                self.document.wrong(finding);
            }
            (None, Presence::Malformed) => {}
            (None, Presence::Absent) => {
                let finding = finding(self.taken.line, "is missing, and its section with it");
                self.document.missing(finding);
            }
            (None, Presence::Present) => {
                let finding = finding(self.taken.line, "is missing");
                self.document.missing(finding);
            }
        }
        None
    }

    /// Notes an error about a key.
    pub(super) fn wrong<T>(
        &mut self,
        key: &str,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        let finding = self.finding(key, line, problem.into(), remedy.into());
        self.document.wrong(finding);
        None
    }

    /// Notes a warning about a key.
    pub(super) fn warn(
        &mut self,
        key: &str,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = self.finding(key, line, problem.into(), remedy.into());
        self.document.warn(finding);
    }

    /// Gives the line that a key stands on, or that of the section if it has none.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or(self.taken.line)
    }

    fn mistyped<T>(
        &mut self,
        key: &str,
        field: &Field<'t>,
        wanted: &str,
        remedy: String,
    ) -> Option<T> {
        let problem = if field.is_placeholder() {
            "is not filled in".to_owned()
        } else if field.is_unfilled() {
            "is empty".to_owned()
        } else {
            format!("{} stands where {wanted} belongs", field.describe())
        };
        let remedy = if field.is_unfilled() {
            format!("{remedy}, or remove the line")
        } else {
            remedy
        };
        self.wrong(key, field.line, problem, remedy)
    }

    fn finding(&self, key: &str, line: usize, problem: String, remedy: String) -> Finding {
        Finding {
            line: Some(line),
            section: Some(self.name.to_owned()),
            key: Some(key.to_owned()),
            problem,
            remedy,
            ..Finding::default()
        }
    }
}

impl Field<'_> {
    /// Says whether the value is `[DATA EXPUNGED]`.
    pub(super) fn is_placeholder(&self) -> bool {
        self.as_text()
            .is_some_and(|text| text.trim() == PLACEHOLDER)
    }

    /// Says whether the value is `[DATA EXPUNGED]` or nothing.
    pub(super) fn is_unfilled(&self) -> bool {
        self.is_placeholder() || self.as_text().is_some_and(|text| text.trim().is_empty())
    }

    /// Gives the value if it is a text.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// Gives the value's digits if it is a whole number.
    pub(super) fn as_digits(&self) -> Option<String> {
        self.value
            .as_integer()
            .and_then(integer)
            .map(|number| number.to_string())
    }

    /// Says of what kind the value is, without repeating it.
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

    fn describe(&self) -> String {
        match &self.value {
            DeValue::String(text) if text.chars().count() <= QUOTED => format!("the text {text:?}"),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(value) => format!("{value}"),
            DeValue::Datetime(value) => format!("the date {value}"),
            _ => self.kind().to_owned(),
        }
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
