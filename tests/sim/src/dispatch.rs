//! From a client's request to its reply: wrappers off, written down, faults applied, handler called.
//!
//! Owns the rules that hold for every method (a connection introduces itself first, a key must be logged in);
//! what a method does is in `service`. A call is done in the order of arrival and under the world's lock; only a
//! reply can be late.

use std::fmt::Debug;
use std::sync::Arc;

use grammers_tl_types::{
    Cursor, Deserializable, Identifiable, RemoteCall, Serializable, enums, name_for_id, types,
};

use crate::HOME_DC;
use crate::fault::{self, Fault, Held};
use crate::mtproto::{constructor, rpc_result};
use crate::record::{Call, Outcome, RpcError};
use crate::shared::Shared;

mod wrappers;

use crate::service;
use crate::world::{Device, World};
use wrappers::{Opening, strip};

/// Who calls: a connection and the key and session it spoke with.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) connection: u64,
    pub(crate) dc: i32,
    pub(crate) key: u64,
    pub(crate) session: i64,
    pub(crate) msg_id: i64,
}

/// What a handler is given.
pub(crate) struct Caller<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) origin: Origin,
}

/// A method that the simulator knows.
pub(crate) trait Answer: RemoteCall + Deserializable + Debug {
    /// Does what the call asks for.
    fn answer(self, caller: &mut Caller) -> Result<Self::Return, RpcError>;
}

/// A method without its type.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    run: fn(&mut Caller, &[u8]) -> Result<Vec<u8>, RpcError>,
    describe: fn(&[u8]) -> String,
}

impl Route {
    pub(crate) fn of<R>() -> Self
    where
        R: Answer,
        R::Return: Serializable,
    {
        Self {
            run: |caller, arguments| {
                let mut cursor = Cursor::from_slice(arguments);
                match R::deserialize(&mut cursor) {
                    Ok(request) if cursor.pos() == arguments.len() => {
                        request.answer(caller).map(|value| value.to_bytes())
                    }
                    Ok(request) => {
                        caller
                            .world
                            .fail(format!("bytes left over after {request:?}"));
                        Err(RpcError::bad("INPUT_FETCH_ERROR"))
                    }
                    Err(error) => {
                        let name = std::any::type_name::<R>();
                        caller.world.fail(format!("unreadable {name}: {error}"));
                        Err(RpcError::bad("INPUT_FETCH_ERROR"))
                    }
                }
            },
            describe: |arguments| {
                R::from_bytes(arguments).map_or_else(
                    |error| format!("unreadable: {error}"),
                    |request| format!("{request:?}"),
                )
            },
        }
    }
}

fn unknown(_: &[u8]) -> String {
    "unknown".to_owned()
}

/// A call that is written down and not yet done.
pub(crate) struct Work {
    call: usize,
    origin: Origin,
    query: Vec<u8>,
    opening: Opening,
    route: Option<Route>,
    /// The chat and `random_id` of a post that is in progress meanwhile.
    post: Option<(i64, i64)>,
}

/// What the connection is to do after a request.
pub(crate) enum Next {
    /// Go on.
    Continue,
    /// Close.
    Close,
}

/// Takes in one request.
pub(crate) fn receive(shared: &Arc<Shared>, origin: Origin, body: &[u8]) -> Next {
    shared.change(|world| {
        let (opening, query) = match strip(body) {
            Ok(stripped) => stripped,
            Err(error) => {
                world.fail(format!("unreadable wrappers: {error}"));
                let error = RpcError::bad("INPUT_FETCH_ERROR");
                world.send(
                    origin.connection,
                    failure(origin.msg_id, &error),
                    true,
                    true,
                );
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
        world.calls.push(Call {
            seq: call,
            method,
            dc: origin.dc,
            connection: origin.connection,
            request: query[..kept].to_vec(),
            at: world.elapsed(),
            outcome: Outcome::Pending,
            describe: route.map_or(unknown as fn(&[u8]) -> String, |route| route.describe),
        });
        let mut work = Work {
            call,
            origin,
            query,
            opening,
            route,
            post: None,
        };
        let fault = fault::take(&mut world.faults, method, origin.dc, &work.query);
        if let Some(error) = fault.as_ref().and_then(Fault::refusal) {
            // The introduction counts even if what it wraps is refused.
            introduce(world, &work);
            world.calls[call].outcome = Outcome::Failed(error.clone());
            world.send(
                origin.connection,
                failure(origin.msg_id, &error),
                true,
                true,
            );
            return Next::Continue;
        }
        match fault {
            Some(Fault::CutBefore) => {
                world.calls[call].outcome = Outcome::Cut;
                Next::Close
            }
            Some(Fault::LoseReply) => {
                perform(world, &work);
                world.calls[call].outcome = Outcome::ReplyLost;
                Next::Close
            }
            Some(Fault::Hold) => {
                let body = perform(world, &work);
                world.calls[call].outcome = Outcome::Pending;
                world.held.push(Held::Reply {
                    call,
                    connection: origin.connection,
                    body,
                });
                Next::Continue
            }
            Some(Fault::HoldBefore) => {
                work.post = service::posting::subject(&work.query);
                world.in_progress.extend(work.post);
                world.held.push(Held::Work(Box::new(work)));
                Next::Continue
            }
            Some(Fault::Delay(delay)) => {
                let body = perform(world, &work);
                let shared = Arc::clone(shared);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    shared.change(|world| reply(world, call, origin.connection, body));
                });
                Next::Continue
            }
            _ => {
                let body = perform(world, &work);
                reply(world, call, origin.connection, body);
                Next::Continue
            }
        }
    })
}

