//! The text as TOML: sections, and unknown names.
//!
//! Owns what concerns the file as a whole; [`super::section`] reads single keys out of it. Refuses
//! to know which keys exist: they become known as they are asked for, and whatever is left over in
//! the end is a stranger. A file with syntax errors is checked as far as it can be understood: what
//! they may have hidden is not called missing.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::finding::{ConfigErrors, Finding, Findings};
use super::syntax::Text;

/// Names of the fleet's older `config.ini` that have no use here, and what to do about them.
const RETIRED: [(&str, &str, &str); 11] = [
    ("pyrogram", "", "rename the section to [telegram]"),
    ("plugins", "", "remove the section: there are no plugins"),
    (
        "basic",
        "",
        "remove the section: AVATAR is no bot and has no bot token",
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
        "remove the line: AVATAR is asked for its version by HIDE",
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
        "remove the line: AVATAR punishes nobody",
    ),
    (
        "encrypt",
        "key",
        "remove the line: AVATAR seals files with the password alone",
    ),
];

/// A name that nobody asked for.
struct Stranger {
    line: usize,
    section: Option<String>,
    /// Empty if the section itself is the stranger.
    key: String,
}

/// A configuration's text, parsed but not yet understood.
pub(super) struct Document<'t> {
    text: &'t Text<'t>,
    root: DeTable<'t>,
    known: BTreeMap<&'static str, Vec<&'static str>>,
    unknown_channels: Vec<Stranger>,
    findings: Findings,
}

impl<'t> Document<'t> {
    /// Parses a text; its syntax errors are the first findings.
    pub(super) fn parse(file: &Path, text: &'t Text<'t>) -> Self {
        let (root, _) = DeTable::parse_recoverable(&text.parseable);
        let mut findings = Findings::new(file);
        for error in &text.errors {
            findings.error(error.clone());
        }
        Self {
            text,
            root: root.into_inner(),
            known: BTreeMap::new(),
            unknown_channels: Vec::new(),
            findings,
        }
    }

    /// Takes a section out of the document: its table, its line, and whether it is there at all.
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
                self.wrong(Finding {
                    line: Some(line),
                    section: Some(name.to_owned()),
                    problem: "is not a section".to_owned(),
                    remedy: format!("write [{name}] on a line of its own, once, its keys below it"),
                    ..Finding::default()
                });
                (DeTable::new(), Presence::Malformed)
            }
        };
        Taken { table, line, state }
    }

    /// Gives the line of an offset in the text.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.text.position(offset).0
    }

    /// Notes an error.
    pub(super) fn wrong(&mut self, finding: Finding) {
        self.findings.error(finding);
    }

    /// Notes that something required is not there.
    pub(super) fn missing(&mut self, finding: Finding) {
        let section = finding.section.as_deref().unwrap_or_default();
        if !self.text.may_hide(section) {
            self.findings.error(finding);
        }
    }

    /// Notes something that deserves a second look.
    pub(super) fn warn(&mut self, finding: Finding) {
        self.findings.warning(finding);
    }

    /// Learns which keys a section has, and what was left over in it.
    pub(super) fn learn(
        &mut self,
        name: &'static str,
        known: Vec<&'static str>,
        rest: &DeTable<'t>,
    ) {
        for key in rest.keys() {
            self.unknown_channels.push(Stranger {
                line: self.line_of(key.span().start),
                section: Some(name.to_owned()),
                key: key.get_ref().to_string(),
            });
        }
        self.known.insert(name, known);
    }

    /// Ends the reading: every name that nobody asked for becomes an error.
    pub(super) fn close(mut self) -> Result<Vec<Finding>, ConfigErrors> {
        if self.text.is_sifted() {
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
                self.unknown_channels.push(Stranger { line, section, key });
            }
            for stranger in std::mem::take(&mut self.unknown_channels) {
                let finding = self.unknown(stranger);
                self.findings.error(finding);
            }
        }
        self.findings.close()
    }

    fn unknown(&self, stranger: Stranger) -> Finding {
        let Stranger { line, section, key } = stranger;
        let within = section.as_deref().unwrap_or_default();
        let remedy = match RETIRED
            .iter()
            .find(|(section, name, _)| *section == within && *name == key)
        {
            Some((_, _, remedy)) => (*remedy).to_owned(),
            None if key.is_empty() => self.remedy_for_section(within),
            None => self.remedy_for_key(within, &key),
        };
        let problem = match (&section, key.is_empty()) {
            (_, true) => "there is no such section",
            (Some(_), _) => "there is no such key in this section",
            (None, _) => "a key must stand in a section",
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
        format!("remove the line; this section knows {}", here.join(", "))
    }
}

/// A section as it was found.
pub(super) struct Taken<'t> {
    /// Its keys; none if it is absent.
    pub(super) table: DeTable<'t>,
    /// Where it begins, or the file's last line if it is absent.
    pub(super) line: usize,
    /// Whether it is there.
    pub(super) state: Presence,
}

/// Whether a section is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is there.
    Present,
    /// It is not.
    Absent,
    /// Something else bears its name, which has been said.
    Malformed,
}

/// Finds the known name that was probably meant, if one is near enough.
pub(super) fn nearest<'n>(typed: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    known
        .map(|name| (strsim::osa_distance(&typed, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}
