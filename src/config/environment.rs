//! The parts of the process's environment that the configuration depends on, as a value that tests can replace: variables,
//! directories, and the level of the log on the command line. This module reads no file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::account_directory::DataDirOrigin;
use super::logging::LogLevel;

/// The program's directory under `$XDG_CONFIG_HOME` and `/etc`.
const DIRECTORY_NAME: &str = "scp-079-avatar";
pub(super) const FILE_NAME: &str = "config.toml";

/// The variables, the working directory and the `/etc` of the process, and the log level of its command line.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    working_directory: PathBuf,
    system_directory: PathBuf,
    log_level: Option<LogLevel>,
}

impl Environment {
    /// Returns the environment of this process, with only the variables that the program uses.
    ///
    /// # Errors
    /// Returns an error if the working directory does not exist or is not accessible.
    pub fn of_process() -> io::Result<Self> {
        let wanted = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.starts_with("SCP079_")
                || matches!(
                    &*name,
                    "CREDENTIALS_DIRECTORY"
                        | "STATE_DIRECTORY"
                        | "XDG_CONFIG_HOME"
                        | "HOME"
                        | "RUST_LOG"
                )
        };
        Ok(Self {
            variables: std::env::vars_os()
                .filter(|(name, _)| wanted(name))
                .collect(),
            working_directory: std::env::current_dir()?,
            system_directory: PathBuf::from("/etc"),
            log_level: None,
        })
    }

    /// Returns an environment without variables and with all directories under `root`.
    #[must_use]
    pub fn rooted(root: &Path) -> Self {
        Self {
            variables: BTreeMap::new(),
            working_directory: root.to_owned(),
            system_directory: root.join("etc"),
            log_level: None,
        }
    }

    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the level of the command line, which wins.
    #[must_use]
    pub fn with_log_level(mut self, level: Option<LogLevel>) -> Self {
        self.log_level = level;
        self
    }

    /// Returns the level of the command line.
    pub(super) fn log_level(&self) -> Option<LogLevel> {
        self.log_level
    }

    /// Returns a variable's value; an empty variable counts as not set.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns a variable that holds an absolute path; the XDG specification ignores relative ones.
    pub(super) fn directory(&self, name: &str) -> Option<&Path> {
        self.variable(name)
            .map(Path::new)
            .filter(|path| path.is_absolute())
    }

    /// Returns a path that starts from the working directory as an absolute path.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.working_directory.join(path)
    }

    /// Returns the path of the configuration of a service, which `-i NAME` selects.
    #[must_use]
    pub fn service_config(&self, name: &str) -> PathBuf {
        self.services().join(format!("{name}.toml"))
    }

    /// Returns the data directory for a new configuration at the absolute path `config`: systemd's `$STATE_DIRECTORY`,
    /// else the one of a service whose configuration is in `/etc`, else `data` beside the configuration.
    #[must_use]
    pub fn default_data_dir(&self, config: &Path) -> PathBuf {
        self.default_data_dir_of(config).0
    }

    /// Returns the same directory, and why it is that one.
    pub(super) fn default_data_dir_of(&self, config: &Path) -> (PathBuf, DataDirOrigin) {
        // systemd separates several directories by colons.
        let state = self.directory("STATE_DIRECTORY").and_then(Path::to_str);
        if let Some(state) = state.and_then(|directories| directories.split(':').next()) {
            return (state.into(), DataDirOrigin::StateDirectory);
        }
        let directory = config.parent().unwrap_or_else(|| Path::new("/"));
        match config.file_stem() {
            Some(name) if directory == self.services() => (
                Path::new("/var/lib").join(DIRECTORY_NAME).join(name),
                DataDirOrigin::Service,
            ),
            _ => (directory.join("data"), DataDirOrigin::BesideConfig),
        }
    }

    /// Returns the directory of the services' configurations, `/etc/scp-079-avatar`.
    pub(super) fn services(&self) -> PathBuf {
        self.system_directory.join(DIRECTORY_NAME)
    }

    /// Returns the paths that are searched without `--config`.
    pub(super) fn candidates(&self) -> Vec<PathBuf> {
        let user = self
            .directory("XDG_CONFIG_HOME")
            .map(Path::to_owned)
            .or_else(|| self.directory("HOME").map(|home| home.join(".config")));
        let directories = user.into_iter().chain([self.system_directory.clone()]);
        std::iter::once(self.working_directory.join(FILE_NAME))
            .chain(directories.map(|directory| directory.join(DIRECTORY_NAME).join(FILE_NAME)))
            .collect()
    }
}
