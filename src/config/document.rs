//! The configuration's text as TOML: its sections, and the names in it that are unknown.
//!
//! The keys become known as `section_reader` requests them; names that are left over in the end are
//! errors. A file with syntax errors is checked as far as it was recovered: a key that a broken line
//! may hold is not reported as missing.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::finding::{ConfigErrors, Finding, Findings};
use super::syntax::RecoveredText;

/// Names of the fleet's older `config.ini`: section, key (empty for the section itself), remedy.
const CONFIG_INI_NAMES: [(&str, &str, &str); 11] = [
    (
        "pyrogram",
        "",
        "rename the section to [telegram], or let `scp-079-avatar import` read the whole file",
    ),
    ("plugins", "", "remove the section: there are no plugins"),
    (
        "basic",
        "",
        "remove the section: AVATAR is not a bot and has no bot token",
    ),
    (
        "channels",
        "critical_channel_id",
        "remove the line: AVATAR does not use that channel",
    ),
    (
        "channels",
        "logging_channel_id",
        "remove the line: AVATAR does not use that channel",
    ),
    (
        "channels",
        "test_group_id",
        "remove the line: HIDE asks AVATAR for its version",
    ),
    (
        "custom",
        "default_group_link",
        "remove the line: AVATAR does not use it",
    ),
    (
        "custom",
        "project_link",
        "remove the line: AVATAR knows its project's address",
    ),
    (
        "custom",
        "project_name",
        "remove the line: AVATAR knows its own name",
    ),
    (
        "custom",
        "punish_time",
        "remove the line: AVATAR does not punish users",
    ),
    (
        "encrypt",
        "key",
        "remove the line: AVATAR seals files only with the password",
    ),
];

/// A section or key that the program does not know.
struct UnknownName {
    line: usize,
    section: Option<String>,
    /// Empty if the section itself is unknown.
    key: String,
}

/// A parsed configuration file whose keys have not been read yet.
pub(super) struct Document<'t> {
    text: &'t RecoveredText<'t>,
    root: DeTable<'t>,
    known: BTreeMap<&'static str, Vec<&'static str>>,
    unknown: Vec<UnknownName>,
    findings: Findings,
}

impl<'t> Document<'t> {
    /// Parses a text and records its syntax errors.
    pub(super) fn parse(file: &Path, text: &'t RecoveredText<'t>) -> Self {
        let (root, _) = DeTable::parse_recoverable(&text.parseable);
        let mut findings = Findings::new(file);
        for error in &text.errors {
            findings.error(error.clone());
        }
        Self {
            text,
            root: root.into_inner(),
            known: BTreeMap::new(),
            unknown: Vec::new(),
            findings,
        }
    }

    /// Removes a section from the document and returns it.
    pub(super) fn take(&mut self, name: &'static str) -> Taken<'t> {
        let absent = Taken {
            table: DeTable::new(),
            line: self.text.last_line(),
            state: Presence::Absent,
        };
        let Some((key, value)) = self.root.remove_entry(name) else {
            return absent;
        };
        let line = self.line_of(key.span().start);
        let (table, state) = match value.into_inner() {
            DeValue::Table(table) => (table, Presence::Present),
            _ => {
                self.error(Finding {
                    line: Some(line),
                    section: Some(name.to_owned()),
                    problem: "is not a section".to_owned(),
                    remedy: format!("write [{name}] once, on a separate line, its keys below it"),
                    ..Finding::default()
                });
                (DeTable::new(), Presence::Malformed)
            }
        };
        Taken { table, line, state }
    }

    /// Returns the line of an offset in the text.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.text.position(offset).0
    }

    pub(super) fn error(&mut self, finding: Finding) {
        self.findings.error(finding);
    }

    /// Records that something required is missing, unless a broken line may hold it.
    pub(super) fn missing(&mut self, finding: Finding) {
        let section = finding.section.as_deref().unwrap_or_default();
        if !self.text.may_hide(section) {
            self.findings.error(finding);
        }
    }

    pub(super) fn warning(&mut self, finding: Finding) {
        self.findings.warning(finding);
    }

