//! `auth.*`: login by code and password, and authorizations exported from the home data centre to the other one.

use grammers_tl_types::{enums, functions, types};

use super::password;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::login::{CodeKind, Login, SentCode};
use crate::world::{Export, World};
use crate::{HOME_DC, OTHER_DC};

fn authorization(caller: &Caller) -> enums::auth::Authorization {
    enums::auth::Authorization::Authorization(types::auth::Authorization {
        setup_password_required: false,
        otherwise_relogin_days: None,
        tmp_sessions: None,
        future_auth_token: None,
        user: caller.world.myself().full(caller.world.me),
    })
}

fn log_in(caller: &mut Caller) {
    let me = caller.world.me;
    if let Some(key) = caller.world.keys.get_mut(&caller.origin.key) {
        key.authorized = true;
        key.account = Some(me);
    }
}

impl Handler for functions::auth::ExportAuthorization {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::ExportedAuthorization, RpcError> {
        if self.dc_id != OTHER_DC && self.dc_id != HOME_DC || self.dc_id == caller.origin.dc {
            return Err(RpcError::bad("DC_ID_INVALID"));
        }
        let bytes: Vec<u8> = (0..16)
            .flat_map(|_| caller.world.random().to_le_bytes())
            .collect();
        caller.world.exports.push(Export {
            bytes: bytes.clone(),
            dc: self.dc_id,
            account: caller.world.me,
        });
        Ok(enums::auth::ExportedAuthorization::Authorization(
            types::auth::ExportedAuthorization {
                id: caller.world.me,
                bytes,
            },
        ))
    }
}

impl Handler for functions::auth::ImportAuthorization {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
        let dc = caller.origin.dc;
        let found = caller
            .world
            .exports
            .iter()
            .position(|export| {
                export.bytes == self.bytes && export.dc == dc && export.account == self.id
            })
            .ok_or_else(|| RpcError::bad("AUTH_BYTES_INVALID"))?;
        // An exported authorization can be imported once.
        caller.world.me = caller.world.exports.remove(found).account;
        log_in(caller);
        Ok(authorization(caller))
    }
}

impl Handler for functions::auth::SendCode {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::SentCode, RpcError> {
        let phone = digits(&self.phone_number)?;
        if phone != caller.world.login.phone {
            return Err(RpcError::bad("PHONE_NUMBER_INVALID"));
        }
        check_application(self.api_id, &self.api_hash)?;
        check_dc(caller, "PHONE_MIGRATE")?;
        caller.world.login.expired = false;
        Ok(send_code(caller.world, phone, 0))
    }
}

impl Handler for functions::auth::ResendCode {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::SentCode, RpcError> {
        check_dc(caller, "PHONE_MIGRATE")?;
        let world = &mut *caller.world;
        let phone = digits(&self.phone_number)?;
        let at = find_sent(&world.login, &self.phone_code_hash, &phone)?;
        let sent = world.login.sent[at].clone();
        let pause = world.login.resend_after.unwrap_or_default();
        let turn = sent.turn + 1;
        if turn >= world.login.kinds.len() || world.elapsed() < sent.at + pause {
            return Err(RpcError::new(406, "SEND_CODE_UNAVAILABLE"));
        }
        world.login.sent.remove(at);
        Ok(send_code(world, phone, turn))
    }
}

/// Sends the code of this turn.
fn send_code(world: &mut World, phone: String, turn: usize) -> enums::auth::SentCode {
    let hash = format!("{:016x}", world.random());
    let at = world.elapsed();
    let login = &mut world.login;
    login.sent.push(SentCode {
        hash: hash.clone(),
        phone,
        turn,
        at,
    });
    let length = i32::try_from(login.code.chars().count()).expect("a code is short");
    let next = login.kinds.get(turn + 1);
    let pause = login.resend_after.filter(|_| next.is_some());
    enums::auth::SentCode::Code(types::auth::SentCode {
        r#type: login.kind(turn).sent_type(length),
        phone_code_hash: hash,
        next_type: next.map(|kind| kind.next_type()),
        timeout: pause.map(|pause| i32::try_from(pause.as_secs()).expect("a short pause")),
    })
}

