//! The values of `config.ini` as a configuration of this program.
//!
//! Both generations of keys are known. A known key is taken from any section, because the generations differ in
//! sections, too; the section of the configuration comes first. The text of the configuration is the example file with
//! its values replaced, so that the comments are the known ones.

mod known_keys;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::known_keys::{Kind, Source, sources};
use super::device::Device;
use super::ini::{Entry, Ini};
use crate::config::{ConfigErrors, EXAMPLE, ResetDay};

/// The instruction in the example that does not hold for an imported configuration.
const COPY_INSTRUCTION: &str = "\
# `scp-079-avatar config > config.toml` writes this file. Fill in the values [DATA EXPUNGED], and run
#     scp-079-avatar check
# which explains the result.";

/// The keys that are required.
const REQUIRED: [(&str, &str); 4] = [
    ("telegram", "api_id"),
    ("telegram", "api_hash"),
    ("channels", "hide_channel_id"),
    ("encrypt", "password"),
];

/// A value that goes into the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSetting {
    /// `[custom] time_new`, in the configuration.
    pub name: String,
    /// `[time] time_new`, in `config.ini`.
    pub origin: String,
    /// The line of `config.ini`, counted from 1.
    pub line: usize,
}

/// A value of `config.ini` that does not go into the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedSetting {
    /// `[custom] project_name`.
    pub name: String,
    pub reason: &'static str,
}

/// The values for the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    pub taken: Vec<TakenSetting>,
    pub unused: Vec<UnusedSetting>,
    values: Vec<(&'static str, &'static str, String)>,
}

