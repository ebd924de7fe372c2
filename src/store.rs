//! `state.db`: what the program knows and owes.
//!
//! Owns every SQL statement, the layout and its migrations, and the lock that keeps a second
//! process away. Refuses to know Telegram and what a join means: it keeps facts and gives them back.
//! All changes are transactions with `synchronous=FULL`: after a crash, what was committed is there
//! and nothing else is.

mod backup;
pub mod history;
mod instance;
mod joins;
mod ledger;
mod lists;
mod lock;
mod look;
mod orders;
mod outbox;
pub mod overview;
mod people;
mod recheck;
mod rules;
mod runs;
mod schema;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use thiserror::Error;

pub use instance::{Instance, Start};
pub use joins::Outcome;
pub use ledger::{AdvanceOutcome, KnownChannel};
pub use lists::Waiting;
pub use lock::{DirectoryLock, Holder, LockError};
pub use look::look;
pub use outbox::Row;
pub use runs::JobRecord;

use crate::model::Timestamp;

/// How long to wait for another reader of the file, such as the sqlite3 shell.
const BUSY_FOR: std::time::Duration = std::time::Duration::from_secs(5);

/// Why the store did not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file was written by a newer version of this program.
    #[error(
        "state.db has layout {found}, this program knows up to {newest}: it was written by a newer version; start that one, or restore state.db from a backup of before"
    )]
    Newer {
        /// The layout found.
        found: i64,
        /// The newest layout known.
        newest: i64,
    },
    /// The file was written by an older version, and is only looked at.
    #[error(
        "state.db has layout {found}, and this program reads layout {newest}: it is from an older version, and will be brought up at the next start of `run`; until then look at it with the older version"
    )]
    Older {
        /// The layout found.
        found: i64,
        /// The layout that is read.
        newest: i64,
    },
    /// Its write-ahead log cannot be read without the index beside it.
    #[error(
        "state.db-wal is there without state.db-shm, as after copying files one by one: start `run` once, or copy the whole directory of a stopped program"
    )]
    Incomplete,
    /// The file is no database, or a damaged one.
    #[error(
        "state.db is damaged or no database ({0}): restore it from a backup, or move it away to start anew"
    )]
    Damaged(String),
    /// The disk is full.
    #[error("the disk that holds state.db is full: make room; nothing is lost")]
    DiskFull,
    /// The disk fails otherwise.
    #[error(
        "the disk that holds state.db fails ({0}): look at the disk and its limits; nothing is lost"
    )]
    DiskFails(String),
    /// The file cannot be made private.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// SQLite failed otherwise.
    #[error("state.db: {0}")]
    Sql(rusqlite::Error),
    /// A row holds what this program never writes.
    #[error("state.db holds a row that cannot be read: {0}")]
    Unreadable(String),
}

impl StoreError {
    /// Returns whether the same change may succeed later without anybody touching the file.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::DiskFull | Self::DiskFails(_) => true,
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::Newer { .. }
            | Self::Older { .. }
            | Self::Incomplete
            | Self::Damaged(_)
            | Self::File { .. }
            | Self::Unreadable(_) => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen) => {
                Self::DiskFails(error.to_string())
            }
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sql(error),
        }
    }
}

/// The open database. Cheap to clone; one writer at a time.
#[derive(Clone)]
pub struct Store {
    writer: Arc<Mutex<Connection>>,
    path: Arc<Path>,
}

impl Store {
    /// Opens or creates `state.db`, and brings it to the newest layout.
    ///
    /// # Errors
    /// The file is damaged, of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut database = Connection::open(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(
            |error| StoreError::File {
                path: path.to_owned(),
                cause: error.to_string(),
            },
        )?;
        database.busy_timeout(BUSY_FOR)?;
        schema::check(&database)?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut database)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(database)),
            path: path.into(),
        })
    }

    /// Does `work` in one transaction: all of it is committed, or, on an error, nothing.
    ///
    /// # Errors
    /// What `work` returns, or the commit's failure.
    pub fn transaction<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        on_this_thread(|| {
            let mut database = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = database
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(StoreError::from)?;
            let result = work(&Tx(&transaction))?;
            transaction.commit().map_err(StoreError::from)?;
            Ok(result)
        })
    }

    /// Reads one moment of the database, on a connection of its own: it waits for no writer, and no
    /// writer waits for it. What `work` would change is refused.
    ///
    /// # Errors
    /// What `work` returns, or the database cannot be read.
    pub fn snapshot<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        on_this_thread(|| {
            let mut database = self.reader()?;
            let transaction = database.transaction().map_err(StoreError::from)?;
            work(&Tx(&transaction))
        })
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(&self.path, flags)?;
        database.busy_timeout(BUSY_FOR)?;
        database.pragma_update(None, "query_only", true)?;
        Ok(database)
    }
}

/// SQLite blocks; the runtime is told so, where there is one that can make up for it.
fn on_this_thread<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What is known, within one transaction. Its methods are spread over the rooms below.
pub struct Tx<'a>(&'a Transaction<'a>);

