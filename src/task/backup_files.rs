//! Makes the files of backup lists: all lists of one moment, one after the other, while joins are recorded.
//!
//! A backup is an outbox row for each list. The fetch loop makes the files of the rows that are due. An order that
//! clears or replaces a list, and the monthly reset, first have the files of all waiting rows made, so that a backup
//! that was ordered before never contains later changes. Files are written outside of any write transaction; a file
//! that no row names is removed, after a crash by the sweep of the next start. See docs/files.md.

use std::sync::Arc;

use thiserror::Error;

use super::spool_file::SpoolFile;
use super::{Database, Runtime, TaskError, Wakers};
use crate::file_codec::{Decoder, Encoder, ListWriteError};
use crate::model::{Payload, Timestamp};
use crate::spool::Spool;
use crate::store::{OutboxRow, ReadTx, StoreError, Tx};

/// The pause after a file could not be written, in seconds.
const DISK_PAUSE: i64 = 3;
/// The time between two posts of backup lists, in seconds.
const LIST_POST_INTERVAL: i64 = 5;

/// Makes backup files. Cheap to clone.
#[derive(Clone)]
pub struct BackupFiles {
    pub database: Database,
    pub runtime: Runtime,
    pub spool: Spool,
    pub encoder: Arc<Encoder>,
    pub decoder: Arc<Decoder>,
    pub wakers: Wakers,
}

/// Why the files of waiting backup lists were not made.
#[derive(Debug, Error)]
pub(super) enum BackupError {
    /// One file could not be written to the spool.
    #[error("{0}")]
    Spool(String),
    #[error(transparent)]
    Task(#[from] TaskError),
}

/// The result for one list.
enum BackupResult {
    File(SpoolFile),
    /// No file can be made of the list, for this reason.
    Impossible(String),
    /// The file could not be written to the spool.
    NotSpooled(String),
}

impl BackupFiles {
    /// Makes the files of the rows that are due. If one file cannot be written, all rows are postponed and remade
    /// together.
    pub(super) async fn make_due(&self) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let rows = self.database.read(|tx| tx.lists_to_make(Some(now))).await?;
        match self.make(&rows, now).await {
            Ok(()) => Ok(()),
            Err(BackupError::Task(error)) => Err(error),
            Err(BackupError::Spool(error)) => {
                tracing::error!(error, "cannot write the file to the spool; retrying");
                let later = self.runtime.clock.now().plus(DISK_PAUSE);
                let postpone = |tx: &Tx<'_>| {
                    rows.iter()
                        .try_for_each(|row| tx.postpone(row.id, later, false))
                };
                self.database.write(postpone).await
            }
        }
    }

    /// Makes the files of all rows that wait, due or not.
    ///
    /// # Errors
    /// A file cannot be written to the spool: the caller must not destroy the lists yet.
    pub(super) async fn make_all(&self) -> Result<(), BackupError> {
        let now = self.runtime.clock.now();
        let rows = self.database.read(|tx| tx.lists_to_make(None)).await?;
        self.make(&rows, now).await
    }

    async fn make(&self, rows: &[OutboxRow], now: Timestamp) -> Result<(), BackupError> {
        if rows.is_empty() {
            return Ok(());
        }
        let made = self
            .database
            .read_long(|tx| self.read_lists(tx, rows, now))
            .await?;
        if self.runtime.shutdown.is_cancelled() {
            return Err(TaskError::ShuttingDown.into());
        }
        for made in &made {
            if let BackupResult::NotSpooled(error) = made {
                return Err(BackupError::Spool(error.clone()));
            }
        }
        let taken = self
            .database
            .write(|tx| {
                let mut taken = Vec::new();
                for (row, made) in rows.iter().zip(&made) {
                    taken.push(set_made(tx, row, made, now)?);
                }
                keep_apart(tx, now)?;
                Ok(taken)
            })
            .await?;
        for (made, taken) in made.into_iter().zip(taken) {
            if let BackupResult::File(file) = made
                && taken
            {
                file.keep();
            }
        }
        self.wakers.deliver.notify_one();
        Ok(())
    }

    /// Makes the file of each row, from one moment of the database. Stops at shutdown, and at the first file that
    /// cannot be written.
    fn read_lists(
        &self,
        tx: &ReadTx<'_>,
        rows: &[OutboxRow],
        now: Timestamp,
    ) -> Result<Vec<BackupResult>, StoreError> {
        let mut all = Vec::new();
        for row in rows {
            if self.runtime.shutdown.is_cancelled() {
                break;
            }
            let made = self.read_list(tx, row, now)?;
            let failed = matches!(made, BackupResult::NotSpooled(_));
            all.push(made);
            if failed {
                break;
            }
        }
        Ok(all)
    }

    fn read_list(
        &self,
        tx: &ReadTx<'_>,
        row: &OutboxRow,
        now: Timestamp,
    ) -> Result<BackupResult, StoreError> {
        let Payload::List { list, .. } = &row.payload else {
            return Ok(BackupResult::Impossible("the row names no list".into()));
        };
        let list = *list;
        let saved_at = now.rfc3339();
        let written = SpoolFile::write_with(&self.spool, |file| {
            self.encoder
                .write_list(list, tx, &saved_at, file, &self.decoder)
        });
        let error = match written {
            Ok(file) => return Ok(BackupResult::File(file)),
            Err(ListWriteError::Source(error)) => return Err(error),
            Err(error) => error,
        };
        if let Some(error) = StoreError::of_random_numbers(&error) {
            return Err(error);
        }
        if let ListWriteError::Encode(error) = error {
            tracing::error!(%list, %error, "encoding a backup failed");
            return Ok(BackupResult::Impossible(error.to_string()));
        }
        Ok(BackupResult::NotSpooled(error.to_string()))
    }
}

