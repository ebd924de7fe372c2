//! Why the program ended, and the exit code of each reason. See docs/operations.md.

use std::path::PathBuf;

use thiserror::Error;

use super::channels::CONNECT_TIMEOUT;
use crate::file_codec::EncodeError;
use crate::model::ChannelId;
use crate::store::{LockError, StoreError};
use crate::task::TaskError;
use crate::telegram::{
    AccountError, CallError, ClockAhead, SessionError, explain_account, explain_session,
};

/// Why the program ended without being asked to.
#[derive(Debug, Error)]
pub enum AppError {
    /// The data directory cannot be used.
    #[error("{}: {cause}", path.display())]
    DataDir {
        path: PathBuf,
        cause: std::io::Error,
    },
    /// The process of root would make files in a directory of another user.
    #[error(
        "{explanation}: files that root makes there keep that user out. Run it as that user:\n    {command}"
    )]
    OtherUser {
        explanation: String,
        command: String,
    },
    /// There is a file in place of the data directory, or of a directory above it.
    #[error("{} is not a directory: move it away, or name another data_dir in [telegram]", .0.display())]
    NotADirectory(PathBuf),
    /// No user can make files in the data directory.
    #[error("{problem}; name another data_dir in [telegram]")]
    Unwritable { problem: String },
    /// This user may not use the data directory, or a file in it.
    #[error("permission denied: {explanation}\n    {remedy}")]
    Denied { explanation: String, remedy: String },
    /// The files in the data directory are those of an import that did not end.
    #[error(
        "{}: the import to {} is unfinished, so the session and the lists are not used: run the same \
         `scp-079-avatar import` again, or remove that directory together with account.session and state.db beside it",
        mark.display(),
        config.display()
    )]
    UnfinishedImport { mark: PathBuf, config: PathBuf },
    /// Another process uses the data directory, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The session file cannot be used.
    #[error("{}", explain_session(.0))]
    Session(#[from] SessionError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account is unusable.
    #[error("{}", explain_account(.0))]
    Account(#[from] AccountError),
    /// Telegram rejects every message because of this machine's clock.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// Telegram could not be reached at start.
    #[error(
        "Telegram could not be reached for {minutes} minutes: {0}; check the network and [proxy]",
        minutes = CONNECT_TIMEOUT.as_secs() / 60
    )]
    Unreachable(String),
    /// Telegram refused a call that is required at start.
    #[error("Telegram refused a call that is required at start: {0}")]
    Refused(CallError),
    /// The account is not in a configured channel.
    #[error(
        "{key} = {channel}: the account is not in this channel; have a maintainer add it there, or correct {key} in [channels]"
    )]
    NotInChannel {
        /// The key of `[channels]`.
        key: &'static str,
        channel: ChannelId,
    },
    /// The account may not post in a configured channel.
    #[error(
        "{key} = {channel}: the account may not post there; make it an administrator with the right to post messages"
    )]
    CannotPost {
        /// The key of `[channels]`.
        key: &'static str,
        channel: ChannelId,
    },
    /// The key of the files cannot be derived.
    #[error("cannot derive the key for sealing files: {0}")]
    Sealing(#[from] EncodeError),
    /// The operating system failed, or a loop panicked or ended without being asked to.
    #[error("{0}")]
    Internal(String),
}

impl AppError {
    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(LockError::File { cause, .. }) | Self::DataDir { cause, .. }
                if cause.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                78
            }
            Self::Lock(_) | Self::DataDir { .. } => 1,
            Self::OtherUser { .. }
            | Self::NotADirectory(_)
            | Self::Unwritable { .. }
            | Self::Denied { .. }
            | Self::UnfinishedImport { .. }
            | Self::Store(StoreError::Newer { .. } | StoreError::Damaged(_))
            | Self::NotInChannel { .. }
            | Self::CannotPost { .. } => 78,
            Self::Store(StoreError::NoRandomNumbers(_)) => 70,
            Self::Store(_) => 1,
            Self::Session(_) | Self::Account(_) => 77,
            Self::ClockAhead(_) => 75,
            Self::Unreachable(_) => 69,
            Self::Refused(_) | Self::Sealing(_) | Self::Internal(_) => 70,
        }
    }
}

impl From<TaskError> for AppError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Account(trouble) => Self::Account(trouble),
            TaskError::ClockAhead(ahead) => Self::ClockAhead(ahead),
            TaskError::Store(error) => Self::Store(error),
            TaskError::System(what) => Self::Internal(what),
            TaskError::Panicked => Self::Internal(TaskError::Panicked.to_string()),
            TaskError::ShuttingDown => Self::Internal("a loop ended by itself".into()),
        }
    }
}
