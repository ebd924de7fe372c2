//! The packets of one connection: decrypts them, answers service messages, and dispatches requests in order.

use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{Serializable, enums, types};
use tokio::time::Instant;

use crate::clock;
use crate::crypto::AuthKey;
use crate::dispatch::{self, Next, Origin};
use crate::key_exchange::{self, Answer, KeyExchange, KeyExchangeFault, Server};
use crate::mtproto::{self, Action, Incoming};
use crate::picture::mix;
use crate::shared::Shared;
use crate::world::link::Framing;
use crate::world::{Key, World};

/// Handles the packets of one connection.
pub(crate) struct PacketHandler {
    pub(crate) shared: Arc<Shared>,
    id: u64,
    dc: i32,
    /// The sessions that this connection has registered.
    registered_sessions: Vec<i64>,
    key_exchange: KeyExchange,
    /// The time at which the connection closes unless the client pings before.
    pub(crate) deadline: Option<Instant>,
}

impl PacketHandler {
    pub(crate) fn new(shared: Arc<Shared>, id: u64, dc: i32) -> Self {
        Self {
            shared,
            id,
            dc,
            registered_sessions: Vec::new(),
            key_exchange: KeyExchange::default(),
            deadline: None,
        }
    }

    /// Returns whether nothing gets through.
    pub(crate) fn is_silent(&self) -> bool {
        self.shared.read(|world| {
            let connection = world.connections.get(&self.id);
            connection.is_some_and(|connection| connection.silent)
        })
    }

    pub(crate) fn handle(&mut self, payload: &[u8]) -> Next {
        if self.is_silent() {
            return Next::Continue;
        }
        let id = payload
            .first_chunk::<8>()
            .map_or(0, |head| u64::from_le_bytes(*head));
        if id == 0 {
            return self.handle_plain(payload);
        }
        let error = self
            .shared
            .read(|world| world.link.errors.get(&self.dc).copied());
        if let Some((code, framing)) = error {
            return self.send_error(code, framing);
        }
        let key = self.shared.read(|world| {
            world
                .keys
                .get(&id)
                .filter(|key| key.dc == self.dc && !key.forgotten)
                .map(|key| Arc::clone(&key.key))
        });
        let Some(key) = key else {
            return self.refuse_key();
        };
        let packet = match key.decrypt(payload) {
            Ok(packet) => packet,
            Err(error) => return self.violation(error.to_string()),
        };
        let messages = match mtproto::unpack(&packet.message) {
            Ok(messages) => messages,
            Err(error) => return self.violation(error),
        };
        if self.reject(&key, packet.session_id, &packet.message) {
            return Next::Continue;
        }
        self.register_session(&key, packet.session_id, messages.first());
        for message in &messages {
            if let Next::Close = self.message(&key, packet.session_id, message) {
                return Next::Close;
            }
        }
        Next::Continue
    }

    fn message(&mut self, key: &AuthKey, session: i64, message: &Incoming) -> Next {
        let salts = |count: i32| {
            (0..count)
                .map(|index| salt(key).wrapping_add(i64::from(index)))
                .collect()
        };
        match mtproto::action(message, salts) {
            Ok(Action::Dispatch) => {
                let origin = Origin {
                    connection: self.id,
                    dc: self.dc,
                    key: key.id(),
                    session,
                    msg_id: message.msg_id,
                };
                return dispatch::receive(&self.shared, origin, &message.body);
            }
            Ok(Action::Reply(body)) => self.reply(body),
            Ok(Action::ReplyToPing(body, delay)) => {
                let delay = Duration::from_secs(u64::try_from(delay).unwrap_or(0));
                self.deadline = Some(clock::tokio_now() + delay);
                self.reply(body);
            }
            Ok(Action::DestroySession(session_id)) => {
                let known = self
                    .shared
                    .change(|world| world.sessions.remove(&(key.id(), session_id)).is_some());
                self.reply(if known {
                    enums::DestroySessionRes::DestroySessionOk(types::DestroySessionOk {
                        session_id,
                    })
                    .to_bytes()
                } else {
                    enums::DestroySessionRes::DestroySessionNone(types::DestroySessionNone {
                        session_id,
                    })
                    .to_bytes()
                });
            }
            Ok(Action::Ignore) => {}
            Err(error) => return self.violation(error),
        }
        Next::Continue
    }

