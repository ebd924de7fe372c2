//! Lists the account's channels, by paging through `messages.getDialogs`.
//!
//! The pages are not a snapshot: while they are read, a dialog with a new message moves to the top, in
//! front of the pages that follow. Therefore the first page is fetched again at the end, until it
//! shows no dialog that is missing.

use std::collections::{BTreeMap, BTreeSet};

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{AccessHash, Channel, ChannelId};

/// How many dialogs a page may hold.
const DIALOGS_PER_PAGE: i32 = 100;
/// The main list of dialogs, and the archive.
const FOLDERS: [i32; 2] = [0, 1];

/// Lists every channel that the account is in, archived ones included, with its present `pts`.
pub(super) async fn channels(wire: &Wire) -> Result<Vec<Channel>, CallError> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        list(wire, folder, &mut found).await?;
    }
    Ok(found.into_values().collect())
}

async fn list(
    wire: &Wire,
    folder: i32,
    found: &mut BTreeMap<ChannelId, Channel>,
) -> Result<(), CallError> {
    let first = f::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: Some(folder),
        offset_date: 0,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit: DIALOGS_PER_PAGE,
        hash: 0,
    };
    let mut request = first.clone();
    let mut seen = BTreeSet::new();
    let mut pages = 0;
    loop {
        let (page, is_complete) = match wire.invoke(&request).await? {
            enums::messages::Dialogs::Dialogs(all) => (
                types::messages::DialogsSlice {
                    count: 0,
                    dialogs: all.dialogs,
                    messages: all.messages,
                    chats: all.chats,
                    users: all.users,
                },
                true,
            ),
            enums::messages::Dialogs::Slice(slice) => (slice, false),
            enums::messages::Dialogs::NotModified(_) => return Ok(()),
        };
        pages += 1;
        let known = seen.len();
        collect(&page, &mut seen, found);
        if is_complete || seen.len() == known {
            break;
        }
        let Some(next) = offset_after(&page) else {
            break;
        };
        request = f::messages::GetDialogs {
            // The first page holds all pinned dialogs.
            exclude_pinned: true,
            offset_date: next.date,
            offset_id: next.message,
            offset_peer: next.peer,
            ..first.clone()
        };
    }
    if pages == 1 {
        return Ok(());
    }
    loop {
        let known = seen.len();
        match wire.invoke(&first).await? {
            enums::messages::Dialogs::Slice(slice) => collect(&slice, &mut seen, found),
            _ => return Ok(()),
        }
        if seen.len() == known {
            return Ok(());
        }
    }
}

/// Adds a page's dialogs to `seen`, and its channels to `found`.
fn collect(
    page: &types::messages::DialogsSlice,
    seen: &mut BTreeSet<PeerKey>,
    found: &mut BTreeMap<ChannelId, Channel>,
) {
    for dialog in &page.dialogs {
        let enums::Dialog::Dialog(dialog) = dialog else {
            continue;
        };
        seen.insert(PeerKey::of(&dialog.peer));
        if let Some(channel) = convert::channel(dialog, &page.chats) {
            found.insert(channel.id, channel);
        }
    }
}

/// The position at which the next page of dialogs begins.
struct Offset {
    date: i32,
    message: i32,
    peer: enums::InputPeer,
}

/// Returns the offset after the last dialog whose newest message is on the page.
fn offset_after(page: &types::messages::DialogsSlice) -> Option<Offset> {
    page.dialogs.iter().rev().find_map(|dialog| {
        let enums::Dialog::Dialog(dialog) = dialog else {
            return None;
        };
        let date = page.messages.iter().find_map(|message| match message {
            enums::Message::Message(m)
                if m.id == dialog.top_message && m.peer_id == dialog.peer =>
            {
                Some(m.date)
            }
            enums::Message::Service(m)
                if m.id == dialog.top_message && m.peer_id == dialog.peer =>
            {
                Some(m.date)
            }
            _ => None,
        })?;
        Some(Offset {
            date,
            message: dialog.top_message,
            peer: input_peer(&dialog.peer, page)?,
        })
    })
}

/// Names a peer by the access hash that the page shows.
fn input_peer(
    wanted: &enums::Peer,
    page: &types::messages::DialogsSlice,
) -> Option<enums::InputPeer> {
    match wanted {
        enums::Peer::Chat(chat) => Some(
            types::InputPeerChat {
                chat_id: chat.chat_id,
            }
            .into(),
        ),
        enums::Peer::Channel(channel) => page.chats.iter().find_map(|chat| {
            let hash = match chat {
                enums::Chat::Channel(chat) if chat.id == channel.channel_id => chat.access_hash?,
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
        enums::Peer::User(user) => page.users.iter().find_map(|shown| match shown {
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

/// A peer as a key: the ids of users, chats and channels overlap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PeerKey {
    User(i64),
    Chat(i64),
    Channel(i64),
}

impl PeerKey {
    const fn of(peer: &enums::Peer) -> Self {
        match peer {
            enums::Peer::User(user) => Self::User(user.user_id),
            enums::Peer::Chat(chat) => Self::Chat(chat.chat_id),
            enums::Peer::Channel(channel) => Self::Channel(channel.channel_id),
        }
    }
}
