//! `[telegram] data_dir`: the directory of the account, also where the key is not set.

use std::fmt;
use std::path::{Path, PathBuf};

use super::credentials::SecretSources;
use super::section_reader::SectionReader;

const KEY: &str = "data_dir";
const SESSION: &str = "account.session";

/// Why the data directory is the one that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataDirOrigin {
    /// The configuration names it.
    Config,
    /// The variable of systemd's `StateDirectory=`.
    StateDirectory,
    /// The configuration is that of a service in `/etc/scp-079-avatar`.
    Service,
    /// No other default holds.
    BesideConfig,
    /// The account's session is there already.
    Session,
}

/// Says why a directory is the data directory; empty if the configuration names it.
impl fmt::Display for DataDirOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "",
            Self::StateDirectory => " (not set: from $STATE_DIRECTORY)",
            Self::Service => " (not set: by the name of the configuration)",
            Self::BesideConfig => " (not set: beside the configuration)",
            Self::Session => " (not set: account.session is there)",
        })
    }
}

/// Why a directory cannot be the data directory of a command that writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    pub problem: String,
    pub remedy: String,
}

/// Looks at the data directory, or at the place where it would be made, without changing anything.
pub type DataDirCheck = fn(&Path) -> Option<Unusable>;

pub(super) fn read(
    section: &mut SectionReader<'_, '_>,
    sources: &SecretSources<'_>,
) -> Option<(PathBuf, DataDirOrigin)> {
    let text = section.text(KEY, "data")?;
    let (path, origin) = if section.is_set(KEY) {
        (named(section, sources, &text)?, DataDirOrigin::Config)
    } else {
        default(section, sources)?
    };
    match sources.data_dir_check.and_then(|check| check(&path)) {
        Some(Unusable { problem, remedy }) => {
            section.error(KEY, section.line_of(KEY), problem, remedy)
        }
        None => Some((path, origin)),
    }
}

/// Returns the directory that the configuration names. A path in the syntax of a shell is refused, unless there is such
/// a directory, which a program that knew no better has made.
fn named(
    section: &mut SectionReader<'_, '_>,
    sources: &SecretSources<'_>,
    text: &str,
) -> Option<PathBuf> {
    let path = sources.base.join(text);
    let Some(sign) = text.chars().next().filter(|sign| "~$".contains(*sign)) else {
        return Some(path);
    };
    let home = sources.environment.directory("HOME");
    let below = ["~/", "$HOME/", "${HOME}/"]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    let meant = match (home, below) {
        (Some(home), Some(below)) => home.join(below).display().to_string(),
        _ => "/var/lib/scp-079-avatar/main".to_owned(),
    };
    let problem = format!(
        "the program does not expand {sign}: this would be the directory {}",
        path.display()
    );
    let remedy = format!("write an absolute path, such as {KEY} = {meant:?}");
    let line = section.line_of(KEY);
    if path.is_dir() {
        section.warning(KEY, line, problem, remedy);
        return Some(path);
    }
    section.error(KEY, line, problem, remedy)
}

/// Returns the directory of a configuration that names none.
fn default(
    section: &mut SectionReader<'_, '_>,
    sources: &SecretSources<'_>,
) -> Option<(PathBuf, DataDirOrigin)> {
    let (default, origin) = sources.environment.default_data_dir_of(sources.file);
    let mut places = vec![
        default.clone(),
        sources.base.join("data"),
        sources.base.to_owned(),
    ];
    places.retain(|place| place.join(SESSION).exists());
    places.dedup();
    match &places[..] {
        [] => Some((default, origin)),
        [only] if *only == default => Some((default, origin)),
        [only] => Some((only.clone(), DataDirOrigin::Session)),
        [first, second, ..] => section.error(
            KEY,
            section.line_of(KEY),
            format!(
                "is not set, and there are two sessions: {} and {}",
                first.join(SESSION).display(),
                second.join(SESSION).display()
            ),
            format!(
                "name the directory of the account, such as {KEY} = {:?}, or move the other session away",
                first.display().to_string()
            ),
        ),
    }
}
