//! `backup --all` and `restore --all`: copies of the session, `state.db` and the spool (docs/operations.md).
//!
//! A backup is made in `DIR.partial`, which is renamed at the end, so that a directory with the name of a backup is
//! whole. `state.db` is copied before the spool: every file that a row of the copy names is either copied, or was
//! posted meanwhile. `restoration` has the way back.

mod restoration;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use fleet_files::atomic_file;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::restoration::restore;
use super::AppError;
use super::data_dir::make_private_directory;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Timestamp;
use crate::store::{self, StoreError};
use crate::version;

/// The warning that a backup prints and contains.
pub const WARNING: &str = "Never run a copy beside the original: Telegram ends a session that two programs use. Keep \
     the copy secret, because it controls the account.";

const MANIFEST: &str = "backup.json";
const README: &str = "README";
const SESSION: &str = "account.session";
const STATE: &str = "state.db";
const SPOOL: &str = "spool";
/// The suffix of a directory whose backup did not end.
const PARTIAL: &str = ".partial";
/// The format of the directory.
const FORMAT: u32 = 1;
/// The space that a backup leaves free, in bytes.
const SPARE_SPACE: u64 = 16 << 20;

#[derive(Debug, Error)]
pub enum WholeBackupError {
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A person has to change something first.
    #[error("{}: {reason}", path.display())]
    Refused { path: PathBuf, reason: String },
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
}

impl WholeBackupError {
    /// Returns the exit code (docs/operations.md).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::App(error) => error.exit_code(),
            Self::Refused { .. }
            | Self::Store(StoreError::Newer { .. } | StoreError::Damaged(_)) => 78,
            Self::Store(_) | Self::File { .. } => 1,
        }
    }

    fn refused(path: &Path, reason: impl Into<String>) -> Self {
        Self::Refused {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |cause| Self::File {
            path: path.to_owned(),
            cause,
        }
    }
}

/// The description of a backup, in `backup.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Unix seconds: everything that happened before is in the copy.
    pub made_at: i64,
    pub version: String,
    /// The layout of `state.db`.
    pub layout: i64,
}

impl Manifest {
    #[must_use]
    pub const fn made_at(&self) -> Timestamp {
        Timestamp::new(self.made_at)
    }
}

/// Copies everything to the new directory `to`, beside the running program or without one.
///
/// # Errors
/// See [`WholeBackupError`]. An error leaves no directory `to`.
pub fn backup(config: &Config, clock: &Clock, to: &Path) -> Result<Manifest, WholeBackupError> {
    let data_dir = &config.telegram.data_dir;
    let session = config.telegram.session_file();
    let state = config.telegram.state_file();
    for path in [&session, &state] {
        if !path.exists() {
            let reason = "there is no such file: this instance has never run";
            return Err(WholeBackupError::refused(path, reason));
        }
    }
    if to.file_name().is_none() {
        return Err(WholeBackupError::refused(to, "name a new directory"));
    }
    refuse_non_empty(to)?;
    refuse_fixed(to)?;
    let mut partial = to.components().as_path().as_os_str().to_owned();
    partial.push(PARTIAL);
    let partial = PathBuf::from(partial);
    if partial.symlink_metadata().is_ok() {
        let reason =
            "a backup that was killed, or still runs, made this directory; remove it if none runs";
        return Err(WholeBackupError::refused(&partial, reason));
    }
    make_private_directory(&partial).map_err(|error| unusable(&partial, &error))?;
    let made = check_space(data_dir, &partial)
        .and_then(|()| copy_all(config, clock, &partial))
        .and_then(|manifest| {
            fs::rename(&partial, to).map_err(WholeBackupError::file(to))?;
            sync(to.parent().unwrap_or(to));
            Ok(manifest)
        });
    if made.is_err() {
        // The remains may be what fills the disk.
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

fn refuse_non_empty(directory: &Path) -> Result<(), WholeBackupError> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(WholeBackupError::refused(
            directory,
            "the directory is not empty; name a new one",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unusable(directory, &error)),
    }
}

/// Refuses a directory that no rename can replace: another file system, or a link.
fn refuse_fixed(directory: &Path) -> Result<(), WholeBackupError> {
    // With a slash at its end, the path would be that of the link's target.
    let path = directory.components().as_path();
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    let parent = std::path::absolute(path)
        .ok()
        .and_then(|path| fs::metadata(path.parent()?).ok());
    let reason = if metadata.is_symlink() {
        "a backup does not replace a symbolic link; name a directory in it"
    } else if parent.is_some_and(|parent| parent.dev() != metadata.dev()) {
        "another file system is mounted here, and a backup replaces its directory; name a directory in it"
    } else {
        return Ok(());
    };
    Err(WholeBackupError::refused(directory, reason))
}

fn unusable(directory: &Path, cause: &io::Error) -> WholeBackupError {
    let reason = format!("no backup can be made here: {cause}; name another place");
    WholeBackupError::file(directory)(io::Error::new(cause.kind(), reason))
}

/// Refuses a file system without space for the copy.
fn check_space(data_dir: &Path, directory: &Path) -> Result<(), WholeBackupError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let files = [SESSION, STATE, "state.db-wal"].map(|name| data_dir.join(name));
    let spooled = files_in(&data_dir.join(SPOOL))?;
    let needed: u64 = files.iter().chain(&spooled).map(|path| size(path)).sum();
    let free = rustix::fs::statvfs(directory)
        .map_err(|error| WholeBackupError::file(directory)(error.into()))?;
    let free = free.f_bavail.saturating_mul(free.f_frsize);
    if free < needed.saturating_add(SPARE_SPACE) {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let reason = format!(
            "not enough space: the copy needs {} MiB, and {} MiB are free",
            mib(needed + SPARE_SPACE),
            free >> 20
        );
        return Err(WholeBackupError::File {
            path: directory.to_owned(),
            cause: io::Error::new(io::ErrorKind::StorageFull, reason),
        });
    }
    Ok(())
}

