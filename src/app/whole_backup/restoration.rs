//! `restore --all`: puts a backup of everything into an empty data directory.
//!
//! The files are copied beside their places first. The session is put in place last: `run` does not use a data directory
//! without it, and the next restore replaces the files of one that was killed. The restored `state.db` has a mark, by
//! which the next `run` reads the posts since the copy before it posts (`task::RestoredPosts`).

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{
    FORMAT, MANIFEST, Manifest, PARTIAL, SESSION, SPOOL, STATE, WholeBackupError, copy_file,
    copy_spool, files_in, sync,
};
use crate::app::data_dir::{lock_data_dir, make_private_directory};
use crate::app::unfinished_import;
use crate::config::Config;
use crate::store::{Store, StoreError};

/// The directory in the data directory that holds the files of a restore before they are moved out of it.
const STAGING: &str = "restore-unfinished";

/// Restores a backup into the data directory, which must have no session, no `state.db` and no spool.
///
/// # Errors
/// See [`WholeBackupError`]. An interrupted restore leaves a data directory without a session; the next restore
/// replaces its files.
pub fn restore(config: &Config, from: &Path) -> Result<Manifest, WholeBackupError> {
    let manifest = read_manifest(from)?;
    for name in [SESSION, STATE] {
        let path = from.join(name);
        if !path.is_file() {
            let reason = "the backup is incomplete: there is no such file";
            return Err(WholeBackupError::refused(&path, reason));
        }
    }
    let telegram = &config.telegram;
    let data_dir = &telegram.data_dir;
    let _lock = lock_data_dir(telegram)?;
    unfinished_import::refuse(data_dir)?;
    let staging = data_dir.join(STAGING);
    let was_interrupted = staging.exists() && !telegram.session_file().exists();
    if !was_interrupted {
        refuse_used(data_dir)?;
    }
    for path in [&staging, &data_dir.join(SPOOL)] {
        remove_directory(path).map_err(WholeBackupError::file(path))?;
    }
    make_private_directory(&staging).map_err(WholeBackupError::file(&staging))?;
    let staged = stage(from, &staging, &manifest);
    if staged.is_err() && !was_interrupted {
        // No file is in place yet. After an interrupted restore, the directory tells the next one of its files.
        let _ = remove_directory(&staging);
    }
    staged?;
    // The log of an interrupted restore's database must not be applied to the new one.
    for name in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(data_dir.join(name));
    }
    for name in [STATE, SPOOL, SESSION] {
        let target = data_dir.join(name);
        fs::rename(staging.join(name), &target).map_err(WholeBackupError::file(&target))?;
        sync(data_dir);
    }
    remove_directory(&staging).map_err(WholeBackupError::file(&staging))?;
    Ok(manifest)
}

fn read_manifest(from: &Path) -> Result<Manifest, WholeBackupError> {
    let name = from.file_name().unwrap_or_default();
    if name.as_encoded_bytes().ends_with(PARTIAL.as_bytes()) {
        let reason = "this backup did not end; restore another one";
        return Err(WholeBackupError::refused(from, reason));
    }
    let path = from.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => WholeBackupError::refused(
            from,
            "this is no backup of `backup --all`, because it has no backup.json",
        ),
        _ => WholeBackupError::file(&path)(error),
    })?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
        WholeBackupError::refused(&path, format!("the file is damaged: {error}"))
    })?;
    if manifest.format != FORMAT {
        let reason = format!(
            "the backup has format {}, and this version knows format {FORMAT}; restore it with version {}",
            manifest.format, manifest.version
        );
        return Err(WholeBackupError::refused(from, reason));
    }
    Ok(manifest)
}

fn refuse_used(data_dir: &Path) -> Result<(), WholeBackupError> {
    let mut names = [SESSION, STATE, "state.db-wal"].into_iter();
    let used = names.find(|name| data_dir.join(name).symlink_metadata().is_ok());
    let spooled = files_in(&data_dir.join(SPOOL))?;
    let Some(name) = used.or_else(|| (!spooled.is_empty()).then_some(SPOOL)) else {
        return Ok(());
    };
    let shown = data_dir.display();
    let reason = format!(
        "the data directory has {name} already, and a restore overwrites nothing; move it aside first:\n    \
         mv {shown} {shown}.old"
    );
    Err(WholeBackupError::refused(data_dir, reason))
}

/// Copies the backup into the data directory, and marks its database as restored.
fn stage(from: &Path, staging: &Path, manifest: &Manifest) -> Result<(), WholeBackupError> {
    for name in [SESSION, STATE] {
        let target = staging.join(name);
        let source = from.join(name);
        let source = File::open(&source).map_err(WholeBackupError::file(&source))?;
        copy_file(source, &target).map_err(WholeBackupError::file(&target))?;
    }
    copy_spool(&from.join(SPOOL), &staging.join(SPOOL))?;
    // Opening refuses a newer layout and a damaged file, and migrates an older one.
    let store = Store::open(&staging.join(STATE)).map_err(|error| match error {
        StoreError::Damaged(cause) => WholeBackupError::refused(
            &from.join(STATE),
            format!("the file is damaged or not a database ({cause}); restore another backup"),
        ),
        error => error.into(),
    })?;
    store.write(|tx| tx.set_restored_from(manifest.made_at()))?;
    drop(store);
    let log = staging.join("state.db-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let reason = "the log of the restored database was not written back; restore again";
        return Err(WholeBackupError::refused(&log, reason));
    }
    Ok(())
}

fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
