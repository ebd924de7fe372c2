//! Objects of a newer layer: their constructor is one that no client knows.
//!
//! Telegram converts its answers to the layer of the client, but constructors that the layer lacks leak now and then. An
//! answer or a push that holds one cannot be parsed as a whole.

use grammers_tl_types::Serializable;

use super::World;
use super::chat::Chat;

/// A constructor id that no layer has.
pub(crate) const UNKNOWN: u32 = 0x7906_d5a5;

/// An object of a chat that no client can parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unreadable {
    /// The chat's entry in lists of dialogs.
    Dialog,
    Message(i32),
}

impl Unreadable {
    /// Returns the object's bytes as a client of a newer layer gets them, or nothing if the message is deleted.
    fn bytes(self, chat: &Chat, world: &World) -> Option<Vec<u8>> {
        match self {
            Self::Dialog => Some(chat.dialog().to_bytes()),
            Self::Message(id) => {
                let message = chat.messages.get(&id)?;
                Some(message.object(chat, world).to_bytes())
            }
        }
    }
}

impl World {
    /// Replaces the constructor ids of the objects that no client knows, wherever they occur in `body`.
    pub(crate) fn with_unknown_constructors(&self, mut body: Vec<u8>) -> Vec<u8> {
        for chat in self.chats.values() {
            let unreadable = chat.unreadable.iter();
            for object in unreadable.filter_map(|object| object.bytes(chat, self)) {
                hide_constructor(&mut body, &object);
            }
        }
        for user in self.users.values().filter(|user| user.is_unreadable) {
            hide_constructor(&mut body, &user.full(self.me).to_bytes());
        }
        body
    }
}

fn hide_constructor(body: &mut [u8], object: &[u8]) {
    let mut from = 0;
    while let Some(at) = find(&body[from..], object) {
        body[from + at..][..4].copy_from_slice(&UNKNOWN.to_le_bytes());
        from += at + object.len();
    }
}

fn find(body: &[u8], part: &[u8]) -> Option<usize> {
    body.windows(part.len()).position(|window| window == part)
}
