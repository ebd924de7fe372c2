//! The calls behind the `login` command: `auth.sendCode`, `auth.signIn` and `auth.checkPassword`.
//!
//! This module knows the order of the calls and what their errors mean to the operator. The command asks
//! the operator and passes the answers in. A login that breaks off leaves the session file without a
//! login, and can be started again.

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{AccountError, CallError, SessionError, Wire, password_proof};
use thiserror::Error;

use super::error::{explain_call, explain_session};
use super::{Telegram, convert};
use crate::model::{AccessHash, Timestamp, User};

/// The reason why a step of the login failed.
#[derive(Debug, Error)]
pub enum LoginError {
    #[error(
        "Telegram knows no such phone number: write it with its country code, as in +86 138 0013 8000"
    )]
    PhoneInvalid,
    #[error("Telegram has banned this phone number")]
    PhoneBanned,
    /// `api_id` and `api_hash` do not belong together.
    #[error("Telegram does not accept api_id and api_hash: copy both again from my.telegram.org")]
    ApiInvalid,
    #[error("that code is wrong")]
    CodeWrong,
    #[error("that code has expired")]
    CodeExpired,
    #[error("that password is wrong")]
    PasswordWrong,
    /// Telegram limits the attempts until then.
    #[error("Telegram wants a pause after so many attempts: try again after {until}", until = .0.rfc3339())]
    Flood(Timestamp),
    #[error("this phone number has no Telegram account yet: create it with an official app first")]
    NoAccount,
    /// Telegram requires a step that only an official app can do. Holds a clause that describes it.
    #[error(
        "Telegram does not send a code here ({0}): log in once with an official app, then try again"
    )]
    NotHere(&'static str),
    /// Telegram's parameters for the proof of the password are unknown or unsafe.
    #[error("Telegram sent unsafe parameters for the two-step password, so it was not used")]
    UnsafePassword,
    #[error("{}", explain_call(.0))]
    Call(CallError),
    #[error("{}", explain_session(.0))]
    Session(#[from] SessionError),
}

/// A login code that Telegram has sent.
#[derive(Debug)]
pub struct SentCode {
    phone: String,
    hash: String,
    /// A phrase that describes where the code was sent.
    pub sent_to: &'static str,
}

/// The state of the login after a correct code.
#[derive(Debug)]
pub enum SignedIn {
    Done(Box<User>),
    /// The account has a two-step password, perhaps with a hint from its owner.
    PasswordWanted {
        hint: Option<String>,
    },
}

impl Telegram {
    /// Returns the account that this session is logged in as, if any.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn logged_in(&self) -> Result<Option<User>, LoginError> {
        match self.own_user().await {
            Ok(user) => Ok(Some(user)),
            Err(CallError::Account(AccountError::LoggedOut(_))) => Ok(None),
            Err(error) => Err(login_error(error)),
        }
    }

    /// Makes Telegram send a login code to `phone`. If the account belongs to another data centre, moves
    /// the session there.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn send_code(
        &self,
        api_id: i32,
        api_hash: &str,
        phone: &str,
    ) -> Result<SentCode, LoginError> {
        let request = f::auth::SendCode {
            phone_number: phone.to_owned(),
            api_id,
            api_hash: api_hash.to_owned(),
            settings: types::CodeSettings {
                allow_flashcall: false,
                current_number: false,
                allow_app_hash: false,
                allow_missed_call: false,
                allow_firebase: false,
                unknown_number: false,
                logout_tokens: None,
                token: None,
                app_sandbox: None,
            }
            .into(),
        };
        let answer = match self.wire().invoke(&request).await {
            // PHONE_MIGRATE
            Err(CallError::Refused {
                code: 303,
                value: Some(dc),
                ..
            }) => {
                let dc = i32::try_from(dc).unwrap_or(0);
                self.wire().move_home(dc).await?;
                self.wire().invoke(&request).await
            }
            answer => answer,
        };
        match answer.map_err(login_error)? {
            enums::auth::SentCode::Code(sent) => Ok(SentCode {
                phone: phone.to_owned(),
                sent_to: destination(&sent.r#type)?,
                hash: sent.phone_code_hash,
            }),
            enums::auth::SentCode::Success(_) => {
                Err(LoginError::NotHere("it reports a login without a code"))
            }
            enums::auth::SentCode::PaymentRequired(_) => {
                Err(LoginError::NotHere("it asks for a payment"))
            }
        }
    }

    /// Signs in with the code that Telegram has sent.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn sign_in(&self, sent: &SentCode, code: &str) -> Result<SignedIn, LoginError> {
        let request = f::auth::SignIn {
            phone_number: sent.phone.clone(),
            phone_code_hash: sent.hash.clone(),
            phone_code: Some(code.to_owned()),
            email_verification: None,
        };
        match self.wire().invoke(&request).await {
            Ok(authorization) => self.finish_login(authorization).map(SignedIn::Done),
            Err(error) if error.is("SESSION_PASSWORD_NEEDED") => {
                let password = password_parameters(self.wire()).await?;
                Ok(SignedIn::PasswordWanted {
                    hint: password.hint,
                })
            }
            Err(error) => Err(login_error(error)),
        }
    }

    /// Finishes the login with the two-step password, which is not sent: Telegram gets a proof (SRP).
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn check_password(&self, password: &str) -> Result<Box<User>, LoginError> {
        let parameters = password_parameters(self.wire()).await?;
        let proof = tokio::task::block_in_place(|| password_proof(parameters, password))
            .ok_or(LoginError::UnsafePassword)?;
        let request = f::auth::CheckPassword {
            password: proof.into(),
        };
        let authorization = self.wire().invoke(&request).await.map_err(login_error)?;
        self.finish_login(authorization)
    }

    fn finish_login(
        &self,
        authorization: enums::auth::Authorization,
    ) -> Result<Box<User>, LoginError> {
        let enums::auth::Authorization::Authorization(authorization) = authorization else {
            return Err(LoginError::NoAccount);
        };
        let user = convert::user(&authorization.user);
        let hash = user.access_hash.map_or(0, AccessHash::get);
        self.wire().save_account(user.id.get(), hash)?;
        Ok(Box::new(user))
    }
}

