//! From a request to its reply: strips wrappers, records the call, applies faults, and calls the method's handler.
//!
//! This module has the rules for every method: `initConnection` comes first, and the key must be logged in. The handlers
//! are in `service`. Calls are done in the order of arrival and under the world's lock; only a reply can be late.

use std::fmt::Debug;
use std::sync::Arc;

use grammers_tl_types::{
    Cursor, Deserializable, Identifiable, RemoteCall, Serializable, enums, name_for_id, types,
};

use crate::HOME_DC;
use crate::fault::{self, Fault, Held};
use crate::mtproto::{constructor, packed_result, rpc_result};
use crate::picture::mix;
use crate::record::{Call, Outcome, RpcError};
use crate::shared::Shared;

mod wrappers;

use crate::service;
use crate::world::link::Framing;
use crate::world::unknown_constructors::UNKNOWN;
use crate::world::{Device, World};
use wrappers::{Wrappers, strip};

/// The connection, key and session from which a request came.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) connection: u64,
    pub(crate) dc: i32,
    pub(crate) key: u64,
    pub(crate) session: i64,
    pub(crate) msg_id: i64,
}

pub(crate) struct Caller<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) origin: Origin,
}

/// A simulated method.
pub(crate) trait Handler: RemoteCall + Deserializable + Debug {
    fn handle(self, caller: &mut Caller) -> Result<Self::Return, RpcError>;
}

/// A simulated method without its type.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    run: fn(&mut Caller, &[u8]) -> Result<Vec<u8>, RpcError>,
    describe: fn(&[u8]) -> String,
}

impl Route {
    pub(crate) fn of<R>() -> Self
    where
        R: Handler,
        R::Return: Serializable,
    {
        Self {
            run: |caller, arguments| {
                let mut cursor = Cursor::from_slice(arguments);
                match R::deserialize(&mut cursor) {
                    Ok(request) if cursor.pos() == arguments.len() => {
                        request.handle(caller).map(|value| value.to_bytes())
                    }
                    Ok(request) => {
                        caller
                            .world
                            .record_failure(format!("bytes follow {request:?}"));
                        Err(RpcError::bad("INPUT_FETCH_ERROR"))
                    }
                    Err(error) => {
                        let name = std::any::type_name::<R>();
                        caller
                            .world
                            .record_failure(format!("{name} cannot be decoded: {error}"));
                        Err(RpcError::bad("INPUT_FETCH_ERROR"))
                    }
                }
            },
            describe: |arguments| {
                R::from_bytes(arguments).map_or_else(
                    |error| format!("cannot be decoded: {error}"),
                    |request| format!("{request:?}"),
                )
            },
        }
    }
}

fn unknown(_: &[u8]) -> String {
    "unknown".to_owned()
}

/// A recorded call that is not done yet.
pub(crate) struct PendingCall {
    call: usize,
    origin: Origin,
    query: Vec<u8>,
    wrappers: Wrappers,
    route: Option<Route>,
    /// The chat and `random_id` of a held post, for which repeated calls are refused.
    post: Option<(i64, i64)>,
}

/// The next step of the connection.
pub(crate) enum Next {
    /// Read on.
    Continue,
    /// Close the connection.
    Close,
}

