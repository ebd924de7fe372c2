//! The loops of the daemon: watch, fetch, deliver, scan, recheck, administrators, schedule; and the parts that they
//! share.
//!
//! Each loop gets the parts that it needs and the shutdown signal from outside, wakes on notification, and polls slowly
//! as a fallback. `decide` decides; the store keeps each result before anything else happens, so after a crash a loop
//! repeats work and loses none.

mod administrators;
mod backup_files;
mod call_retry;
mod cover;
mod cron;
mod database;
mod deliver;
mod dialog_sync;
mod enqueue;
mod fetch;
#[cfg(test)]
mod fixture;
mod heartbeats;
mod join_policy;
mod join_recording;
mod kept_documents;
mod known_channels;
mod list_replacement;
mod member_recheck;
mod member_scan;
mod order_copy;
mod order_execution;
mod order_files;
mod own_account;
mod page_application;
mod post_commit;
mod posted_order;
mod posting_channels;
mod pull;
#[cfg(test)]
mod queue_cost;
mod recheck;
mod restored_posts;
mod rule_book;
mod runtime;
mod scan_priority;
mod spool_check;
mod spool_file;
mod wakers;
mod watch;

use thiserror::Error;
use tokio::task::JoinError;

pub use administrators::{Administrators, read_administrators};
pub use backup_files::BackupFiles;
pub use cover::Cover;
pub use cron::{CHECK_INTERVAL, Scheduler};
pub use database::Database;
pub use deliver::{Deliverer, Sharing};
pub use dialog_sync::DialogReader;
pub use fetch::{AvatarDownload, Fetcher, UserLookup};
pub use heartbeats::Heartbeats;
pub use join_policy::{Accounts, JoinPolicy};
pub use kept_documents::{FileSample, forget_documents, forget_spooled_photos};
pub use known_channels::{KnownChannels, KnownPart};
pub use list_replacement::ListKeeper;
pub use member_recheck::MemberRecheck;
pub use member_scan::{MemberRecorder, MemberScanner, scan_members};
pub use order_execution::OrderExecutor;
pub use order_files::OrderFiles;
pub use own_account::confirm_account;
pub use page_application::{PageApplier, PageTransactions};
pub use post_commit::PostCommitRunner;
pub use posting_channels::PostingChannels;
pub use pull::{ChannelPuller, FailureLog, ReadBackProgress};
pub use recheck::Rechecker;
pub use restored_posts::RestoredPosts;
pub use rule_book::RuleBook;
pub use runtime::{Runtime, SLOW_POLL};
pub use scan_priority::ScanPriority;
pub use spool_check::check_spool;
pub use wakers::{AdministratorsWaker, Wakers};
pub use watch::{WatchStart, Watcher, watch};

use crate::store::StoreError;
use crate::telegram::{AccountError, ClockAhead};

/// Why a loop ended.
#[derive(Debug, Error)]
pub enum TaskError {
    /// The program shuts down; the loop was waiting.
    #[error("the program is shutting down")]
    ShuttingDown,
    /// The account is unusable.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Telegram rejects every message because of this machine's clock.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The database is unusable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system or the runtime failed.
    #[error("{0}")]
    System(String),
    /// A task panicked.
    #[error(
        "a task of the program panicked; this is a bug: report it with the line of the log that names its place"
    )]
    Panicked,
}

impl TaskError {
    /// Returns the error for a panic. Libraries panic if the operating system returns no random numbers.
    pub fn of_panic() -> Self {
        match getrandom::u64() {
            Ok(_) => Self::Panicked,
            Err(error) => StoreError::NoRandomNumbers(error).into(),
        }
    }
}

/// Returns the result of a job that was joined.
fn job_result<T>(joined: Result<Result<T, TaskError>, JoinError>) -> Result<T, TaskError> {
    joined.unwrap_or_else(|error| {
        Err(if error.is_panic() {
            TaskError::of_panic()
        } else {
            TaskError::ShuttingDown
        })
    })
}
