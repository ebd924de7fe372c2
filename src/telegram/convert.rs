//! Telegram's objects become our facts. Pure; the only place that knows their constructors.

use std::collections::BTreeSet;

use telegram_wire::tl::{enums, types};

use super::Hint;
use crate::model::{
    AccessHash, Adder, Advance, Channel, ChannelId, ChannelKind, ChannelPost, Document, Join,
    MessageId, Page, Photo, PhotoId, PhotoSight, Timestamp, User, UserId,
};

/// What one push hints at.
pub(super) fn hints(updates: enums::Updates) -> Vec<Hint> {
    match updates {
        enums::Updates::Updates(batch) => each(batch.updates, &batch.users),
        enums::Updates::Combined(batch) => each(batch.updates, &batch.users),
        enums::Updates::UpdateShort(short) => each(vec![short.update], &[]),
        enums::Updates::TooLong => vec![Hint::SomethingMoved],
        // Private chats and basic groups, which are not watched.
        enums::Updates::UpdateShortMessage(_)
        | enums::Updates::UpdateShortChatMessage(_)
        | enums::Updates::UpdateShortSentMessage(_) => Vec::new(),
    }
}

fn each(updates: Vec<enums::Update>, users: &[enums::User]) -> Vec<Hint> {
    let messages = updates.iter().filter_map(|update| match update {
        enums::Update::NewChannelMessage(new) => Some(&new.message),
        _ => None,
    });
    let mut shown = shown(users, messages);
    let mut hints: Vec<Hint> = updates
        .into_iter()
        .filter_map(|update| hint(update, users))
        .collect();
    // Who joins by these very updates is decided on with the join, perhaps only after a pull.
    shown.retain(|user| !hints.iter().any(|hint| tells_join(hint, user.id)));
    if !shown.is_empty() {
        hints.push(Hint::Shown(shown));
    }
    hints
}

fn tells_join(hint: &Hint, user: UserId) -> bool {
    matches!(hint, Hint::Pushed(page) if page.joins.iter().any(|join| join.user == user))
}

fn hint(update: enums::Update, users: &[enums::User]) -> Option<Hint> {
    use enums::Update as U;
    let bare = |channel: i64, to: i32, count: i32| {
        Some(Hint::Pushed(Page {
            channel: ChannelId::from_bare(channel),
            advance: Advance::Pushed { to, count },
            joins: Vec::new(),
            users: Vec::new(),
            shown: Vec::new(),
            posts: Vec::new(),
            last_message: None,
        }))
    };
    match update {
        U::NewChannelMessage(new) => {
            let Some(channel) = channel_of(&new.message) else {
                return Some(Hint::SomethingMoved);
            };
            let advance = Advance::Pushed {
                to: new.pts,
                count: new.pts_count,
            };
            Some(Hint::Pushed(page(channel, advance, &[new.message], users)))
        }
        U::EditChannelMessage(edit) => match channel_of(&edit.message) {
            Some(channel) => bare(channel.bare(), edit.pts, edit.pts_count),
            None => Some(Hint::SomethingMoved),
        },
        U::DeleteChannelMessages(u) => bare(u.channel_id, u.pts, u.pts_count),
        U::ChannelWebPage(u) => bare(u.channel_id, u.pts, u.pts_count),
        U::PinnedChannelMessages(u) => bare(u.channel_id, u.pts, u.pts_count),
        U::ChannelTooLong(u) => Some(Hint::Moved(ChannelId::from_bare(u.channel_id))),
        // Joined, left or changed: the list of dialogs tells.
        U::Channel(_) => Some(Hint::SomethingMoved),
        _ => None,
    }
}

/// Makes a page of messages, which may come in any order.
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
    Page {
        channel,
        advance,
        users: users
            .iter()
            .filter(|shown| joiners.contains(&UserId::new(shown.id())))
            .map(user)
            .collect(),
        shown: Vec::new(),
        joins,
        posts: messages
            .iter()
            .filter_map(|message| post(message))
            .collect(),
        last_message: messages.last().map(|message| MessageId::new(message.id())),
    }
}

