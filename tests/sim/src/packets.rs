//! What one connection says: packets opened, service messages answered, requests handed on in order.

use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{Serializable, enums, types};
use tokio::time::Instant;

use crate::clock;
use crate::crypto::AuthKey;
use crate::dispatch::{self, Next, Origin};
use crate::mtproto::{self, Incoming, Meaning};
use crate::picture::mix;
use crate::shared::Shared;
use crate::transport;
use crate::world::Outgoing;

/// One connection's understanding of what it reads.
pub(crate) struct Wire {
    pub(crate) shared: Arc<Shared>,
    id: u64,
    dc: i32,
    /// Sessions that were told `new_session_created` on this connection.
    greeted: Vec<i64>,
    /// When to give up on a client that promised to ping.
    pub(crate) deadline: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(shared: Arc<Shared>, id: u64, dc: i32) -> Self {
        Self {
            shared,
            id,
            dc,
            greeted: Vec::new(),
            deadline: None,
        }
    }

    /// Takes in one packet.
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Next {
        let id = payload
            .first_chunk::<8>()
            .map_or(0, |head| u64::from_le_bytes(*head));
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
        let plain = match key.open(payload) {
            Ok(plain) => plain,
            Err(error) => return self.violation(error.to_string()),
        };
        let messages = match mtproto::unpack(&plain.message) {
            Ok(messages) => messages,
            Err(error) => return self.violation(error),
        };
        self.greet(&key, plain.session_id, messages.first());
        for message in &messages {
            if let Next::Close = self.message(&key, plain.session_id, message) {
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
        match mtproto::interpret(message, salts) {
            Ok(Meaning::Request) => {
                let origin = Origin {
                    connection: self.id,
                    dc: self.dc,
                    key: key.id(),
                    session,
                    msg_id: message.msg_id,
                };
                return dispatch::receive(&self.shared, origin, &message.body);
            }
            Ok(Meaning::Answer(body)) => self.say(body),
            Ok(Meaning::PingAnswer(body, delay)) => {
                let delay = Duration::from_secs(u64::try_from(delay).unwrap_or(0));
                self.deadline = Some(clock::tokio_now() + delay);
                self.say(body);
            }
            Ok(Meaning::DestroySession(session_id)) => {
                let known = self
                    .shared
                    .change(|world| world.sessions.remove(&(key.id(), session_id)).is_some());
                self.say(if known {
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
            Ok(Meaning::Nothing) => {}
            Err(error) => return self.violation(error),
        }
        Next::Continue
    }

    /// Learns who is there, and says `new_session_created` at a session's first message.
    fn greet(&mut self, key: &AuthKey, session: i64, first: Option<&Incoming>) {
        if self.greeted.contains(&session) {
            return;
        }
        self.greeted.push(session);
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

    fn say(&self, body: Vec<u8>) {
        self.shared
            .read(|world| world.send(self.id, body, false, true));
    }

    fn violation(&self, what: String) -> Next {
        self.shared.change(|world| world.fail(what));
        Next::Close
    }

    /// Answers as Telegram does to a key that it does not know, which includes none at all.
    fn refuse_key(&self) -> Next {
        self.shared.change(|world| {
            world.transport_errors += 1;
            if let Some(connection) = world.connections.get(&self.id) {
                // Gone only if the connection is being closed, and then nobody reads it.
                let _ = connection
                    .outgoing
                    .send(Outgoing::Raw(transport::error(404)));
            }
        });
        Next::Continue
    }
}

/// The salt of a key: always the same one, since nothing here depends on its change.
pub(crate) fn salt(key: &AuthKey) -> i64 {
    (mix(key.id()) | 1).cast_signed()
}
