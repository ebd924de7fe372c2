//! A page of dialogs: its channels, its peers, and the offset of the next page.

use telegram_wire::tl::{enums, types};

use super::super::{convert, peer};
use crate::model::{AccessHash, Channel, ChannelId};

/// A page of dialogs with the objects that accompany them.
pub(super) struct Page {
    pub(super) dialogs: Vec<enums::Dialog>,
    pub(super) messages: Vec<enums::Message>,
    pub(super) chats: Vec<enums::Chat>,
    pub(super) users: Vec<enums::User>,
    /// How many dialogs the whole list has.
    pub(super) count: usize,
    /// True if the page is the whole list.
    pub(super) is_whole: bool,
}

/// The position at which a page of dialogs begins.
#[derive(Clone, Debug)]
pub(super) struct Offset {
    pub(super) date: i32,
    pub(super) message: i32,
    pub(super) peer: enums::InputPeer,
    /// The pinned dialogs come first, before all others, whatever their dates.
    pub(super) with_pinned: bool,
}

impl Offset {
    pub(super) const START: Self = Self {
        date: 0,
        message: 0,
        peer: enums::InputPeer::Empty,
        with_pinned: true,
    };

    /// The position of the newest message that is not younger than `date`.
    pub(super) const fn at_date(date: i32) -> Self {
        Self {
            date,
            with_pinned: false,
            ..Self::START
        }
    }
}

/// A peer as a key: the ids of users, chats and channels overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PeerKey {
    User(i64),
    Chat(i64),
    Channel(i64),
}

impl Page {
    /// Returns `None` for an answer without a list.
    pub(super) fn new(answer: enums::messages::Dialogs) -> Option<Self> {
        match answer {
            enums::messages::Dialogs::Dialogs(all) => Some(Self {
                count: all.dialogs.len(),
                dialogs: all.dialogs,
                messages: all.messages,
                chats: all.chats,
                users: all.users,
                is_whole: true,
            }),
            enums::messages::Dialogs::Slice(slice) => Some(Self {
                count: usize::try_from(slice.count).unwrap_or(0),
                dialogs: slice.dialogs,
                messages: slice.messages,
                chats: slice.chats,
                users: slice.users,
                is_whole: false,
            }),
            enums::messages::Dialogs::NotModified(_) => None,
        }
    }

    fn entries(&self) -> impl DoubleEndedIterator<Item = &types::Dialog> {
        self.dialogs.iter().filter_map(|dialog| match dialog {
            enums::Dialog::Dialog(dialog) => Some(dialog),
            enums::Dialog::Folder(_) | enums::Dialog::Community(_) => None,
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = PeerKey> {
        self.entries().map(|dialog| match &dialog.peer {
            enums::Peer::User(user) => PeerKey::User(user.user_id),
            enums::Peer::Chat(chat) => PeerKey::Chat(chat.chat_id),
            enums::Peer::Channel(channel) => PeerKey::Channel(channel.channel_id),
        })
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        self.entries()
            .filter_map(|dialog| convert::channel(dialog, &self.chats))
            .collect()
    }

    pub(super) fn has_only_pinned(&self) -> bool {
        self.entries().all(|dialog| dialog.pinned)
    }

    /// Returns the offset after the last dialog whose newest message is on the page. The place of a pinned dialog is not
    /// that of its date.
    pub(super) fn offset_after(&self) -> Option<Offset> {
        let mut unpinned = self.entries().rev().filter(|dialog| !dialog.pinned);
        unpinned.find_map(|dialog| {
            Some(Offset {
                date: self.date_of_top(dialog)?,
                message: dialog.top_message,
                peer: self.input_peer(&dialog.peer)?,
                with_pinned: false,
            })
        })
    }

    fn date_of_top(&self, dialog: &types::Dialog) -> Option<i32> {
        self.messages.iter().find_map(|message| {
            let (id, peer, date) = match message {
                enums::Message::Message(message) => (message.id, &message.peer_id, message.date),
                enums::Message::Service(message) => (message.id, &message.peer_id, message.date),
                enums::Message::Empty(_) => return None,
            };
            (id == dialog.top_message && *peer == dialog.peer).then_some(date)
        })
    }

    /// Names a peer by the access hash that the page shows.
    fn input_peer(&self, wanted: &enums::Peer) -> Option<enums::InputPeer> {
        match wanted {
            enums::Peer::Chat(chat) => Some(
                types::InputPeerChat {
                    chat_id: chat.chat_id,
                }
                .into(),
            ),
            enums::Peer::Channel(channel) => self.chats.iter().find_map(|chat| {
                let hash = match chat {
                    enums::Chat::Channel(chat) if chat.id == channel.channel_id => {
                        chat.access_hash?
                    }
                    enums::Chat::ChannelForbidden(chat) if chat.id == channel.channel_id => {
                        chat.access_hash
                    }
                    _ => return None,
                };
                Some(peer::channel(
                    ChannelId::from_bare(channel.channel_id),
                    AccessHash::new(hash),
                ))
            }),
            enums::Peer::User(user) => self.users.iter().find_map(|shown| match shown {
                enums::User::User(shown) if shown.id == user.user_id => Some(
                    types::InputPeerUser {
                        user_id: shown.id,
                        access_hash: shown.access_hash?,
                    }
                    .into(),
                ),
                _ => None,
            }),
        }
    }
}
