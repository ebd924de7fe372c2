//! The lock on the data directory: one account may be used by one process only.
//!
//! The operating system releases the lock of a dead process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error(
        "another scp-079-avatar (pid {pid}) already runs on {}: one account can be used by one process only; stop that one first",
        directory.display()
    )]
    Taken { pid: String, directory: PathBuf },
    /// The lock file cannot be created or read.
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
}

/// How many attempts are made while `status` holds the lock; it does so for microseconds.
const MAX_ATTEMPTS: u32 = 100;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The process that holds the lock on a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The pid, if the lock file contains one.
    pub pid: Option<u32>,
}

impl Holder {
    /// Returns the holder of the lock on `directory` without taking it; `None` if no process holds it.
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
        // A shared lock, so that two such checks do not take each other for the program. It is released at once.
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

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DirectoryLock {
    /// Locks `directory` for this process, and writes its pid into the lock file.
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

/// Locks the file. A check by `status` holds a shared lock for a moment: the function waits for its end.
fn lock(file: &File, mut pause: impl FnMut()) -> Result<(), TryLockError> {
    for _ in 0..MAX_ATTEMPTS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            locked_or_failed => return locked_or_failed,
        }
        // This fails if the lock is exclusive: another process holds it for good.
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
    fn a_check_finds_the_holder_and_blocks_no_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let holder = || Holder::of(directory.path()).expect("readable");
        assert_eq!(holder(), None);
        assert!(
            !directory.path().join("lock").exists(),
            "the check created it"
        );
        let held = DirectoryLock::take(directory.path()).expect("locked");
        let pid = Some(std::process::id());
        assert_eq!(holder(), Some(Holder { pid }));
        let taken = DirectoryLock::take(directory.path()).expect_err("taken");
        assert!(matches!(taken, LockError::Taken { .. }));
        drop(held);
        assert_eq!(holder(), None);

        // A check runs just as the program starts, and ends a moment later.
        let path = directory.path().join("lock");
        let starting = File::open(&path).expect("opened");
        let mut check = Some(File::open(&path).expect("opened"));
        let checking = check.as_ref().expect("a check");
        checking.try_lock_shared().expect("locked");
        lock(&starting, || check = None).expect("locked after the check");
        assert!(check.is_none(), "it was locked during the check");
        // The function does not wait for a process that holds the lock for good.
        let second = File::open(&path).expect("opened");
        let taken = lock(&second, || panic!("it waits"));
        assert!(matches!(taken, Err(TryLockError::WouldBlock)));
    }
}
