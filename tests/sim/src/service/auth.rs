//! `auth.*`: login by code and password, and authorizations exported from the home data centre to the other one.

use grammers_tl_types::{enums, functions, types};

use super::password;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
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
    if let Some(key) = caller.world.keys.get_mut(&caller.origin.key) {
        key.authorized = true;
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
        caller.world.exports.push((bytes.clone(), self.dc_id));
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
        let me = caller.world.me;
        let dc = caller.origin.dc;
        let found = caller
            .world
            .exports
            .iter()
            .position(|(bytes, wanted)| *bytes == self.bytes && *wanted == dc)
            .filter(|_| self.id == me)
            .ok_or_else(|| RpcError::bad("AUTH_BYTES_INVALID"))?;
        // An exported authorization can be imported once.
        caller.world.exports.remove(found);
        log_in(caller);
        Ok(authorization(caller))
    }
}

impl Handler for functions::auth::SendCode {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::SentCode, RpcError> {
        let phone = digits(&self.phone_number);
        let world = &mut *caller.world;
        if phone.is_empty() || phone != digits(&world.login.phone) {
            return Err(RpcError::bad("PHONE_NUMBER_INVALID"));
        }
        if self.api_id <= 0 || self.api_hash.is_empty() {
            return Err(RpcError::bad("API_ID_INVALID"));
        }
        let phone_code_hash = format!("{:016x}", world.random());
        world.login.sent.push((phone_code_hash.clone(), phone));
        world.login.expired = false;
        let length = i32::try_from(world.login.code.len()).expect("a code is short");
        Ok(enums::auth::SentCode::Code(types::auth::SentCode {
            r#type: enums::auth::SentCodeType::App(types::auth::SentCodeTypeApp { length }),
            phone_code_hash,
            next_type: None,
            timeout: None,
        }))
    }
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

impl Handler for functions::auth::SignIn {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
        let login = &mut caller.world.login;
        let known = (self.phone_code_hash, digits(&self.phone_number));
        if !login.sent.contains(&known) || login.expired {
            return Err(RpcError::bad("PHONE_CODE_EXPIRED"));
        }
        let code = self.phone_code.unwrap_or_default();
        if code.is_empty() {
            return Err(RpcError::bad("PHONE_CODE_EMPTY"));
        }
        if code != login.code {
            return Err(RpcError::bad("PHONE_CODE_INVALID"));
        }
        login.sent.retain(|sent| *sent != known);
        if login.password.is_some() {
            login.awaiting_password.push(caller.origin.key);
            return Err(RpcError::new(401, "SESSION_PASSWORD_NEEDED"));
        }
        log_in(caller);
        Ok(authorization(caller))
    }
}

impl Handler for functions::account::GetPassword {
    fn handle(self, caller: &mut Caller) -> Result<enums::account::Password, RpcError> {
        Ok(password::state(caller.world))
    }
}

impl Handler for functions::auth::CheckPassword {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::Authorization, RpcError> {
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
