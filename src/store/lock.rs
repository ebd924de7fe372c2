//! The lock on the data directory: one process, one account.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

/// Why the directory could not be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "another scp-079-avatar (pid {pid}) already runs on {}: one account can be used by one process only; stop that one first",
        directory.display()
    )]
    Taken {
        /// That process.
        pid: String,
        /// The directory.
        directory: PathBuf,
    },
    /// The lock file cannot be made.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// How often a lock is tried for that is only looked at; a look takes microseconds.
const MOST_LOOKS: u32 = 100;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The process that has a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its pid, unless the lock file does not tell.
    pub pid: Option<u32>,
}

impl Holder {
    /// Looks who has `directory`, without taking it. `None` if nobody has.
    ///
    /// # Errors
    /// The lock file cannot be read.
    pub fn of(directory: &Path) -> Result<Option<Self>, LockError> {
        let path = directory.join("lock");
        let failed = |cause| LockError::File {
            path: path.clone(),
            cause,
        };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Shared, so that two who look do not take each other for the program; given back at once.
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(failed)?;
                Ok(Some(Self {
                    pid: pid.trim().parse().ok(),
                }))
            }
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// Holds the data directory until it is dropped; a dead process holds nothing.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DirectoryLock {
    /// Locks `directory` for this process, and writes its pid beside the lock.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("lock");
        let failed = |cause| LockError::File {
            path: path.clone(),
            cause,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match lock(&file, || std::thread::park_timeout(PAUSE)) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(failed)?;
                return Err(LockError::Taken {
                    pid: if pid.trim().is_empty() {
                        "unknown".into()
                    } else {
                        pid.trim().to_owned()
                    },
                    directory: directory.to_owned(),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .and_then(|()| file.flush())
            .map_err(failed)?;
        Ok(Self(file))
    }
}

/// Locks the file. Whoever only looks holds it for a moment, and shared: that is waited out.
fn lock(file: &File, mut pause: impl FnMut()) -> Result<(), TryLockError> {
    for _ in 0..MOST_LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            locked_or_failed => return locked_or_failed,
        }
        // Held by another process for good, or only looked at?
        file.try_lock_shared()?;
        file.unlock().map_err(TryLockError::Error)?;
        pause();
    }
    Err(TryLockError::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_sees_the_holder_and_keeps_nobody_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let look = || Holder::of(directory.path()).expect("looked");
        assert_eq!(look(), None);
        assert!(!directory.path().join("lock").exists(), "a look made it");
        let held = DirectoryLock::take(directory.path()).expect("locked");
        let pid = Some(std::process::id());
        assert_eq!(look(), Some(Holder { pid }));
        let taken = DirectoryLock::take(directory.path()).expect_err("taken");
        assert!(matches!(taken, LockError::Taken { .. }));
        drop(held);
        assert_eq!(look(), None);

        // Somebody looks just as the program starts, and is done a moment later.
        let path = directory.path().join("lock");
        let starting = File::open(&path).expect("opened");
        let mut looking = Some(File::open(&path).expect("opened"));
        let looker = looking.as_ref().expect("it looks");
        looker.try_lock_shared().expect("looked at");
        lock(&starting, || looking = None).expect("locked after the look");
        assert!(looking.is_none(), "it was locked during the look");
        // Who holds it for good is not waited for.
        let second = File::open(&path).expect("opened");
        let taken = lock(&second, || panic!("it waits"));
        assert!(matches!(taken, Err(TryLockError::WouldBlock)));
    }
}