impl Settings {
    /// Takes the values of a file.
    ///
    /// # Errors
    /// Returns a sentence for each value that is required and missing, or that cannot be used.
    pub fn of(ini: &Ini) -> Result<Self, Vec<String>> {
        let mut settings = Self {
            taken: Vec::new(),
            unused: Vec::new(),
            values: Vec::new(),
        };
        let mut problems = Vec::new();
        let mut used: Vec<&Entry> = Vec::new();
        for source in sources() {
            let required = REQUIRED.contains(&(source.section, source.key));
            let candidates = find(ini, &source);
            let filled = candidates.iter().find(|entry| {
                // A key of the same name in another section may mean something else.
                let fits = || literal(source.kind, &entry.value).is_some();
                !is_unfilled(&entry.value) && (source.is_own(entry) || fits())
            });
            let Some(entry) = filled else {
                let name = format!("[{}] {}", source.old_section, source.old_keys[0]);
                for entry in candidates.iter().filter(|entry| is_unfilled(&entry.value)) {
                    settings.leave(entry, "it is not filled in");
                    used.push(*entry);
                }
                if required {
                    problems.push(format!("{name} is missing or not filled in"));
                }
                continue;
            };
            for other in candidates.iter().filter(|other| *other != entry) {
                settings.leave(other, "another line sets it");
            }
            used.extend(candidates.iter().copied());
            let is_pyrogram_section = ["pyrogram", "proxy"]
                .iter()
                .any(|section| entry.section.eq_ignore_ascii_case(section));
            let raw = if is_pyrogram_section {
                // Pyrogram reads these sections with the parser that interpolates.
                entry.value.replace("%%", "%")
            } else {
                entry.value.clone()
            };
            match literal(source.kind, &raw) {
                Some(value) => {
                    settings.values.push((source.section, source.key, value));
                    settings.taken.push(TakenSetting {
                        name: format!("[{}] {}", source.section, source.key),
                        origin: name_of(entry),
                        line: entry.line,
                    });
                }
                None => problems.push(format!(
                    "line {}: {} is not {}",
                    entry.line,
                    name_of(entry),
                    match source.kind {
                        Kind::Number => "a whole number",
                        Kind::Flag => "True or False",
                        Kind::Text => "a text of one line",
                        Kind::Day => "a day of a month, such as 1st mon",
                    }
                )),
            }
        }
        for entry in &ini.entries {
            if !used.contains(&entry) && !is_device(entry) {
                settings.leave(entry, reason(entry));
            }
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    fn leave(&mut self, entry: &Entry, reason: &'static str) {
        self.unused.push(UnusedSetting {
            name: name_of(entry),
            reason,
        });
    }

    /// Returns a text that names each error of the configuration by the line of `config.ini` that causes it.
    #[must_use]
    pub fn explain(&self, errors: &ConfigErrors) -> String {
        let mut text = String::from("config.ini gives no usable configuration; correct it there:");
        for error in errors.iter() {
            let section = error.section.as_deref().unwrap_or_default();
            let key = error.key.as_deref().unwrap_or_default();
            let name = format!("[{section}] {key}");
            let name = match self.taken.iter().find(|taken| taken.name == name) {
                Some(taken) => format!("line {}, {}", taken.line, taken.origin),
                None => name,
            };
            text.push_str(&format!(
                "\n{name}: {}\n    {}",
                error.problem, error.remedy
            ));
        }
        text
    }

    /// Returns the text of the configuration. `origin` is the directory of the Python program.
    #[must_use]
    pub fn config_text(&self, device: &Device, data_dir: &Path, origin: &Path) -> String {
        let mut values: Vec<(&str, &str, String)> = vec![
            ("telegram", "data_dir", quoted(&data_dir.to_string_lossy())),
            ("telegram", "device_model", quoted(&device.device_model)),
            ("telegram", "system_version", quoted(&device.system_version)),
            ("telegram", "app_version", quoted(&device.app_version)),
            ("telegram", "lang_code", quoted(&device.lang_code)),
            ("exchange", "dialect", quoted("current")),
            ("exchange", "files", quoted("python")),
        ];
        values.extend(self.values.iter().cloned());
        let comment = format!(
            "# `scp-079-avatar import` wrote this file from the Python program in {:?}. Run\n\
             #     scp-079-avatar check\n\
             # which explains it.",
            origin.display().to_string()
        );
        let mut text = String::new();
        let mut section = "";
        for line in EXAMPLE.replace(COPY_INSTRUCTION, &comment).lines() {
            let header = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            // A key that most configurations leave out is a comment.
            let key = line
                .split_once(" = ")
                .map(|(key, _)| key.trim_start_matches('#'));
            let filled = values
                .iter()
                .find(|(of, name, _)| *of == section && Some(*name) == key);
            match (header, filled) {
                (None, Some((_, name, value))) => text.push_str(&format!("{name} = {value}")),
                _ => text.push_str(line),
            }
            if let Some(header) = header {
                section = EXAMPLE
                    .lines()
                    .find_map(|known| {
                        known
                            .strip_prefix('[')?
                            .strip_suffix(']')
                            .filter(|name| *name == header)
                    })
                    .unwrap_or_default();
            }
            text.push('\n');
        }
        text
    }
}

/// Returns the entries of a source, the ones in its own section first.
fn find<'i>(ini: &'i Ini, source: &Source) -> Vec<&'i Entry> {
    let is_own = |entry: &Entry| source.is_own(entry);
    let mut found: Vec<&Entry> = ini
        .entries
        .iter()
        .filter(|entry| source.old_keys.contains(&entry.key.as_str()))
        .filter(|entry| is_own(entry) || !source.only_there)
        .collect();
    found.sort_by_key(|entry| !is_own(entry));
    found
}

fn is_unfilled(value: &str) -> bool {
    value.is_empty() || value == "[DATA EXPUNGED]"
}

fn is_device(entry: &Entry) -> bool {
    let keys = ["device_model", "system_version", "app_version", "lang_code"];
    entry.section.eq_ignore_ascii_case("pyrogram") && keys.contains(&entry.key.as_str())
}

fn name_of(entry: &Entry) -> String {
    format!("[{}] {}", entry.section, entry.key)
}

fn reason(entry: &Entry) -> &'static str {
    match entry.section.to_ascii_lowercase().as_str() {
        "plugins" => "there are no plugins",
        "basic" => "AVATAR is not a bot and takes no commands",
        "emoji" => "the program has no such rules",
        "encrypt" => "files are sealed with the password only",
        _ if entry.key.starts_with("project_") => "the program knows its own name and address",
        _ => "the program has no such setting",
    }
}

/// Returns a value as TOML, or `None` if it is of another kind.
fn literal(kind: Kind, value: &str) -> Option<String> {
    match kind {
        Kind::Number => value.parse::<i64>().ok().map(|number| number.to_string()),
        Kind::Flag => match value.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some("true".to_owned()),
            "false" | "0" | "no" | "off" => Some("false".to_owned()),
            _ => None,
        },
        Kind::Text => (!value.contains('\n')).then(|| quoted(value)),
        Kind::Day => ResetDay::parse(value)
            .ok()
            .map(|day| quoted(&day.to_string())),
    }
}

/// Returns a text as a basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
