//! The meaning of an error of grammers: for the call, and for the connection that carried it.
//!
//! Telegram reports four kinds of trouble through the same codes: with one call, with a method (a rate
//! limit), with the connection, and with the account. The functions are pure. They do not decide when the
//! account's key counts as lost, which takes several connections; see `connection_backoff`.

use std::time::Duration;

use grammers_client::InvocationError;
use grammers_client::sender::RpcError;
use grammers_client::tl::{Identifiable, functions as f};
use grammers_mtproto::transport;

use crate::error::{AccountError, CallError};
use crate::session::SessionError;

/// The pause of a method after a rate limit that names no number of seconds.
const UNNAMED_PAUSE: i64 = 60;

/// The request that opens a connection. grammers makes it with the first call and returns its error to that
/// call.
const OPENS_CONNECTION: u32 =
    <f::InvokeWithLayer<f::help::GetConfig> as Identifiable>::CONSTRUCTOR_ID;

/// A failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: CallError,
    pub(crate) connection: ConnectionState,
}

/// The state of a connection after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// The server answered, so the connection works.
    Works,
    /// The connection is gone, or the server sent no answer.
    Lost,
    /// The server refuses the connection, which has to be replaced.
    Refused(TransportError),
}

/// The reason why a server refuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// Transport error −404: the server does not know the authorization key.
    KeyUnknown,
    /// Transport error −429: too many connections or packets. Also a rate limit on opening a connection, with
    /// the time that the server named.
    Flood(Option<Duration>),
    /// Another transport error, or an error by name, such as CONNECTION_NOT_INITED.
    Other,
}

impl TransportError {
    /// Returns the meaning of a transport error's code, which is negative.
    pub(crate) const fn from_code(code: i32) -> Self {
        match code {
            -404 => Self::KeyUnknown,
            -429 => Self::Flood(None),
            _ => Self::Other,
        }
    }
}

/// Classifies an error of `method`, which was called at `now` (Unix time) in the home data centre or in another one.
pub(crate) fn classify(
    error: InvocationError,
    method: &'static str,
    is_home: bool,
    now: i64,
) -> Failure {
    use grammers_client::InvocationError as E;
    let (cause, connection) = match error {
        E::Rpc(mut rpc) => {
            rpc.name = printable(&rpc.name);
            return classify_rpc(rpc, method, is_home, now);
        }
        E::Deserialize(error) => {
            let cause = error.to_string();
            return answered(CallError::Unusable { method, cause });
        }
        E::InvalidDc => {
            let reason = "no address of its data centre is known";
            return answered(CallError::NotSent { method, reason });
        }
        E::Session(error) => match error.downcast_ref::<SessionError>() {
            // grammers negotiates a new key only after −404, and the session refuses to store it.
            Some(SessionError::KeyReplacementRefused) => (
                "Telegram does not know the authorization key".to_owned(),
                ConnectionState::Refused(TransportError::KeyUnknown),
            ),
            _ => (
                format!("the session file could not be written: {error}"),
                ConnectionState::Lost,
            ),
        },
        E::Transport(transport::Error::BadStatus { status }) => {
            let code = i32::try_from(status).map_or(i32::MIN, |status| -status);
            let error = TransportError::from_code(code);
            let cause = format!("Telegram refuses the connection: transport error {code}");
            (cause, ConnectionState::Refused(error))
        }
        E::Authentication(error) => {
            let refusal = if is_home {
                TransportError::KeyUnknown
            } else {
                TransportError::Other
            };
            let cause = format!("no authorization key could be negotiated: {error}");
            (cause, ConnectionState::Refused(refusal))
        }
        E::Io(error) => (without_url(&error.to_string()), ConnectionState::Lost),
        other => (other.to_string(), ConnectionState::Lost),
    };
    let is_cut = matches!(connection, ConnectionState::Lost);
    let error = CallError::Network {
        method,
        cause,
        is_cut,
    };
    Failure { error, connection }
}

