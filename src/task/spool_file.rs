//! A file in the spool that no outbox row names yet.
//!
//! A transaction that names the file may fail, or the row may have been cancelled meanwhile. Dropping a [`SpoolFile`]
//! that was not kept removes it. After a crash the next start removes the files that no row names.

use std::fs::File;
use std::io;

use anyhow::Context as _;
use fleet_files::atomic_file::AtomicFileError;

use crate::spool::{self, Spool};

/// A file in the spool; dropping it removes it, unless it was [kept](SpoolFile::keep).
#[derive(Debug)]
pub(super) struct SpoolFile {
    spool: Spool,
    name: String,
    size: u64,
    kept: bool,
}

impl SpoolFile {
    /// Writes a file under a random name.
    ///
    /// # Errors
    /// The file cannot be written, or the operating system returns no random numbers.
    pub(super) fn write(spool: &Spool, bytes: &[u8]) -> anyhow::Result<Self> {
        let name = spool::random_name().context("cannot choose a file name")?;
        spool.write(&name, bytes)?;
        Ok(Self {
            spool: spool.clone(),
            name,
            size: bytes.len() as u64,
            kept: false,
        })
    }

    /// Writes a file under a random name with the bytes that `fill` writes.
    ///
    /// # Errors
    /// The error of `fill`, the file cannot be written, or the operating system returns no random numbers.
    pub(super) fn write_with<E>(
        spool: &Spool,
        fill: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<Self, E>
    where
        E: From<AtomicFileError> + From<io::Error>,
    {
        let name = spool::random_name()?;
        let size = spool.write_with(&name, |file| {
            fill(file)?;
            Ok::<_, E>(file.metadata()?.len())
        })?;
        Ok(Self {
            spool: spool.clone(),
            name,
            size,
            kept: false,
        })
    }

    /// Gives a file of the spool a second, random name.
    ///
    /// # Errors
    /// There is no such file, or the second name cannot be written.
    pub(super) fn link(spool: &Spool, existing: &str) -> anyhow::Result<Self> {
        let name = spool::random_name().context("cannot choose a file name")?;
        let size = spool.size(existing)?;
        spool.link(existing, &name)?;
        Ok(Self {
            spool: spool.clone(),
            name,
            size,
            kept: false,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns its size in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Leaves the file in the spool: a committed row names it.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.spool, &self.name);
        }
    }
}

/// Removes a file from the spool. The next start retries a failed removal.
pub(super) fn remove(spool: &Spool, name: &str) {
    if let Err(error) = spool.remove(name) {
        tracing::warn!(%error, "a spooled file cannot be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_no_row_names_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path()).expect("opened");
        let file = SpoolFile::write(&spool, b"sealed").expect("written");
        let name = file.name().to_owned();
        assert_eq!(file.size(), 6);
        drop(file);
        assert_eq!(spool.read(&name).expect("readable"), None);

        let file = SpoolFile::write(&spool, b"sealed").expect("written");
        let name = file.name().to_owned();
        file.keep();
        assert!(spool.read(&name).expect("readable").is_some());
    }
}
