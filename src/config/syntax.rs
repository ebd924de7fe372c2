//! Finds syntax errors, and recovers the rest of the text.
//!
//! A parser that meets a broken line may misread the rest of the file. This module therefore blanks
//! the line and parses again, until the remaining text is TOML. Offsets do not change. Errors never
//! quote a line, because it may hold a secret.

use std::collections::BTreeSet;

use secrecy::zeroize::Zeroizing;
use toml::de::DeTable;

use super::finding::Finding;

/// The fleet's maintainers write this where a value must be filled in.
pub(super) const PLACEHOLDER: &str = "[DATA EXPUNGED]";

/// The search for broken lines ends here; a file with more is not a configuration.
const MAX_ERRORS: usize = 1000;

/// A text whose lines are either TOML or known to be broken.
pub(super) struct RecoveredText<'t> {
    original: Lines<'t>,
    /// The original text with its broken lines blanked; the length in bytes is the same.
    pub(super) parseable: Zeroizing<String>,
    /// The errors of the broken lines.
    pub(super) errors: Vec<Finding>,
    broken: BTreeSet<usize>,
    /// True if a broken line was meant to begin a section.
    header_broken: bool,
    /// True if not every broken line was found.
    incomplete: bool,
}

impl<'t> RecoveredText<'t> {
    /// Finds the broken lines of a text.
    pub(super) fn new(original: &'t str) -> Self {
        let mut text = Self {
            original: Lines(original),
            parseable: Zeroizing::new(original.to_owned()),
            errors: Vec::new(),
            broken: BTreeSet::new(),
            header_broken: false,
            incomplete: false,
        };
        loop {
            let (_, errors) = DeTable::parse_recoverable(&text.parseable);
            let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
            let Some(error) = errors.iter().min_by_key(|error| offset(error)) else {
                break;
            };
            let (line, column) = text.position(offset(error));
            // An error on a line that is already blank spans several lines.
            if text.broken.contains(&line) || text.errors.len() == MAX_ERRORS {
                text.incomplete = true;
                break;
            }
            let finding = text.original.explain(line, column, error.message());
            text.errors.push(finding);
            text.broken.insert(line);
            text.blank(line);
        }
        text
    }

    /// Returns line and column of an offset, both counted from 1, columns in characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.original.position(offset)
    }

    /// Returns the number of the last line.
    pub(super) fn last_line(&self) -> usize {
        self.original.0.lines().count().max(1)
    }

    pub(super) fn is_broken(&self, line: usize) -> bool {
        self.broken.contains(&line)
    }

    /// Returns true if every broken line was found, so that an unknown name is an error.
    pub(super) const fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// Returns true if a broken line may hold a key that seems to be missing in a section.
    pub(super) fn may_hide(&self, section: &str) -> bool {
        let within = |error: &Finding| error.section.as_deref() == Some(section);
        self.incomplete || self.header_broken || self.errors.iter().any(within)
    }

    fn blank(&mut self, line: usize) {
        let text = self.original.text(line);
        let start = text.as_ptr() as usize - self.original.0.as_ptr() as usize;
        let width = text.len().saturating_sub(2);
        let mut filler = " ".repeat(text.len());
        if is_header(text) {
            self.header_broken = true;
            // A placeholder header keeps the keys below out of the section above.
            if width >= line.to_string().len() {
                filler = format!("[{line:0>width$}]");
            }
        }
        self.parseable
            .replace_range(start..start + text.len(), &filler);
    }
}

/// A text as lines, counted from 1.
struct Lines<'t>(&'t str);

