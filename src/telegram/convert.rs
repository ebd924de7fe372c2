//! Converts Telegram's objects into the program's types. The functions are pure.

use std::collections::BTreeSet;

use telegram_wire::tl::{enums, types};

use crate::model::{
    AccessHash, AddedBy, Advance, Channel, ChannelId, ChannelKind, ChannelPost, DatedMessage,
    Document, Join, MessageId, Page, Photo, PhotoId, ProfilePhoto, Sender, Timestamp, User, UserId,
};

/// Makes a page of messages, which may be in any order.
pub(super) fn page(
    channel: ChannelId,
    advance: Advance,
    messages: &[enums::Message],
    users: &[enums::User],
) -> Page {
    let mut messages: Vec<&enums::Message> = messages.iter().collect();
    messages.sort_by_key(|message| message.id());
    let joins: Vec<Join> = messages.iter().flat_map(|message| joins(message)).collect();
    let joiners: BTreeSet<UserId> = joins.iter().map(|join| join.user).collect();
    let dated: Vec<DatedMessage> = messages
        .iter()
        .filter_map(|message| dated(message))
        .collect();
    Page {
        users: users
            .iter()
            .filter(|shown| joiners.contains(&UserId::new(shown.id())))
            .map(user)
            .collect(),
        joins,
        posts: messages
            .iter()
            .filter_map(|message| post(message))
            .collect(),
        senders: messages
            .iter()
            .filter_map(|message| sender(message))
            .collect(),
        leavers: messages
            .iter()
            .filter_map(|message| leaver(message))
            .map(UserId::new)
            .collect(),
        last_message: dated.last().map(|message| message.id),
        messages: dated,
        ..Page::empty(channel, advance)
    }
}

/// Returns the id and the time of a message, unless it was deleted.
fn dated(message: &enums::Message) -> Option<DatedMessage> {
    let date = match message {
        enums::Message::Message(message) => message.date,
        enums::Message::Service(message) => message.date,
        enums::Message::Empty(_) => return None,
    };
    Some(DatedMessage {
        id: MessageId::new(message.id()),
        date: Timestamp::new(i64::from(date)),
    })
}

/// Converts a post in a broadcast channel. Messages in groups are ignored.
fn post(message: &enums::Message) -> Option<ChannelPost> {
    let enums::Message::Message(message) = message else {
        return None;
    };
    message.post.then(|| ChannelPost {
        message: MessageId::new(message.id),
        date: Timestamp::new(message.date.into()),
        text: message.message.clone(),
        own: message.out,
        document: message.media.as_ref().and_then(document),
    })
}

/// Returns the user who wrote an ordinary message in a group. Administrators may write in the name of the group, and
/// channels in their own.
fn sender(message: &enums::Message) -> Option<Sender> {
    let enums::Message::Message(message) = message else {
        return None;
    };
    match (&message.from_id, message.post) {
        (Some(enums::Peer::User(from)), false) => Some(Sender {
            user: UserId::new(from.user_id),
            message: MessageId::new(message.id),
            date: Timestamp::new(i64::from(message.date)),
        }),
        _ => None,
    }
}

/// Returns the largest id of a list of deleted messages.
pub(super) fn last_deleted(ids: &[i32]) -> Option<MessageId> {
    ids.iter().copied().max().map(MessageId::new)
}

/// Returns the document of a message, if it is this message of the channel.
pub(super) fn document_of(
    message: &enums::Message,
    channel: ChannelId,
    id: MessageId,
) -> Option<Document> {
    let enums::Message::Message(message) = message else {
        return None;
    };
    let is_there =
        matches!(&message.peer_id, enums::Peer::Channel(peer) if peer.channel_id == channel.bare());
    if !is_there || message.id != id.get() {
        return None;
    }
    message.media.as_ref().and_then(document)
}

fn document(media: &enums::MessageMedia) -> Option<Document> {
    let enums::MessageMedia::Document(media) = media else {
        return None;
    };
    let Some(enums::Document::Document(document)) = &media.document else {
        return None;
    };
    Some(Document {
        id: document.id,
        access_hash: AccessHash::new(document.access_hash),
        file_reference: document.file_reference.clone(),
        dc: document.dc_id,
        size: u64::try_from(document.size).unwrap_or(0),
        name: document
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                enums::DocumentAttribute::Filename(named) => Some(named.file_name.clone()),
                _ => None,
            }),
    })
}

