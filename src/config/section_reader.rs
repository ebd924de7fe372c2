//! Reads the keys of one section.
//!
//! Every reading method returns `None` exactly if it has recorded an error. An absent key reads as
//! its default. This module does not know what a key is for.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use strum::VariantNames;
use toml::de::DeValue;

use super::document::{Document, Presence, Taken};
use super::field::{Field, integer};
use super::finding::Finding;
use crate::model::ChannelId;

/// A section that is being read.
pub(super) struct SectionReader<'d, 't> {
    document: &'d mut Document<'t>,
    name: &'static str,
    taken: Taken<'t>,
    known: Vec<&'static str>,
    lines: BTreeMap<&'static str, usize>,
}

/// The reason why a number is not a valid id.
pub(super) struct IdError {
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl<'d, 't> SectionReader<'d, 't> {
    /// Opens a section. An absent section reads as an empty one.
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

    /// Ends the reading. Keys that were never requested are unknown.
    pub(super) fn close(self) {
        self.document
            .register(self.name, self.known, &self.taken.table);
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
        self.wrong_type(key, &field, "true or false", remedy)
    }

    /// Reads a whole number within `range`; `unit` is for the error's remedy.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: i64,
        range: RangeInclusive<i64>,
        unit: &str,
    ) -> Option<i64> {
        let Some(field) = self.take(key) else {
            return Some(default);
        };
        let (low, high) = (range.start(), range.end());
        let remedy = format!("write {unit}, {low} to {high}, such as {key} = {default}");
        match &field.value {
            DeValue::Integer(number) => match integer(number).filter(|n| range.contains(n)) {
                Some(number) => Some(number),
                None => self.error(key, field.line, format!("{number} is out of range"), remedy),
            },
            _ => self.wrong_type(key, &field, "a whole number", remedy),
        }
    }

    /// Reads an optional id. An absent key and the number 0 both mean "none".
    pub(super) fn id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(i64) -> Result<T, IdError>,
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

    /// Reads a required id.
    pub(super) fn required_id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(i64) -> Result<T, IdError>,
        example: &str,
    ) -> Option<T> {
        let field = self.take(key);
        match field {
            Some(field) if !field.is_unfilled() => self.parsed_id(key, &field, parse, example),
            unfilled => self.missing(
                key,
                unfilled.map(|field| field.line),
                format!("write the id as the Bot API has it, such as {key} = {example}"),
            ),
        }
    }

    fn parsed_id<T>(
        &mut self,
        key: &'static str,
        field: &Field<'t>,
        parse: impl Fn(i64) -> Result<T, IdError>,
        example: &str,
    ) -> Option<T> {
        let linked = field.as_text().and_then(ChannelId::from_link);
        if let Some(Ok(id)) = linked.map(|channel| parse(channel.bot_api())) {
            return Some(id);
        }
        let DeValue::Integer(number) = &field.value else {
            let remedy = format!("write a whole number without quotes, such as {key} = {example}");
            return self.wrong_type(key, field, "a whole number", remedy);
        };
        match integer(number).map(parse) {
            Some(Ok(id)) => Some(id),
            Some(Err(IdError { problem, remedy })) => self.error(key, field.line, problem, remedy),
            None => self.error(
                key,
                field.line,
                format!("{number} is out of range"),
                format!("write a Telegram id, such as {key} = {example}"),
            ),
        }
    }

    /// Reads a text unchanged. The text may be empty only if the default is.
    pub(super) fn text(&mut self, key: &'static str, default: &str) -> Option<String> {
        let Some(field) = self.take(key) else {
            return Some(default.to_owned());
        };
        match &field.value {
            DeValue::String(text) if text.is_empty() && default.is_empty() => Some(String::new()),
            DeValue::String(text) if !field.is_unfilled() => Some(text.to_string()),
            _ => {
                let remedy = format!("write a text in quotes, such as {key} = \"{default}\"");
                self.wrong_type(key, &field, "a text", remedy)
            }
        }
    }

    /// Reads one of the names of `T`, whose default is the default.
    pub(super) fn choice<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: Default + Display + FromStr + VariantNames,
    {
        let parse = |text: &str| {
            T::from_str(text).map_err(|_| format!("{text:?} is not a value of this key"))
        };
        let hint = format!("one of \"{}\"", T::VARIANTS.join("\", \""));
        self.parsed(key, &T::default().to_string(), parse, &hint)
    }

    /// Reads a text that `parse` turns into a value; `hint` lists the valid texts.
    ///
    /// A whole number counts as the text of its digits.
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
                _ => return self.wrong_type(key, field, "a text", remedy),
            },
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => self.error(key, line, problem, remedy),
        }
    }

    /// Removes a key's value from the section and records that the key exists.
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

    /// Records that a required key has no value. `line` is set if the key is there, but empty.
    pub(super) fn missing<T>(
        &mut self,
        key: &'static str,
        line: Option<usize>,
        remedy: String,
    ) -> Option<T> {
        let section_line = self.taken.line;
        match (line, self.taken.state) {
            (Some(line), _) => {
                self.error::<()>(key, line, "is not filled in", remedy);
            }
            (None, Presence::Malformed) => {}
            (None, Presence::Absent) => {
                let problem = "is missing, and its section with it".to_owned();
                let finding = self.finding(key, section_line, problem, remedy);
                self.document.missing(finding);
            }
            (None, Presence::Present) => {
                let finding = self.finding(key, section_line, "is missing".to_owned(), remedy);
                self.document.missing(finding);
            }
        }
        None
    }

    /// Records an error about a key.
    pub(super) fn error<T>(
        &mut self,
        key: &str,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        let finding = self.finding(key, line, problem.into(), remedy.into());
        self.document.error(finding);
        None
    }

    /// Records a warning about a key.
    pub(super) fn warning(
        &mut self,
        key: &str,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = self.finding(key, line, problem.into(), remedy.into());
        self.document.warning(finding);
    }

    /// Records a warning about a valid choice, which only `check` prints.
    pub(super) fn advice(
        &mut self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let line = self.line_of(key);
        let finding = self.finding(key, line, problem.into(), remedy.into());
        self.document.warning(Finding {
            is_advice: true,
            ..finding
        });
    }

    /// Returns true if a key that was read is in the file.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// Returns the line of a key, or the section's line if the key is absent.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or(self.taken.line)
    }

    fn wrong_type<T>(
        &mut self,
        key: &str,
        field: &Field<'t>,
        expected: &str,
        remedy: String,
    ) -> Option<T> {
        let problem = if field.is_placeholder() {
            "is not filled in".to_owned()
        } else if field.is_unfilled() {
            "is empty".to_owned()
        } else {
            format!("expected {expected}, found {}", field.describe())
        };
        let remedy = if field.is_unfilled() {
            format!("{remedy}, or remove the line")
        } else {
            remedy
        };
        self.error(key, field.line, problem, remedy)
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
