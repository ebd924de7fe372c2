//! `state.db`: everything that the program knows, and every message that it still has to post (docs/state-db.md).
//!
//! This module owns all SQL, the layouts and their migrations, and the lock that keeps a second process away. It does
//! not know Telegram, and does not decide what a join means: it stores records and returns them. Every change is a
//! transaction: after a crash of the program, everything that was committed is there, and nothing else. A commit waits until
//! the disk has it (`synchronous=FULL`), so that a power failure loses nothing, unless the program does the same work again.
//!
//! Tables whose modules have other names:
//! - `floods`: `rate_limits`
//! - `flooded`: `group_floods`
//! - `joins` and `forwarded`: `join_records`, `latest_joins`
//! - `admins`: `ledger`
//! - `orders`: `order_log`
//! - `runs`: `job_records`

mod bad_list;
mod cancellation;
mod declarations;
mod error;
mod exceptions;
mod group_floods;
mod group_signs;
mod inspect;
mod instance;
mod job_records;
mod join_records;
mod latest_joins;
mod ledger;
mod lock;
mod member_scans;
mod new_members;
mod order_log;
mod others_avatars;
mod outbox;
mod outcome_words;
mod paces;
mod people;
mod rate_limits;
mod record_pages;
mod reset;
mod restored_posts;
mod rule_lists;
mod schema;
mod senders;
mod settings;
#[cfg(test)]
mod statement_work;
pub mod statistics;
mod unready_starts;
pub mod user_records;
mod whole_copy;
mod whole_lists;

#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use cancellation::CancelScope;
pub use error::StoreError;
pub use exceptions::ExceptionDue;
pub use inspect::inspect;
pub use instance::{Instance, Start};
pub use job_records::JobRecord;
pub use join_records::PostedAs;
pub use latest_joins::{JoinFilter, ListedJoin};
pub use ledger::{AdvanceOutcome, KnownChannel, Recorded};
pub use lock::{DirectoryLock, Holder, LockError};
pub use order_log::OrderRecord;
pub use others_avatars::OthersAvatar;
pub use outbox::{
    AgeLimits, EarlierPost, FailedDownload, LastText, Members, OutboxRow, PhotoOf, SendFilter,
    SharedMembers, SpooledFile,
};
pub use restored_posts::{Enqueued, RestoredPost};
pub use senders::SenderState;
pub use unready_starts::UnreadyStarts;
pub use whole_copy::{TemporaryCopy, copy_database, copy_state};

/// How long to wait for another process that locks the file, such as the sqlite3 shell.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// The capacity of each connection's statement cache. The store has about 60 statements on its hot paths; rusqlite's
/// default of 16 would compile most of them again at every use.
const CACHED_STATEMENTS: usize = 128;
/// How many idle reading connections are kept. A long read, such as a backup, uses one while the loops share the
/// others.
const IDLE_READERS: usize = 4;
/// The page cache of each reading connection, in KiB. A read touches few pages, and SQLite's default of 2 MiB would fill
/// in each of them while the database grows.
const READER_CACHE_KIB: i64 = 256;

/// The open database. Cheap to clone; one writer at a time, and any number of readers beside it.
#[derive(Clone)]
pub struct Store {
    writer: Arc<Mutex<Writer>>,
    idle_readers: Arc<Mutex<Vec<Connection>>>,
    path: Arc<Path>,
}

/// The writing connection.
struct Writer {
    database: Connection,
    flush: Flush,
}

/// Whether a commit waits until the disk has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flush {
    Now,
    /// With the next changes that wait, or at the next checkpoint.
    Later,
}

impl Writer {
    fn transact<T, E: From<StoreError>>(
        &mut self,
        flush: Flush,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.set_flush(flush)?;
        let transaction = self
            .database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let result = work(&Tx {
            read: ReadTx { db: &transaction },
        })?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(result)
    }

    fn set_flush(&mut self, flush: Flush) -> Result<(), StoreError> {
        if self.flush != flush {
            let synchronous = match flush {
                Flush::Now => "FULL",
                Flush::Later => "NORMAL",
            };
            self.database
                .pragma_update(None, "synchronous", synchronous)?;
            self.flush = flush;
        }
        Ok(())
    }
}

