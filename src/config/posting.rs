//! `[encrypt]`, `[exchange]`, `[mode]` and `[delivery]`: the content of posts, and their pace.

use std::time::Duration;

use super::credentials::{Lookup, SecretNames, SecretSources};
use super::section_reader::SectionReader;
use super::sections::{Section, Value};
use crate::model::Share;
use crate::secret::Secret;

const PASSWORD: SecretNames = SecretNames {
    key: "password",
    file_key: "password_file",
    credential: "password",
    variable: "SCP079_ENCRYPT_PASSWORD",
    is_number: false,
};

const MIN_PASSWORD_CHARS: usize = 8;

/// A fixed interval between posts that Telegram accepts according to public reports, in milliseconds.
const STEADY_MIN_MS: u64 = 3000;
/// The shortest interval that an adaptive pace should come down to, in milliseconds.
const ADAPTIVE_MIN_MS: u64 = 1000;
const MIB: u64 = 1024 * 1024;

/// `[encrypt]`
#[derive(Clone, Debug)]
pub struct Encrypt {
    /// The password that seals files; 8 characters or more.
    pub password: Secret,
}

impl Section for Encrypt {
    const NAME: &'static str = "encrypt";

    fn read(section: &mut SectionReader<'_, '_>, sources: &SecretSources<'_>) -> Option<Self> {
        match sources.find(section, &PASSWORD) {
            Lookup::Found(password) => {
                let length = password.expose().chars().count();
                if length < MIN_PASSWORD_CHARS {
                    return section.error(
                        "password",
                        section.line_of("password"),
                        format!(
                            "is too short: {length} of at least {MIN_PASSWORD_CHARS} characters"
                        ),
                        "use a longer one, here and in NOSPAM",
                    );
                }
                Some(Self { password })
            }
            Lookup::Missing(line) => {
                let usual = "write the password that the whole fleet seals files with, such as password = \"…\"";
                section.missing("password", line, PASSWORD.remedy(usual))
            }
            Lookup::Invalid => None,
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::new("password", &self.password)]
    }
}

/// The wording of reports (docs/exchange.md, "Reports").
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum Dialect {
    /// The wording of the fleet's documents.
    #[default]
    Classic,
    /// The wording of the bots in service.
    Current,
}

/// The format of the files that are written (docs/files.md).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum FileKind {
    /// XChaCha20-Poly1305 (docs/files.md, "Sealed files").
    #[default]
    Sealed,
    /// Pickle in AES Crypt (docs/files.md, "Python files").
    Python,
}

/// The two settings that go together, because the bots in service are Python programs.
pub(crate) const FOR_THE_FLEET_IN_SERVICE: &str =
    "for the fleet in service set these two: dialect = \"current\" and files = \"python\"";

/// `[exchange]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchange {
    pub dialect: Dialect,
    pub files: FileKind,
}

impl Section for Exchange {
    const NAME: &'static str = "exchange";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let dialect = section.choice("dialect");
        let files = section.choice("files");
        let (dialect, files) = (dialect?, files?);
        // Both defaults are right for a fleet that opens sealed files.
        let key = match (dialect, files) {
            (Dialect::Current, FileKind::Sealed) => Some("files"),
            (Dialect::Classic, FileKind::Python) => Some("dialect"),
            _ => None,
        };
        if let Some(key) = key {
            let problem =
                format!("no fleet reads dialect = \"{dialect}\" together with files = \"{files}\"");
            section.advice(key, problem, FOR_THE_FLEET_IN_SERVICE);
        }
        Some(Self { dialect, files })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("dialect", self.dialect),
            Value::new("files", self.files),
        ]
    }
}

/// `[mode]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// True if this instance is a standby replica.
    pub backup: bool,
    /// The members whose photos this instance forwards first.
    pub share: Share,
}

impl Section for Mode {
    const NAME: &'static str = "mode";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let backup = section.flag("backup", false);
        let hint = "this instance's number and how many there are";
        let share = section.parsed("share", "1/1", Share::parse, hint);
        Some(Self {
            backup: backup?,
            share: share?,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("backup", self.backup),
            Value::new("share", self.share),
        ]
    }
}

/// How the time between two posts is chosen (docs/pace.md).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum PaceKind {
    /// The program learns from Telegram's floods how fast it may post in a raid.
    #[default]
    Adaptive,
    /// Always `min_interval_ms`.
    Steady,
}

/// `[delivery]`
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    pub pace: PaceKind,
    /// The least time between two posts; may be zero.
    pub min_interval: Duration,
    /// An older avatar is dropped; never zero.
    pub max_age: Duration,
    /// The disk space for photos that wait, in bytes; never zero.
    pub spool_max_bytes: u64,
}

impl Section for Delivery {
    const NAME: &'static str = "delivery";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let pace = section.choice("pace");
        let interval = section.number("min_interval_ms", 1000, 0..=3_600_000, "milliseconds");
        let age = section.number("max_age_hours", 48, 1..=8760, "hours");
        let spool = section.number("spool_max_mb", 512, 1..=1_048_576, "megabytes");
        let (pace, interval) = (pace?, interval?.unsigned_abs());
        advise_about_interval(section, pace, interval);
        Some(Self {
            pace,
            min_interval: Duration::from_millis(interval),
            max_age: Duration::from_secs(age?.unsigned_abs() * 3600),
            spool_max_bytes: spool?.unsigned_abs() * MIB,
        })
    }

    fn values(&self) -> Vec<Value> {
        let interval_ms = self.min_interval.as_millis();
        let age_hours = self.max_age.as_secs() / 3600;
        let spool_mib = self.spool_max_bytes / MIB;
        vec![
            Value::new("pace", self.pace),
            Value::new("min_interval_ms", format_args!("{interval_ms} ms")),
            Value::new("max_age_hours", format_args!("{age_hours} h")),
            Value::new("spool_max_mb", format_args!("{spool_mib} MiB")),
        ]
    }
}

/// Warns about a pace that Telegram answers with FLOOD_WAIT (docs/pace.md, "Telegram's patience").
fn advise_about_interval(section: &mut SectionReader<'_, '_>, pace: PaceKind, interval_ms: u64) {
    let (problem, remedy) = match pace {
        PaceKind::Steady if interval_ms < STEADY_MIN_MS => (
            "with pace = \"steady\" the program does not learn from floods",
            format!("write {STEADY_MIN_MS} or more, or pace = \"adaptive\""),
        ),
        PaceKind::Adaptive if interval_ms < ADAPTIVE_MIN_MS => (
            "Telegram asks for at most one post a second in one chat",
            format!("write {ADAPTIVE_MIN_MS} or more: an adaptive pace never goes below it"),
        ),
        _ => return,
    };
    section.advice(
        "min_interval_ms",
        format!(
            "{interval_ms} ms between two posts is shorter than Telegram accepts for long; {problem}"
        ),
        remedy,
    );
}
