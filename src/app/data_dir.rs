//! Prepares the data directory: makes it, makes it private, and locks it for this process.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use super::{AppError, unfinished_import};
use crate::config::Telegram;
use crate::store::DirectoryLock;

/// Files and directories by which a data directory of this program is recognised.
const OWN_ENTRIES: [&str; 4] = ["account.session", "state.db", "spool", "lock"];

/// Makes the data directory, private, and locks it for this process.
///
/// # Errors
/// The directory cannot be made, another process uses it, or it holds an unfinished import.
pub fn prepare_data_dir(telegram: &Telegram) -> Result<DirectoryLock, AppError> {
    let lock = lock_data_dir(telegram)?;
    unfinished_import::refuse(&telegram.data_dir)?;
    Ok(lock)
}

/// Makes and locks the data directory, also if it holds an unfinished import.
pub(super) fn lock_data_dir(telegram: &Telegram) -> Result<DirectoryLock, AppError> {
    let path = &telegram.data_dir;
    make_private_directory(path)
        .and_then(|()| make_private(path))
        .map_err(|cause| AppError::DataDir {
            path: path.clone(),
            cause,
        })?;
    Ok(DirectoryLock::take(path)?)
}

/// Makes a directory, if it does not exist, that only this user may read.
pub(super) fn make_private_directory(path: &Path) -> io::Result<()> {
    // Only the last directory is private: the service's user has to reach it through the others.
    let parents = path.parent().filter(|parents| *parents != Path::new(""));
    if let Some(parents) = parents {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parents)?;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Closes the data directory to other users, but not a directory that holds other things, such as /tmp.
fn make_private(path: &Path) -> io::Result<()> {
    let is_own = OWN_ENTRIES.iter().any(|name| path.join(name).exists());
    if is_own || fs::read_dir(path)?.next().is_none() {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_other_things_keeps_its_permissions() {
        let mode_after = |entries: &[&str]| {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path();
            for entry in entries {
                fs::write(path.join(entry), b"").expect("written");
            }
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("changed");
            make_private(path).expect("done");
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode_after(&[]), 0o700);
        assert_eq!(mode_after(&["state.db", "notes"]), 0o700);
        assert_eq!(mode_after(&["notes"]), 0o755);
    }
}