async fn password_parameters(wire: &Wire) -> Result<types::account::Password, LoginError> {
    let enums::account::Password::Password(password) = wire
        .invoke(&f::account::GetPassword {})
        .await
        .map_err(login_error)?;
    Ok(password)
}

/// Describes where a code of this kind arrives.
fn destination(kind: &enums::auth::SentCodeType) -> Result<&'static str, LoginError> {
    use enums::auth::SentCodeType as T;
    Ok(match kind {
        T::App(_) => "the account's other Telegram apps",
        T::Sms(_) | T::FirebaseSms(_) => "the phone, as a text message",
        T::SmsWord(_) | T::SmsPhrase(_) => "the phone, as words in a text message",
        T::Call(_) => "the phone, by a call that speaks it",
        T::FlashCall(_) | T::MissedCall(_) => {
            "the phone: the last digits of the number that calls it"
        }
        T::EmailCode(_) => "the account's login email",
        T::FragmentSms(_) => "fragment.com",
        T::SetUpEmailRequired(_) => {
            return Err(LoginError::NotHere(
                "it asks for a login email to be set up",
            ));
        }
    })
}

fn login_error(error: CallError) -> LoginError {
    let name = match &error {
        CallError::Refused { name, .. } => name.as_str(),
        CallError::RateLimited { until, .. } => return LoginError::Flood(Timestamp::new(*until)),
        _ => return LoginError::Call(error),
    };
    match name {
        "PHONE_NUMBER_INVALID" => LoginError::PhoneInvalid,
        "PHONE_NUMBER_BANNED" => LoginError::PhoneBanned,
        "PHONE_NUMBER_UNOCCUPIED" => LoginError::NoAccount,
        "API_ID_INVALID" | "API_ID_PUBLISHED_FLOOD" => LoginError::ApiInvalid,
        "PHONE_CODE_EXPIRED" => LoginError::CodeExpired,
        "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" => LoginError::CodeWrong,
        "PASSWORD_HASH_INVALID" => LoginError::PasswordWrong,
        _ => LoginError::Call(error),
    }
}
