//! `[log]`: the format and the level of log lines.

use super::credentials::SecretSources;
use super::section_reader::SectionReader;
use super::sections::{Section, Value};

/// `[log]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    pub format: LogFormat,
    /// Lines below this level are not logged.
    pub level: LogLevel,
}

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
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

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
pub enum LogLevel {
    /// The program ends, or data is lost.
    Error,
    /// A maintainer should look into it.
    Warn,
    /// Normal operation, without names, texts or phone numbers.
    #[default]
    Info,
    /// Every step; may hold names and texts (docs/promises.md, "Cover").
    Debug,
    /// Every call.
    Trace,
}

impl Section for Log {
    const NAME: &'static str = "log";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let format = section.choice("format");
        let level = section.choice("level");
        Some(Self {
            format: format?,
            level: level?,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("format", self.format),
            Value::new("level", self.level),
        ]
    }
}