    /// Registers the known keys of a section; the keys in `rest` are unknown.
    pub(super) fn register(
        &mut self,
        name: &'static str,
        known: Vec<&'static str>,
        rest: &DeTable<'t>,
    ) {
        for key in rest.keys() {
            self.unknown.push(UnknownName {
                line: self.line_of(key.span().start),
                section: Some(name.to_owned()),
                key: key.get_ref().to_string(),
            });
        }
        self.known.insert(name, known);
    }

    /// Drops what was found about the keys of other sections than these. The names of sections and keys still count.
    pub(super) fn keep_only(&mut self, sections: &[&str]) {
        self.findings.keep_only(sections);
    }

    /// Ends the reading: every unknown name becomes an error. Returns the warnings.
    pub(super) fn finish(mut self) -> Result<Vec<Finding>, ConfigErrors> {
        if self.text.is_complete() {
            for (key, value) in &self.root {
                let line = self.line_of(key.span().start);
                if self.text.is_broken(line) {
                    continue;
                }
                let name = key.get_ref().to_string();
                let (section, key) = match value.get_ref() {
                    DeValue::Table(_) => (Some(name), String::new()),
                    _ => (None, name),
                };
                self.unknown.push(UnknownName { line, section, key });
            }
            for name in std::mem::take(&mut self.unknown) {
                let finding = self.unknown_name(name);
                self.findings.error(finding);
            }
        }
        self.findings.finish()
    }

    fn unknown_name(&self, name: UnknownName) -> Finding {
        let UnknownName { line, section, key } = name;
        let section_name = section.as_deref().unwrap_or_default();
        let remedy = match CONFIG_INI_NAMES
            .iter()
            .find(|(section, name, _)| *section == section_name && *name == key)
        {
            Some((_, _, remedy)) => (*remedy).to_owned(),
            None if key.is_empty() => self.remedy_for_section(section_name),
            None => self.remedy_for_key(section_name, &key),
        };
        let problem = match (&section, key.is_empty()) {
            (_, true) => "there is no such section",
            (Some(_), _) => "there is no such key in this section",
            (None, _) => "a key must be in a section",
        };
        Finding {
            line: Some(line),
            section,
            key: Some(key).filter(|key| !key.is_empty()),
            problem: problem.to_owned(),
            remedy,
            ..Finding::default()
        }
    }

    fn remedy_for_section(&self, name: &str) -> String {
        match nearest(name, self.known.keys().copied()) {
            Some(near) => format!("did you mean [{near}]?"),
            None => {
                let all: Vec<_> = self.known.keys().map(|name| format!("[{name}]")).collect();
                format!("remove it; the sections are {}", all.join(", "))
            }
        }
    }

    fn remedy_for_key(&self, section: &str, key: &str) -> String {
        let here = self.known.get(section).map_or(&[][..], Vec::as_slice);
        if let Some(near) = nearest(key, here.iter().copied()) {
            return format!("did you mean {near}?");
        }
        if let Some((home, _)) = self.known.iter().find(|(_, keys)| keys.contains(&key)) {
            return format!("move the line to section [{home}]");
        }
        let everywhere = self
            .known
            .iter()
            .flat_map(|(home, keys)| keys.iter().map(move |key| (*home, *key)));
        if let Some(near) = nearest(key, everywhere.clone().map(|(_, key)| key))
            && let Some((home, _)) = everywhere.clone().find(|(_, key)| *key == near)
        {
            return format!("did you mean {near}, in section [{home}]?");
        }
        if here.is_empty() {
            return "remove the line".to_owned();
        }
        format!(
            "remove the line; the keys of this section are {}",
            here.join(", ")
        )
    }
}

/// A section that was removed from the document.
pub(super) struct Taken<'t> {
    /// The section's keys; empty if the section is absent.
    pub(super) table: DeTable<'t>,
    /// The line of the section's header, or the file's last line if the section is absent.
    pub(super) line: usize,
    pub(super) state: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Present,
    Absent,
    /// The name belongs to something other than a section; the error has been recorded.
    Malformed,
}

/// Returns the known name that is nearest to a misspelt one, if it is near enough.
fn nearest<'n>(typed: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    known
        .map(|name| (strsim::osa_distance(&typed, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}