pub(crate) fn receive(shared: &Arc<Shared>, origin: Origin, body: &[u8]) -> Next {
    shared.change(|world| {
        let (wrappers, query) = match strip(body) {
            Ok(stripped) => stripped,
            Err(error) => {
                world.record_failure(format!("wrappers cannot be decoded: {error}"));
                refuse(world, origin, &RpcError::bad("INPUT_FETCH_ERROR"));
                return Next::Continue;
            }
        };
        let id = constructor(&query).unwrap_or_default();
        let method = name_for_id(id);
        let route = service::route(id);
        let call = world.calls.len();
        let kept = if world.options.keep_bodies {
            query.len()
        } else {
            query.len().min(1024)
        };
        let account = world.account_of(origin.key);
        world.calls.push(Call {
            seq: call,
            method,
            dc: origin.dc,
            account,
            connection: origin.connection,
            request: query[..kept].to_vec(),
            at: world.elapsed(),
            outcome: Outcome::Pending,
            describe: route.map_or(unknown as fn(&[u8]) -> String, |route| route.describe),
        });
        let mut pending = PendingCall {
            call,
            origin,
            query,
            wrappers,
            route,
            post: None,
        };
        let fault = fault::take(
            &mut world.faults,
            method,
            (account, origin.dc),
            &pending.query,
        );
        let now = world.elapsed();
        let limit = world.flood_limits.refusal(account, method, now);
        if let Some(error) = fault.as_ref().and_then(Fault::refusal).or(limit) {
            // `initConnection` counts even if the call inside is refused.
            record_device(world, &pending);
            world.calls[call].outcome = Outcome::Failed(error.clone());
            refuse(world, origin, &error);
            return Next::Continue;
        }
        match fault {
            Some(Fault::TransportError(code)) => {
                world.calls[call].outcome = Outcome::Cut;
                world.send_transport_error(origin.connection, code, Framing::Raw);
                Next::Continue
            }
            Some(Fault::CutBefore) => {
                world.calls[call].outcome = Outcome::Cut;
                Next::Close
            }
            Some(Fault::LoseReply) => {
                perform(world, &pending);
                world.calls[call].outcome = Outcome::ReplyLost;
                Next::Close
            }
            Some(Fault::Oversized(size)) => {
                let mut body = perform(world, &pending);
                // Bytes that cannot be packed.
                body.extend((body.len()..size).map(|n| mix(n as u64).to_le_bytes()[0]));
                reply(world, call, origin.connection, body);
                Next::Continue
            }
            Some(Fault::Unreadable) => {
                let body = match attempt(world, &pending) {
                    Ok(mut value) => {
                        value[..4].copy_from_slice(&UNKNOWN.to_le_bytes());
                        rpc_result(origin.msg_id, &value)
                    }
                    Err(error) => failure(origin.msg_id, &error),
                };
                reply(world, call, origin.connection, body);
                Next::Continue
            }
            Some(Fault::Hold) => {
                let body = perform(world, &pending);
                world.calls[call].outcome = Outcome::Pending;
                world.held.push(Held::Reply {
                    call,
                    connection: origin.connection,
                    body,
                });
                Next::Continue
            }
            Some(Fault::HoldBefore) => {
                pending.post = service::posting::post_id(&pending.query);
                world.in_progress.extend(pending.post);
                world.held.push(Held::Call(Box::new(pending)));
                Next::Continue
            }
            Some(Fault::Delay(delay)) => {
                let body = perform(world, &pending);
                let shared = Arc::clone(shared);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    shared.change(|world| reply(world, call, origin.connection, body));
                });
                Next::Continue
            }
            _ => {
                let body = perform(world, &pending);
                reply(world, call, origin.connection, body);
                Next::Continue
            }
        }
    })
}

fn refuse(world: &World, origin: Origin, error: &RpcError) {
    let body = failure(origin.msg_id, error);
    world.send(origin.connection, body, true, true);
}

/// Releases all calls and replies that faults hold.
pub(crate) fn release(world: &mut World) {
    for held in std::mem::take(&mut world.held) {
        match held {
            Held::Reply {
                call,
                connection,
                body,
            } => reply(world, call, connection, body),
            Held::Call(pending) => {
                if let Some(post) = pending.post {
                    world.in_progress.remove(&post);
                }
                let body = perform(world, &pending);
                reply(world, pending.call, pending.origin.connection, body);
            }
        }
    }
}

/// Sends a reply and records its outcome, which is `ReplyLost` if the connection is closed.
fn reply(world: &mut World, call: usize, connection: u64, body: Vec<u8>) {
    let result = body.get(12..).unwrap_or_default();
    let outcome = match constructor(result) {
        Some(types::RpcError::CONSTRUCTOR_ID) => {
            let error = types::RpcError::from_bytes(&result[4..]).expect("written by `failure`");
            Outcome::Failed(RpcError::new(error.error_code, error.error_message))
        }
        _ => {
            let kept = if world.options.keep_bodies {
                result.len()
            } else {
                result.len().min(1024)
            };
            Outcome::Replied(result[..kept].to_vec())
        }
    };
    let sent = world.send(connection, packed_result(body), true, true);
    world.calls[call].outcome = if sent { outcome } else { Outcome::ReplyLost };
}

