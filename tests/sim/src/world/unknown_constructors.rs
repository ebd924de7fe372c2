//! Messages of a newer layer: their constructor is one that no client knows.
//!
//! Telegram converts its answers to the layer of the client, but constructors that the layer lacks leak now and then. An
//! answer or a push that holds one cannot be parsed as a whole.

use grammers_tl_types::Serializable;

use super::World;

/// A constructor id that no layer has.
const UNKNOWN: u32 = 0x7906_d5a5;

impl World {
    /// Replaces the constructor ids of the messages that no client knows, wherever they occur in `body`.
    pub(crate) fn with_unknown_constructors(&self, mut body: Vec<u8>) -> Vec<u8> {
        for chat in self.chats.values() {
            let unknown = chat.unknown_constructors.iter();
            for message in unknown.filter_map(|id| chat.messages.get(id)) {
                let object = message.object(chat, self).to_bytes();
                let mut from = 0;
                while let Some(at) = find(&body[from..], &object) {
                    body[from + at..][..4].copy_from_slice(&UNKNOWN.to_le_bytes());
                    from += at + object.len();
                }
            }
        }
        body
    }
}

fn find(body: &[u8], part: &[u8]) -> Option<usize> {
    body.windows(part.len()).position(|window| window == part)
}
