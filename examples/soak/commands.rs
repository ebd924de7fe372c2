//! The commands that an operator runs beside the service.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, ensure};

/// The program and its configuration.
pub(crate) struct Commands {
    pub(crate) binary: PathBuf,
    pub(crate) configuration: PathBuf,
    /// The directory that each backup replaces.
    pub(crate) backup: PathBuf,
}

impl Commands {
    /// Saves all lists, and returns how many files were written.
    pub(crate) fn save_lists(&self) -> anyhow::Result<usize> {
        if self.backup.exists() {
            fs::remove_dir_all(&self.backup)?;
        }
        fs::create_dir(&self.backup)?;
        let directory = self.backup.to_str().context("a path is no text")?;
        self.succeed(&["backup", "--to", directory])?;
        let files = fs::read_dir(&self.backup)?.count();
        ensure!(files > 0, "`backup` wrote no file");
        Ok(files)
    }

    /// Shows the state in each way, and the history of a user.
    pub(crate) fn show_state(&self, user: Option<i64>) -> anyhow::Result<()> {
        self.succeed(&["status"])?;
        self.succeed(&["status", "--brief"])?;
        self.succeed(&["status", "--json"])?;
        self.succeed(&["joins", "--last", "5"])?;
        if let Some(user) = user {
            self.succeed(&["why", &user.to_string()])?;
        }
        // A fault may be trouble, but not another end.
        let verdict = self.verdict()?;
        ensure!(
            ["OK", "TROUBLE"]
                .iter()
                .any(|word| verdict.starts_with(word)),
            "`status --check` printed: {verdict}"
        );
        Ok(())
    }

    /// Returns the line of `status --check`.
    pub(crate) fn verdict(&self) -> anyhow::Result<String> {
        let output = self.run(&["status", "--check"])?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let code = i32::from(!line.starts_with("OK"));
        ensure!(
            output.status.code() == Some(code),
            "`status --check` ended with {}: {line}",
            output.status
        );
        Ok(line)
    }

    fn succeed(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = self.run(arguments)?;
        ensure!(
            output.status.success() && (arguments[0] == "backup" || !output.stdout.is_empty()),
            "{arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--config")
            .arg(&self.configuration)
            .env_clear()
            .stdin(Stdio::null())
            .output();
        output.with_context(|| format!("cannot run {arguments:?}"))
    }
}
