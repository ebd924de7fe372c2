//! Keys, sessions and connections of clients, and the messages that are queued on connections.

use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{Serializable, enums};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::World;
use crate::HOME_DC;
use crate::clock;
use crate::crypto::AuthKey;
use crate::picture::mix;

/// An authorization key that a data centre knows.
pub(crate) struct Key {
    pub(crate) key: Arc<AuthKey>,
    pub(crate) dc: i32,
    pub(crate) authorized: bool,
    /// The account that is logged in, or is to be; `None` until a client logs in with a key that it negotiated.
    pub(crate) account: Option<i64>,
    /// The error with which every call is answered once a test has ended the login.
    pub(crate) ended: Option<(i32, String)>,
    pub(crate) forgotten: bool,
    /// A client negotiated the key; a session file of a test does not have it.
    pub(crate) negotiated: bool,
}

impl Key {
    pub(crate) fn negotiated(dc: i32, key: AuthKey) -> Self {
        Self {
            key: Arc::new(key),
            dc,
            authorized: false,
            account: None,
            ended: None,
            forgotten: false,
            negotiated: true,
        }
    }
}

/// The state of an MTProto session, which may outlive a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) device: Option<Device>,
    pub(crate) wants_updates: bool,
    /// Set after the server has lost its `initConnection`, until the next one.
    pub(crate) uninitialized: bool,
}

/// The description that a client sends of itself in `initConnection`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The API layer of `invokeWithLayer`.
    pub layer: i32,
    pub api_id: i32,
    pub device_model: String,
    pub system_version: String,
    pub app_version: String,
    pub system_lang_code: String,
    pub lang_pack: String,
    pub lang_code: String,
}

pub(crate) struct Connection {
    pub(crate) dc: i32,
    pub(crate) address: Option<(u64, i64)>,
    pub(crate) outgoing: UnboundedSender<Outgoing>,
    pub(crate) task: Option<AbortHandle>,
    /// The connection stays open and lets nothing through in either direction.
    pub(crate) silent: bool,
}

/// A message in the queue of a connection.
pub(crate) enum Outgoing {
    Message {
        /// The server's time, as the upper part of a message id.
        time: i64,
        key: Arc<AuthKey>,
        session_id: i64,
        body: Vec<u8>,
        content: bool,
        answer: bool,
    },
    /// A payload that is not encrypted.
    Plain(Vec<u8>),
    /// A transport error as a payload of four bytes, after which the connection is closed.
    FramedError(i32),
    /// Bytes that are sent as they are: a transport error.
    Raw(Vec<u8>),
}

impl World {
    /// Queues a body on a connection. Returns false, and drops the body, if the connection does not exist any more.
    pub(crate) fn send(&self, connection: u64, body: Vec<u8>, content: bool, answer: bool) -> bool {
        if self.connections.get(&connection).is_some_and(|c| c.silent) {
            return true;
        }
        self.message(connection, body, content, answer)
            .is_some_and(|(outgoing, message)| outgoing.send(message).is_ok())
    }

    /// Makes a message for a connection, and returns it with the connection's queue.
    fn message(
        &self,
        connection: u64,
        body: Vec<u8>,
        content: bool,
        answer: bool,
    ) -> Option<(UnboundedSender<Outgoing>, Outgoing)> {
        let connection = self.connections.get(&connection)?;
        let (key_id, session_id) = connection.address?;
        let key = self.keys.get(&key_id)?;
        let message = Outgoing::Message {
            time: clock::msg_id(self.link.clock_offset),
            key: Arc::clone(&key.key),
            session_id,
            body,
            content,
            answer,
        };
        Some((connection.outgoing.clone(), message))
    }

    /// Pushes updates to every connection of the account as which the world is seen that has asked for them, except the
    /// one that caused them.
    pub(crate) fn push(&mut self, updates: &enums::Updates, except: Option<u64>) {
        let receivers: Vec<u64> = self
            .connections
            .iter()
            .filter(|(id, connection)| Some(**id) != except && !connection.silent)
            .filter(|(_, connection)| self.wants_updates(connection) && self.is_mine(connection))
            .map(|(id, _)| *id)
            .collect();
        if self.pushes_suppressed || receivers.is_empty() {
            return;
        }
        if self.pushes_to_drop > 0 {
            self.pushes_to_drop -= 1;
            return;
        }
        self.pushes += 1;
        let body = self.with_unknown_constructors(updates.to_bytes());
        let delay = self.next_push_delay();
        for id in receivers {
            let Some((outgoing, message)) = self.message(id, body.clone(), true, false) else {
                continue;
            };
            match &self.runtime {
                Some(runtime) if !delay.is_zero() => {
                    runtime.spawn(async move {
                        tokio::time::sleep(delay).await;
                        // This fails only if the connection was closed meanwhile: its push is lost.
                        let _ = outgoing.send(message);
                    });
                }
                _ => drop(outgoing.send(message)),
            }
        }
    }

    /// Returns whether a connection belongs to the account as which the world is seen.
    fn is_mine(&self, connection: &Connection) -> bool {
        let key = connection.address.map(|(key, _)| key);
        key.is_some_and(|key| self.account_of(key) == self.me)
    }

    /// Draws the delay of a push. The third power makes half of the pushes come within an eighth of the longest delay.
    fn next_push_delay(&self) -> Duration {
        const STEPS: u64 = 1000;
        let seed = self.options.seed.rotate_left(32);
        let drawn = mix(seed.wrapping_add(self.pushes as u64)) % STEPS;
        let share = drawn as f64 / STEPS as f64;
        self.options.latest_push.mul_f64(share.powi(3))
    }

    /// Returns whether pushes are sent on this connection.
    pub(crate) fn wants_updates(&self, connection: &Connection) -> bool {
        let Some(address) = connection.address else {
            return false;
        };
        connection.dc == HOME_DC
            && self
                .sessions
                .get(&address)
                .is_some_and(|session| session.wants_updates)
            && self
                .keys
                .get(&address.0)
                .is_some_and(|key| key.authorized && key.ended.is_none())
    }

    /// Removes the connections that match. Returns their tasks, which the caller has to abort outside the lock.
    pub(crate) fn cut(&mut self, only: impl Fn(&Connection) -> bool) -> Vec<AbortHandle> {
        let ids: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| only(connection))
            .map(|(id, _)| *id)
            .collect();
        ids.iter()
            .filter_map(|id| self.connections.remove(id))
            .filter_map(|connection| connection.task)
            .collect()
    }
}
