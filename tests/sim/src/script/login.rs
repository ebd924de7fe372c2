//! The login of the account: its credentials, the kinds of its codes, and another device that scans QR codes.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use grammers_tl_types::{Serializable as _, enums, types};

use super::Simulator;
use crate::clock;
use crate::record::RpcError;
use crate::world::login::{CodeKind, Password};

impl Simulator {
    /// Sets the credentials of the account, for a session of
    /// [`write_session_unauthorized`](Self::write_session_unauthorized). Only the digits of `phone` count.
    pub fn set_login(&self, phone: &str, code: &str, password: Option<&str>) {
        let (salt1, salt2) = self.shared.change(|world| {
            let mut salt = || [world.random().to_le_bytes(), world.random().to_le_bytes()].concat();
            (salt(), salt())
        });
        // This takes 100,000 rounds of HMAC and is therefore done outside the lock.
        let password = password.map(|password| Password::new(password, "", salt1, salt2));
        self.shared.change(|world| {
            world.login.phone = phone.chars().filter(char::is_ascii_digit).collect();
            code.clone_into(&mut world.login.code);
            world.login.password = password;
        });
    }

    /// Sets the kinds of login codes: `auth.sendCode` sends the first one, and each `auth.resendCode` the next one, at
    /// the earliest `resend_after` the one before.
    pub fn set_code_kinds(&self, kinds: &[CodeKind], resend_after: Option<Duration>) {
        self.shared.change(|world| {
            world.login.kinds = kinds.to_vec();
            world.login.resend_after = resend_after;
        });
    }

    /// Makes the codes sent so far expire.
    pub fn expire_codes(&self) {
        self.shared.change(|world| world.login.expired = true);
    }

    /// Moves the account to a data centre: the other one answers the calls of a login with error 303. A login in
    /// progress may continue there.
    pub fn set_account_dc(&self, dc: i32) {
        self.shared.change(|world| {
            if !world.login.awaiting_password.is_empty() {
                let keys = world.keys.iter().filter(|(_, key)| key.dc == dc);
                world
                    .login
                    .awaiting_password
                    .extend(keys.map(|(id, _)| *id));
            }
            world.login.dc = dc;
        });
    }

    /// Sets how long the tokens of QR codes are valid, which is 30 seconds otherwise.
    pub fn set_login_token_lifetime(&self, lifetime: Duration) {
        self.shared
            .change(|world| world.login.token_lifetime = lifetime);
    }

    /// Scans the link of a QR code with another device of the account, which accepts it. The client that shows the code
    /// gets `updateLoginToken`, unless pushes are suppressed.
    ///
    /// # Errors
    /// If the link holds no token that is valid.
    pub fn scan_login_token(&self, link: &str) -> Result<(), RpcError> {
        let token = link
            .strip_prefix("tg://login?token=")
            .and_then(|token| Base64UrlUnpadded::decode_vec(token).ok())
            .ok_or_else(|| RpcError::bad("AUTH_TOKEN_INVALID"))?;
        self.shared.change(|world| {
            let now = world.elapsed();
            let found = world.login.tokens.iter_mut();
            let found = found.into_iter().find(|known| known.bytes == token);
            let found = found.ok_or_else(|| RpcError::bad("AUTH_TOKEN_INVALID"))?;
            if found.expires <= now {
                return Err(RpcError::bad("AUTH_TOKEN_EXPIRED"));
            }
            if found.accepted {
                return Err(RpcError::bad("AUTH_TOKEN_ALREADY_ACCEPTED"));
            }
            found.accepted = true;
            let key = found.key;
            if !world.pushes_suppressed {
                let update = enums::Updates::UpdateShort(types::UpdateShort {
                    update: enums::Update::LoginToken,
                    date: clock::unix(),
                });
                let showing = world.connections.iter();
                let showing = showing
                    .filter(|(_, connection)| connection.address.is_some_and(|(id, _)| id == key));
                for (id, _) in showing {
                    world.send(*id, update.to_bytes(), true, false);
                }
            }
            Ok(())
        })
    }

    /// Returns whether a client has logged in, in the account's data centre: with a key of
    /// [`write_session_unauthorized`](Self::write_session_unauthorized), or with one that it negotiated.
    pub fn logged_in(&self) -> bool {
        let seeded = [self.keys.home.id(), self.keys.other.id()];
        self.shared.read(|world| {
            let home = world.login.dc;
            let mut keys = world.keys.iter();
            keys.any(|(id, key)| !seeded.contains(id) && key.dc == home && key.authorized)
        })
    }
}