/// Carries out a call and returns its `rpc_result`, which may hold an error.
fn perform(world: &mut World, pending: &PendingCall) -> Vec<u8> {
    match attempt(world, pending) {
        Ok(value) => rpc_result(pending.origin.msg_id, &value),
        Err(error) => failure(pending.origin.msg_id, &error),
    }
}

fn attempt(world: &mut World, pending: &PendingCall) -> Result<Vec<u8>, RpcError> {
    let origin = pending.origin;
    record_device(world, pending);
    let address = (origin.key, origin.session);
    if world
        .sessions
        .get(&address)
        .is_some_and(|session| session.uninitialized)
    {
        return Err(RpcError::bad("CONNECTION_NOT_INITED"));
    }
    if world
        .sessions
        .get(&address)
        .is_none_or(|session| session.device.is_none())
    {
        world.record_failure(format!(
            "{} before initConnection",
            world.calls[pending.call].method
        ));
        return Err(RpcError::bad("CONNECTION_NOT_INITED"));
    }
    let Some(route) = pending.route else {
        let call = &world.calls[pending.call];
        world.record_failure(format!(
            "unknown call {} {:08x} in dc {}",
            call.method,
            constructor(&pending.query).unwrap_or_default(),
            call.dc
        ));
        return Err(RpcError::bad("INPUT_METHOD_INVALID"));
    };
    check_authorization(world, origin, world.calls[pending.call].method)?;
    let account = world.account_of(origin.key);
    let value = world.seen_as(account, |world| {
        let mut caller = Caller { world, origin };
        (route.run)(&mut caller, &pending.query[4..])
    })?;
    let value = world.with_unknown_constructors(value);
    if world.calls[pending.call].method == "updates.getState" && !pending.wrappers.without_updates {
        world.sessions.entry(address).or_default().wants_updates = true;
    }
    Ok(value)
}

/// Records the client's description in `initConnection`.
fn record_device(world: &mut World, pending: &PendingCall) {
    let Some(device) = &pending.wrappers.device else {
        return;
    };
    if pending.wrappers.layer.is_none() {
        world.record_failure("initConnection without invokeWithLayer");
    }
    let address = (pending.origin.key, pending.origin.session);
    let device = Device {
        layer: pending.wrappers.layer.unwrap_or_default(),
        ..device.clone()
    };
    let session = world.sessions.entry(address).or_default();
    session.device = Some(device);
    session.uninitialized = false;
}

/// Returns an error unless the key may call this method.
fn check_authorization(world: &World, origin: Origin, method: &str) -> Result<(), RpcError> {
    let key = &world.keys[&origin.key];
    if let Some((code, message)) = &key.ended {
        return Err(RpcError::new(*code, message));
    }
    if key.authorized || method.starts_with("help.") {
        return Ok(());
    }
    let may_log_in = origin.dc == HOME_DC || origin.dc == world.login.dc;
    let before_login = if may_log_in {
        (method.starts_with("auth.") && method != "auth.exportAuthorization")
            || method == "account.getPassword"
    } else {
        method == "auth.importAuthorization"
    };
    if before_login {
        Ok(())
    } else if world.login.awaiting_password.contains(&origin.key) {
        Err(RpcError::new(401, "SESSION_PASSWORD_NEEDED"))
    } else {
        Err(RpcError::new(401, "AUTH_KEY_UNREGISTERED"))
    }
}

/// Returns an `rpc_result` with this error.
fn failure(msg_id: i64, error: &RpcError) -> Vec<u8> {
    let error = enums::RpcError::Error(types::RpcError {
        error_code: error.code,
        error_message: error.message.clone(),
    });
    rpc_result(msg_id, &error.to_bytes())
}
