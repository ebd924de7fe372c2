//! Login by QR code: tokens that another device of the account accepts.

use std::time::Duration;

use grammers_tl_types::{enums, functions, types};

use super::auth;
use crate::clock;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::login::LoginToken;

impl Handler for functions::auth::ExportLoginToken {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::LoginToken, RpcError> {
        auth::check_application(self.api_id, &self.api_hash)?;
        let key = caller.origin.key;
        let login = &mut caller.world.login;
        let accepted = login
            .tokens
            .iter()
            .position(|token| token.key == key && token.accepted);
        let Some(accepted) = accepted else {
            return Ok(new_token(caller));
        };
        if login.dc != caller.origin.dc {
            return Ok(enums::auth::LoginToken::MigrateTo(
                types::auth::LoginTokenMigrateTo {
                    dc_id: login.dc,
                    token: login.tokens[accepted].bytes.clone(),
                },
            ));
        }
        login.tokens.remove(accepted);
        log_in(caller)
    }
}

impl Handler for functions::auth::ImportLoginToken {
    fn handle(self, caller: &mut Caller) -> Result<enums::auth::LoginToken, RpcError> {
        let now = caller.world.elapsed();
        let login = &mut caller.world.login;
        let found = login
            .tokens
            .iter()
            .position(|token| token.bytes == self.token)
            .ok_or_else(|| RpcError::bad("AUTH_TOKEN_INVALID"))?;
        if login.tokens[found].expires <= now {
            return Err(RpcError::bad("AUTH_TOKEN_EXPIRED"));
        }
        if !login.tokens[found].accepted {
            return Ok(shown(&login.tokens[found], now));
        }
        login.tokens.remove(found);
        log_in(caller)
    }
}

fn log_in(caller: &mut Caller) -> Result<enums::auth::LoginToken, RpcError> {
    let authorization = auth::finish(caller)?;
    Ok(enums::auth::LoginToken::Success(
        types::auth::LoginTokenSuccess { authorization },
    ))
}

fn new_token(caller: &mut Caller) -> enums::auth::LoginToken {
    let world = &mut *caller.world;
    let bytes = (0..4).flat_map(|_| world.random().to_le_bytes()).collect();
    let now = world.elapsed();
    let token = LoginToken {
        bytes,
        key: caller.origin.key,
        expires: now + world.login.token_lifetime,
        accepted: false,
    };
    let answer = shown(&token, now);
    world.login.tokens.push(token);
    answer
}

fn shown(token: &LoginToken, now: Duration) -> enums::auth::LoginToken {
    let left = token.expires.saturating_sub(now).as_secs();
    enums::auth::LoginToken::Token(types::auth::LoginToken {
        expires: clock::unix() + i32::try_from(left).expect("a short lifetime"),
        token: token.bytes.clone(),
    })
}