/// Lists the joins that a service message reports (docs/telegram.md, "Joins").
fn joins(message: &enums::Message) -> Vec<Join> {
    use enums::MessageAction as A;
    let enums::Message::Service(service) = message else {
        return Vec::new();
    };
    let enums::Peer::Channel(group) = &service.peer_id else {
        return Vec::new();
    };
    let from = match &service.from_id {
        Some(enums::Peer::User(peer)) => Some(UserId::new(peer.user_id)),
        // An administrator acts in the name of the group.
        _ => None,
    };
    let join = |user: UserId, added_by: AddedBy| Join {
        group: ChannelId::from_bare(group.channel_id),
        message: MessageId::new(service.id),
        user,
        added_by,
        date: Timestamp::new(i64::from(service.date)),
    };
    match &service.action {
        A::ChatAddUser(action) => {
            let users: Vec<UserId> = action.users.iter().copied().map(UserId::new).collect();
            let added_by = match from {
                Some(from) if users.contains(&from) => AddedBy::Themselves,
                Some(from) => AddedBy::User(from),
                None => AddedBy::AnonymousAdmin,
            };
            users.into_iter().map(|user| join(user, added_by)).collect()
        }
        A::ChatJoinedByLink(_) | A::ChatJoinedByRequest | A::ChatJoinedViaCommunity(_) => from
            .map(|user| join(user, AddedBy::Themselves))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the channel that a message is in, if it is in one.
pub(super) fn channel_of(message: &enums::Message) -> Option<ChannelId> {
    let peer = match message {
        enums::Message::Message(message) => Some(&message.peer_id),
        enums::Message::Service(message) => Some(&message.peer_id),
        enums::Message::Empty(message) => message.peer_id.as_ref(),
    };
    match peer {
        Some(enums::Peer::Channel(channel)) => Some(ChannelId::from_bare(channel.channel_id)),
        _ => None,
    }
}

/// Converts a user object. `userEmpty` becomes a user of whom only the id is known.
pub(super) fn user(user: &enums::User) -> User {
    let user = match user {
        enums::User::User(user) => user,
        enums::User::Empty(empty) => {
            return User {
                id: UserId::new(empty.id),
                access_hash: None,
                min: true,
                name: String::new(),
                bot: false,
                deleted: false,
                photo: ProfilePhoto::Unknown,
            };
        }
    };
    User {
        id: UserId::new(user.id),
        access_hash: user.access_hash.map(AccessHash::new),
        min: user.min,
        name: [&user.first_name, &user.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        bot: user.bot,
        deleted: user.deleted,
        photo: photo(user),
    }
}

/// Converts the users whose objects show a profile photo, except this account itself and those who
/// leave by these messages.
pub(super) fn shown<'m>(
    users: &[enums::User],
    messages: impl IntoIterator<Item = &'m enums::Message>,
) -> Vec<User> {
    let left: BTreeSet<i64> = messages.into_iter().filter_map(leaver).collect();
    let shows = |shown: &&enums::User| match shown {
        enums::User::User(user) => {
            !user.is_self
                && !left.contains(&user.id)
                && matches!(photo(user), ProfilePhoto::Present(_))
        }
        enums::User::Empty(_) => false,
    };
    users.iter().filter(shows).map(user).collect()
}

/// Returns the user who left or was removed by this message.
fn leaver(message: &enums::Message) -> Option<i64> {
    match message {
        enums::Message::Service(service) => match &service.action {
            enums::MessageAction::ChatDeleteUser(action) => Some(action.user_id),
            _ => None,
        },
        _ => None,
    }
}

fn photo(user: &types::User) -> ProfilePhoto {
    let shown = match &user.photo {
        // This account set a `personal` photo for the user: other accounts do not see it.
        Some(enums::UserProfilePhoto::Photo(photo)) if !photo.personal => Some(Photo {
            id: PhotoId::new(photo.photo_id),
            dc: photo.dc_id,
        }),
        _ => None,
    };
    match (shown, user.min, user.apply_min_photo) {
        (Some(photo), false, _) | (Some(photo), true, true) => ProfilePhoto::Present(photo),
        (None, false, _) => ProfilePhoto::Absent,
        (_, true, _) => ProfilePhoto::Unknown,
    }
}

/// Returns when this account entered a channel, if an answer shows the channel.
pub(super) fn entered(channel: ChannelId, chats: &[enums::Chat]) -> Option<Timestamp> {
    chats.iter().find_map(|chat| match chat {
        enums::Chat::Channel(shown) if shown.id == channel.bare() && !shown.left && !shown.min => {
            Some(Timestamp::new(i64::from(shown.date)))
        }
        _ => None,
    })
}

const fn kind(channel: &types::Channel) -> ChannelKind {
    if channel.gigagroup || channel.monoforum {
        ChannelKind::Unsupported
    } else if channel.broadcast {
        ChannelKind::Broadcast
    } else {
        ChannelKind::Group
    }
}

/// Converts a dialog's channel. Returns `None` for users, basic groups and min objects, and for channels
/// that the account has left or may not enter.
pub(super) fn channel(dialog: &types::Dialog, chats: &[enums::Chat]) -> Option<Channel> {
    let enums::Peer::Channel(peer) = &dialog.peer else {
        return None;
    };
    let channel = chats.iter().find_map(|chat| match chat {
        enums::Chat::Channel(channel) if channel.id == peer.channel_id => Some(channel),
        _ => None,
    })?;
    if channel.left || channel.min {
        return None;
    }
    let rights = channel
        .admin_rights
        .as_ref()
        .map(|enums::ChatAdminRights::Rights(rights)| rights.post_messages);
    Some(Channel {
        id: ChannelId::from_bare(channel.id),
        access_hash: AccessHash::new(channel.access_hash?),
        kind: kind(channel),
        title: channel.title.clone(),
        can_post: channel.creator || rights == Some(true),
        since: Timestamp::new(i64::from(channel.date)),
        pts: dialog.pts?,
        top_message: MessageId::new(dialog.top_message),
        member_count: channel
            .participants_count
            .and_then(|count| u32::try_from(count).ok()),
    })
}