/// Returns the place of a code that is still valid.
fn find_sent(login: &Login, hash: &str, phone: &str) -> Result<usize, RpcError> {
    login
        .sent
        .iter()
        .position(|sent| sent.hash == hash && sent.phone == phone)
        .filter(|_| !login.expired)
        .ok_or_else(|| RpcError::bad("PHONE_CODE_EXPIRED"))
}

/// Checks the identification of the application.
pub(super) fn check_application(api_id: i32, api_hash: &str) -> Result<(), RpcError> {
    if api_id <= 0 || api_hash.is_empty() {
        return Err(RpcError::bad("API_ID_INVALID"));
    }
    Ok(())
}

/// Refuses a call outside of the account's data centre with error 303.
fn check_dc(caller: &Caller, name: &str) -> Result<(), RpcError> {
    let dc = caller.world.login.dc;
    if caller.origin.dc != dc {
        return Err(RpcError::new(303, format!("{name}_{dc}")));
    }
    Ok(())
}

/// Returns the digits of a phone number, which may have a plus sign before them and nothing between them.
fn digits(phone: &str) -> Result<String, RpcError> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(RpcError::bad("PHONE_NUMBER_INVALID"));
    }
    Ok(digits.to_owned())
}

impl Handler for functions::auth::SignIn {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
        check_dc(caller, "USER_MIGRATE")?;
        let login = &mut caller.world.login;
        let phone = digits(&self.phone_number)?;
        let at = find_sent(login, &self.phone_code_hash, &phone)?;
        let kind = login.kind(login.sent[at].turn);
        let is_right = match (kind, self.email_verification, self.phone_code) {
            (CodeKind::Email, Some(enums::EmailVerification::Code(typed)), _) => {
                if typed.code != login.code {
                    return Err(RpcError::bad("CODE_INVALID"));
                }
                true
            }
            // A code in the wrong field counts as a wrong one.
            (CodeKind::Email, _, _) | (_, Some(_), _) => false,
            (_, None, None) => return Err(RpcError::bad("PHONE_CODE_EMPTY")),
            (_, None, Some(code)) if code.is_empty() => {
                return Err(RpcError::bad("PHONE_CODE_EMPTY"));
            }
            (_, None, Some(code)) => code == login.code,
        };
        if !is_right {
            return Err(RpcError::bad("PHONE_CODE_INVALID"));
        }
        login.sent.remove(at);
        finish(caller)
    }
}

/// Logs the key in, unless the account has a two-step password.
pub(super) fn finish(caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
    let login = &mut caller.world.login;
    if login.password.is_some() {
        login.awaiting_password.push(caller.origin.key);
        return Err(RpcError::new(401, "SESSION_PASSWORD_NEEDED"));
    }
    log_in(caller);
    Ok(authorization(caller))
}

impl Handler for functions::account::GetPassword {
    fn handle(self, caller: &mut Caller) -> Result<enums::account::Password, RpcError> {
        Ok(password::state(caller.world))
    }
}

impl Handler for functions::auth::CheckPassword {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
        check_dc(caller, "USER_MIGRATE")?;
        let key = caller.origin.key;
        let authorized = caller
            .world
            .keys
            .get(&key)
            .is_some_and(|key| key.authorized);
        if !authorized && !caller.world.login.awaiting_password.contains(&key) {
            return Err(RpcError::new(401, "AUTH_KEY_UNREGISTERED"));
        }
        password::check(caller.world, &self.password)?;
        caller
            .world
            .login
            .awaiting_password
            .retain(|waiting| *waiting != key);
        log_in(caller);
        Ok(authorization(caller))
    }
}

impl Handler for functions::auth::LogOut {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::LoggedOut, RpcError> {
        if let Some(key) = caller.world.keys.get_mut(&caller.origin.key) {
            key.authorized = false;
        }
        Ok(enums::auth::LoggedOut::Out(types::auth::LoggedOut {
            future_auth_token: None,
        }))
    }
}
