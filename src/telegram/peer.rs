//! The ways to name a user or a channel in a call.

use telegram_wire::tl::{enums, types};

use crate::model::{AccessHash, ChannelId, UserRef};

/// Names a channel in a call that takes any peer.
pub(super) fn channel(id: ChannelId, access_hash: AccessHash) -> enums::InputPeer {
    types::InputPeerChannel {
        channel_id: id.bare(),
        access_hash: access_hash.get(),
    }
    .into()
}

/// Names a channel in a call that takes channels only.
pub(super) fn input_channel(id: ChannelId, access_hash: AccessHash) -> enums::InputChannel {
    types::InputChannel {
        channel_id: id.bare(),
        access_hash: access_hash.get(),
    }
    .into()
}

/// Names the owner of a profile photo in every known way: first by the full access hash, then by the
/// min access hash, last by a message in which they appear.
pub(super) fn for_photo(user_ref: &UserRef) -> Vec<enums::InputPeer> {
    let by_hash = |hash: AccessHash| {
        types::InputPeerUser {
            user_id: user_ref.user.get(),
            access_hash: hash.get(),
        }
        .into()
    };
    let by_message = user_ref.seen_in.map(|(group, hash, message)| {
        types::InputPeerUserFromMessage {
            peer: channel(group, hash),
            msg_id: message.get(),
            user_id: user_ref.user.get(),
        }
        .into()
    });
    let full = user_ref.full_hash.map(by_hash);
    let min = user_ref.min_hash.map(by_hash);
    full.into_iter().chain(min).chain(by_message).collect()
}

/// Names a user in every way that `channels.getParticipant` accepts, best first. A min access hash is not one.
pub(super) fn for_participant(user_ref: &UserRef) -> Vec<enums::InputPeer> {
    for_photo(&UserRef {
        min_hash: None,
        ..*user_ref
    })
}

/// Names a user in every way that `users.getUsers` accepts, best first. A min access hash is not one.
pub(super) fn for_user(user_ref: &UserRef) -> Vec<enums::InputUser> {
    let by_hash = user_ref.full_hash.map(|hash| {
        types::InputUser {
            user_id: user_ref.user.get(),
            access_hash: hash.get(),
        }
        .into()
    });
    let by_message = user_ref.seen_in.map(|(group, hash, message)| {
        types::InputUserFromMessage {
            peer: channel(group, hash),
            msg_id: message.get(),
            user_id: user_ref.user.get(),
        }
        .into()
    });
    by_hash.into_iter().chain(by_message).collect()
}
