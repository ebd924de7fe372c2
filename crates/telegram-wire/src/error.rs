//! What can go wrong with a call, sorted by what it means for us.
//!
//! Every error of the wire becomes one of five: wait until then, the account is unusable, no answer,
//! Telegram's own trouble (both worth another try), or a refusal that says why.

use grammers_mtsender::InvocationError;
use thiserror::Error;

use crate::session::SessionError;

/// A call that brought no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// Telegram wants this method to rest.
    #[error("{method} has to wait until {until} (Telegram's flood limit)")]
    Flood {
        /// The method concerned, and no other.
        method: &'static str,
        /// When it may be called again.
        until: i64,
    },
    /// The account cannot be used any more.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// No answer: the same call may succeed later.
    #[error("{method}: {cause}")]
    Network {
        /// The method that was called.
        method: &'static str,
        /// What happened, in the library's words.
        cause: String,
    },
    /// Telegram answered that it is in trouble itself: the same call may succeed later.
    #[error("{method}: Telegram answered {what}")]
    Busy {
        /// The method that was called.
        method: &'static str,
        /// Its code and name.
        what: String,
    },
    /// Telegram refused the call.
    #[error("{method} was refused: {code} {name}")]
    Refused {
        /// The method that was called.
        method: &'static str,
        /// Telegram's error code.
        code: i32,
        /// The error's name, its number taken out.
        name: String,
        /// The number in the name, if any.
        value: Option<u32>,
    },
}

impl CallError {
    /// Returns whether Telegram refused the call with this very name.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == wanted)
    }
}

/// Why the account is unusable. Each is one plain sentence, and ends the program (SPEC §9.6).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AccountError {
    /// The session was ended from another device, or never logged in.
    #[error(
        "Telegram does not accept this session any more ({0}): log the account in again with `scp-079-avatar login`"
    )]
    LoggedOut(String),
    /// The account was deleted or banned.
    #[error("Telegram has banned or deleted this account ({0}): another account is needed")]
    Banned(String),
    /// The account is frozen.
    #[error("Telegram has frozen this account ({0}): appeal in an official app, then start again")]
    Frozen(String),
    /// The session is in use on two hosts.
    #[error(
        "this session was used on two hosts at once, so Telegram has ended it: run it on one host only, and log in again with `scp-079-avatar login`"
    )]
    Duplicated,
    /// Telegram does not know the authorization key.
    #[error(
        "Telegram does not know this session's authorization key any more; the session file was left as it is: log in again with `scp-079-avatar login`"
    )]
    KeyUnknown,
}

/// Sorts an error of the wire. `home` says whether the call went to the account's own data
/// centre: elsewhere a 401 only means that the authorization has to be imported first.
pub(super) fn classify(
    error: InvocationError,
    method: &'static str,
    home: bool,
    now: i64,
) -> CallError {
    use grammers_mtsender::InvocationError as E;
    match error {
        E::Rpc(rpc) => match (rpc.code, rpc.value) {
            // One second more than said: `now` is rounded down.
            (420, Some(seconds)) => CallError::Flood {
                method,
                until: now + i64::from(seconds) + 1,
            },
            (420, None) => AccountError::Frozen(rpc.name).into(),
            (401, _) if home => match rpc.name.as_str() {
                "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN" => {
                    AccountError::Banned(rpc.name).into()
                }
                // Only a login meets it, and knows what to do.
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
                CallError::Busy {
                    method,
                    what: format!("{code} {}", rpc.name),
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
            Some(SessionError::KeyReplaced) => AccountError::KeyUnknown.into(),
            _ => CallError::Network {
                method,
                cause: format!("the session file could not be written: {error}"),
            },
        },
        E::Transport(grammers_mtproto_error) if home && is_key_unknown(&grammers_mtproto_error) => {
            AccountError::KeyUnknown.into()
        }
        // A key that cannot be negotiated anew at home means that the old one was refused.
        E::Authentication(_) if home => AccountError::KeyUnknown.into(),
        E::Deserialize(error) => CallError::Refused {
            method,
            code: 0,
            name: format!("an answer that could not be read ({error})"),
            value: None,
        },
        other => CallError::Network {
            method,
            cause: other.to_string(),
        },
    }
}

/// The transport says −404 when it does not know the key. The type is of a crate below the
/// sender's, so it is known by what it prints.
fn is_key_unknown(error: &impl std::fmt::Display) -> bool {
    error.to_string().contains("(negative length -404)")
}

#[cfg(test)]
mod tests {
    use grammers_mtsender::RpcError;

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
    fn each_error_means_one_thing() {
        let now = 1_000;
        let sort = |error, home| classify(error, "m", home, now);
        assert_eq!(
            sort(rpc(420, "FLOOD_WAIT", Some(31)), true),
            CallError::Flood {
                method: "m",
                until: 1_032
            }
        );
        for (code, name, home, trouble) in [
            (420, "FROZEN_METHOD_INVALID", true, true),
            (401, "AUTH_KEY_UNREGISTERED", true, true),
            (401, "AUTH_KEY_UNREGISTERED", false, false),
            (401, "SESSION_REVOKED", true, true),
            (401, "USER_DEACTIVATED_BAN", true, true),
            (401, "SESSION_PASSWORD_NEEDED", true, false),
            (406, "AUTH_KEY_DUPLICATED", true, true),
            (400, "CHANNEL_PRIVATE", true, false),
        ] {
            let error = sort(rpc(code, name, None), home);
            assert_eq!(matches!(error, CallError::Account(_)), trouble, "{name}");
            if !trouble {
                assert!(error.is(name), "{error}");
            }
        }
        assert!(matches!(
            sort(rpc(500, "INTERNAL", None), true),
            CallError::Busy { .. }
        ));
        assert!(sort(rpc(500, "RANDOM_ID_DUPLICATE", None), true).is("RANDOM_ID_DUPLICATE"));
        assert!(matches!(
            sort(InvocationError::Dropped("gone"), true),
            CallError::Network { .. }
        ));
        assert_eq!(
            sort(
                InvocationError::Session(Box::new(SessionError::KeyReplaced)),
                true
            ),
            CallError::Account(AccountError::KeyUnknown)
        );
    }
}
