//! The calls behind the `login` command: `auth.sendCode`, `auth.resendCode`, `auth.signIn` and `auth.checkPassword`.
//!
//! This module knows the order of the calls and what their errors mean to the operator. The command asks
//! the operator and passes the answers in. A login that breaks off leaves the session file without a
//! login, and can be started again. The submodule `qr_token` has the login by QR code.

mod qr_token;
mod refusal;
mod sent_code;
mod typed_digits;

pub use qr_token::QrStep;
pub use refusal::LoginError;
pub use sent_code::{CodeKind, NextWay, SentCode};

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, MoveError, Permitted, SessionError, password_proof};

use super::error::error_name;
use super::{Telegram, convert, users};
use crate::model::{AccessHash, User};

/// The number of data centres that one step follows the account to.
const MOVES: usize = 2;

/// The state of the login after a correct code.
#[derive(Debug)]
pub enum SignedIn {
    Done(Box<User>),
    /// The account has a two-step password.
    PasswordWanted,
}

impl Telegram {
    /// Returns the account that this session is logged in as. Returns `None` if the session's key is without a login,
    /// and can be used for one.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn logged_in(&self) -> Result<Option<User>, LoginError> {
        match self.asked_own_user().await {
            Ok(user) => Ok(Some(user)),
            // An earlier login broke off before the code or the password.
            Err(error) if error.wants_login() || error.wants_password() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns how far a step of the login got whose answer was lost: `None` if it had no effect.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn signed_in_meanwhile(&self) -> Result<Option<SignedIn>, LoginError> {
        match self.asked_own_user().await {
            Ok(user) => {
                self.save_account(&user)?;
                Ok(Some(SignedIn::Done(Box::new(user))))
            }
            Err(error) if error.wants_password() => Ok(Some(SignedIn::PasswordWanted)),
            Err(error) if error.wants_login() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn asked_own_user(&self) -> Result<User, LoginError> {
        let request = f::users::GetUsers {
            id: vec![enums::InputUser::UserSelf],
        };
        let answer = self.invoke_login(&request).await?;
        Ok(users::own_of(&answer)?)
    }

    /// Makes Telegram send a login code to `phone`, which is a number as the operator typed it. If the account belongs
    /// to another data centre, moves the session there, as every step of the login does.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn send_code(
        &self,
        api_id: i32,
        api_hash: &str,
        phone: &str,
    ) -> Result<SentCode, LoginError> {
        let phone = typed_digits::phone_number(phone);
        let request = f::auth::SendCode {
            phone_number: phone.clone(),
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
        let answer = self.invoke_login(&request).await?;
        SentCode::new(phone, answer)
    }

    /// Makes Telegram send the code in the next way. The earlier one is not valid any more.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn resend_code(&self, sent: &SentCode) -> Result<SentCode, LoginError> {
        let request = f::auth::ResendCode {
            phone_number: sent.phone.clone(),
            phone_code_hash: sent.hash.clone(),
            reason: None,
        };
        let answer = self.invoke_login(&request).await?;
        SentCode::new(sent.phone.clone(), answer)
    }

    /// Signs in with the code that Telegram has sent, as the operator typed it.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn sign_in(&self, sent: &SentCode, typed: &str) -> Result<SignedIn, LoginError> {
        let (phone_code, email_verification) = sent.fields(sent.normalize(typed));
        let request = f::auth::SignIn {
            phone_number: sent.phone.clone(),
            phone_code_hash: sent.hash.clone(),
            phone_code,
            email_verification,
        };
        let answer = self.invoke_login(&request).await;
        self.signed_in(answer)
    }

    /// Returns the hint to the two-step password, if its owner has given one.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn password_hint(&self) -> Result<Option<String>, LoginError> {
        Ok(self.password_parameters().await?.hint)
    }

    /// Finishes the login with the two-step password, which is not sent: Telegram gets a proof (SRP).
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn check_password(&self, password: &str) -> Result<Box<User>, LoginError> {
        let answer = match self.prove_password(password).await {
            // The parameters have expired meanwhile.
            Err(LoginError::StaleProof) => self.prove_password(password).await,
            answer => answer,
        };
        self.finish_login(answer?)
    }

    async fn prove_password(
        &self,
        password: &str,
    ) -> Result<enums::auth::Authorization, LoginError> {
        let parameters = self.password_parameters().await?;
        let proof = tokio::task::block_in_place(|| password_proof(parameters, password))
            .ok_or(LoginError::UnsafePassword)?;
        let request = f::auth::CheckPassword {
            password: proof.into(),
        };
        self.invoke_login(&request).await
    }

    /// Reads the answer to the call that finishes a login without a two-step password.
    fn signed_in(
        &self,
        answer: Result<enums::auth::Authorization, LoginError>,
    ) -> Result<SignedIn, LoginError> {
        match answer {
            Ok(authorization) => self.finish_login(authorization).map(SignedIn::Done),
            Err(error) if error.wants_password() => Ok(SignedIn::PasswordWanted),
            Err(error) => Err(error),
        }
    }

    async fn password_parameters(&self) -> Result<types::account::Password, LoginError> {
        let request = f::account::GetPassword {};
        let enums::account::Password::Password(password) = self.invoke_login(&request).await?;
        Ok(password)
    }

    fn finish_login(
        &self,
        authorization: enums::auth::Authorization,
    ) -> Result<Box<User>, LoginError> {
        let enums::auth::Authorization::Authorization(authorization) = authorization else {
            return Err(LoginError::NO_ACCOUNT);
        };
        let user = convert::user(&authorization.user);
        self.save_account(&user)?;
        Ok(Box::new(user))
    }

    fn save_account(&self, user: &User) -> Result<(), SessionError> {
        let hash = user.access_hash.map_or(0, AccessHash::get);
        self.wire().save_account(user.id.get(), hash)
    }

    /// Invokes a call of a login. Error 303 moves the session to the account's data centre, and AUTH_RESTART makes the
    /// program repeat the call once.
    async fn invoke_login<R: Permitted>(&self, request: &R) -> Result<R::Return, LoginError> {
        let (mut moves, mut restarted, mut asked_for_address) = (0, false, false);
        loop {
            match self.wire().invoke(request).await {
                // PHONE_MIGRATE, NETWORK_MIGRATE, USER_MIGRATE
                Err(CallError::Refused {
                    code: 303,
                    value: Some(dc),
                    ..
                }) if moves < MOVES => {
                    moves += 1;
                    let dc = i32::try_from(dc).unwrap_or(0);
                    match self.wire().move_home(dc).await {
                        // The answer that opens a connection names the addresses.
                        Err(MoveError::UnknownAddress(_)) if !asked_for_address => {
                            asked_for_address = true;
                            self.wire().reconnect();
                        }
                        moved => moved?,
                    }
                }
                Err(error) if !restarted && error_name(&error) == Some("AUTH_RESTART") => {
                    restarted = true;
                }
                answer => return Ok(answer?),
            }
        }
    }
}
