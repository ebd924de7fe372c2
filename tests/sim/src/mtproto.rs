//! Messages inside a packet: containers, gzip, acknowledgements and MTProto service messages.
//!
//! This module unpacks the messages of a client and numbers those of the server. It answers the service messages of
//! core.telegram.org/mtproto/service_messages; the caller dispatches every other message as a request.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use grammers_tl_types::{
    Cursor, Deserializable, Identifiable, RawVec, Serializable, deserialize, enums, functions,
    types,
};

use crate::clock;

/// `msg_container`, which the generated types leave out.
const CONTAINER: u32 = 0x73f1_f8dc;
/// `gzip_packed`, which the generated types leave out.
const GZIP: u32 = 0x3072_cfa1;
/// `rpc_result`, which the generated types leave out.
const RPC_RESULT: u32 = 0xf35c_6d01;

/// The size from which on a result is packed.
const SMALLEST_PACKED: usize = 64 * 1024;

/// A message of a client.
pub(crate) struct Incoming {
    pub(crate) msg_id: i64,
    pub(crate) body: Vec<u8>,
}

/// The action that a message requires.
pub(crate) enum Action {
    /// Dispatch the request.
    Dispatch,
    /// Send this body.
    Reply(Vec<u8>),
    /// Send this body, and close the connection unless another ping comes within this number of seconds.
    ReplyToPing(Vec<u8>, i32),
    /// Do nothing.
    Ignore,
    /// Destroy the session with this id.
    DestroySession(i64),
}

/// Unpacks `message` (`msg_id`, `seqno`, length, body) into its single messages, in order.
pub(crate) fn unpack(message: &[u8]) -> Result<Vec<Incoming>, String> {
    let mut out = Vec::new();
    let mut cursor = Cursor::from_slice(message);
    let (msg_id, body) = read_message(&mut cursor).map_err(|error| error.to_string())?;
    flatten(msg_id, body, true, &mut out)?;
    Ok(out)
}

fn read_message(cursor: &mut Cursor) -> deserialize::Result<(i64, Vec<u8>)> {
    let msg_id = i64::deserialize(cursor)?;
    let _seqno = i32::deserialize(cursor)?;
    let length = i32::deserialize(cursor)?;
    let length = usize::try_from(length).map_err(|_| deserialize::Error::UnexpectedEof)?;
    if length > 2 * 1024 * 1024 {
        return Err(deserialize::Error::UnexpectedEof);
    }
    let mut body = vec![0; length];
    cursor.read_exact(&mut body)?;
    Ok((msg_id, body))
}

fn flatten(
    msg_id: i64,
    body: Vec<u8>,
    may_contain: bool,
    out: &mut Vec<Incoming>,
) -> Result<(), String> {
    if msg_id & 3 != 0 {
        return Err(format!("msg_id {msg_id} of a client is not divisible by 4"));
    }
    match constructor(&body) {
        Some(CONTAINER) if may_contain => {
            let mut cursor = Cursor::from_slice(&body[4..]);
            let count = i32::deserialize(&mut cursor).map_err(|error| error.to_string())?;
            if !(0..=1020).contains(&count) {
                return Err(format!("a container has {count} messages"));
            }
            for _ in 0..count {
                let (msg_id, body) =
                    read_message(&mut cursor).map_err(|error| error.to_string())?;
                flatten(msg_id, body, false, out)?;
            }
            Ok(())
        }
        Some(CONTAINER) => Err("a container inside a container".to_owned()),
        Some(GZIP) => {
            let packed = Vec::<u8>::from_bytes(&body[4..]).map_err(|error| error.to_string())?;
            let mut body = Vec::new();
            GzDecoder::new(packed.as_slice())
                .take(8 * 1024 * 1024)
                .read_to_end(&mut body)
                .map_err(|error| format!("gzip_packed cannot be unpacked: {error}"))?;
            out.push(Incoming { msg_id, body });
            Ok(())
        }
        Some(_) => {
            out.push(Incoming { msg_id, body });
            Ok(())
        }
        None => Err("a message without a constructor".to_owned()),
    }
}

/// Returns the constructor id of a body, which is its first four bytes.
pub(crate) fn constructor(body: &[u8]) -> Option<u32> {
    let head = body.get(..4)?;
    Some(u32::from_le_bytes(head.try_into().ok()?))
}

