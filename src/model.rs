//! Our own ids and facts, in Telegram's words.
//!
//! Owns the vocabulary that the rooms share; refuses to know the wire, the database and the clock.
//! Everything here is plain data: what was seen, not what is to be done about it.

mod list;
pub mod said;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use list::{
    Bad, BadIds, ExceptIds, ForwardedRecord, JoinRecord, List, ListChange, ListData, Users,
    WordList,
};

/// Defines a newtype over an integer id of Telegram's.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Wraps a bare id.
            #[must_use]
            pub const fn new(id: $inner) -> Self {
                Self(id)
            }

            /// Returns the bare id.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A user's id.
    UserId(i64)
}
id! {
    /// A message's id within its channel; 0 where a join had no service message.
    MessageId(i32)
}
id! {
    /// A profile photo's id, `photo_id`.
    PhotoId(i64)
}
id! {
    /// A hash that proves to Telegram that this account has met a peer.
    AccessHash(i64)
}
id! {
    /// A moment in whole seconds since 1970, UTC, as Telegram counts.
    Timestamp(i64)
}

impl Timestamp {
    /// Says it as RFC 3339, UTC.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0)
            .map_or_else(|_| self.0.to_string(), |moment| moment.to_string())
    }

    /// Returns the first moment of this one's day, UTC.
    #[must_use]
    pub const fn midnight(self) -> Self {
        const DAY: i64 = 24 * 3600;
        Self(self.0 - self.0.rem_euclid(DAY))
    }

    /// Returns the moment `seconds` later.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// A channel's id: a supergroup or a broadcast channel.
///
/// Telegram's API speaks of the bare id, the fleet of the Bot API form `-100…`; this type never
/// lets the two be confused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(i64);

impl ChannelId {
    /// What the Bot API puts in front of a channel's bare id.
    const OFFSET: i64 = -1_000_000_000_000;
    /// The largest bare id that the Bot API form can hold.
    const LARGEST: i64 = 997_852_516_352;

    /// Wraps a bare id, as Telegram's API gives it.
    #[must_use]
    pub const fn from_bare(id: i64) -> Self {
        Self(id)
    }

    /// Reads the Bot API form `-100…`; `None` if the number is not of that form.
    #[must_use]
    pub fn from_bot_api(id: i64) -> Option<Self> {
        let bare = Self::OFFSET.checked_sub(id)?;
        (1..=Self::LARGEST).contains(&bare).then_some(Self(bare))
    }

    /// Reads either form, as a person may type it; `None` if no channel has that id.
    #[must_use]
    pub fn from_either(id: i64) -> Option<Self> {
        Self::from_bot_api(id).or_else(|| (1..=Self::LARGEST).contains(&id).then_some(Self(id)))
    }

    /// Returns the bare id.
    #[must_use]
    pub const fn bare(self) -> i64 {
        self.0
    }

    /// Returns the Bot API form `-100…`.
    #[must_use]
    pub const fn bot_api(self) -> i64 {
        Self::OFFSET - self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bot_api().fmt(f)
    }
}

/// What kind of channel it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// A supergroup: SPEC's `group`.
    Group,
    /// A broadcast channel, such as HIDE and EXCHANGE.
    Broadcast,
}

/// A channel as Telegram's list of dialogs shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// The hash to name it by in calls.
    pub access_hash: AccessHash,
    /// Group or broadcast channel.
    pub kind: ChannelKind,
    /// Its title; private, never logged above debug.
    pub title: String,
    /// Whether this account may post there.
    pub can_post: bool,
    /// When this account joined it.
    pub since: Timestamp,
    /// The channel's present `pts`.
    pub pts: i32,
    /// The id of its newest message.
    pub top_message: MessageId,
}

/// A profile photo as a user object names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Which photo.
    pub id: PhotoId,
    /// The data centre that keeps it.
    pub dc: i32,
}

/// What a user object says of the profile photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfilePhoto {
    /// A min user object that does not speak of the photo: it must be asked for.
    Unknown,
    /// None, or hidden from this account; the two look alike.
    Absent,
    /// This one.
    Present(Photo),
}

/// A user as one user object shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The hash in the object, if it had one.
    pub access_hash: Option<AccessHash>,
    /// Whether the object was a min one: its hash serves only for the profile photo.
    pub min: bool,
    /// The display name: first and last; private, never logged.
    pub name: String,
    /// Whether the account is a bot.
    pub bot: bool,
    /// Whether the account is deleted.
    pub deleted: bool,
    /// Their profile photo.
    pub photo: ProfilePhoto,
}

/// By whose hand somebody became a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedBy {
    /// Their own: by a link, a request, a community, or the join button.
    Themselves,
    /// Another user's.
    User(UserId),
    /// An administrator's who acts in the name of the group.
    AnonymousAdmin,
}

/// Somebody became a member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The group.
    pub group: ChannelId,
    /// The join's service message.
    pub message: MessageId,
    /// Who joined.
    pub user: UserId,
    /// By whose hand.
    pub added_by: AddedBy,
    /// When.
    pub date: Timestamp,
}

