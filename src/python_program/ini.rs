//! The syntax of `config.ini`: that of Python's `configparser`, without interpolation.
//!
//! A key may be separated from its value by `=` or `:`, a comment is a line that begins with `#` or `;`, and a line
//! that is indented deeper than the key continues the value. Sections keep their case; keys are in lower case. The text
//! is UTF-8; only comments may hold other bytes.

use thiserror::Error;

/// A line that Python's parser would refuse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct IniError {
    /// The line, counted from 1.
    pub line: usize,
    pub problem: &'static str,
}

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub section: String,
    pub key: String,
    pub value: String,
    /// The line of the key, counted from 1.
    pub line: usize,
}

/// A parsed file, its entries in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    pub entries: Vec<Entry>,
}

impl Ini {
    /// Parses a file.
    ///
    /// # Errors
    /// Returns the first line that is neither a section nor an entry, or that gives a key twice.
    pub fn parse(text: &[u8]) -> Result<Self, IniError> {
        let mut ini = Self::default();
        let mut section: Option<String> = None;
        // The indentation of the key that a deeper line continues.
        let mut open_key: Option<usize> = None;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            if matches!(line.trim_ascii().first(), None | Some(b'#' | b';')) {
                continue;
            }
            let line = str::from_utf8(line).map_err(|_| IniError {
                line: number,
                problem: "the line is not UTF-8; save a copy of the file in UTF-8",
            })?;
            let content = line.trim();
            if content.is_empty() {
                continue;
            }
            let indentation = line.len() - line.trim_start().len();
            if open_key.is_some_and(|key| indentation > key)
                && let Some(entry) = ini.entries.last_mut()
            {
                if !entry.value.is_empty() {
                    entry.value.push('\n');
                }
                entry.value.push_str(content);
                continue;
            }
            let error = |problem| IniError {
                line: number,
                problem,
            };
            if let Some(inner) = content.strip_prefix('[') {
                let (name, _) = inner
                    .split_once(']')
                    .ok_or_else(|| error("the section has no closing bracket"))?;
                section = Some(name.trim().to_owned());
                open_key = None;
                continue;
            }
            let section = section
                .clone()
                .ok_or_else(|| error("there is no section above this line"))?;
            let (key, value) = content
                .split_once(['=', ':'])
                .ok_or_else(|| error("the line is no section, no comment and no key = value"))?;
            let entry = Entry {
                section,
                key: key.trim().to_lowercase(),
                value: value.trim().to_owned(),
                line: number,
            };
            if ini.find(&entry.section, &entry.key).is_some() {
                return Err(error("the key is in this section already"));
            }
            ini.entries.push(entry);
            open_key = Some(indentation);
        }
        Ok(ini)
    }

    /// Returns the entry of a section, whose name is compared without its case.
    #[must_use]
    pub fn find(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.section.eq_ignore_ascii_case(section) && entry.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'i>(ini: &'i Ini, section: &str, key: &str) -> Option<&'i str> {
        ini.find(section, key).map(|entry| entry.value.as_str())
    }

    #[test]
    fn entries_are_read_as_python_reads_them() {
        let ini = Ini::parse(
            b"\xef\xbb\xbf; a comment in Latin-1: \xe9\r\n[plugins]\r\nroot = plugins\ninclude =\n    handlers.command\n    # not a value\n    \
             handlers.message\n\n[Custom]\r\nTIME_NEW: 1800\nzh_cn=True\n; between\npassword = a = b ; c % %%\r\n",
        )
        .expect("parsed");
        assert_eq!(
            value(&ini, "plugins", "include"),
            Some("handlers.command\nhandlers.message")
        );
        assert_eq!(value(&ini, "custom", "time_new"), Some("1800"));
        assert_eq!(value(&ini, "Custom", "zh_cn"), Some("True"));
        assert_eq!(value(&ini, "custom", "password"), Some("a = b ; c % %%"));
    }

    #[test]
    fn a_value_that_is_not_utf_8_is_an_error() {
        let error = Ini::parse(b"[a]\nb = \xe9\n").expect_err("Latin-1");
        assert_eq!(error.line, 2);
        assert!(error.problem.contains("not UTF-8"), "{error}");
    }

    #[test]
    fn a_line_that_python_refuses_is_an_error() {
        for (text, line) in [
            ("a = 1\n", 1),
            ("[a]\nb\n", 2),
            ("[a]\nb = 1\nB = 2\n", 3),
            ("[a\n", 1),
        ] {
            let parsed = Ini::parse(text.as_bytes());
            assert_eq!(parsed.expect_err(text).line, line, "{text:?}");
        }
    }
}