/// Returns the action that a message requires, with the reply if it is a service message.
pub(crate) fn action(
    message: &Incoming,
    salts: impl Fn(i32) -> Vec<i64>,
) -> Result<Action, String> {
    let body = &message.body;
    let Some(id) = constructor(body) else {
        return Err("a message without a constructor".to_owned());
    };
    let rest = &body[4..];
    let bad =
        |error: deserialize::Error| format!("service message {id:08x} cannot be decoded: {error}");
    let pong = |ping_id| {
        enums::Pong::Pong(types::Pong {
            msg_id: message.msg_id,
            ping_id,
        })
        .to_bytes()
    };
    Ok(match id {
        functions::Ping::CONSTRUCTOR_ID => {
            let ping = functions::Ping::from_bytes(rest).map_err(bad)?;
            Action::Reply(pong(ping.ping_id))
        }
        functions::PingDelayDisconnect::CONSTRUCTOR_ID => {
            let ping = functions::PingDelayDisconnect::from_bytes(rest).map_err(bad)?;
            Action::ReplyToPing(pong(ping.ping_id), ping.disconnect_delay)
        }
        functions::GetFutureSalts::CONSTRUCTOR_ID => {
            let request = functions::GetFutureSalts::from_bytes(rest).map_err(bad)?;
            Action::Reply(future_salts(
                message.msg_id,
                &salts(request.num.clamp(2, 64)),
            ))
        }
        functions::DestroySession::CONSTRUCTOR_ID => {
            let request = functions::DestroySession::from_bytes(rest).map_err(bad)?;
            Action::DestroySession(request.session_id)
        }
        functions::RpcDropAnswer::CONSTRUCTOR_ID => Action::Reply(rpc_result(
            message.msg_id,
            &enums::RpcDropAnswer::RpcAnswerUnknown.to_bytes(),
        )),
        types::MsgsStateReq::CONSTRUCTOR_ID => {
            let request = types::MsgsStateReq::from_bytes(rest).map_err(bad)?;
            let info = types::MsgsStateInfo {
                req_msg_id: message.msg_id,
                // 4 means that the message was received; the server loses none.
                info: vec![4; request.msg_ids.len()],
            };
            Action::Reply(enums::MsgsStateInfo::Info(info).to_bytes())
        }
        types::MsgsAck::CONSTRUCTOR_ID
        | types::MsgsStateInfo::CONSTRUCTOR_ID
        | types::MsgsAllInfo::CONSTRUCTOR_ID
        | types::MsgResendReq::CONSTRUCTOR_ID
        | types::HttpWait::CONSTRUCTOR_ID => Action::Ignore,
        _ => Action::Dispatch,
    })
}

fn future_salts(req_msg_id: i64, salts: &[i64]) -> Vec<u8> {
    let now = clock::unix();
    let salts = salts
        .iter()
        .zip(0..)
        .map(|(salt, index)| types::FutureSalt {
            // Salts overlap as Telegram's do: each is valid for an hour, and a new one begins every half hour.
            valid_since: now + 1800 * index - 60,
            valid_until: now + 1800 * index + 3600,
            salt: *salt,
        })
        .collect();
    enums::FutureSalts::Salts(types::FutureSalts {
        req_msg_id,
        now,
        salts: RawVec(salts),
    })
    .to_bytes()
}

/// Wraps a result or an `rpc_error` as the `rpc_result` of the request `req_msg_id`.
pub(crate) fn rpc_result(req_msg_id: i64, result: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(result.len() + 12);
    RPC_RESULT.serialize(&mut body);
    req_msg_id.serialize(&mut body);
    body.extend_from_slice(result);
    body
}

/// Packs the result in a large `rpc_result` if that makes it smaller, as Telegram does for a limited number of high-level
/// methods (core.telegram.org/mtproto/service_messages, "Packed Object"). Parts of files hardly shrink and stay as they are.
pub(crate) fn packed_result(body: Vec<u8>) -> Vec<u8> {
    let Some((head, result)) = body.split_at_checked(12) else {
        return body;
    };
    let is_file = result.starts_with(&types::upload::File::CONSTRUCTOR_ID.to_le_bytes());
    if result.len() < SMALLEST_PACKED || is_file {
        return body;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(result).and_then(|()| encoder.finish());
    let packed = written.expect("memory takes every write");
    if packed.len() >= result.len() {
        return body;
    }
    let mut out = head.to_vec();
    GZIP.serialize(&mut out);
    packed.serialize(&mut out);
    out
}

/// Numbers the server's messages on one connection.
#[derive(Default)]
pub(crate) struct Numbering {
    last_msg_id: i64,
    content: i32,
}

impl Numbering {
    /// Wraps `body` into a message of this time. `content` messages, which are all but pongs and salts, require an
    /// acknowledgement of the client; `answer` messages reply to one of the client.
    pub(crate) fn message(
        &mut self,
        time: i64,
        body: &[u8],
        content: bool,
        answer: bool,
    ) -> Vec<u8> {
        // "Server message identifiers modulo 4 yield 1 if the message is a response to a client message,
        // and 3 otherwise."
        let mut msg_id = (time & !3) | if answer { 1 } else { 3 };
        if msg_id <= self.last_msg_id {
            msg_id = (self.last_msg_id & !3) + 4 + if answer { 1 } else { 3 };
        }
        self.last_msg_id = msg_id;
        let mut seqno = self.content * 2;
        if content {
            seqno += 1;
            self.content += 1;
        }
        let mut message = Vec::with_capacity(body.len() + 16);
        msg_id.serialize(&mut message);
        seqno.serialize(&mut message);
        i32::try_from(body.len())
            .expect("a message is below two gigabytes")
            .serialize(&mut message);
        message.extend_from_slice(body);
        message
    }
}