/// A post in a broadcast channel; talk in groups is of no interest.
fn post(message: &enums::Message) -> Option<ChannelPost> {
    let enums::Message::Message(message) = message else {
        return None;
    };
    message.post.then(|| ChannelPost {
        message: MessageId::new(message.id),
        text: message.message.clone(),
        own: message.out,
        document: message.media.as_ref().and_then(document),
    })
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
    })
}

/// Who joined by this message. TELEGRAM.md §1's table.
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
        // An administrator who acts in the name of the group.
        _ => None,
    };
    let join = |user: UserId, added_by: Adder| Join {
        group: ChannelId::from_bare(group.channel_id),
        message: MessageId::new(service.id),
        user,
        added_by,
        date: Timestamp::new(i64::from(service.date)),
    };
    match &service.action {
        A::ChatAddUser(action) => {
            let users: Vec<UserId> = action.users.iter().copied().map(UserId::new).collect();
            users
                .iter()
                .map(|&user| {
                    join(
                        user,
                        match from {
                            Some(from) if users.contains(&from) => Adder::Themselves,
                            Some(from) => Adder::User(from),
                            None => Adder::Group,
                        },
                    )
                })
                .collect()
        }
        A::ChatJoinedByLink(_) | A::ChatJoinedByRequest | A::ChatJoinedViaCommunity(_) => from
            .map(|user| join(user, Adder::Themselves))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn channel_of(message: &enums::Message) -> Option<ChannelId> {
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

/// Reads a user object. `userEmpty` is a user of whom nothing can be known: like a deleted one.
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
                photo: PhotoSight::Unknown,
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

/// Reads the users of whom their objects say which photo they have; not those who leave by these
/// messages, since they are members no more.
pub(super) fn shown<'m>(
    users: &[enums::User],
    messages: impl IntoIterator<Item = &'m enums::Message>,
) -> Vec<User> {
    let left: BTreeSet<i64> = messages.into_iter().filter_map(leaver).collect();
    let shows = |shown: &&enums::User| match shown {
        enums::User::User(user) => {
            !user.is_self
                && !left.contains(&user.id)
                && matches!(photo(user), PhotoSight::Present(_))
        }
        enums::User::Empty(_) => false,
    };
    users.iter().filter(shows).map(user).collect()
}

/// Who left, or was removed, by this message.
fn leaver(message: &enums::Message) -> Option<i64> {
    match message {
        enums::Message::Service(service) => match &service.action {
            enums::MessageAction::ChatDeleteUser(action) => Some(action.user_id),
            _ => None,
        },
        _ => None,
    }
}

fn photo(user: &types::User) -> PhotoSight {
    let shown = match &user.photo {
        // `personal` is one that this account has set for them: others do not see it.
        Some(enums::UserProfilePhoto::Photo(photo)) if !photo.personal => Some(Photo {
            id: PhotoId::new(photo.photo_id),
            dc: photo.dc_id,
        }),
        _ => None,
    };
    match (shown, user.min, user.apply_min_photo) {
        (Some(photo), false, _) | (Some(photo), true, true) => PhotoSight::Present(photo),
        (None, false, _) => PhotoSight::Absent,
        (_, true, _) => PhotoSight::Unknown,
    }
}

/// Reads a dialog's channel; `None` for chats, users, forbidden, left and half-shown channels.
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
        kind: if channel.broadcast {
            ChannelKind::Broadcast
        } else {
            ChannelKind::Group
        },
        title: channel.title.clone(),
        can_post: channel.creator || rights == Some(true),
        since: Timestamp::new(i64::from(channel.date)),
        pts: dialog.pts?,
        top_message: MessageId::new(dialog.top_message),
    })
}