/// Lets everything go that a fault holds back.
pub(crate) fn release(world: &mut World) {
    for held in std::mem::take(&mut world.held) {
        match held {
            Held::Reply {
                call,
                connection,
                body,
            } => reply(world, call, connection, body),
            Held::Work(work) => {
                if let Some(post) = work.post {
                    world.in_progress.remove(&post);
                }
                let body = perform(world, &work);
                reply(world, work.call, work.origin.connection, body);
            }
        }
    }
}

/// Sends a reply and writes down whether there was somebody to take it.
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
    let sent = world.send(connection, body, true, true);
    world.calls[call].outcome = if sent { outcome } else { Outcome::ReplyLost };
}

/// Does the work and returns the `rpc_result`, be it an error.
fn perform(world: &mut World, work: &Work) -> Vec<u8> {
    match attempt(world, work) {
        Ok(value) => rpc_result(work.origin.msg_id, &value),
        Err(error) => failure(work.origin.msg_id, &error),
    }
}

fn attempt(world: &mut World, work: &Work) -> Result<Vec<u8>, RpcError> {
    let origin = work.origin;
    introduce(world, work);
    let address = (origin.key, origin.session);
    if world
        .sessions
        .get(&address)
        .is_none_or(|session| session.device.is_none())
    {
        world.fail(format!(
            "{} before initConnection",
            world.calls[work.call].method
        ));
        return Err(RpcError::bad("CONNECTION_NOT_INITED"));
    }
    let Some(route) = work.route else {
        let call = &world.calls[work.call];
        world.fail(format!(
            "unknown call {} {:08x} in dc {}",
            call.method,
            constructor(&work.query).unwrap_or_default(),
            call.dc
        ));
        return Err(RpcError::bad("INPUT_METHOD_INVALID"));
    };
    admit(world, origin, world.calls[work.call].method)?;
    let mut caller = Caller { world, origin };
    let value = (route.run)(&mut caller, &work.query[4..])?;
    if world.calls[work.call].method == "updates.getState" && !work.opening.without_updates {
        world.sessions.entry(address).or_default().wants_updates = true;
    }
    Ok(value)
}

/// Notes what a client said of itself.
fn introduce(world: &mut World, work: &Work) {
    let Some(device) = &work.opening.device else {
        return;
    };
    if work.opening.layer.is_none() {
        world.fail("initConnection without invokeWithLayer");
    }
    let address = (work.origin.key, work.origin.session);
    let device = Device {
        layer: work.opening.layer.unwrap_or_default(),
        ..device.clone()
    };
    world.sessions.entry(address).or_default().device = Some(device);
}

/// Decides whether the key may call this at all.
fn admit(world: &World, origin: Origin, method: &str) -> Result<(), RpcError> {
    let key = &world.keys[&origin.key];
    if let Some((code, message)) = &key.ended {
        return Err(RpcError::new(*code, message));
    }
    if key.authorized || method.starts_with("help.") {
        return Ok(());
    }
    let before_login = if origin.dc == HOME_DC {
        (method.starts_with("auth.") && method != "auth.exportAuthorization")
            || method == "account.getPassword"
    } else {
        method == "auth.importAuthorization"
    };
    if before_login {
        Ok(())
    } else {
        Err(RpcError::new(401, "AUTH_KEY_UNREGISTERED"))
    }
}

/// Returns an `rpc_result` that is an error.
fn failure(msg_id: i64, error: &RpcError) -> Vec<u8> {
    let error = enums::RpcError::Error(types::RpcError {
        error_code: error.code,
        error_message: error.message.clone(),
    });
    rpc_result(msg_id, &error.to_bytes())
}