fn copy_all(config: &Config, clock: &Clock, to: &Path) -> Result<Manifest, WholeBackupError> {
    let telegram = &config.telegram;
    // The copy is never older than this.
    let made_at = clock.now();
    let state = telegram.state_file();
    let target = to.join(STATE);
    let layout = store::copy_state(&state, &target);
    let layout = layout.map_err(|error| failed_copy(&state, &target, error))?;
    let Some(layout) = layout else {
        let reason = "the database is empty: this instance has never run";
        return Err(WholeBackupError::refused(&state, reason));
    };
    let (session, target) = (telegram.session_file(), to.join(SESSION));
    store::copy_database(&session, &target)
        .map_err(|error| failed_copy(&session, &target, error))?;
    copy_spool(&telegram.data_dir.join(SPOOL), &to.join(SPOOL))?;
    let manifest = Manifest {
        format: FORMAT,
        made_at: made_at.get(),
        version: version::VERSION.to_owned(),
        layout,
    };
    let json = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from);
    let path = to.join(MANIFEST);
    write(&path, &json.map_err(WholeBackupError::file(&path))?)?;
    write(&to.join(README), readme(&manifest).as_bytes())?;
    sync(to);
    Ok(manifest)
}

/// Names the file in an error of the store, which is about `state.db` in its own words.
fn failed_copy(source: &Path, target: &Path, error: StoreError) -> WholeBackupError {
    let (path, reason) = match error {
        StoreError::DiskFull => (target, "the disk is full: free disk space".to_owned()),
        StoreError::DiskFails(cause) => {
            let remedy = "look at the disk and its limits";
            (
                target,
                format!("the copy cannot be written ({cause}): {remedy}"),
            )
        }
        StoreError::Sql(cause) => (source, cause.to_string()),
        StoreError::Damaged(cause) => {
            let reason = format!("the file is damaged or not a database ({cause})");
            return WholeBackupError::refused(source, reason);
        }
        error => return error.into(),
    };
    WholeBackupError::file(path)(io::Error::other(reason))
}

fn readme(manifest: &Manifest) -> String {
    format!(
        "This is a backup of an instance of scp-079-avatar {}: its session, state.db (layout {}) and the photos that\n\
         waited, made at {} by `backup --all`. `scp-079-avatar restore --all` of this directory restores it.\n\
         \n{WARNING}\n",
        manifest.version,
        manifest.layout,
        manifest.made_at().rfc3339()
    )
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), WholeBackupError> {
    atomic_file::write(path, bytes)
        .map_err(|error| WholeBackupError::file(path)(io::Error::other(error)))
}

/// Copies the files of the spool. The program may remove one meanwhile, because it was posted.
fn copy_spool(from: &Path, to: &Path) -> Result<(), WholeBackupError> {
    DirBuilder::new()
        .mode(0o700)
        .create(to)
        .map_err(WholeBackupError::file(to))?;
    for path in files_in(from)? {
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        match File::open(&path) {
            Ok(source) => copy_file(source, &target).map_err(WholeBackupError::file(&target))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(WholeBackupError::file(&path)(error)),
        }
    }
    sync(to);
    Ok(())
}

fn copy_file(mut source: File, target: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)?;
    io::copy(&mut source, &mut file)?;
    file.sync_all()
}

/// Returns the regular files of a directory, without the hidden ones, which are not complete. A file of the spool may be
/// incomplete too, but then no row of the copied database names it. A directory that does not exist has none.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, WholeBackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(WholeBackupError::file(directory)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(WholeBackupError::file(directory))?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Flushes a directory, as far as the file system can.
fn sync(directory: &Path) {
    let path = match directory {
        path if path == Path::new("") => Path::new("."),
        path => path,
    };
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_and_the_root_of_another_file_system_are_refused() {
        let place = tempfile::tempdir().expect("a directory");
        let (empty, link) = (place.path().join("empty"), place.path().join("link"));
        fs::create_dir(&empty).expect("made");
        std::os::unix::fs::symlink(&empty, &link).expect("a link");
        for (path, refused) in [
            (&empty, false),
            (&place.path().join("missing"), false),
            (&link, true),
            (&place.path().join("link/"), true),
            (&PathBuf::from("/proc"), true),
        ] {
            let found = refuse_fixed(path);
            assert_eq!(found.is_err(), refused, "{}: {found:?}", path.display());
        }
    }
}
