//! The errors of a call, by how the caller has to react. The module `classification` produces them.
//!
//! After a lost answer and after trouble on Telegram's side the same call may succeed later. A call
//! whose answer cannot be parsed has taken effect.

use thiserror::Error;

/// The reason why a call returned no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// Telegram limits the rate of this method (FLOOD_WAIT), or did so a while ago.
    #[error("Telegram limits {method} until {} (FLOOD_WAIT)", rfc3339(*until))]
    RateLimited {
        /// The limited method. Other methods are not affected.
        method: &'static str,
        /// The Unix time from which on it may be called again.
        until: i64,
    },
    /// The account cannot be used any more.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The connection failed or was refused, or no answer came in time. The call may or may not have taken
    /// effect. The wire opens the connection again at one of the next calls.
    #[error("{method}: {cause}")]
    Network {
        /// The method that was called.
        method: &'static str,
        /// The cause, for the log.
        cause: String,
        /// True if the connection ended while the call was under way. An answer that is too large for the
        /// client library looks the same.
        is_cut: bool,
    },
    /// Telegram has an internal problem.
    #[error("{method}: Telegram answered {answer}")]
    ServerError {
        /// The method that was called.
        method: &'static str,
        /// The code and the name of the error.
        answer: String,
    },
    /// Telegram refused the call.
    #[error("{method} was refused: {code} {name}")]
    Refused {
        /// The method that was called.
        method: &'static str,
        /// Telegram's error code.
        code: i32,
        /// The name of the error without its number, as in `FILE_MIGRATE`.
        name: String,
        /// The number in the name, if any.
        value: Option<u32>,
    },
    /// Telegram carried out the call, but its answer holds something that this program cannot read, such
    /// as a constructor of a newer layer.
    #[error("the answer to {method} cannot be used: {cause}")]
    Unusable {
        /// The method that was called.
        method: &'static str,
        /// The cause, for the log.
        cause: String,
    },
    /// This side did not make the call.
    #[error("{method} was not called: {reason}")]
    NotSent {
        /// The method that was not called.
        method: &'static str,
        /// The reason, for the log.
        reason: &'static str,
    },
}

impl CallError {
    /// Returns true if Telegram refused the call with the error `wanted`.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == wanted)
    }
}

/// The reason why the account or its session cannot be used any more.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AccountError {
    /// Telegram ended the session, or the account never logged in. Holds the name of the error.
    #[error("Telegram does not accept this session any more ({0})")]
    LoggedOut(String),
    /// Telegram deleted or banned the account. Holds the name of the error.
    #[error("Telegram has banned or deleted this account ({0})")]
    Banned(String),
    /// Telegram froze the account. Holds the name of the error.
    #[error("Telegram has frozen this account ({0})")]
    Frozen(String),
    /// The session was used on two hosts (AUTH_KEY_DUPLICATED).
    #[error("this session was used on two hosts at once, so Telegram has ended it")]
    Duplicated,
    /// Telegram does not know the session's authorization key.
    #[error("Telegram does not know this session's authorization key any more")]
    KeyUnknown,
}

impl AccountError {
    /// Returns true if no account can be used with this session's key any more. A frozen account stays logged in.
    #[must_use]
    pub const fn ends_session(&self) -> bool {
        match self {
            Self::LoggedOut(_) | Self::Banned(_) | Self::Duplicated | Self::KeyUnknown => true,
            Self::Frozen(_) => false,
        }
    }
}

/// Formats a Unix time in UTC; a time beyond the year 9999 stays a number.
fn rfc3339(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_shows_its_end_in_utc() {
        let error = |until| CallError::RateLimited { method: "m", until }.to_string();
        let text = "Telegram limits m until 2027-01-15T08:00:00Z (FLOOD_WAIT)";
        assert_eq!(error(1_800_000_000), text);
        assert!(error(i64::MAX).contains("9223372036854775807"));
    }
}