/// Records the result for a row. Returns `true` if the row takes the file: it may have been cancelled meanwhile.
fn set_made(
    tx: &Tx<'_>,
    row: &OutboxRow,
    made: &BackupResult,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match made {
        BackupResult::File(file) => tx.set_fetched(row.id, file.name(), file.size(), now),
        BackupResult::Impossible(why) => {
            tx.set_dropped(row.id, why, now)?;
            Ok(false)
        }
        BackupResult::NotSpooled(_) => Ok(false),
    }
}

/// Reports whether a backup list waits for its file.
pub(super) fn has_pending_lists(tx: &ReadTx<'_>) -> Result<bool, StoreError> {
    Ok(!tx.lists_to_make(None)?.is_empty())
}

/// Postpones the lists that wait for their post, because one was just posted.
pub(super) fn space_after_post(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.postpone_lists(now.plus(LIST_POST_INTERVAL))
}

/// Keeps the interval between the last list that was posted and those that were just made.
fn keep_apart(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    match tx.last_list_posted_at()? {
        // A time in the future was stored before the clock was set back.
        Some(last) if last <= now => tx.postpone_lists(last.plus(LIST_POST_INTERVAL)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use secrecy::SecretString;

    use super::*;
    use crate::config::{Dialect, FileKind};
    use crate::model::{
        AddedBy, Avatar, BadEntry, FoundBy, Join, JoinOutcome, List, ListData, MessageId, UserId,
    };
    use crate::store::{PostedAs, SendFilter};
    use crate::task::enqueue;
    use crate::task::fixture::{Fixture, NOW, avatar};

    fn ordered(fixture: &Fixture) {
        fixture.write(|tx| {
            tx.set_bad(BadEntry::User(UserId::new(1)), true, NOW)?;
            enqueue::backup(tx, Dialect::Classic, NOW)
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_files_of_waiting_lists_are_made_once() {
        let fixture = Fixture::new();
        ordered(&fixture);
        fixture.write(|tx| {
            assert!(has_pending_lists(tx)?);
            Ok(())
        });
        fixture.backup_files.make_all().await.expect("made");
        let row = fixture.write(|tx| {
            assert!(!has_pending_lists(tx)?);
            tx.next_to_send(NOW, SendFilter::ALL)
        });
        let file = row.expect("a row").spool.expect("a file");
        let files = [file];
        assert_eq!(fixture.spooled(), files);
        fixture.backup_files.make_all().await.expect("nothing");
        assert_eq!(fixture.spooled(), files);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_list_that_cannot_be_written_is_postponed() {
        let fixture = Fixture::new();
        ordered(&fixture);
        let spool = fixture.directory.path().join("spool");
        std::fs::remove_dir(&spool).expect("an empty spool");
        let refused = fixture.backup_files.make_all().await;
        assert!(matches!(refused, Err(BackupError::Spool(_))), "{refused:?}");
        fixture.backup_files.make_due().await.expect("postponed");
        fixture.write(|tx| {
            assert!(tx.lists_to_make(Some(NOW))?.is_empty());
            assert!(has_pending_lists(tx)?);
            Ok(())
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn lists_are_posted_five_seconds_apart() {
        let fixture = Fixture::new();
        ordered(&fixture);
        fixture.backup_files.make_all().await.expect("made");
        fixture.write(|tx| {
            let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
            tx.set_sent(row.id, crate::model::MessageId::new(5), NOW)?;
            enqueue::backup(tx, Dialect::Classic, NOW)
        });
        fixture.backup_files.make_all().await.expect("made");
        fixture.write(|tx| {
            assert_eq!(tx.next_to_send(NOW.plus(4), SendFilter::ALL)?, None);
            assert!(tx.next_to_send(NOW.plus(5), SendFilter::ALL)?.is_some());
            Ok(())
        });
    }

    #[test]
    fn a_full_disk_is_no_failure_of_the_encoding_at_which_the_backup_would_be_dropped() {
        let fixture = Fixture::new();
        let password = SecretString::from("p");
        let decoder = Decoder::new(&password);
        for kind in [FileKind::Sealed, FileKind::Python] {
            let encoder = Encoder::new(kind, &password).expect("an encoder");
            let full = std::fs::File::options().write(true).open("/dev/full");
            let mut full = full.expect("the device");
            fixture.write(|tx| {
                let written = encoder.write_list(List::BadIds, &**tx, "now", &mut full, &decoder);
                assert!(
                    matches!(written, Err(ListWriteError::File(_))),
                    "{kind}: {written:?}"
                );
                Ok(())
            });
        }
    }

    #[test]
    fn a_list_of_many_pages_is_written_as_the_whole_list_is() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            for number in 0..2_500_i32 {
                let photo = Avatar {
                    user: UserId::new((1 + number % 1_700).into()),
                    ..avatar(1, 9_000 + i64::from(number % 7))
                };
                let join = Join {
                    group: photo.group,
                    message: MessageId::new(if number % 5 == 0 { 0 } else { 5_000 - number }),
                    user: photo.user,
                    added_by: AddedBy::Themselves,
                    date: NOW.plus(number.into()),
                };
                tx.record_join(&join, JoinOutcome::Held, FoundBy::Push, NOW)?;
                if number % 3 > 0 {
                    let post = PostedAs {
                        channel: photo.group,
                        message: MessageId::new(1),
                    };
                    tx.record_forwarded(&photo, post, NOW.plus((number / 2).into()))?;
                }
            }
            tx.set_bad(BadEntry::User(UserId::new(7)), true, NOW)
        });
        let password = SecretString::from("p");
        let decoder = Decoder::new(&password);
        fixture.write(|tx| {
            for kind in [FileKind::Sealed, FileKind::Python] {
                let encoder = Encoder::new(kind, &password).expect("an encoder");
                for list in List::ALL {
                    let data = tx.list(list)?;
                    let mut file = tempfile::tempfile().expect("a file");
                    encoder
                        .write_list(list, &**tx, "now", &mut file, &decoder)
                        .expect("written");
                    let mut bytes = Vec::new();
                    file.rewind().expect("rewound");
                    file.read_to_end(&mut bytes).expect("read");
                    let whole = encoder
                        .encode_list(list, &data, "now", &decoder)
                        .expect("encoded");
                    assert_eq!(bytes.len(), whole.len(), "{list}");
                    let [streamed, whole] =
                        [&bytes, &whole].map(|file| decoder.decode(file).expect("decoded"));
                    assert!(streamed == whole, "{list}");
                    if let ListData::Users(users) = data {
                        assert!(users.joins.len() > 2_000 && users.forwarded.len() > 1_000);
                    }
                }
            }
            Ok(())
        });
    }
}
