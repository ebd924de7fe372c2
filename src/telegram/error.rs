//! Adds the remedy to the errors of an account or a session file that cannot be used.
//!
//! The wire reports causes only, because it does not know the commands of this program.

use telegram_wire::{AccountError, CallError, SessionError};

/// Describes why the account cannot be used, with the remedy.
#[must_use]
pub fn explain_account(error: &AccountError) -> String {
    let remedy = match error {
        AccountError::LoggedOut(_) => "log the account in again with `scp-079-avatar login`",
        AccountError::Banned(_) => {
            "another account is needed; log it in with `scp-079-avatar login`"
        }
        AccountError::Frozen(_) => "appeal in an official app, then start again",
        AccountError::Duplicated => {
            "run it on one host only, and log in again with `scp-079-avatar login`"
        }
        AccountError::KeyUnknown => {
            "the session file was left as it is; log in again with `scp-079-avatar login`"
        }
    };
    format!("{error}: {remedy}")
}

/// Describes why the session file cannot be used, with the remedy if there is one.
#[must_use]
pub fn explain_session(error: &SessionError) -> String {
    let remedy = match error {
        SessionError::Missing(_) => "log the account in first, with `scp-079-avatar login`",
        SessionError::Pyrogram(_) => {
            "move it back to the directory of the Python program, and let `scp-079-avatar import` take it from there"
        }
        SessionError::Foreign { .. } => "move it away and log in with `scp-079-avatar login`",
        SessionError::Damaged { .. } => {
            "restore it from a backup, or move it away and log in with `scp-079-avatar login`"
        }
        SessionError::NoKey(_) => "log the account in with `scp-079-avatar login`",
        SessionError::KeyReplacementRefused | SessionError::NotKept | SessionError::File { .. } => {
            return error.to_string();
        }
    };
    format!("{error}: {remedy}")
}

/// Describes why a call failed, with the remedy if the account cannot be used.
pub(super) fn explain_call(error: &CallError) -> String {
    match error {
        CallError::Account(error) => explain_account(error),
        _ => error.to_string(),
    }
}

/// Returns the name of the error with which Telegram answered, such as `CHANNEL_PRIVATE`.
#[must_use]
pub fn error_name(error: &CallError) -> Option<&str> {
    match error {
        CallError::Refused { name, .. } => Some(name),
        // The answer is the code and the name.
        CallError::ServerError { answer, .. } => answer.split_once(' ').map(|(_, name)| name),
        CallError::RateLimited { .. }
        | CallError::Account(_)
        | CallError::Network { .. }
        | CallError::Unusable { .. }
        | CallError::NotSent { .. } => None,
    }
}

/// Reports whether the connection ended while the call was in flight. An answer that is too large for the connection
/// looks the same; a call without an answer in time does not.
#[must_use]
pub fn connection_ended(error: &CallError) -> bool {
    matches!(error, CallError::Network { is_cut: true, .. })
}