impl Tx<'_> {
    /// Remembers that `method` rests until then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn remember_flood(&self, method: &str, until: Timestamp) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO floods VALUES (?1, ?2) ON CONFLICT (method) DO UPDATE SET until = excluded.until",
            params![method, until.get()],
        )?;
        Ok(())
    }

    /// Returns the flood limits still in force, and forgets the others.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn floods(&self, now: Timestamp) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.0
            .execute("DELETE FROM floods WHERE until <= ?1", [now.get()])?;
        let mut statement = self.0.prepare("SELECT method, until FROM floods")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Timestamp::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChannelId, MessageId, Payload, UserId};

    /// Every layout that was ever written must open, with what was in it (tests/fixtures/state).
    #[test]
    fn each_layout_opens_with_what_was_in_it() {
        for layout in ["layout_1.db", "layout_2.db", "layout_3.db"] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("state.db");
            let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
            std::fs::copy(frozen.join(layout), &path).expect("copied");
            let store = Store::open(&path).expect(layout);
            let now = Timestamp::new(1_800_000_000);
            store
                .transaction(|tx| {
                    let group = ChannelId::from_bare(1_234_567_890);
                    let known = tx.channel(group)?.expect("the group");
                    assert_eq!((known.channel.pts, known.present), (77, true), "{layout}");
                    assert_eq!(known.channel.top_message, MessageId::new(42));
                    assert!(tx.is_admin_anywhere(UserId::new(8))?);
                    assert_eq!(tx.forwarded(UserId::new(8), group)?.len(), 1);
                    assert_eq!(tx.floods(now)?.len(), 1);
                    let wanted = tx.wanted(now, 9)?;
                    assert_eq!(wanted.len(), 1, "{layout}");
                    assert!(matches!(&wanted[0].payload, Payload::Avatar(avatar)
                        if avatar.user == UserId::new(7)));
                    assert_eq!(wanted[0].random_id, -3);
                    Ok::<_, StoreError>(())
                })
                .expect(layout);
        }
    }

    #[test]
    fn a_snapshot_is_of_one_moment_holds_up_no_writer_and_changes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let write = |key: &str| {
            let kept: Result<(), StoreError> =
                store.transaction(|tx| tx.keep_setting(key, "there"));
            kept.expect("written");
        };
        write("before");
        let seen: Result<_, StoreError> = store.snapshot(|tx| {
            let before = tx.setting("before")?;
            write("meanwhile");
            assert!(tx.keep_setting("never", "there").is_err());
            Ok((before, tx.setting("meanwhile")?))
        });
        assert_eq!(seen.expect("read"), (Some("there".to_owned()), None));
        let now: Result<_, StoreError> = store.snapshot(|tx| tx.setting("meanwhile"));
        assert_eq!(now.expect("read").as_deref(), Some("there"));
    }

    #[test]
    fn a_row_that_is_cancelled_while_its_file_is_read_is_not_wanted_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let now = Timestamp::new(1);
        let left: Result<_, StoreError> = store.transaction(|tx| {
            let payload = Payload::Text { text: "x".into() };
            tx.enqueue_wanted_report("a", &payload, now)?;
            let row = tx.wanted_reports(None, now)?.remove(0);
            tx.note_fetched(row.id, "abcdefgh", 1, now)?;
            tx.note_dropped(row.id, "bad", now)?;
            tx.note_wanted(row.id)?;
            tx.wanted_reports(None, now)
        });
        assert_eq!(left.expect("read"), []);
    }

    #[test]
    fn a_failed_transaction_leaves_nothing_behind() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let now = Timestamp::new(1);
        let failed: Result<(), StoreError> = store.transaction(|tx| {
            tx.remember_flood("m", Timestamp::new(99))?;
            Err(StoreError::DiskFull)
        });
        assert!(matches!(failed, Err(StoreError::DiskFull)));
        let floods: Result<_, StoreError> = store.transaction(|tx| tx.floods(now));
        assert!(floods.expect("read").is_empty());
    }

    /// What is asked for each join, each message of a new member, and each declaration of a raid must not
    /// go through all that waits or was dropped.
    #[test]
    fn a_users_photos_are_found_by_their_keys_however_many_others_there_are() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let waiting = lists::waiting_between("group_id = ?1 AND message_id = ?2");
        for sql in [outbox::ON_THEIR_WAY, recheck::DROPPED, &waiting] {
            let plan: Result<Vec<String>, StoreError> = store.transaction(|tx| {
                let mut plan = tx.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let nothing = vec![rusqlite::types::Null; plan.parameter_count()];
                let rows = plan.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))?;
                Ok(rows.collect::<Result<_, _>>()?)
            });
            let plan = plan.expect("a plan");
            assert!(plan[0].contains("(key>? AND key<?)"), "{sql}: {plan:?}");
        }
    }
}