fn classify_rpc(rpc: RpcError, method: &'static str, is_home: bool, now: i64) -> Failure {
    if let Some(trouble) = account_trouble(&rpc, is_home) {
        return answered(trouble.into());
    }
    let opens_connection = rpc.caused_by == Some(OPENS_CONNECTION);
    if !names_api_id(&rpc.name) && (opens_connection || concerns_connection(&rpc.name)) {
        let refusal = if is_rate_limit(&rpc) {
            let wait = rate_limit_seconds(&rpc).unwrap_or(UNNAMED_PAUSE);
            TransportError::Flood(u64::try_from(wait).ok().map(Duration::from_secs))
        } else {
            TransportError::Other
        };
        let cause = format!("Telegram refuses the connection: {} {}", rpc.code, rpc.name);
        return Failure {
            error: CallError::Network {
                method,
                cause,
                is_cut: false,
            },
            connection: ConnectionState::Refused(refusal),
        };
    }
    if is_rate_limit(&rpc) {
        // `now` is rounded down, so a second is added to a number that the server named.
        let pause = rate_limit_seconds(&rpc).map_or(UNNAMED_PAUSE, |seconds| seconds + 1);
        let until = now.saturating_add(pause);
        return answered(CallError::RateLimited { method, until });
    }
    answered(if is_server_trouble(&rpc) {
        let answer = format!("{} {}", rpc.code, rpc.name);
        CallError::ServerError { method, answer }
    } else {
        CallError::Refused {
            method,
            code: rpc.code,
            name: rpc.name,
            value: rpc.value,
        }
    })
}

const fn answered(error: CallError) -> Failure {
    Failure {
        error,
        connection: ConnectionState::Works,
    }
}

/// Returns the name of an error without characters that could control a terminal. Telegram's names are plain ASCII.
fn printable(name: &str) -> String {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    name.chars()
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect()
}

/// Returns the trouble of the account that an error reports. Error 401 ends the session only in the home data
/// centre; elsewhere it means that the authorization was not imported yet.
fn account_trouble(rpc: &RpcError, is_home: bool) -> Option<AccountError> {
    let name = rpc.name.as_str();
    // FROZEN_METHOD_INVALID is a 420, FROZEN_PARTICIPANT_MISSING a 400.
    if name.starts_with("FROZEN_") {
        return Some(AccountError::Frozen(name.to_owned()));
    }
    match (rpc.code, name) {
        (406, "AUTH_KEY_DUPLICATED") => Some(AccountError::Duplicated),
        (401, "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN") if is_home => {
            Some(AccountError::Banned(name.to_owned()))
        }
        (
            401,
            "AUTH_KEY_UNREGISTERED" | "AUTH_KEY_INVALID" | "SESSION_REVOKED" | "SESSION_EXPIRED",
        ) if is_home => Some(AccountError::LoggedOut(name.to_owned())),
        _ => None,
    }
}

/// Returns true for errors of the `initConnection` that opened the connection, or of the key that carries it. Every
/// further call on this connection would get the same error.
fn concerns_connection(name: &str) -> bool {
    name.starts_with("CONNECTION_") || matches!(name, "AUTH_KEY_PERM_EMPTY" | "INPUT_LAYER_INVALID")
}

/// Returns true for errors of `api_id`, which a new connection does not change.
fn names_api_id(name: &str) -> bool {
    name.contains("API_ID_")
}

/// Returns true if the method may be called again after a pause. Telegram's names are FLOOD_WAIT, SLOWMODE_WAIT,
/// FLOOD_PREMIUM_WAIT, 2FA_CONFIRM_WAIT and others, mostly with code 420.
fn is_rate_limit(rpc: &RpcError) -> bool {
    matches!(rpc.code, 420 | 429)
        || ["FLOOD_WAIT", "FLOOD_PREMIUM_WAIT", "SLOWMODE_WAIT"]
            .iter()
            .any(|wait| rpc.name.starts_with(wait))
}

/// Returns the seconds of a rate limit. grammers takes the first number of a name, which in 2FA_CONFIRM_WAIT_60 is
/// not the last one.
fn rate_limit_seconds(rpc: &RpcError) -> Option<i64> {
    let last = rpc.name.rsplit('_').next().unwrap_or_default();
    last.parse::<u32>().ok().or(rpc.value).map(i64::from)
}

/// Returns true for trouble inside Telegram, after which the same call may succeed.
fn is_server_trouble(rpc: &RpcError) -> bool {
    // RANDOM_ID_DUPLICATE is a 500, but concerns the post.
    if rpc.name == "RANDOM_ID_DUPLICATE" {
        return false;
    }
    !(0..500).contains(&rpc.code)
        || ["MSG_WAIT_", "RPC_CALL_FAIL", "RPC_MCGET_FAIL", "INTERDC_"]
            .iter()
            .any(|trouble| rpc.name.starts_with(trouble))
        || rpc.name.eq_ignore_ascii_case("TIMEOUT")
}

/// Removes the proxy's URL, which may hold a password, from an error of the connection.
fn without_url(text: &str) -> String {
    text.split(" from url:").next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests;
