//! Reads all sections of a file into a [`Config`].
//!
//! [`Section`] is implemented beside each section's type, so that a key has one place: its field,
//! how it is read, and how `check` prints it. Every section is read completely, also after an
//! error, so that one run reports everything.

use std::fmt::Display;

use super::account_directory::DataDirCheck;
use super::credentials::SecretSources;
use super::document::Document;
use super::environment::Environment;
use super::finding::{ConfigErrors, Finding};
use super::search::ConfigFile;
use super::section_reader::SectionReader;
use super::syntax::RecoveredText;
use super::{Account, Channels, Config, Mode, Proxy, Telegram};
use crate::secret::Origin;

/// A section of the configuration file.
pub(super) trait Section: Sized {
    const NAME: &'static str;

    /// Reads all keys of the section; returns `None` if an error was recorded.
    fn read(section: &mut SectionReader<'_, '_>, sources: &SecretSources<'_>) -> Option<Self>;

    /// Returns the effective values, as `check` prints them.
    fn values(&self) -> Vec<Value>;
}

/// A key and its effective value in words. A secret's value is its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub key: &'static str,
    pub text: String,
}

impl Value {
    pub(super) fn new(key: &'static str, value: impl Display) -> Self {
        Self {
            key,
            text: value.to_string(),
        }
    }

    pub(super) fn optional(key: &'static str, value: Option<impl Display>) -> Self {
        value.map_or_else(|| Self::new(key, "none"), |value| Self::new(key, value))
    }
}

/// Reads and checks a whole configuration.
pub(super) fn read(
    file: &ConfigFile,
    environment: &Environment,
    data_dir_check: Option<DataDirCheck>,
) -> Result<(Config, Vec<Finding>), ConfigErrors> {
    let text = RecoveredText::new(&file.text);
    let mut document = Document::parse(&file.path, &text);
    let sources = SecretSources {
        data_dir_check,
        ..SecretSources::new(environment, file)
    };
    let account = read_account_sections(&mut document, &sources);
    let config = read_sections(&mut document, &sources, account);
    if let Some(config) = &config {
        warn_about_file(&mut document, &config.telegram, config.origins(), file);
    }
    let warnings = document.finish()?;
    let config = config.expect("a section is withheld only after an error was recorded");
    Ok((config, warnings))
}

/// Reads a whole configuration and checks only `[telegram]`, `[proxy]`, and the names in the other sections.
pub(super) fn read_account(
    file: &ConfigFile,
    environment: &Environment,
) -> Result<(Account, Vec<Finding>), ConfigErrors> {
    let text = RecoveredText::new(&file.text);
    let mut document = Document::parse(&file.path, &text);
    let sources = SecretSources::new(environment, file);
    let account = read_account_sections(&mut document, &sources);
    // This makes the names of the other keys known.
    read_sections(&mut document, &sources, account.clone());
    document.keep_only(&[Telegram::NAME, Option::<Proxy>::NAME]);
    if let Some(account) = &account {
        warn_about_file(&mut document, &account.telegram, account.origins(), file);
    }
    let warnings = document.finish()?;
    let account = account.expect("a section is withheld only after an error was recorded");
    Ok((account, warnings))
}

fn read_account_sections(
    document: &mut Document<'_>,
    sources: &SecretSources<'_>,
) -> Option<Account> {
    let telegram = read_section(document, sources);
    let proxy = read_section(document, sources);
    Some(Account {
        telegram: telegram?,
        proxy: proxy?,
    })
}

fn read_sections(
    document: &mut Document<'_>,
    sources: &SecretSources<'_>,
    account: Option<Account>,
) -> Option<Config> {
    let bots = read_section(document, sources);
    let channels: Option<Channels> = read_section(document, sources);
    let custom = read_section(document, sources);
    let encrypt = read_section(document, sources);
    let exchange = read_section(document, sources);
    let mode = read_mode(document, sources, channels);
    let schedule = read_section(document, sources);
    let delivery = read_section(document, sources);
    let log = read_section(document, sources);
    let Account { telegram, proxy } = account?;
    Some(Config {
        telegram,
        proxy,
        bots: bots?,
        channels: channels?,
        custom: custom?,
        encrypt: encrypt?,
        exchange: exchange?,
        mode: mode?,
        schedule: schedule?,
        delivery: delivery?,
        log: log?,
    })
}

fn read_section<S: Section>(document: &mut Document<'_>, sources: &SecretSources<'_>) -> Option<S> {
    let mut section = SectionReader::open(document, S::NAME);
    let result = S::read(&mut section, sources);
    section.close();
    result
}

/// Reads `[mode]`. A share of the members is refused together with EXCHANGE.
fn read_mode(
    document: &mut Document<'_>,
    sources: &SecretSources<'_>,
    channels: Option<Channels>,
) -> Option<Mode> {
    let mut section = SectionReader::open(document, Mode::NAME);
    let mut mode = Mode::read(&mut section, sources);
    let has_exchange = channels.is_some_and(|channels| channels.exchange.is_some());
    if has_exchange && mode.is_some_and(|mode| !mode.share.is_whole()) {
        mode = section.error(
            "share",
            section.line_of("share"),
            "cannot be used together with exchange_channel_id: the instances see each other's photos in HIDE only",
            "write 0 as exchange_channel_id in [channels], or share = \"1/1\" for a single instance",
        );
    }
    section.close();
    mode
}

/// Warns about settings that are valid, but unwise.
fn warn_about_file<'a>(
    document: &mut Document<'_>,
    telegram: &Telegram,
    mut origins: impl Iterator<Item = &'a Origin>,
    file: &ConfigFile,
) {
    let is_inline = |origin: &Origin| matches!(origin, Origin::Config { .. });
    let path = file.path.display();
    if file.world_readable && origins.any(is_inline) {
        document.warning(Finding {
            problem: "any user of this machine can read the secrets in this file".to_owned(),
            remedy: format!("chmod 600 {path}"),
            ..Finding::default()
        });
    }
    if telegram.data_dir.starts_with("/etc") {
        document.warning(Finding {
            section: Some("telegram".to_owned()),
            key: Some("data_dir".to_owned()),
            problem: format!(
                "the data directory would be {}, among configurations",
                telegram.data_dir.display()
            ),
            remedy: "set it to a directory of the account's own, such as data_dir = \"/var/lib/scp-079-avatar/main\"".to_owned(),
            ..Finding::default()
        });
    }
}