    /// Connects a session with this connection, and sends `new_session_created` for a new session.
    fn register_session(&mut self, key: &AuthKey, session: i64, first: Option<&Incoming>) {
        if self.registered_sessions.contains(&session) {
            return;
        }
        self.registered_sessions.push(session);
        let address = (key.id(), session);
        self.shared.change(|world| {
            let fresh = !world.sessions.contains_key(&address);
            world.sessions.entry(address).or_default();
            if let Some(connection) = world.connections.get_mut(&self.id) {
                connection.address = Some(address);
            }
            if fresh {
                let created = enums::NewSession::Created(types::NewSessionCreated {
                    first_msg_id: first.map_or(0, |message| message.msg_id),
                    unique_id: world.random(),
                    server_salt: salt(key),
                });
                world.send(self.id, created.to_bytes(), true, false);
            }
        });
    }

    fn reply(&self, body: Vec<u8>) {
        self.shared
            .read(|world| world.send(self.id, body, false, true));
    }

    fn violation(&self, failure: String) -> Next {
        self.shared.change(|world| world.record_failure(failure));
        Next::Close
    }

    /// Rejects a message whose id is too far from the server's clock.
    fn reject(&self, key: &AuthKey, session: i64, message: &[u8]) -> bool {
        let Some((msg_id, rest)) = message.split_first_chunk::<8>() else {
            return false;
        };
        let bad_msg_id = i64::from_le_bytes(*msg_id);
        let seqno = rest.first_chunk::<4>().copied().unwrap_or_default();
        let rejection = self.shared.read(|world| world.rejection(bad_msg_id));
        let Some(error_code) = rejection else {
            return false;
        };
        let notification = enums::BadMsgNotification::Notification(types::BadMsgNotification {
            bad_msg_id,
            bad_msg_seqno: i32::from_le_bytes(seqno),
            error_code,
        });
        self.shared.change(|world| {
            world.link.bad_messages += 1;
            if let Some(connection) = world.connections.get_mut(&self.id) {
                connection.address = Some((key.id(), session));
            }
            world.send(self.id, notification.to_bytes(), false, true);
        });
        true
    }

    /// Answers an unencrypted message: eight zero bytes, `msg_id`, length and body, which is a request of a key exchange.
    fn handle_plain(&mut self, payload: &[u8]) -> Next {
        let body = payload.get(20..).unwrap_or_default();
        let Some(step) = key_exchange::step(body) else {
            return self.refuse_key();
        };
        let refused = self.shared.read(|world| world.link.refuses_plain);
        if refused {
            return self.refuse_key();
        }
        let fault = self
            .shared
            .change(|world| world.begin_key_exchange_step(self.dc, step));
        match fault {
            Some(KeyExchangeFault::Cut) => return Next::Close,
            Some(KeyExchangeFault::Silence) => return Next::Continue,
            _ => {}
        }
        let rsa = match self.shared.rsa_key() {
            Ok(rsa) => rsa,
            Err(error) => return self.violation(error),
        };
        let server = Server {
            rsa,
            dc: self.dc,
            now: self.shared.read(World::server_time),
            is_taken: &|id| self.shared.read(|world| world.keys.contains_key(&id)),
        };
        let (body, key) = match self.key_exchange.handle(body, &server, fault) {
            Answer::Body(body) => (body, None),
            Answer::Key(body, key) => (body, Some((self.dc, *key))),
            Answer::Refused => return self.refuse_key(),
        };
        self.shared.change(|world| {
            if let Some((dc, key)) = key {
                world.keys.insert(key.id(), Key::negotiated(dc, key));
            }
            if fault != Some(KeyExchangeFault::LoseReply) {
                world.send_plain(self.id, &body);
            }
        });
        if fault == Some(KeyExchangeFault::LoseReply) {
            Next::Close
        } else {
            Next::Continue
        }
    }

    /// Answers a packet under an unknown key, or without one, as Telegram does.
    fn refuse_key(&self) -> Next {
        self.send_error(-404, Framing::Raw)
    }

    fn send_error(&self, code: i32, framing: Framing) -> Next {
        self.shared
            .change(|world| world.send_transport_error(self.id, code, framing));
        Next::Continue
    }
}

/// Returns the salt of a key. It does not change, because no behaviour depends on a change.
pub(crate) fn salt(key: &AuthKey) -> i64 {
    (mix(key.id()) | 1).cast_signed()
}
