//! The meaning of Telegram's refusals during a login, each with its remedy.

use telegram_wire::{AccountError, CallError, MoveError, SessionError};
use thiserror::Error;

use crate::model::Timestamp;
use crate::telegram::error::{error_name, explain_call, explain_session};

/// The reason why a step of the login failed.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Telegram's refusal, as a sentence with its remedy.
    #[error("{0}")]
    Refused(&'static str),
    /// The application in the configuration cannot be used, as a sentence with its remedy.
    #[error("{0}")]
    Application(&'static str),
    #[error("that code is wrong")]
    CodeWrong,
    #[error("that code has expired")]
    CodeExpired,
    #[error("that password is wrong")]
    PasswordWrong,
    #[error(
        "Telegram sends this code in no other way: use the code that was sent, or end with Ctrl-C and try `login --qr`"
    )]
    NoOtherWay,
    /// Telegram limits the attempts until then.
    #[error("Telegram wants a pause after so many attempts: try again after {until}", until = .0.rfc3339())]
    Flood(Timestamp),
    /// Telegram requires a step that only an official app can do. Holds a clause that describes it.
    #[error(
        "Telegram does not send a code here ({0}): log in once with an official app, then try again"
    )]
    NotHere(&'static str),
    /// Telegram's parameters for the proof of the password are unknown or unsafe.
    #[error("Telegram sent unsafe parameters for the two-step password, so it was not used")]
    UnsafePassword,
    /// The parameters of the proof have expired.
    #[error(
        "Telegram refused the proof of the password twice (SRP_ID_INVALID): start `login` again"
    )]
    StaleProof,
    /// Telegram leads the login to this data centre, and names no address of it.
    #[error(
        "Telegram leads this login to data centre {0}, and names no address of it: start `login` again in some minutes"
    )]
    NoAddress(i32),
    #[error("{}", explain_call(.0))]
    Call(CallError),
    #[error("{}", explain_session(.0))]
    Session(#[from] SessionError),
}

impl LoginError {
    pub(super) const NO_ACCOUNT: Self = Self::Refused(
        "this phone number has no Telegram account yet: create it with an official app first",
    );

    /// Reports whether the session's key is without a login.
    pub(super) fn wants_login(&self) -> bool {
        matches!(self, Self::Call(CallError::Account(AccountError::LoggedOut(name)))
            if name == "AUTH_KEY_UNREGISTERED")
    }

    /// Reports whether the code was right and the account has a two-step password.
    pub(super) fn wants_password(&self) -> bool {
        matches!(self, Self::Call(error) if error.is("SESSION_PASSWORD_NEEDED"))
    }

    /// Reports whether Telegram does not take a token of a QR code.
    pub(super) fn refuses_token(&self) -> bool {
        matches!(self, Self::Call(error)
            if error_name(error).is_some_and(|name| name.starts_with("AUTH_TOKEN_")))
    }
}

impl From<MoveError> for LoginError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::UnknownAddress(dc) => Self::NoAddress(dc),
            MoveError::Session(error) => Self::Session(error),
        }
    }
}

impl From<CallError> for LoginError {
    fn from(error: CallError) -> Self {
        if let CallError::RateLimited { until, .. } = &error {
            return Self::Flood(Timestamp::new(*until));
        }
        // The method pages of core.telegram.org list these names. SIGN_IN_FAILED and AUTH_RESTART have code 500.
        match error_name(&error).unwrap_or_default() {
            "PHONE_NUMBER_INVALID" => Self::Refused(
                "Telegram knows no such phone number: write it with its country code, as in +86 138 0013 8000",
            ),
            "PHONE_NUMBER_BANNED" => Self::Refused(
                "Telegram has banned this phone number: ask recover@telegram.org, or use another account",
            ),
            "PHONE_NUMBER_UNOCCUPIED" => Self::NO_ACCOUNT,
            "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN" => Self::Refused(
                "this phone number has no Telegram account, and this program may not create one: create it with an \
                 official app first",
            ),
            "PHONE_NUMBER_FLOOD" => Self::Refused(
                "Telegram has sent too many codes to this phone number: wait a day, or try `login --qr`",
            ),
            "PHONE_PASSWORD_FLOOD" => Self::Refused(
                "Telegram refuses logins to this account after too many attempts: wait a day, then start `login` again",
            ),
            "PHONE_PASSWORD_PROTECTED" => Self::Refused(
                "Telegram protects this phone number with a password (PHONE_PASSWORD_PROTECTED): log in with an \
                 official app first, or try `login --qr`",
            ),
            "SRP_PASSWORD_CHANGED" => Self::Refused(
                "the two-step password was changed during this login (SRP_PASSWORD_CHANGED): start `login` again, with \
                 the new password",
            ),
            "UPDATE_APP_TO_LOGIN" => Self::Refused(
                "Telegram requires a newer app for this login: try `login --qr`, or a newer version of this program",
            ),
            "SIGN_IN_FAILED" => Self::Refused(
                "Telegram failed to complete the login (SIGN_IN_FAILED): wait some minutes, then start `login` again",
            ),
            "AUTH_RESTART" => Self::Refused(
                "Telegram asked twice to begin again (AUTH_RESTART): wait some minutes, then start `login` again",
            ),
            "SRP_ID_INVALID" => Self::StaleProof,
            "SEND_CODE_UNAVAILABLE" => Self::NoOtherWay,
            "API_ID_INVALID" => Self::Application(
                "Telegram does not accept api_id and api_hash: copy both again from my.telegram.org",
            ),
            "API_ID_PUBLISHED_FLOOD" => Self::Application(
                "Telegram blocks this api_id, because it was published: enter the api_id and api_hash of an \
                 application of your own from my.telegram.org",
            ),
            "PHONE_CODE_EXPIRED" | "EMAIL_VERIFY_EXPIRED" => Self::CodeExpired,
            "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" | "CODE_INVALID" => Self::CodeWrong,
            "PASSWORD_HASH_INVALID" => Self::PasswordWrong,
            _ => Self::Call(error),
        }
    }
}
