//! Who is connected: keys, sessions, connections; and what is queued on them.

use std::sync::Arc;

use grammers_tl_types::{Serializable, enums};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::World;
use crate::HOME_DC;
use crate::crypto::AuthKey;

/// An authorization key that a data centre knows.
pub(crate) struct Key {
    pub(crate) key: Arc<AuthKey>,
    pub(crate) dc: i32,
    pub(crate) authorized: bool,
    /// What every call is answered with, once the login was ended from outside.
    pub(crate) ended: Option<(i32, String)>,
    pub(crate) forgotten: bool,
}

/// What is remembered of an MTProto session, over its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) device: Option<Device>,
    pub(crate) wants_updates: bool,
}

/// What a client said of itself in `initConnection`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The layer it speaks.
    pub layer: i32,
    /// Its `api_id`.
    pub api_id: i32,
    /// `device_model`.
    pub device_model: String,
    /// `system_version`.
    pub system_version: String,
    /// `app_version`.
    pub app_version: String,
    /// `system_lang_code`.
    pub system_lang_code: String,
    /// `lang_pack`.
    pub lang_pack: String,
    /// `lang_code`.
    pub lang_code: String,
}

/// An open socket.
pub(crate) struct Connection {
    pub(crate) dc: i32,
    pub(crate) address: Option<(u64, i64)>,
    pub(crate) outgoing: UnboundedSender<Outgoing>,
    pub(crate) task: Option<AbortHandle>,
}

/// A body on its way out.
pub(crate) enum Outgoing {
    Message {
        key: Arc<AuthKey>,
        session_id: i64,
        body: Vec<u8>,
        content: bool,
        answer: bool,
    },
    /// Bytes as they are: a transport error.
    Raw(Vec<u8>),
}

impl World {
    /// Queues a body on one connection; a connection that is gone loses it, as a wire would.
    pub(crate) fn send(&self, connection: u64, body: Vec<u8>, content: bool, answer: bool) -> bool {
        let Some(connection) = self.connections.get(&connection) else {
            return false;
        };
        let Some((key_id, session_id)) = connection.address else {
            return false;
        };
        let Some(key) = self.keys.get(&key_id) else {
            return false;
        };
        connection
            .outgoing
            .send(Outgoing::Message {
                key: Arc::clone(&key.key),
                session_id,
                body,
                content,
                answer,
            })
            .is_ok()
    }

    /// Pushes updates to every connection that asked for them, except the one that caused them.
    pub(crate) fn push(&mut self, updates: &enums::Updates, except: Option<u64>) {
        let listeners: Vec<u64> = self
            .connections
            .iter()
            .filter(|(id, connection)| Some(**id) != except && self.listens(connection))
            .map(|(id, _)| *id)
            .collect();
        if self.silent || listeners.is_empty() {
            return;
        }
        if self.pushes_to_skip > 0 {
            self.pushes_to_skip -= 1;
            return;
        }
        self.pushes += 1;
        let body = updates.to_bytes();
        for id in listeners {
            self.send(id, body.clone(), true, false);
        }
    }

    pub(crate) fn listens(&self, connection: &Connection) -> bool {
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

    /// Closes every connection and returns the tasks to be ended, outside the lock.
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
