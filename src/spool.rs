//! `data_dir/spool`: sealed files that wait for their post.
//!
//! The outbox knows which file belongs to which post, and is told a name only when the file is whole on the disk. Files
//! without a post, such as a crash may leave in part, are removed at start.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use fleet_files::atomic_file::{self, AtomicFileError};

/// The number of letters and digits in a file name.
const NAME_LENGTH: usize = 8;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The spool directory.
#[derive(Clone, Debug)]
pub struct Spool(PathBuf);

impl Spool {
    /// Opens or creates the spool below `data_dir`.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be created.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("spool");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        Ok(Self(path))
    }

    /// Creates a file and flushes it to disk; if that fails, the file is removed.
    ///
    /// # Errors
    /// Returns an error if the disk is full, the directory is not writable, or there is such a file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), AtomicFileError> {
        atomic_file::create(&self.0.join(name), bytes)
    }

    /// Writes a file whole with the bytes that `fill` writes, or writes nothing.
    ///
    /// # Errors
    /// The error of `fill`, or that of [`Spool::write`].
    pub fn write_with<T, E: From<AtomicFileError>>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut fs::File) -> Result<T, E>,
    ) -> Result<T, E> {
        atomic_file::write_with(&self.0.join(name), fill)
    }

    /// Gives the file `from` a second name, `to`. Removing one of them leaves the other.
    ///
    /// # Errors
    /// Returns an error if there is no such file, the disk is full or the directory is not writable.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.0.join(from), self.0.join(to));
        if fs::hard_link(&from, &to).is_ok() {
            let flushed = fs::File::open(&self.0).and_then(|directory| directory.sync_all());
            if flushed.is_err() {
                fs::remove_file(&to)?;
            }
            return flushed;
        }
        // A file system without hard links gets a copy.
        let bytes = fs::read(&from)?;
        atomic_file::create(&to, &bytes).map_err(io::Error::other)
    }

    /// Returns the size of a file in bytes.
    ///
    /// # Errors
    /// Returns an error if there is no such file.
    pub fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.0.join(name))?.len())
    }

    /// Returns how many bytes are free on the file system of the spool.
    ///
    /// # Errors
    /// Returns an error if the operating system does not say.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let found = rustix::fs::statvfs(&self.0)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Opens a file, and returns it with its size; returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub fn open_file(&self, name: &str) -> io::Result<Option<(fs::File, u64)>> {
        match fs::File::open(self.0.join(name)) {
            Ok(file) => {
                let size = file.metadata()?.len();
                Ok(Some((file, size)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a file; returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file, if it exists.
    ///
    /// # Errors
    /// Returns an error if the file cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the program's files that are not `wanted`, and returns the wanted ones that exist.
    ///
    /// Files of other programs stay. A file that cannot be removed is logged and stays.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read.
    pub fn sweep(&self, wanted: &BTreeSet<String>) -> io::Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            match entry.file_name().into_string() {
                Ok(name) if wanted.contains(&name) => {
                    found.insert(name);
                }
                Ok(name) if is_ours(&name) && entry.file_type()?.is_file() => {
                    if let Err(error) = fs::remove_file(entry.path()) {
                        tracing::warn!("{} cannot be removed: {error}", entry.path().display());
                    }
                }
                _ => tracing::warn!(
                    "{} is not a file of this program, and is not touched",
                    entry.path().display()
                ),
            }
        }
        Ok(found)
    }
}

/// Returns true if a name is one of this program's: eight letters and digits, or a leftover of
/// `atomic_file`.
fn is_ours(name: &str) -> bool {
    let is_file =
        name.len() == NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_file || (name.starts_with('.') && name.ends_with(".part"))
}

/// Returns a name of eight random letters and digits, which reveals nothing about the file.
///
/// # Errors
/// Returns an error if the operating system provides no random numbers.
pub fn random_name() -> io::Result<String> {
    let mut name = String::with_capacity(NAME_LENGTH);
    while name.len() < NAME_LENGTH {
        let mut bytes = [0; NAME_LENGTH];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        // Larger bytes would make the first letters of the alphabet more frequent.
        let limit = 256 - 256 % ALPHABET.len();
        let usable = bytes
            .into_iter()
            .map(usize::from)
            .filter(|byte| *byte < limit);
        let missing = NAME_LENGTH - name.len();
        name.extend(
            usable
                .map(|byte| char::from(ALPHABET[byte % ALPHABET.len()]))
                .take(missing),
        );
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_post_are_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path()).expect("opened");
        spool.write("whole123", b"sealed").expect("written");
        fs::create_dir(spool.0.join("lost+found")).expect("made");
        assert_eq!(
            spool.read("whole123").expect("readable").as_deref(),
            Some(&b"sealed"[..])
        );
        let wanted = BTreeSet::from(["other".to_owned()]);
        assert!(spool.sweep(&wanted).expect("swept").is_empty());
        let left: Vec<_> = fs::read_dir(&spool.0)
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, ["lost+found"]);
    }

    #[test]
    fn a_linked_file_outlives_the_first_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path()).expect("opened");
        spool.write("original", b"sealed").expect("written");
        spool.link("original", "another1").expect("linked");
        spool.remove("original").expect("removed");
        let left = spool.read("another1").expect("readable");
        assert_eq!(left.as_deref(), Some(&b"sealed"[..]));
        assert_eq!(spool.size("another1").expect("there"), 6);
        spool.link("original", "another2").expect_err("no file");
    }

    #[test]
    fn names_are_random_letters_and_digits() {
        let names: BTreeSet<String> = (0..100)
            .map(|_| random_name().expect("random numbers"))
            .collect();
        assert_eq!(names.len(), 100);
        assert!(
            names
                .iter()
                .all(|name| name.len() == 8 && name.bytes().all(|b| b.is_ascii_alphanumeric()))
        );
    }
}
