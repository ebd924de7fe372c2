//! The lists that are backed up, rolled back and counted: their names and their contents (docs/files.md).

use std::collections::{BTreeMap, BTreeSet};

use super::{ChannelId, JoinOutcome, MessageId, PhotoId, Timestamp, UserId};

/// A list that can be backed up and rolled back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::Display,
)]
#[strum(serialize_all = "snake_case")]
pub enum List {
    /// Joins and forwarded photos.
    UserIds,
    BadIds,
    ExceptIds,
    /// Administrators by group.
    AdminIds,
    #[strum(transparent)]
    Words(WordList),
}

/// A rule list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::Display,
)]
pub enum WordList {
    /// For names.
    #[strum(serialize = "nm_words")]
    Nm,
    /// For bios.
    #[strum(serialize = "bio_words")]
    Bio,
    /// For names and bios.
    #[strum(serialize = "ban_words")]
    Ban,
    /// Hits together with `con_words` only.
    #[strum(serialize = "ad_words")]
    Ad,
    /// Hits together with `ad_words` only.
    #[strum(serialize = "con_words")]
    Con,
}

impl List {
    /// All lists, in the order of a backup.
    pub const ALL: [Self; 9] = [
        Self::UserIds,
        Self::BadIds,
        Self::ExceptIds,
        Self::AdminIds,
        Self::Words(WordList::Nm),
        Self::Words(WordList::Bio),
        Self::Words(WordList::Ban),
        Self::Words(WordList::Ad),
        Self::Words(WordList::Con),
    ];

    /// Returns the fleet's name of the list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Finds a list by the fleet's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == name)
    }
}

impl WordList {
    /// All rule lists, in the order of a backup.
    pub const ALL: [Self; 5] = [Self::Nm, Self::Bio, Self::Ban, Self::Ad, Self::Con];

    /// Returns the fleet's name of the list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The content of a list, independent of the kind of file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListData {
    Users(UserIds),
    Bad(BadIds),
    Except(ExceptIds),
    /// Administrators by group.
    Admins(BTreeMap<ChannelId, BTreeSet<UserId>>),
    /// The rules in their order, each with its number of hits.
    Rules(Vec<(String, u64)>),
}

impl ListData {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Users(users) => users.joins.is_empty() && users.forwarded.is_empty(),
            Self::Bad(bad) => bad.users.is_empty() && bad.channels.is_empty(),
            Self::Except(except) => except.photos.is_empty(),
            Self::Admins(admins) => admins.is_empty(),
            Self::Rules(rules) => rules.is_empty(),
        }
    }

    /// Returns the same list without entries.
    #[must_use]
    pub fn emptied(&self) -> Self {
        match self {
            Self::Users(_) => Self::Users(UserIds::default()),
            Self::Bad(_) => Self::Bad(BadIds::default()),
            Self::Except(_) => Self::Except(ExceptIds::default()),
            Self::Admins(_) => Self::Admins(BTreeMap::new()),
            Self::Rules(_) => Self::Rules(Vec::new()),
        }
    }
}

/// The content of `user_ids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserIds {
    pub joins: Vec<JoinRecord>,
    pub forwarded: Vec<ForwardedRecord>,
}

/// One join of `user_ids`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JoinRecord {
    pub group: ChannelId,
    /// The service message; 0 if there was none.
    pub message: MessageId,
    pub user: UserId,
    pub joined_at: Timestamp,
    /// The user who added the member; 0 for the group itself, `None` if no one added the member.
    pub added_by: Option<i64>,
    pub outcome: JoinOutcome,
    /// When this program saw the join.
    pub seen_at: Option<Timestamp>,
}

/// One forwarded photo of `user_ids`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForwardedRecord {
    pub user: UserId,
    pub photo: PhotoId,
    pub group: ChannelId,
    /// The post in the private channel.
    pub message: MessageId,
    pub sent_at: Timestamp,
    /// The private channel of the post.
    pub channel: Option<ChannelId>,
}

/// The content of `bad_ids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadIds {
    pub users: BTreeSet<UserId>,
    pub channels: BTreeSet<ChannelId>,
}

/// The content of `except_ids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExceptIds {
    pub photos: BTreeSet<PhotoId>,
}

/// An entry of the bad list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEntry {
    User(UserId),
    Channel(ChannelId),
}
