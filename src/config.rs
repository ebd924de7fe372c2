//! The configuration: a TOML file becomes a checked [`Config`].
//!
//! Every value of a [`Config`] has been checked; the rest of the program does not check it again.
//! The submodules find the file (`search`), parse it as a whole (`syntax`, `document`), read single
//! keys (`section_reader`, `field`, `credentials`), read the sections (`sections` and a module for
//! each kind), and describe errors (`finding`). docs/configuration.md has every key.
//!
//! CONTRIBUTING.md lists the steps to add a key.

mod account;
mod account_directory;
mod credentials;
mod custom;
mod document;
mod environment;
mod field;
mod file_owner;
mod finding;
mod logging;
mod peers;
mod posting;
mod proxy;
mod published_ids;
mod reset_day;
mod search;
mod section_reader;
mod sections;
mod syntax;
#[cfg(test)]
mod tests;
mod timing;

use std::path::{Path, PathBuf};

pub use self::account::Telegram;
pub use self::account_directory::{DataDirCheck, DataDirOrigin, Unusable};
pub(crate) use self::custom::Seconds;
pub use self::custom::{Custom, UnseenPolicy};
pub use self::environment::Environment;
pub(crate) use self::file_owner::{FileOwner, known_user, own_uid, user_name};
pub use self::finding::{ConfigErrors, Finding};
pub use self::logging::{LevelOrigin, Log, LogFormat, LogLevel};
pub use self::peers::{Bots, Channels};
pub(crate) use self::posting::FOR_THE_FLEET_IN_SERVICE;
pub use self::posting::{Delivery, Dialect, Encrypt, Exchange, FileKind, Mode, PaceKind};
pub use self::proxy::Proxy;
pub use self::reset_day::{Ordinal, ResetDay};
use self::sections::Section;
pub use self::sections::Value;
pub use self::timing::{Schedule, every_day};
use crate::secret::Origin;

/// The example of a configuration, with a comment for every key.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// A configuration, the file that it was read from, and the warnings about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// The absolute path of the file.
    pub path: PathBuf,
    /// The warnings, in the order of the file.
    pub warnings: Vec<Finding>,
}

/// The checked configuration, a field for each section.
#[derive(Clone, Debug)]
pub struct Config {
    pub telegram: Telegram,
    /// `None` is a direct connection.
    pub proxy: Option<Proxy>,
    pub bots: Bots,
    pub channels: Channels,
    pub custom: Custom,
    pub encrypt: Encrypt,
    pub exchange: Exchange,
    pub mode: Mode,
    pub schedule: Schedule,
    pub delivery: Delivery,
    pub log: Log,
}

/// The sections that an access to the account needs, the file that they were read from, and the warnings about it.
#[derive(Clone, Debug)]
pub struct LoadedAccount {
    pub account: Account,
    /// The absolute path of the file.
    pub path: PathBuf,
    /// The warnings, in the order of the file.
    pub warnings: Vec<Finding>,
}

/// The sections that an access to the account needs.
#[derive(Clone, Debug)]
pub struct Account {
    pub telegram: Telegram,
    /// `None` is a direct connection.
    pub proxy: Option<Proxy>,
}

impl Account {
    /// Finds and reads the configuration, and checks only `[telegram]` and `[proxy]`. The other sections may be absent
    /// or not filled in.
    ///
    /// # Errors
    /// Returns all errors at once, as [`Config::load`] does: those in the two sections, syntax, and unknown names.
    pub fn load(
        path: Option<&Path>,
        environment: &Environment,
    ) -> Result<LoadedAccount, ConfigErrors> {
        let file = search::find(path, environment)?;
        let (account, warnings) = sections::read_account(&file, environment)?;
        Ok(LoadedAccount {
            account,
            path: file.path,
            warnings,
        })
    }

    /// Returns the origin of every secret.
    fn origins(&self) -> impl Iterator<Item = &Origin> {
        origins(&self.telegram, self.proxy.as_ref())
    }
}

impl Config {
    /// Finds, reads and checks the configuration.
    ///
    /// `path` is the argument of `--config`; without it the usual places are searched. Relative
    /// paths in the file start from the file's directory.
    ///
    /// # Errors
    /// Returns all errors at once: a missing or unreadable file, syntax, unknown or missing keys,
    /// invalid values.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigErrors> {
        Self::load_and_check(path, environment, None)
    }

    /// Loads the configuration as [`load`](Self::load) does. A data directory that cannot be used is one of the errors.
    ///
    /// # Errors
    /// Returns all errors at once.
    pub fn load_with_data_dir(
        path: Option<&Path>,
        environment: &Environment,
        data_dir_check: DataDirCheck,
    ) -> Result<Loaded, ConfigErrors> {
        Self::load_and_check(path, environment, Some(data_dir_check))
    }

    fn load_and_check(
        path: Option<&Path>,
        environment: &Environment,
        data_dir_check: Option<DataDirCheck>,
    ) -> Result<Loaded, ConfigErrors> {
        let file = search::find(path, environment)?;
        let (config, warnings) = sections::read(&file, environment, data_dir_check)?;
        Ok(Loaded {
            config,
            path: file.path,
            warnings,
        })
    }

    /// Reads and checks a text as the configuration that will be at `path`.
    ///
    /// # Errors
    /// Returns all errors at once, as [`load`](Self::load) does.
    pub fn from_text(
        path: &Path,
        text: &str,
        environment: &Environment,
    ) -> Result<Loaded, ConfigErrors> {
        let file = search::ConfigFile {
            path: path.to_owned(),
            text: text.to_owned().into(),
            world_readable: false,
        };
        let (config, warnings) = sections::read(&file, environment, None)?;
        Ok(Loaded {
            config,
            path: file.path,
            warnings,
        })
    }

    /// Returns every section's name and effective values, in the order of the example file.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, Vec<Value>)> {
        fn of<S: Section>(section: &S) -> (&'static str, Vec<Value>) {
            (S::NAME, section.values())
        }
        vec![
            of(&self.telegram),
            of(&self.proxy),
            of(&self.bots),
            of(&self.channels),
            of(&self.custom),
            of(&self.encrypt),
            of(&self.exchange),
            of(&self.mode),
            of(&self.schedule),
            of(&self.delivery),
            of(&self.log),
        ]
    }

    /// Returns the origin of every secret.
    fn origins(&self) -> impl Iterator<Item = &Origin> {
        origins(&self.telegram, self.proxy.as_ref())
            .chain(std::iter::once(self.encrypt.password.origin()))
    }
}

/// Returns the origin of every secret of the account.
fn origins<'a>(
    telegram: &'a Telegram,
    proxy: Option<&'a Proxy>,
) -> impl Iterator<Item = &'a Origin> {
    let login = proxy.and_then(|proxy| proxy.login.as_ref());
    [telegram.api_id.origin(), telegram.api_hash.origin()]
        .into_iter()
        .chain(login.map(|(_, password)| password.origin()))
}
