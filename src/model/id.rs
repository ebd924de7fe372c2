//! Ids, hashes and times as integers that the compiler keeps apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Defines a newtype over an integer of Telegram's API.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            #[must_use]
            pub const fn new(id: $inner) -> Self {
                Self(id)
            }

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
    /// A user's id; always positive.
    UserId(i64)
}
id! {
    /// A message's id within its channel. For a join without a service message it is 0 or negative, see
    /// [`MessageId::unseen`].
    MessageId(i32)
}
id! {
    /// Telegram's `photo_id` of a profile photo.
    PhotoId(i64)
}
id! {
    /// The `access_hash` that a call needs in order to name a user, channel or file.
    AccessHash(i64)
}
id! {
    /// Whole seconds since 1970-01-01, UTC.
    Timestamp(i64)
}

impl Timestamp {
    /// Formats the time as RFC 3339, UTC.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0)
            .map_or_else(|_| self.0.to_string(), |moment| moment.to_string())
    }

    /// Returns the start of this time's day, UTC.
    #[must_use]
    pub const fn midnight(self) -> Self {
        const DAY: i64 = 24 * 3600;
        Self(self.0 - self.0.rem_euclid(DAY))
    }

    /// Returns the time `seconds` later.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl MessageId {
    /// Returns the id under which `state.db` keeps a join without a service message: the negative of the time of the
    /// join. Two such joins of one member have different ids.
    #[must_use]
    pub fn unseen(date: Timestamp) -> Self {
        Self(i32::try_from(-date.get()).unwrap_or(i32::MIN))
    }

    /// Returns the id that is shown outside `state.db`: 0 if there is no message.
    #[must_use]
    pub const fn or_zero(self) -> Self {
        if self.0 > 0 { self } else { Self(0) }
    }
}

/// The id of a channel: a supergroup or a broadcast channel.
///
/// Telegram's API uses the bare id, the fleet the Bot API form `-100…`. This type keeps the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(i64);

impl ChannelId {
    /// The Bot API subtracts the bare id from this number.
    const OFFSET: i64 = -1_000_000_000_000;
    /// The largest bare id that the Bot API form can hold.
    const LARGEST: i64 = 997_852_516_352;

    #[must_use]
    pub const fn from_bare(id: i64) -> Self {
        Self(id)
    }

    /// Parses the Bot API form `-100…`; `None` if the number is not of that form.
    #[must_use]
    pub fn from_bot_api(id: i64) -> Option<Self> {
        let bare = Self::OFFSET.checked_sub(id)?;
        (1..=Self::LARGEST).contains(&bare).then_some(Self(bare))
    }

    /// Parses either form, as a person may type it; `None` if no channel can have that id.
    #[must_use]
    pub fn from_either(id: i64) -> Option<Self> {
        Self::from_bot_api(id).or_else(|| (1..=Self::LARGEST).contains(&id).then_some(Self(id)))
    }

    /// Parses the link to a post of a private channel, such as `https://t.me/c/1600000005/12`.
    #[must_use]
    pub fn from_link(link: &str) -> Option<Self> {
        let link = link.trim();
        let rest = link.strip_prefix("https://").unwrap_or(link);
        let path = rest.strip_prefix("t.me/c/")?;
        let id = path.split(['/', '?']).next()?.parse().ok()?;
        (id > 0).then_some(id).and_then(Self::from_either)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_without_a_message_have_ids_of_their_own_which_are_shown_as_zero() {
        let unseen = MessageId::unseen(Timestamp::new(1_800_000_000));
        assert_ne!(unseen, MessageId::unseen(Timestamp::new(1_800_000_001)));
        assert_eq!(unseen.or_zero(), MessageId::new(0));
        assert_eq!(MessageId::new(5).or_zero(), MessageId::new(5));
        assert_eq!(
            MessageId::unseen(Timestamp::new(i64::MAX)).or_zero(),
            MessageId::new(0)
        );
    }

    #[test]
    fn bare_and_bot_api_ids_are_kept_apart() {
        let id = ChannelId::from_bot_api(-1_001_234_567_890).expect("a channel's form");
        assert_eq!(id.bare(), 1_234_567_890);
        assert_eq!(id.bot_api(), -1_001_234_567_890);
        assert_eq!(ChannelId::from_bot_api(-10_012_345_678), None);
        assert_eq!(ChannelId::from_bot_api(1_234_567_890), None);
        assert_eq!(ChannelId::from_bot_api(i64::MIN), None);
        assert_eq!(ChannelId::from_bot_api(-1_000_000_000_000), None);
        assert_eq!(
            ChannelId::from_link("https://t.me/c/1234567890/12?single"),
            Some(id)
        );
        assert_eq!(ChannelId::from_link(" t.me/c/1234567890"), Some(id));
        assert_eq!(ChannelId::from_link("https://t.me/hide/12"), None);
        assert_eq!(ChannelId::from_link("https://t.me/c/-5/12"), None);
        assert_eq!(ChannelId::from_either(1_234_567_890), Some(id));
        assert_eq!(ChannelId::from_either(-1_001_234_567_890), Some(id));
        assert_eq!(ChannelId::from_either(0), None);
        assert_eq!(ChannelId::from_either(-5), None);
    }
}
