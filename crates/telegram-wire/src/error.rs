//! The errors of a call, classified by how the caller has to react.
//!
//! After a lost answer and after trouble on Telegram's side the same call may succeed later. A call
//! whose answer cannot be parsed has taken effect.

use grammers_client::InvocationError;
use thiserror::Error;

use crate::session::SessionError;

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
    /// The connection failed, or no answer came in time. The call may or may not have taken effect.
    #[error("{method}: {cause}")]
    Network {
        /// The method that was called.
        method: &'static str,
        /// The cause, for the log.
        cause: String,
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
    #[error(
        "Telegram does not know this session's authorization key any more; the session file was left as it is"
    )]
    KeyUnknown,
}

/// Formats a Unix time in UTC; a time beyond the year 9999 stays a number.
fn rfc3339(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |at| at.to_string())
}

/// Classifies an error of the connection. Error 401 ends the session only in the home data centre;
/// elsewhere it means that the authorization was not imported yet.
pub(crate) fn classify(
    error: InvocationError,
    method: &'static str,
    is_home: bool,
    now: i64,
) -> CallError {
    use grammers_client::InvocationError as E;
    match error {
        E::Rpc(rpc) => match (rpc.code, rpc.value) {
            // `now` is rounded down, so a second is added.
            (420, Some(seconds)) => CallError::RateLimited {
                method,
                until: now + i64::from(seconds) + 1,
            },
            (420, None) => AccountError::Frozen(rpc.name).into(),
            (401, _) if is_home => match rpc.name.as_str() {
                "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN" => {
                    AccountError::Banned(rpc.name).into()
                }
                // A step of the login, not an error of the account.
                "SESSION_PASSWORD_NEEDED" => CallError::Refused {
                    method,
                    code: rpc.code,
                    name: rpc.name,
                    value: rpc.value,
                },
                _ => AccountError::LoggedOut(rpc.name).into(),
            },
            (406, _) if rpc.name == "AUTH_KEY_DUPLICATED" => AccountError::Duplicated.into(),
            (code, _) if !(0..500).contains(&code) && rpc.name != "RANDOM_ID_DUPLICATE" => {
                CallError::ServerError {
                    method,
                    answer: format!("{code} {}", rpc.name),
                }
            }
            (code, value) => CallError::Refused {
                method,
                code,
                name: rpc.name,
                value,
            },
        },
        E::Session(error) => match error.downcast_ref::<SessionError>() {
            Some(SessionError::KeyReplacementRefused) => AccountError::KeyUnknown.into(),
            _ => CallError::Network {
                method,
                cause: format!("the session file could not be written: {error}"),
            },
        },
        E::Transport(error) if is_home && is_key_unknown(&error) => AccountError::KeyUnknown.into(),
        // A new key is negotiated only if Telegram refused the old one.
        E::Authentication(_) if is_home => AccountError::KeyUnknown.into(),
        E::Deserialize(error) => CallError::Unusable {
            method,
            cause: error.to_string(),
        },
        other => CallError::Network {
            method,
            cause: other.to_string(),
        },
    }
}

/// Returns true for the transport error −404, by which Telegram rejects an unknown key. The error's
/// type belongs to a crate below grammers-client, so it is recognized by its text.
fn is_key_unknown(error: &impl std::fmt::Display) -> bool {
    error.to_string().contains("(negative length -404)")
}

#[cfg(test)]
mod tests {
    use grammers_client::sender::RpcError;

    use super::*;

    fn rpc(code: i32, name: &str, value: Option<u32>) -> InvocationError {
        InvocationError::Rpc(RpcError {
            code,
            name: name.into(),
            value,
            caused_by: None,
        })
    }

    #[test]
    fn a_flood_wait_ends_a_second_later_than_announced() {
        assert_eq!(
            classify(rpc(420, "FLOOD_WAIT", Some(31)), "m", true, 1_000),
            CallError::RateLimited {
                method: "m",
                until: 1_032
            }
        );
    }

    #[test]
    fn a_rate_limit_shows_its_end_in_utc() {
        let error = |until| CallError::RateLimited { method: "m", until }.to_string();
        let text = "Telegram limits m until 2027-01-15T08:00:00Z (FLOOD_WAIT)";
        assert_eq!(error(1_800_000_000), text);
        assert!(error(i64::MAX).contains("9223372036854775807"));
    }

    #[test]
    fn account_errors_are_distinguished_from_refusals() {
        for (code, name, is_home, ends_account) in [
            (420, "FROZEN_METHOD_INVALID", true, true),
            (401, "AUTH_KEY_UNREGISTERED", true, true),
            (401, "AUTH_KEY_UNREGISTERED", false, false),
            (401, "SESSION_REVOKED", true, true),
            (401, "USER_DEACTIVATED_BAN", true, true),
            (401, "SESSION_PASSWORD_NEEDED", true, false),
            (406, "AUTH_KEY_DUPLICATED", true, true),
            (400, "CHANNEL_PRIVATE", true, false),
            (500, "RANDOM_ID_DUPLICATE", true, false),
        ] {
            let error = classify(rpc(code, name, None), "m", is_home, 1_000);
            assert_eq!(
                matches!(error, CallError::Account(_)),
                ends_account,
                "{name}"
            );
            assert_eq!(error.is(name), !ends_account, "{error}");
        }
    }

    #[test]
    fn a_replaced_home_key_means_that_the_key_is_unknown() {
        let error = InvocationError::Session(Box::new(SessionError::KeyReplacementRefused));
        assert_eq!(
            classify(error, "m", true, 1_000),
            CallError::Account(AccountError::KeyUnknown)
        );
    }

    #[test]
    fn lost_answers_and_internal_errors_can_be_retried() {
        let lost = classify(InvocationError::Dropped("gone"), "m", true, 1_000);
        assert!(matches!(lost, CallError::Network { .. }), "{lost}");
        let internal = classify(rpc(500, "INTERNAL", None), "m", true, 1_000);
        assert!(
            matches!(internal, CallError::ServerError { .. }),
            "{internal}"
        );
    }
}
