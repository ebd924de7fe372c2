//! Keeps the first bytes of each payload that a short-lived connection receives.
//!
//! grammers drops what the program needs of them: the message id of an unencrypted answer, which carries the
//! server's time, and the number of a transport error that arrives as a framed payload of four bytes.

use std::sync::{Arc, Mutex, PoisonError};

use grammers_crypto::DequeBuffer;
use grammers_mtproto::MsgId;
use grammers_mtproto::mtp::{Deserialization, DeserializeError, Mtp};

/// An [`Mtp`] that keeps the head of the latest payload and leaves everything else to another one.
pub(crate) struct KeepsHead<M> {
    mtp: M,
    head: PayloadHead,
}

/// The head of the latest payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayloadHead(Arc<Mutex<Vec<u8>>>);

impl<M> KeepsHead<M> {
    pub(crate) fn new(mtp: M) -> (Self, PayloadHead) {
        let head = PayloadHead::default();
        let kept = head.clone();
        (Self { mtp, head }, kept)
    }
}

impl<M: Mtp> Mtp for KeepsHead<M> {
    fn push(&mut self, buffer: &mut DequeBuffer<u8>, request: &[u8]) -> Option<MsgId> {
        self.mtp.push(buffer, request)
    }

    fn finalize(&mut self, buffer: &mut DequeBuffer<u8>) -> Option<MsgId> {
        self.mtp.finalize(buffer)
    }

    fn deserialize(
        &mut self,
        payload: &mut [u8],
    ) -> Result<Vec<Deserialization>, DeserializeError> {
        self.head.set(payload);
        self.mtp.deserialize(payload)
    }
}

impl PayloadHead {
    /// The length of `auth_key_id` and `message_id`.
    const LENGTH: usize = 16;

    /// Returns the Unix time in the message id of an unencrypted message: its upper half.
    pub(crate) fn server_time(&self) -> Option<i64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = kept.get(8..16)?.try_into().ok()?;
        Some(i64::from_le_bytes(bytes) >> 32)
    }

    /// Returns the number of a framed transport error, such as 404, if the payload is one.
    pub(crate) fn transport_error(&self) -> Option<u32> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = i32::from_le_bytes(kept.as_slice().try_into().ok()?);
        (number < 0).then(|| number.unsigned_abs())
    }

    fn set(&self, payload: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
        kept.extend_from_slice(&payload[..payload.len().min(Self::LENGTH)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payload_of_four_bytes_is_a_transport_error() {
        let head = PayloadHead::default();
        assert_eq!(head.transport_error(), None);
        head.set(&(-404_i32).to_le_bytes());
        assert_eq!(head.transport_error(), Some(404));
        assert_eq!(head.server_time(), None);
        head.set(&404_i32.to_le_bytes());
        assert_eq!(head.transport_error(), None);
        head.set(&[0xff; 24]);
        assert_eq!(head.transport_error(), None);
    }

    #[test]
    fn the_time_is_the_upper_half_of_the_message_id() {
        let head = PayloadHead::default();
        let msg_id = (1_700_000_000_i64 << 32) | 5;
        head.set(&[[0; 8], msg_id.to_le_bytes()].concat());
        assert_eq!(head.server_time(), Some(1_700_000_000));
    }
}
