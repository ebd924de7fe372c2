//! What happened in a channel since a `pts`, and which channels there are.
//!
//! Owns the paging of `messages.getDialogs` and the reading of `updates.getChannelDifference`.
//! It keeps nothing: `pts` comes in and goes out.

use std::collections::{BTreeMap, BTreeSet};

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{AccessHash, Advance, Channel, ChannelId, MessageId, Page};

/// Events a page of differences may hold; the most for a user account.
const EVENTS_A_PAGE: i32 = 100;
/// Dialogs a page may hold.
const DIALOGS_A_PAGE: i32 = 100;
/// Messages that may be asked for by their ids in one call.
pub(super) const MESSAGES_A_CALL: i32 = 200;
/// The main list of dialogs, and the archive.
const FOLDERS: [i32; 2] = [0, 1];

/// The answer to "what happened since".
#[derive(Debug)]
pub enum Difference {
    /// This, and more is to be asked for unless it is the last page.
    Page {
        /// What happened.
        page: Page,
        /// Whether nothing is left after it.
        last: bool,
    },
    /// The gap is too long for differences: its messages have to be fetched by their ids.
    TooLong {
        /// The newest message.
        top_message: MessageId,
        /// The `pts` to go on from, once they are fetched.
        pts: i32,
    },
}

/// Pulls one page of what happened in a channel since `pts`.
pub(super) async fn pull(
    wire: &Wire,
    channel: ChannelId,
    access_hash: AccessHash,
    pts: i32,
) -> Result<Difference, CallError> {
    use enums::updates::ChannelDifference as D;
    let answer = wire
        .invoke(&f::updates::GetChannelDifference {
            force: false,
            channel: peer::input_channel(channel, access_hash),
            filter: enums::ChannelMessagesFilter::Empty,
            pts,
            limit: EVENTS_A_PAGE,
        })
        .await?;
    let advance = |to| Advance::Pulled { from: pts, to };
    Ok(match answer {
        D::Empty(empty) => Difference::Page {
            page: convert::page(channel, advance(empty.pts), &[], &[]),
            // Nothing came: there is nothing more to come.
            last: true,
        },
        D::Difference(found) => Difference::Page {
            page: Page {
                shown: convert::shown(&found.users, &found.new_messages),
                ..convert::page(
                    channel,
                    advance(found.pts),
                    &found.new_messages,
                    &found.users,
                )
            },
            last: found.r#final,
        },
        D::TooLong(gap) => match gap.dialog {
            enums::Dialog::Dialog(types::Dialog {
                top_message,
                pts: Some(pts),
                ..
            }) => Difference::TooLong {
                top_message: MessageId::new(top_message),
                pts,
            },
            _ => {
                return Err(CallError::Refused {
                    method: "updates.getChannelDifference",
                    code: 0,
                    name: "an answer TooLong without a pts".into(),
                    value: None,
                });
            }
        },
    })
}

/// Fetches the messages `first ..= last` by their ids, at most [`MESSAGES_A_CALL`].
pub(super) async fn messages(
    wire: &Wire,
    channel: ChannelId,
    access_hash: AccessHash,
    first: MessageId,
    last: MessageId,
) -> Result<Page, CallError> {
    use enums::messages::Messages as M;
    let answer = wire
        .invoke(&f::channels::GetMessages {
            channel: peer::input_channel(channel, access_hash),
            id: (first.get()..=last.get())
                .map(|id| types::InputMessageId { id }.into())
                .collect(),
        })
        .await?;
    let (messages, users) = match answer {
        M::Messages(m) => (m.messages, m.users),
        M::Slice(m) => (m.messages, m.users),
        M::ChannelMessages(m) => (m.messages, m.users),
        M::NotModified(_) => (Vec::new(), Vec::new()),
    };
    let mut page = convert::page(channel, Advance::Refetched, &messages, &users);
    page.last_message = Some(last);
    page.shown = convert::shown(&users, &messages);
    Ok(page)
}

/// Lists every channel that the account is in, with its present `pts`; archived ones too.
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
    let mut request = f::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: Some(folder),
        offset_date: 0,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit: DIALOGS_A_PAGE,
        hash: 0,
    };
    let first = request.clone();
    let mut seen = BTreeSet::new();
    let mut pages = 0;
    loop {
        let (page, more) = match wire.invoke(&request).await? {
            enums::messages::Dialogs::Dialogs(all) => (
                types::messages::DialogsSlice {
                    count: 0,
                    dialogs: all.dialogs,
                    messages: all.messages,
                    chats: all.chats,
                    users: all.users,
                },
                false,
            ),
            enums::messages::Dialogs::Slice(slice) => (slice, true),
            enums::messages::Dialogs::NotModified(_) => return Ok(()),
        };
        pages += 1;
        let before = seen.len();
        take(&page, &mut seen, found);
        if !more || seen.len() == before {
            break;
        }
        let Some(next) = offset_after(&page) else {
            break;
        };
        request = f::messages::GetDialogs {
            // The first page had them all.
            exclude_pinned: true,
            ..next.into_request(folder)
        };
    }
    if pages == 1 {
        return Ok(());
    }
    // The pages are no snapshot: a dialog that moved to the top meanwhile was on none of them.
    loop {
        let before = seen.len();
        match wire.invoke(&first).await? {
            enums::messages::Dialogs::Slice(slice) => take(&slice, &mut seen, found),
            _ => return Ok(()),
        }
        if seen.len() == before {
            return Ok(());
        }
    }
}

fn take(
    page: &types::messages::DialogsSlice,
    seen: &mut BTreeSet<(u8, i64)>,
    found: &mut BTreeMap<ChannelId, Channel>,
) {
    for dialog in &page.dialogs {
        let enums::Dialog::Dialog(dialog) = dialog else {
            continue;
        };
        seen.insert(peer_key(&dialog.peer));
        if let Some(channel) = convert::channel(dialog, &page.chats) {
            found.insert(channel.id, channel);
        }
    }
}

/// Where the next page of dialogs begins.
struct Offset {
    date: i32,
    message: i32,
    peer: enums::InputPeer,
}

impl Offset {
    fn into_request(self, folder: i32) -> f::messages::GetDialogs {
        f::messages::GetDialogs {
            exclude_pinned: false,
            folder_id: Some(folder),
            offset_date: self.date,
            offset_id: self.message,
            offset_peer: self.peer,
            limit: DIALOGS_A_PAGE,
            hash: 0,
        }
    }
}

/// The last dialog whose newest message the page shows gives the next offset.
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
            peer: input_peer(&dialog.peer, &page.chats, &page.users)?,
        })
    })
}

fn input_peer(
    wanted: &enums::Peer,
    chats: &[enums::Chat],
    users: &[enums::User],
) -> Option<enums::InputPeer> {
    match wanted {
        enums::Peer::Chat(chat) => Some(
            types::InputPeerChat {
                chat_id: chat.chat_id,
            }
            .into(),
        ),
        enums::Peer::Channel(channel) => chats.iter().find_map(|chat| {
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
        enums::Peer::User(user) => users.iter().find_map(|shown| match shown {
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

fn peer_key(peer: &enums::Peer) -> (u8, i64) {
    match peer {
        enums::Peer::User(user) => (0, user.user_id),
        enums::Peer::Chat(chat) => (1, chat.chat_id),
        enums::Peer::Channel(channel) => (2, channel.channel_id),
    }
}
