//! The configuration: TOML in, a checked [`Config`] out (SPEC §3).
//!
//! Owns the types that the rest of the program is configured with, and nothing of how they are
//! used. Whatever a [`Config`] holds has been checked: there is no second look at it later. The
//! rooms below find the file (`search`), parse it as a whole (`syntax`, `document`), read single
//! keys (`section`, `credentials`, `values`), put the sections together (`sections`, `peers`,
//! `proxy`), and say what is wrong (`finding`). Knows no clock and no network.

mod credentials;
mod document;
mod finding;
mod peers;
mod proxy;
mod reset_day;
mod search;
mod section;
mod sections;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use croner::Cron;

pub use self::finding::{ConfigErrors, Finding};
pub use self::proxy::Proxy;
pub use self::search::Environment;
pub use self::reset_day::{Dialect, FileKind, LogFormat, LogLevel, Ordinal, ResetDay};
use crate::model::{ChannelId, UserId};
use crate::secret::{Origin, Secret};

/// A configuration that was found, read and understood.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// The file that says it, as an absolute path.
    pub path: PathBuf,
    /// What deserves a second look, in the order of the file.
    pub warnings: Vec<Finding>,
}

/// Everything that a maintainer can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[telegram]`: the account.
    pub telegram: Telegram,
    /// `[proxy]`: the way to Telegram; `None` is the direct one.
    pub proxy: Option<Proxy>,
    /// `[bots]`: the fleet's accounts.
    pub bots: Bots,
    /// `[channels]`: where posts go.
    pub channels: Channels,
    /// `[custom]`: what counts as new, and when the lists are reset.
    pub custom: Custom,
    /// `[encrypt]`: what seals files.
    pub encrypt: Encrypt,
    /// `[exchange]`: the form of posts.
    pub exchange: Exchange,
    /// `[mode]`: the role of this instance.
    pub mode: Mode,
    /// `[schedule]`: what happens when.
    pub schedule: Schedule,
    /// `[delivery]`: the pace of posts, and what may wait.
    pub delivery: Delivery,
    /// `[log]`: what is said about all that.
    pub log: Log,
}

/// `[telegram]`
#[derive(Clone, Debug)]
pub struct Telegram {
    /// The application's id, from my.telegram.org; positive.
    pub api_id: Secret<i32>,
    /// The application's hash, from my.telegram.org.
    pub api_hash: Secret,
    /// Where the state lives; absolute.
    pub data_dir: PathBuf,
    /// The device that the account's list of sessions shows.
    pub device_model: String,
    /// The system that it shows.
    pub system_version: String,
    /// The program's version that it shows, which is not this program's.
    pub app_version: String,
    /// The language that it claims, as an IETF tag.
    pub lang_code: String,
}

impl Telegram {
    /// The account's session: `account.session` in `data_dir`.
    #[must_use]
    pub fn session_file(&self) -> PathBuf {
        self.data_dir.join("account.session")
    }

    /// The program's memory: `state.db` in `data_dir`.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.data_dir.join("state.db")
    }
}

/// `[bots]`
#[derive(Clone, Debug, Default)]
pub struct Bots {
    /// NOSPAM; when set, only groups where it is an administrator are watched.
    pub nospam: Option<UserId>,
    /// The fleet's other accounts by name, such as `captcha`: trusted, never forwarded.
    pub others: BTreeMap<&'static str, UserId>,
}

impl Bots {
    /// Gives every account of the fleet that is set, NOSPAM among them.
    pub fn fleet(&self) -> impl Iterator<Item = UserId> + '_ {
        self.nospam.into_iter().chain(self.others.values().copied())
    }
}

/// `[channels]`
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// HIDE.
    pub hide: ChannelId,
    /// EXCHANGE; when set, the normal road, and never the same as HIDE.
    pub exchange: Option<ChannelId>,
    /// Where HIDE is asked to report what MANAGE's orders did.
    pub debug: Option<ChannelId>,
}

/// `[custom]`
#[derive(Clone, Copy, Debug)]
pub struct Custom {
    /// The day of the monthly reset.
    pub reset_day: ResetDay,
    /// How long after joining a member counts as new; whole seconds, never zero.
    pub time_new: Duration,
    /// Whether Traditional Chinese is folded to Simplified before rules are matched.
    pub zh_cn: bool,
    /// Whether rules are matched against the bio too.
    pub check_bio: bool,
}

/// `[encrypt]`
#[derive(Clone, Debug)]
pub struct Encrypt {
    /// Seals files; 8 characters or more.
    pub password: Secret,
}

/// `[exchange]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchange {
    /// How reports are worded.
    pub dialect: Dialect,
    /// How files are written.
    pub files: FileKind,
}

/// `[mode]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// Whether this instance is a standby replica.
    pub backup: bool,
}

/// `[schedule]`: cron expressions, UTC; each of them comes some day.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The status report.
    pub status: Cron,
    /// The backup of the lists.
    pub backup: Cron,
    /// The count report.
    pub count: Cron,
    /// The time of the reset; its day is [`Custom::reset_day`].
    pub reset_time: Cron,
    /// The refresh of administrator lists.
    pub admins: Cron,
    /// The recheck of members who are still new.
    pub recheck: Cron,
}

/// `[delivery]`
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The least time between two posts; zero is allowed.
    pub min_interval: Duration,
    /// How old an avatar may be and still be posted; never zero.
    pub max_age: Duration,
    /// How many bytes the photos that wait may take on disk; never zero.
    pub spool_max_bytes: u64,
}

/// `[log]`
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    /// What lines look like.
    pub format: LogFormat,
    /// From which level on there are lines.
    pub level: LogLevel,
}

/// Gives an expression's times of day on every day, with six fields, the first for seconds; five fields
/// mean second 0.
#[must_use]
pub fn every_day(cron: &Cron) -> String {
    let fields: Vec<&str> = cron.as_str().split_whitespace().collect();
    match fields[..] {
        [minute, hour, _, _, _] => format!("0 {minute} {hour} * * *"),
        [second, minute, hour, _, _, _] => format!("{second} {minute} {hour} * * *"),
        // A nickname such as @daily, each of which is at the beginning of an hour.
        _ => "0 0 * * * *".to_owned(),
    }
}

impl Config {
    /// Finds, reads and checks the configuration.
    ///
    /// `path` is what `--config` says; without it the usual places are searched. Relative paths in
    /// the file are relative to the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, all at once: no file, unreadable, syntax, unknown or missing keys,
    /// wrong values.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigErrors> {
        let source = search::find(path, environment)?;
        let (config, warnings) = sections::read(&source, environment)?;
        Ok(Loaded {
            config,
            path: source.path,
            warnings,
        })
    }

    /// Gives every secret's origin under its section and key.
    pub fn origins(&self) -> impl Iterator<Item = (&'static str, &'static str, &Origin)> {
        let proxy = self.proxy.iter().flat_map(|proxy| &proxy.login);
        [
            ("telegram", "api_id", self.telegram.api_id.origin()),
            ("telegram", "api_hash", self.telegram.api_hash.origin()),
            ("encrypt", "password", self.encrypt.password.origin()),
        ]
        .into_iter()
        .chain(proxy.map(|(_, password)| ("proxy", "password", password.origin())))
    }
}
