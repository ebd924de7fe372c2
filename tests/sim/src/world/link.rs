//! The state below MTProto's requests: the server's clock, unencrypted messages, and transport errors by order of a test.

use std::collections::HashMap;

use grammers_tl_types::{Deserializable, Identifiable, Serializable, enums, functions, types};

use super::{Outgoing, World};
use crate::clock;
use crate::mtproto::constructor;
use crate::transport;

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
    /// The number of `req_pq_multi` that were answered.
    pub(crate) key_exchanges: usize,
}

impl World {
    /// Returns the number of messages that were rejected because their ids are too far from the server's clock
    /// (`bad_msg_notification` 16 and 17).
    pub fn bad_messages(&self) -> usize {
        self.link.bad_messages
    }

    /// Returns how often a client has begun a key exchange.
    pub fn key_exchanges(&self) -> usize {
        self.link.key_exchanges
    }

    /// Answers an unencrypted message. Returns false if it has no answer.
    pub(crate) fn answer_plain(&mut self, connection: u64, payload: &[u8]) -> bool {
        let Some(answer) = self.plain_answer(payload) else {
            return false;
        };
        if let Some(connection) = self.connections.get(&connection) {
            // This fails only if the connection is being closed, and then the client does not read it.
            let _ = connection.outgoing.send(Outgoing::Plain(answer));
        }
        true
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

    /// Returns the answer to the first message of a key exchange, with the server's time.
    fn plain_answer(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if self.link.refuses_plain {
            return None;
        }
        let body = payload.get(20..)?;
        if constructor(body)? != functions::ReqPqMulti::CONSTRUCTOR_ID {
            return None;
        }
        let request = functions::ReqPqMulti::from_bytes(&body[4..]).ok()?;
        self.link.key_exchanges += 1;
        let answer = enums::ResPq::Pq(types::ResPq {
            nonce: request.nonce,
            server_nonce: [0x5a; 16],
            // The example of core.telegram.org/mtproto/samples-auth_key.
            pq: 0x17ED_4894_1A08_F981_u64.to_be_bytes().to_vec(),
            // No client knows this RSA key, so a key exchange ends here.
            server_public_key_fingerprints: vec![0x5079],
        })
        .to_bytes();
        let mut message = vec![0; 8];
        ((clock::msg_id(self.link.clock_offset) & !3) | 1).serialize(&mut message);
        i32::try_from(answer.len()).ok()?.serialize(&mut message);
        message.extend(answer);
        Some(message)
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
