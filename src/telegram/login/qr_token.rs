//! Login by QR code: `auth.exportLoginToken` and `auth.importLoginToken`.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use telegram_wire::tl::{enums, functions as f};

use super::{LoginError, SignedIn};
use crate::model::Timestamp;
use crate::telegram::Telegram;

/// The state of a login by QR code.
#[derive(Debug)]
pub enum QrStep {
    /// Another device of the account has to open this link, or scan it as a QR code, before the token expires.
    Show { link: String, expires: Timestamp },
    /// Another device has accepted the login.
    Accepted(SignedIn),
}

impl Telegram {
    /// Asks for the token of a QR code, or logs in if another device has accepted the last one. If the account belongs
    /// to another data centre, moves the session there.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn qr_login(&self, api_id: i32, api_hash: &str) -> Result<QrStep, LoginError> {
        let export = f::auth::ExportLoginToken {
            api_id,
            api_hash: api_hash.to_owned(),
            except_ids: Vec::new(),
        };
        let answer = self.invoke_login(&export).await;
        let Ok(enums::auth::LoginToken::MigrateTo(migrate)) = answer else {
            return self.qr_step(answer);
        };
        self.wire().move_home(migrate.dc_id).await?;
        let import = f::auth::ImportLoginToken {
            token: migrate.token,
        };
        match self.invoke_login(&import).await {
            // The token has expired on the way, so that another one is needed.
            Err(error) if error.refuses_token() => {
                let answer = self.invoke_login(&export).await;
                self.qr_step(answer)
            }
            answer => self.qr_step(answer),
        }
    }

    fn qr_step(
        &self,
        answer: Result<enums::auth::LoginToken, LoginError>,
    ) -> Result<QrStep, LoginError> {
        match answer {
            Ok(enums::auth::LoginToken::Token(shown)) => {
                let token = Base64UrlUnpadded::encode_string(&shown.token);
                Ok(QrStep::Show {
                    link: format!("tg://login?token={token}"),
                    expires: Timestamp::new(shown.expires.into()),
                })
            }
            Ok(enums::auth::LoginToken::Success(success)) => self
                .signed_in(Ok(success.authorization))
                .map(QrStep::Accepted),
            Ok(enums::auth::LoginToken::MigrateTo(_)) => Err(LoginError::Refused(
                "Telegram sent this login from one data centre to the next twice: start `login --qr` again",
            )),
            Err(error) => self.signed_in(Err(error)).map(QrStep::Accepted),
        }
    }
}
