//! Lists become files: those of a backup, all of one moment; and what is replaced, before it goes.
//!
//! A backup is a row for each list. The fetch loop makes all that wait in one snapshot of the database, one after the
//! other, while joins go on. An order that clears or replaces lists makes the waiting ones first, from what is
//! there at that moment: a backup that was asked for before it never shows what came after it. Files without a row,
//! as a crash may leave them, are swept at the next start.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use super::{Shared, TaskError};
use fleet_files::atomic_file;

use crate::file_codec::{DecodedFile, Decoder};
use crate::model::{List, ListData, Payload, Timestamp};
use crate::spool;
use crate::store::{Row, StoreError, Tx};

/// The pause after a file could not be kept, in seconds.
const DISK_PAUSE: i64 = 3;

/// How far two lists of a backup are apart, in seconds (SPEC §7.3).
pub(super) const LISTS_APART: i64 = 5;

/// What came of one list's file.
enum Made {
    /// It lies in the spool, under this name, with so many bytes.
    Kept(String, u64),
    /// It cannot be made.
    Unfit(String),
}

/// Why lists were not made.
enum Unmade {
    /// The end was asked for.
    Ending,
    /// The disk did not take one.
    Disk(String),
    /// The database cannot be read.
    Store(StoreError),
}

impl From<StoreError> for Unmade {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Makes the files of all lists that wait, of one moment, and notes them. Nothing is noted if one of them finds no
/// room: they are made anew then, together.
pub(super) async fn make_waiting(shared: &Shared) -> Result<(), TaskError> {
    let now = shared.clock.now();
    let rows = shared
        .commit(|tx| tx.wanted_reports(Some(now), now))
        .await?;
    let made = shared.store.snapshot(|tx| make_all(tx, shared, &rows, now));
    let made = match made {
        Ok(made) => made,
        Err(Unmade::Ending) => return Err(TaskError::ShuttingDown),
        Err(Unmade::Store(error)) if !error.may_pass() => return Err(error.into()),
        Err(Unmade::Store(error)) => {
            tracing::error!("{error}; waiting, and trying again");
            return put_off(shared, &rows).await;
        }
        Err(Unmade::Disk(why)) => {
            tracing::error!("a list cannot be kept: {why}: it is made again once there is room");
            return put_off(shared, &rows).await;
        }
    };
    let superseded = shared
        .commit(|tx| {
            let mut superseded = Vec::new();
            for (row, made) in rows.iter().zip(&made) {
                if let Some(name) = note(tx, row, made, now)? {
                    superseded.push(name.to_owned());
                }
            }
            keep_apart(tx, now)?;
            Ok(superseded)
        })
        .await?;
    for name in &superseded {
        remove(shared, name);
    }
    shared.wakes.deliver.notify_one();
    Ok(())
}

/// Makes at once, from what is there, the files of all lists that wait, because what follows in this transaction
/// clears or replaces lists. The inner error says why that must not happen now.
///
/// # Errors
/// See [`StoreError`].
pub(super) fn save_waiting(
    tx: &Tx<'_>,
    shared: &Shared,
    now: Timestamp,
) -> Result<Result<(), String>, StoreError> {
    let rows = tx.wanted_reports(None, now)?;
    sweep_tried(tx, shared)?;
    let made = match make_all(tx, shared, &rows, now) {
        Ok(made) => made,
        Err(Unmade::Store(error)) => return Err(error),
        Err(Unmade::Ending) => return Ok(Err("a backup waits, and the end was asked for".into())),
        Err(Unmade::Disk(why)) => {
            return Ok(Err(format!("a backup waits that cannot be kept: {why}")));
        }
    };
    for (row, made) in rows.iter().zip(&made) {
        note(tx, row, made, now)?;
        if let Made::Kept(name, _) = made {
            tried(shared).push(name.clone());
        }
    }
    keep_apart(tx, now)?;
    Ok(Ok(()))
}

/// Removes what attempts before this one made in transactions that came to nothing: while the disk is full, an order
/// is tried again and again, and must not fill it further.
fn sweep_tried(tx: &Tx<'_>, shared: &Shared) -> Result<(), StoreError> {
    let mut tried = tried(shared);
    if !tried.is_empty() {
        let noted = tx.spooled()?;
        for name in tried.drain(..) {
            if !noted.iter().any(|(_, spool)| *spool == name) {
                remove(shared, &name);
            }
        }
    }
    Ok(())
}

fn tried(shared: &Shared) -> MutexGuard<'_, Vec<String>> {
    shared.tried.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the files of these rows, one list after the other. Leaves none in the spool if one finds no room there.
fn make_all(
    tx: &Tx<'_>,
    shared: &Shared,
    rows: &[Row],
    now: Timestamp,
) -> Result<Vec<Made>, Unmade> {
    let saved_at = now.rfc3339();
    let mut all = Vec::new();
    for row in rows {
        let made = if shared.shutdown.is_cancelled() {
            Err(Unmade::Ending)
        } else {
            make(tx, shared, row, &saved_at)
        };
        match made {
            Ok(made) => all.push(made),
            Err(error) => {
                for made in &all {
                    if let Made::Kept(name, _) = made {
                        remove(shared, name);
                    }
                }
                return Err(error);
            }
        }
    }
    Ok(all)
}

fn make(tx: &Tx<'_>, shared: &Shared, row: &Row, saved_at: &str) -> Result<Made, Unmade> {
    let Payload::List { list, .. } = &row.payload else {
        return Ok(Made::Unfit("nothing to fetch".into()));
    };
    let Some(list) = List::from_name(list) else {
        return Ok(Made::Unfit("no such list".into()));
    };
    let data = tx.list(list)?;
    let file = match shared
        .encoder
        .encode_list(list, &data, saved_at, &shared.decoder)
    {
        Ok(file) => file,
        Err(fault) => {
            tracing::error!(%list, "its backup could not be made: {fault}");
            return Ok(Made::Unfit(fault.to_string()));
        }
    };
    let disk = |error: &dyn std::fmt::Display| Unmade::Disk(error.to_string());
    let name = spool::random_name().map_err(|error| disk(&error))?;
    shared
        .spool
        .write(&name, &file)
        .map_err(|error| disk(&error))?;
    Ok(Made::Kept(name, file.len() as u64))
}

/// Notes what came of a row's file; returns the file's name if nobody waits for it any more.
fn note<'a>(
    tx: &Tx<'_>,
    row: &Row,
    made: &'a Made,
    now: Timestamp,
) -> Result<Option<&'a str>, StoreError> {
    match made {
        Made::Kept(name, bytes) => {
            let noted = tx.note_fetched(row.id, name, *bytes, now)?;
            Ok((!noted).then_some(name.as_str()))
        }
        Made::Unfit(why) => {
            tx.note_dropped(row.id, why, now)?;
            Ok(None)
        }
    }
}

