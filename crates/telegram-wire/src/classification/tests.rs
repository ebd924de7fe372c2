use super::*;

const NOW: i64 = 1_000;

/// Parses an error as grammers does.
fn rpc(code: i32, message: &str) -> RpcError {
    RpcError::from(grammers_client::tl::types::RpcError {
        error_code: code,
        error_message: message.to_owned(),
    })
}

/// The class of an error.
#[derive(Debug, PartialEq)]
enum Class {
    Banned,
    Duplicated,
    Frozen,
    LoggedOut,
    /// The connection is replaced.
    Connection,
    /// The method pauses for this number of seconds.
    Pause(i64),
    Refused,
    Server,
}

fn class(failure: &Failure) -> Class {
    match &failure.error {
        CallError::Account(AccountError::Banned(_)) => Class::Banned,
        CallError::Account(AccountError::Duplicated) => Class::Duplicated,
        CallError::Account(AccountError::Frozen(_)) => Class::Frozen,
        CallError::Account(AccountError::LoggedOut(_)) => Class::LoggedOut,
        CallError::Network { .. } => Class::Connection,
        CallError::RateLimited { until, .. } => Class::Pause(until - NOW),
        CallError::Refused { .. } => Class::Refused,
        CallError::ServerError { .. } => Class::Server,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_concerns_the_account_or_the_connection_or_the_method_or_the_call() {
    use Class::{Banned, Connection, Duplicated, Frozen, LoggedOut, Pause, Refused, Server};
    // The third column is the class at home, the fourth the class in another data centre.
    for (code, message, at_home, elsewhere) in [
        (420, "FROZEN_METHOD_INVALID", Frozen, Frozen),
        (400, "FROZEN_PARTICIPANT_MISSING", Frozen, Frozen),
        (403, "FROZEN_SOMETHING_NEW", Frozen, Frozen),
        (401, "AUTH_KEY_UNREGISTERED", LoggedOut, Refused),
        (401, "AUTH_KEY_INVALID", LoggedOut, Refused),
        (401, "SESSION_REVOKED", LoggedOut, Refused),
        (401, "SESSION_EXPIRED", LoggedOut, Refused),
        (401, "USER_DEACTIVATED", Banned, Refused),
        (401, "USER_DEACTIVATED_BAN", Banned, Refused),
        (401, "SESSION_PASSWORD_NEEDED", Refused, Refused),
        (401, "ACTIVE_USER_REQUIRED", Refused, Refused),
        (406, "AUTH_KEY_DUPLICATED", Duplicated, Duplicated),
        (401, "AUTH_KEY_PERM_EMPTY", Connection, Connection),
        (400, "CONNECTION_NOT_INITED", Connection, Connection),
        (400, "CONNECTION_LAYER_INVALID", Connection, Connection),
        (400, "CONNECTION_DEVICE_MODEL_EMPTY", Connection, Connection),
        (
            400,
            "CONNECTION_SYSTEM_LANG_CODE_EMPTY",
            Connection,
            Connection,
        ),
        (400, "INPUT_LAYER_INVALID", Connection, Connection),
        // A new connection would have the same api_id.
        (400, "CONNECTION_API_ID_INVALID", Refused, Refused),
        (400, "API_ID_INVALID", Refused, Refused),
        // A second is added, because the clock is rounded down.
        (420, "FLOOD_WAIT_31", Pause(32), Pause(32)),
        (420, "FLOOD_WAIT_0", Pause(1), Pause(1)),
        (420, "FLOOD_PREMIUM_WAIT_5", Pause(6), Pause(6)),
        (420, "SLOWMODE_WAIT_10", Pause(11), Pause(11)),
        (420, "FLOOD_TEST_PHONE_WAIT_9", Pause(10), Pause(10)),
        (420, "2FA_CONFIRM_WAIT_3600", Pause(3601), Pause(3601)),
        (
            420,
            "TAKEOUT_INIT_DELAY_86400",
            Pause(86_401),
            Pause(86_401),
        ),
        (400, "FLOOD_WAIT_3", Pause(4), Pause(4)),
        (420, "FLOOD_WAIT_X", Pause(60), Pause(60)),
        (420, "FLOOD_WAIT", Pause(60), Pause(60)),
        (420, "FLOOD_WAIT_99999999999", Pause(60), Pause(60)),
        (420, "SOMETHING_NEW", Pause(60), Pause(60)),
        (429, "TOO_MANY_REQUESTS", Pause(60), Pause(60)),
        (400, "PEER_FLOOD", Refused, Refused),
        (400, "PHONE_NUMBER_FLOOD", Refused, Refused),
        (400, "CHANNEL_PRIVATE", Refused, Refused),
        (400, "INPUT_METHOD_INVALID_1192227_5", Refused, Refused),
        (406, "UPDATE_APP_TO_LOGIN", Refused, Refused),
        (303, "FILE_MIGRATE_4", Refused, Refused),
        (500, "RANDOM_ID_DUPLICATE", Refused, Refused),
        (500, "AUTH_RESTART", Server, Server),
        (500, "INTERNAL", Server, Server),
        (-503, "Timeout", Server, Server),
        (400, "TIMEOUT", Server, Server),
        (400, "MSG_WAIT_FAILED", Server, Server),
        (400, "INTERDC_2_CALL_ERROR", Server, Server),
    ] {
        let home = classify(InvocationError::Rpc(rpc(code, message)), "m", true, NOW);
        assert_eq!(class(&home), at_home, "{message} at home");
        let other = classify(InvocationError::Rpc(rpc(code, message)), "m", false, NOW);
        assert_eq!(class(&other), elsewhere, "{message} elsewhere");
        let state = match at_home {
            Connection => ConnectionState::Refused(TransportError::Other),
            _ => ConnectionState::Works,
        };
        assert_eq!(home.connection, state, "{message}");
    }
}

#[test]
fn an_error_of_opening_the_connection_is_not_one_of_the_call() {
    let opening = |code, message| {
        let error = rpc(code, message).with_caused_by(OPENS_CONNECTION);
        classify(InvocationError::Rpc(error), "m", true, NOW)
    };
    let refused = |error| ConnectionState::Refused(error);
    for (code, message, state) in [
        (400, "INPUT_FETCH_ERROR", refused(TransportError::Other)),
        (500, "INTERNAL", refused(TransportError::Other)),
        (
            420,
            "FLOOD_WAIT_30",
            refused(TransportError::Flood(Some(Duration::from_secs(30)))),
        ),
    ] {
        let failure = opening(code, message);
        assert_eq!(class(&failure), Class::Connection, "{message}");
        assert_eq!(failure.connection, state, "{message}");
    }
    assert_eq!(class(&opening(401, "SESSION_REVOKED")), Class::LoggedOut);
    assert_eq!(class(&opening(400, "API_ID_INVALID")), Class::Refused);
}

#[test]
fn transport_errors_are_recognised_by_their_code() {
    for (status, expected) in [
        (404, TransportError::KeyUnknown),
        (429, TransportError::Flood(None)),
        (444, TransportError::Other),
        (u32::MAX, TransportError::Other),
    ] {
        let error = InvocationError::Transport(transport::Error::BadStatus { status });
        let failure = classify(error, "m", true, NOW);
        assert!(
            matches!(failure.error, CallError::Network { .. }),
            "{failure:?}"
        );
        assert_eq!(failure.connection, ConnectionState::Refused(expected));
    }
}

#[test]
fn a_refused_replacement_of_the_home_key_means_that_the_key_is_unknown() {
    let error = InvocationError::Session(Box::new(SessionError::KeyReplacementRefused));
    let failure = classify(error, "m", true, NOW);
    let expected = ConnectionState::Refused(TransportError::KeyUnknown);
    assert_eq!(failure.connection, expected);
}

#[test]
fn an_answer_that_cannot_be_parsed_comes_over_a_working_connection() {
    let error = grammers_mtproto::mtp::DeserializeError::UnexpectedConstructor { id: 7 };
    let unusable = classify(error.into(), "m", true, NOW);
    assert!(
        matches!(unusable.error, CallError::Unusable { .. }),
        "{unusable:?}"
    );
    assert_eq!(unusable.connection, ConnectionState::Works);
}

#[test]
fn lost_answers_can_be_retried_and_calls_to_nowhere_cannot() {
    let lost = classify(InvocationError::Dropped("gone"), "m", true, NOW);
    assert!(matches!(lost.error, CallError::Network { .. }), "{lost:?}");
    assert_eq!(lost.connection, ConnectionState::Lost);
    let nowhere = classify(InvocationError::InvalidDc, "m", false, NOW);
    assert!(
        matches!(nowhere.error, CallError::NotSent { .. }),
        "{nowhere:?}"
    );
}

#[test]
fn the_error_of_a_proxy_does_not_show_its_url() {
    let text = "proxy port is missing from url: socks5://user:hunter22@127.0.0.1";
    let error = InvocationError::Io(std::io::Error::other(text));
    let failure = classify(error, "m", true, NOW).error.to_string();
    assert_eq!(failure, "m: proxy port is missing");
}
