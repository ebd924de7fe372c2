//! `[log]`: the format and the level of log lines.

use std::fmt;

use strum::VariantNames as _;

use super::credentials::SecretSources;
use super::field::MAX_QUOTED_CHARS;
use super::section_reader::SectionReader;
use super::sections::{Section, Value};

/// `[log]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    pub format: LogFormat,
    /// Lines below this level are not logged.
    pub level: LogLevel,
    pub level_origin: LevelOrigin,
}

/// The source of the level. The first one that has a level wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelOrigin {
    /// `--log-level`
    CommandLine,
    /// `RUST_LOG`
    Variable,
    /// The configuration, or its default.
    #[default]
    Config,
}

/// Names the source behind a level; empty if it is the configuration.
impl fmt::Display for LevelOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommandLine => ", from --log-level",
            Self::Variable => ", from the environment variable RUST_LOG",
            Self::Config => "",
        })
    }
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

    fn read(section: &mut SectionReader<'_, '_>, sources: &SecretSources<'_>) -> Option<Self> {
        let format = section.choice("format");
        let level = section.choice("level");
        let (format, configured) = (format?, level?);
        let (level, level_origin) = if let Some(level) = sources.environment.log_level() {
            (level, LevelOrigin::CommandLine)
        } else if let Some(level) = level_of_variable(section, sources) {
            (level, LevelOrigin::Variable)
        } else {
            (configured, LevelOrigin::Config)
        };
        Some(Self {
            format,
            level,
            level_origin,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("format", self.format),
            Value::new("level", format_args!("{}{}", self.level, self.level_origin)),
        ]
    }
}

/// Returns the level in `RUST_LOG`. Another value is a warning, because the variable may be meant for another program:
/// filters by module are not supported, since lower levels of the libraries may hold secrets.
fn level_of_variable(
    section: &mut SectionReader<'_, '_>,
    sources: &SecretSources<'_>,
) -> Option<LogLevel> {
    let value = sources.environment.variable("RUST_LOG")?.to_string_lossy();
    let level = value.trim().to_ascii_lowercase().parse();
    if level.is_err() {
        section.warning(
            "level",
            section.line_of("level"),
            format!(
                "the environment variable RUST_LOG is ignored, because {:?} is not a level",
                value.chars().take(MAX_QUOTED_CHARS).collect::<String>()
            ),
            format!(
                "set RUST_LOG to one of {}, or use --log-level",
                LogLevel::VARIANTS.join(", ")
            ),
        );
    }
    level.ok()
}