/// Lets the lists that were just made keep their distance from those of a backup before, too.
fn keep_apart(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    match tx.last_list_at()? {
        // One of the future was posted before the clock was set back.
        Some(last) if last <= now => tx.space_lists(last.plus(LISTS_APART)),
        _ => Ok(()),
    }
}

async fn put_off(shared: &Shared, rows: &[Row]) -> Result<(), TaskError> {
    let later = shared.clock.now().plus(DISK_PAUSE);
    shared
        .commit(|tx| {
            rows.iter()
                .try_for_each(|row| tx.put_off(row.id, later, false))
        })
        .await
}

fn remove(shared: &Shared, name: &str) {
    if let Err(error) = shared.spool.remove(name) {
        tracing::warn!("a spooled list cannot be removed: {error}");
    }
}

/// Replaces a list, whole; what was there is kept as a sealed file in `keep` first (SPEC §7.3).
///
/// # Errors
/// See [`StoreError`]; nothing is replaced then.
pub fn replace_list(
    tx: &Tx<'_>,
    decoder: &Decoder,
    keep: &Path,
    (list, data): (List, &ListData),
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = tx.list(list)?;
    if let Some(path) = to_be_kept_as(decoder, keep, (list, &before), now) {
        let made = decoder
            .sealed_encoder()
            .and_then(|encoder| encoder.encode_list(list, &before, &now.rfc3339(), decoder))
            .map_err(|error| StoreError::Unreadable(format!("{list}: {error}")))?;
        drop(before);
        atomic_file::write(&path, &made)
            .map_err(|error| StoreError::DiskFails(error.to_string()))?;
    }
    tx.replace_list(list, data, now)
}

/// Finds a name that is free: a list may be replaced twice in one second. `None` if these very data are kept already,
/// by a transaction that did not come to its end and is tried again.
fn to_be_kept_as(
    decoder: &Decoder,
    keep: &Path,
    (list, data): (List, &ListData),
    now: Timestamp,
) -> Option<PathBuf> {
    let mut path = keep.join(format!("replaced-{list}-{now}"));
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        let kept = fs::read(&path)
            .ok()
            .and_then(|file| decoder.decode(&file).ok());
        if let Some(DecodedFile::List(kept)) = kept
            && kept.data_for(list).is_ok_and(|(kept, _)| *kept == *data)
        {
            return None;
        }
        number += 1;
        path = keep.join(format!("replaced-{list}-{now}-{number}"));
    }
    Some(path)
}
