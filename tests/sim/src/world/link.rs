//! The state below MTProto's requests: the server's clock, unencrypted messages, and transport errors by order of a test.

use std::collections::HashMap;

use grammers_tl_types::Serializable;

use super::connections::Key;
use super::{Outgoing, World};
use crate::clock;
use crate::key_exchange::{KeyExchangeFault, KeyExchangeStep};
use crate::transport;
use crate::{HOME_DC, OTHER_DC};

/// How far ahead of the server's clock the message ids of a client may be, in seconds.
const MAX_AHEAD: i64 = 30;
/// How far behind they may be.
const MAX_BEHIND: i64 = 300;

/// The form in which a transport error is sent. Telegram uses both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The bytes of the error instead of a frame.
    Raw,
    /// A frame with a payload of four bytes.
    Framed,
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct LinkState {
    /// How far the server's clock is ahead of the machine's, in seconds.
    pub(crate) clock_offset: i64,
    /// Unencrypted messages are answered with transport error −404.
    pub(crate) refuses_plain: bool,
    /// The transport error with which every encrypted packet is answered, by data centre.
    pub(crate) errors: HashMap<i32, (i32, Framing)>,
    /// The number of messages that were rejected for their id.
    pub(crate) bad_messages: usize,
    /// The requests of key exchanges, by data centre.
    pub(crate) requests: HashMap<(i32, KeyExchangeStep), usize>,
    /// Faults of key exchanges that a test armed, in order.
    pub(crate) key_exchange_faults: Vec<(KeyExchangeStep, KeyExchangeFault)>,
}

impl World {
    /// Returns the number of messages that were rejected because their ids are too far from the server's clock
    /// (`bad_msg_notification` 16 and 17).
    pub fn bad_messages(&self) -> usize {
        self.link.bad_messages
    }

    /// Returns how often a client has begun a key exchange.
    pub fn key_exchanges(&self) -> usize {
        [HOME_DC, OTHER_DC]
            .map(|dc| self.key_exchange_requests(dc, KeyExchangeStep::ReqPq))
            .iter()
            .sum()
    }

    /// Returns how many requests of key exchanges a data centre has received.
    pub fn key_exchange_requests(&self, dc: i32, step: KeyExchangeStep) -> usize {
        self.link.requests.get(&(dc, step)).copied().unwrap_or(0)
    }

    /// Returns how many keys a data centre has negotiated.
    pub fn negotiated_keys(&self, dc: i32) -> usize {
        let negotiated = |key: &&Key| key.dc == dc && key.negotiated;
        self.keys.values().filter(negotiated).count()
    }

    /// Records a request of a key exchange, and returns the fault that applies to it.
    pub(crate) fn begin_key_exchange_step(
        &mut self,
        dc: i32,
        step: KeyExchangeStep,
    ) -> Option<KeyExchangeFault> {
        *self.link.requests.entry((dc, step)).or_default() += 1;
        let matching = |armed: &(KeyExchangeStep, KeyExchangeFault)| armed.0 == step;
        let index = self.link.key_exchange_faults.iter().position(matching)?;
        Some(self.link.key_exchange_faults.remove(index).1)
    }

    /// Queues the answer to an unencrypted message.
    pub(crate) fn send_plain(&self, connection: u64, body: &[u8]) {
        let mut message = vec![0; 8];
        ((clock::msg_id(self.link.clock_offset) & !3) | 1).serialize(&mut message);
        i32::try_from(body.len())
            .expect("an answer of a key exchange is small")
            .serialize(&mut message);
        message.extend_from_slice(body);
        if let Some(connection) = self.connections.get(&connection) {
            // This fails only if the connection is being closed, and then the client does not read it.
            let _ = connection.outgoing.send(Outgoing::Plain(message));
        }
    }

    /// Returns the server's clock, in seconds since 1970.
    pub(crate) fn server_time(&self) -> i32 {
        let time = i64::from(clock::unix()) + self.link.clock_offset;
        i32::try_from(time).expect("the clock is before 2038")
    }

    /// Queues a transport error on a connection, which closes after it. The code is negative.
    pub(crate) fn send_transport_error(&mut self, connection: u64, code: i32, framing: Framing) {
        self.transport_errors += 1;
        if let Some(connection) = self.connections.get(&connection) {
            // This fails only if the connection is being closed, and then the client does not read it.
            let _ = connection.outgoing.send(match framing {
                Framing::Raw => Outgoing::Raw(transport::error(code)),
                Framing::Framed => Outgoing::FramedError(code),
            });
        }
    }

    /// Returns the code of the `bad_msg_notification` for this message id of a client, if it is too far from the
    /// server's clock.
    pub(crate) fn rejection(&self, msg_id: i64) -> Option<i32> {
        let ahead = (msg_id >> 32) - (clock::msg_id(self.link.clock_offset) >> 32);
        if ahead > MAX_AHEAD {
            Some(17)
        } else if ahead < -MAX_BEHIND {
            Some(16)
        } else {
            None
        }
    }
}