impl Store {
    /// Opens or creates `state.db`, and migrates it to the newest layout. Before a migration the file is copied beside
    /// itself, as `state.db.layout-N`.
    ///
    /// # Errors
    /// The file is damaged, has a newer layout, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut database = Connection::open(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(
            |error| StoreError::File {
                path: path.to_owned(),
                cause: error.to_string(),
            },
        )?;
        database.busy_timeout(BUSY_TIMEOUT)?;
        schema::check_layout(&database)?;
        schema::check_integrity(&database)?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut database, path)?;
        keep_statements(&database)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(Writer {
                database,
                flush: Flush::Now,
            })),
            idle_readers: Arc::default(),
            path: path.into(),
        })
    }

    /// Runs `work` in one writing transaction: on success all of it is committed, on an error nothing.
    ///
    /// # Errors
    /// The error of `work`, or that of the commit.
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        blocking(|| self.writer().transact(Flush::Now, work))
    }

    /// Does the same as [`write`](Self::write), but a power failure may lose the changes until a later transaction is
    /// flushed: for changes that the program makes again.
    ///
    /// # Errors
    /// The error of `work`, or that of the commit.
    pub fn write_unflushed<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        blocking(|| self.writer().transact(Flush::Later, work))
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on one moment of the database, on a reading connection: it waits for no writer, and no writer waits
    /// for it. `work` must be short: the runtime is not told that the thread blocks, which would cost more than a query.
    ///
    /// # Errors
    /// The error of `work`, or the database cannot be read.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut database = self.take_reader()?;
        let transaction = database.transaction().map_err(StoreError::from)?;
        let result = work(&ReadTx { db: &transaction })?;
        drop(transaction);
        self.return_reader(database);
        Ok(result)
    }

    /// Does the same as [`read`](Self::read) for `work` that takes long, such as reading whole lists.
    ///
    /// # Errors
    /// The error of `work`, or the database cannot be read.
    pub fn read_long<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        blocking(|| self.read(work))
    }

    /// Counts the statements of the writing connection from now on.
    #[cfg(test)]
    pub(crate) fn count_statements(&self) -> Arc<std::sync::atomic::AtomicUsize> {
        use rusqlite::trace::{TraceEvent, TraceEventCodes};
        let counter = Arc::<std::sync::atomic::AtomicUsize>::default();
        let seen = Arc::clone(&counter);
        let count = move |_: TraceEvent<'_>| {
            seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        self.writer()
            .database
            .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(count))
            .expect("the connection is open");
        counter
    }

    fn take_reader(&self) -> Result<Connection, StoreError> {
        let idle = self.idle_readers().pop();
        if let Some(database) = idle {
            return Ok(database);
        }
        // Without the right to write, SQLite could not recover a log that a killed program left.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(&self.path, flags)?;
        database.busy_timeout(BUSY_TIMEOUT)?;
        database.pragma_update(None, "query_only", true)?;
        database.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        keep_statements(&database)?;
        Ok(database)
    }

    fn return_reader(&self, database: Connection) {
        let mut idle = self.idle_readers();
        if idle.len() < IDLE_READERS {
            idle.push(database);
        }
    }

    fn idle_readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a connection keep its prepared statements, and their plans: otherwise SQLite prepares a statement again each time
/// that a parameter changes which might decide whether a partial index fits. So a query that needs such an index states
/// the condition of the index literally.
fn keep_statements(database: &Connection) -> Result<(), StoreError> {
    database.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Tells a multi-threaded runtime that this thread blocks, so that it can move other tasks away.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A reading transaction: one moment of the database. The queries are spread over the modules of `store`.
pub struct ReadTx<'a> {
    db: &'a Connection,
}

/// A writing transaction: the changes, and through `Deref` every query of [`ReadTx`].
pub struct Tx<'a> {
    read: ReadTx<'a>,
}

impl<'a> Deref for Tx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}
