//! Reads the events of one channel: by `updates.getChannelDifference`, or messages by their ids.
//!
//! This module stores nothing: the caller passes the `pts` in and stores the new one.

use std::time::Duration;

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{AccessHash, Advance, ChannelId, MessageId, Page};

/// The events of a channel since some `pts`.
#[derive(Debug)]
pub enum Difference {
    /// The events, or the first part of them.
    Page {
        page: Box<Page>,
        /// True if no further page follows.
        last: bool,
        /// The time after which Telegram wants a client that shows the channel to ask again.
        timeout: Option<Duration>,
    },
    /// Telegram returns no events over a gap this long. The messages must be fetched by their ids.
    TooLong {
        /// The newest message of the channel.
        top_message: MessageId,
        /// The `pts` from which to go on once the messages are fetched.
        pts: i32,
    },
}

/// Fetches the events of a channel since `pts`, at most `limit`. Telegram permits 1 to 100.
pub(super) async fn pull(
    wire: &Wire,
    channel: ChannelId,
    access_hash: AccessHash,
    pts: i32,
    limit: i32,
) -> Result<Difference, CallError> {
    use enums::updates::ChannelDifference as D;
    let answer = wire
        .invoke(&f::updates::GetChannelDifference {
            force: false,
            channel: peer::input_channel(channel, access_hash),
            filter: enums::ChannelMessagesFilter::Empty,
            pts,
            limit,
        })
        .await?;
    let advance = |to| Advance::Pulled { from: pts, to };
    Ok(match answer {
        D::Empty(empty) => Difference::Page {
            page: Box::new(Page::empty(channel, advance(empty.pts))),
            // Telegram returns an empty difference only if the channel has no newer events.
            last: true,
            timeout: duration(empty.timeout),
        },
        D::Difference(found) => Difference::Page {
            page: {
                let advance = advance(found.pts);
                let page = convert::page(channel, advance, &found.new_messages, &found.users);
                Box::new(Page {
                    entered: convert::entered(channel, &found.chats),
                    other_users_with_photo: convert::shown(&found.users, &found.new_messages),
                    last_message: page.last_message.max(last_deleted(&found.other_updates)),
                    ..page
                })
            },
            last: found.r#final,
            timeout: duration(found.timeout),
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
                return Err(CallError::Unusable {
                    method: "updates.getChannelDifference",
                    cause: "channelDifferenceTooLong without a pts".into(),
                });
            }
        },
    })
}

/// Returns the largest id of the messages that were deleted: a message that was deleted before it was read leaves nothing
/// but this.
fn last_deleted(updates: &[enums::Update]) -> Option<MessageId> {
    let deleted = updates.iter().filter_map(|update| match update {
        enums::Update::DeleteChannelMessages(deleted) => convert::last_deleted(&deleted.messages),
        _ => None,
    });
    deleted.max()
}

fn duration(seconds: Option<i32>) -> Option<Duration> {
    let seconds = u64::try_from(seconds?).ok()?;
    Some(Duration::from_secs(seconds))
}

/// Fetches the messages `first ..= last` by their ids. Telegram permits at most 200.
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
    let (messages, users, chats) = match answer {
        M::Messages(m) => (m.messages, m.users, m.chats),
        M::Slice(m) => (m.messages, m.users, m.chats),
        M::ChannelMessages(m) => (m.messages, m.users, m.chats),
        M::NotModified(_) => (Vec::new(), Vec::new(), Vec::new()),
    };
    let mut page = convert::page(channel, Advance::ByMessageIds, &messages, &users);
    page.entered = convert::entered(channel, &chats);
    page.last_message = Some(last);
    page.other_users_with_photo = convert::shown(&users, &messages);
    Ok(page)
}