/// A post in a broadcast channel: an envelope, if the channel is HIDE or EXCHANGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPost {
    /// Its message id.
    pub message: MessageId,
    /// Its text or caption; private, never logged.
    pub text: String,
    /// Whether this account posted it.
    pub own: bool,
    /// The file that goes with it.
    pub document: Option<Document>,
}

/// A file in a post, by what names it in `upload.getFile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: i64,
    /// Its access hash.
    pub access_hash: AccessHash,
    /// A token that expires; a fresh one comes with the message.
    pub file_reference: Vec<u8>,
    /// The data centre that keeps it.
    pub dc: i32,
    /// Its size in bytes.
    pub size: u64,
}

/// How a channel's `pts` moved with a page of happenings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Pulled from the stored `pts`: the new value, whatever lies between.
    Pulled {
        /// The `pts` that was asked from.
        from: i32,
        /// The `pts` after the page.
        to: i32,
    },
    /// Pushed: applies only where `to - count` is what is stored.
    Pushed {
        /// The `pts` after the event.
        to: i32,
        /// How many events it counts for.
        count: i32,
    },
    /// Messages fetched by their ids, over a gap too long for differences: `pts` stays.
    Refetched,
    /// The gap is closed: the `pts` of the list of dialogs is adopted.
    Adopted {
        /// That `pts`.
        to: i32,
    },
}

/// What happened in a channel, in order, and how far it brings us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The channel.
    pub channel: ChannelId,
    /// How `pts` moves when the page is applied.
    pub advance: Advance,
    /// The joins it tells of, oldest first.
    pub joins: Vec<Join>,
    /// The joiners, as it shows them.
    pub users: Vec<User>,
    /// Everybody whom a pulled page shows with a photo, in passing. Pushes have a hint of their own
    /// for them.
    pub shown: Vec<User>,
    /// The posts it tells of, oldest first.
    pub posts: Vec<ChannelPost>,
    /// The largest message id it covers, if it has messages.
    pub last_message: Option<MessageId>,
}

/// Where and by which hashes a user can be named in a call, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// The user.
    pub user: UserId,
    /// The hash of a full user object.
    pub full_hash: Option<AccessHash>,
    /// The hash of a min user object: good for the profile photo alone.
    pub min_hash: Option<AccessHash>,
    /// A message that shows them, and its channel.
    pub seen_in: Option<(ChannelId, AccessHash, MessageId)>,
}

/// What one outbox row is to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Payload {
    /// An envelope without a file.
    Text {
        /// The whole message.
        text: String,
    },
    /// An envelope with a small file, whose contents are at hand.
    File {
        /// The caption.
        text: String,
        /// What is in the file.
        content: Content,
    },
    /// An envelope with a whole list, which is read when its turn comes.
    List {
        /// The caption.
        text: String,
        /// The list's name.
        list: String,
    },
    /// A new member's photo.
    Avatar(Avatar),
}

/// What is in a report's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A text for people.
    Text(String),
    /// Figures by label: a rule and its hits, or a line of the status.
    Counts {
        /// The list that is counted, or "status".
        list: String,
        /// The figures.
        counts: Vec<(String, u64)>,
    },
}

/// A photo on its way to HIDE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// The group that was joined.
    pub group: ChannelId,
    /// Whose photo.
    pub user: UserId,
    /// The join's service message, 0 where there was none.
    pub message: MessageId,
    /// The photo.
    pub photo: Photo,
    /// Whether it was found by looking again at a member who is still new (SPEC §4.1). `message` then
    /// says which join it belongs to, and is not told.
    #[serde(default)]
    pub recheck: bool,
}

impl Avatar {
    /// Returns the message that the report tells: 0 where the photo was not seen with the join.
    #[must_use]
    pub const fn reported_message(&self) -> MessageId {
        if self.recheck {
            MessageId::new(0)
        } else {
            self.message
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_ids_keep_their_two_forms_apart() {
        let id = ChannelId::from_bot_api(-1_001_234_567_890).expect("a channel's form");
        assert_eq!(id.bare(), 1_234_567_890);
        assert_eq!(id.bot_api(), -1_001_234_567_890);
        assert_eq!(ChannelId::from_bot_api(-10_012_345_678), None);
        assert_eq!(ChannelId::from_bot_api(1_234_567_890), None);
        assert_eq!(ChannelId::from_bot_api(i64::MIN), None);
        assert_eq!(ChannelId::from_bot_api(-1_000_000_000_000), None);
        assert_eq!(ChannelId::from_either(1_234_567_890), Some(id));
        assert_eq!(ChannelId::from_either(-1_001_234_567_890), Some(id));
        assert_eq!(ChannelId::from_either(0), None);
        assert_eq!(ChannelId::from_either(-5), None);
    }

    #[test]
    fn a_photo_of_before_there_was_a_recheck_still_reads() {
        let row = r#"{"kind":"avatar","group":10,"user":2,"message":5,"photo":{"id":7,"dc":2}}"#;
        let Ok(Payload::Avatar(mut avatar)) = serde_json::from_str(row) else {
            panic!("it does not read");
        };
        assert!(!avatar.recheck);
        assert_eq!(avatar.reported_message(), MessageId::new(5));
        avatar.recheck = true;
        assert_eq!(avatar.reported_message(), MessageId::new(0));
    }
}