impl<'t> Lines<'t> {
    fn explain(&self, line: usize, column: usize, message: &str) -> Finding {
        let text = self.text(line);
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (Some(key.trim()), value.trim()),
            None => (None, ""),
        };
        if message.contains("duplicate")
            && let Some(section) = header_of(text)
        {
            return self.explain_repeated(line, column, section);
        }
        let (problem, remedy) = if value.starts_with(PLACEHOLDER) {
            ("is not filled in", remedy_for_placeholder(key))
        } else if value.starts_with("True") || value.starts_with("False") {
            (
                "TOML has no True and False",
                "write true or false, in small letters",
            )
        } else if text.trim_start().starts_with(';') {
            ("TOML has no such comment", "begin a comment with #")
        } else if message.contains("duplicate") {
            (message, "keep one of the two")
        } else {
            (
                message,
                "write a section as [name], a key as name = value, a text in \"quotes\", a comment after #",
            )
        };
        Finding {
            line: Some(line),
            column: Some(column),
            section: self.section_above(line).map(str::to_owned),
            key: key.filter(|key| is_bare(key)).map(str::to_owned),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
            ..Finding::default()
        }
    }

    /// Describes the second header of a section.
    fn explain_repeated(&self, line: usize, column: usize, section: &str) -> Finding {
        let mut headers = self.0.lines().map(header_of);
        let first = headers.position(|header| header == Some(section));
        let first = first.map_or(0, |index| index + 1);
        Finding {
            line: Some(line),
            column: Some(column),
            section: Some(section.to_owned()),
            problem: format!("there is a section [{section}] already, on line {first}"),
            remedy: "move the keys below this line to that section, and remove this line"
                .to_owned(),
            ..Finding::default()
        }
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.0[..self.0.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn text(&self, line: usize) -> &'t str {
        let end = &self.0[self.0.len()..];
        self.0.lines().nth(line - 1).unwrap_or(end)
    }

    /// Returns the section of a line, by the nearest header above it.
    fn section_above(&self, line: usize) -> Option<&'t str> {
        let above: Vec<_> = self.0.lines().take(line.saturating_sub(1)).collect();
        above.into_iter().rev().find_map(header_of)
    }
}

/// Returns the remedy for a placeholder without quotes, in the type of the key's value.
fn remedy_for_placeholder(key: Option<&str>) -> &'static str {
    let key = key.unwrap_or_default().to_ascii_lowercase();
    match key.as_str() {
        "port" | "time_new" => "write the value, a whole number without quotes",
        "enabled" | "zh_cn" | "backup" | "check_bio" | "normalize" => {
            "write true or false, without quotes"
        }
        key if key.ends_with("_channel_id") => {
            "write the channel's id, a whole number without quotes, such as -1001234567890"
        }
        key if key.ends_with("_id") => "write the id, a whole number without quotes",
        _ => "write the value, a text in \"quotes\"",
    }
}

/// Returns the name of the section that a line begins.
fn header_of(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('[')?;
    inner.split_once(']').map(|(name, _)| name.trim())
}

/// Returns true if a line was meant to begin a section.
fn is_header(text: &str) -> bool {
    let text = text.trim();
    !text.contains('=') && (text.starts_with('[') || text.ends_with(']'))
}

/// Returns true if a text can be a key without quotes.
fn is_bare(key: &str) -> bool {
    let bare = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    !key.is_empty() && key.chars().all(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Vec<(usize, usize)> {
        let text = RecoveredText::new(text);
        assert_eq!(text.parseable.len(), text.original.0.len());
        let place = |error: &Finding| Some((error.line?, error.column?));
        text.errors.iter().filter_map(place).collect()
    }

    #[test]
    fn every_broken_line_is_found_and_no_other() {
        assert_eq!(broken("a = 1\n[b]\nc = \"ä\" # ö\n"), []);
        let lines: Vec<_> = broken("; x\n[a]\n; y\nb\nc = True\n[d\ne = 1\n[f]\ne = 1\ne = 2")
            .iter()
            .map(|(line, _)| *line)
            .collect();
        assert_eq!(lines, [1, 3, 4, 5, 6, 10]);
        assert_eq!(broken("ä = 1\r\nb = 1\r\n")[0].0, 1);
        assert_eq!(broken("b = \"ää\" x"), [(1, 10)]);
        // An error that spans lines is reported once, where the parser stops.
        assert_eq!(broken("a = \"\"\"\nb = 1\nc = 1\n"), [(4, 1)]);
        assert_eq!(broken("b = 1\na = '''\nb\nc"), [(4, 2)]);
    }

    #[test]
    fn a_text_that_is_not_a_configuration_ends_the_search() {
        for text in [
            "\"\"\"\nx\ny\n",
            "a = \"\"\"\nx\ny\n",
            "a = [\nb = 1\nc = 2\n",
            "a = {",
            "[",
            "[[",
            "\u{feff};\n",
            "\0\0\0",
            "=",
        ] {
            assert!(!broken(text).is_empty(), "{text:?}");
        }
        assert_eq!(broken(&";\n".repeat(MAX_ERRORS + 9)).len(), MAX_ERRORS);
    }
}
