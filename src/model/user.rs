//! Users and their profile photos as Telegram's user objects show them.

use serde::{Deserialize, Serialize};

use super::{AccessHash, ChannelId, MessageId, PhotoId, UserId};

/// A profile photo as a user object names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    pub id: PhotoId,
    /// The data centre that stores the photo.
    pub dc: i32,
}

/// The profile photo in a user object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfilePhoto {
    /// A min user object does not include the photo: the user has to be requested.
    Unknown,
    /// The user has no photo, or hides it from this account. Telegram does not distinguish the two.
    Absent,
    Present(Photo),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub access_hash: Option<AccessHash>,
    /// True if the object was a min one: its hash is valid only for the profile photo.
    pub min: bool,
    /// First and last name. Private: never logged.
    pub name: String,
    pub bot: bool,
    pub deleted: bool,
    pub photo: ProfilePhoto,
}

/// The ways to name a user in a call, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRef {
    pub user: UserId,
    /// The hash of a full user object.
    pub full_hash: Option<AccessHash>,
    /// The hash of a min user object: valid only for the profile photo.
    pub min_hash: Option<AccessHash>,
    /// A message that shows the user, with its channel and that channel's hash.
    pub seen_in: Option<(ChannelId, AccessHash, MessageId)>,
}
