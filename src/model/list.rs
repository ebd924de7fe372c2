//! The lists that are backed up, rolled back and counted (SPEC §6, §7.3): their names and contents.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChannelId, MessageId, PhotoId, Timestamp, UserId};

/// A list that can be backed up and rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Joins and forwarded photos.
    UserIds,
    /// The bad list.
    BadIds,
    /// The exception list.
    ExceptIds,
    /// Administrators by group.
    AdminIds,
    /// A list of rules.
    Words(WordList),
}

/// A list of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WordList {
    /// For names.
    Nm,
    /// For bios.
    Bio,
    /// For anything that bans.
    Ban,
    /// Hits together with `con_words` only.
    Ad,
    /// Hits together with `ad_words` only.
    Con,
}

impl List {
    /// All lists, in the order in which they are backed up.
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

    /// Returns the fleet's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserIds => "user_ids",
            Self::BadIds => "bad_ids",
            Self::ExceptIds => "except_ids",
            Self::AdminIds => "admin_ids",
            Self::Words(list) => list.as_str(),
        }
    }

    /// Finds the list of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == name)
    }
}

impl WordList {
    /// All lists of rules.
    pub const ALL: [Self; 5] = [Self::Nm, Self::Bio, Self::Ban, Self::Ad, Self::Con];

    /// Returns the fleet's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nm => "nm_words",
            Self::Bio => "bio_words",
            Self::Ban => "ban_words",
            Self::Ad => "ad_words",
            Self::Con => "con_words",
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for WordList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is in a list, whatever file it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListData {
    /// `user_ids`
    Users(Users),
    /// `bad_ids`
    Bad(BadIds),
    /// `except_ids`
    Except(ExceptIds),
    /// `admin_ids`: administrators by group.
    Admins(BTreeMap<ChannelId, BTreeSet<UserId>>),
    /// A list of rules, in its order: each rule and how often it hit.
    Rules(Vec<(String, u64)>),
}

impl ListData {
    /// Returns whether there is nothing in it.
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
}

/// What a change of a list does to its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    /// Entries that were not there before.
    pub added: usize,
    /// Entries that are not there any more.
    pub removed: usize,
    /// Entries that stayed.
    pub kept: usize,
}

impl ListChange {
    /// Compares a list with what became of it.
    #[must_use]
    pub fn between(before: &ListData, after: &ListData) -> Self {
        match (before, after) {
            (ListData::Users(before), ListData::Users(after)) => {
                let joins = Self::of(&before.joins, &after.joins);
                joins.and(Self::of(&before.forwarded, &after.forwarded))
            }
            (ListData::Bad(before), ListData::Bad(after)) => {
                let users = Self::of(&before.users, &after.users);
                users.and(Self::of(&before.channels, &after.channels))
            }
            (ListData::Except(before), ListData::Except(after)) => {
                Self::of(&before.photos, &after.photos)
            }
            (ListData::Admins(before), ListData::Admins(after)) => {
                Self::of(pairs(before), pairs(after))
            }
            (ListData::Rules(before), ListData::Rules(after)) => Self::of(before, after),
            _ => Self::default(),
        }
    }

    fn of<T: Ord>(before: impl IntoIterator<Item = T>, after: impl IntoIterator<Item = T>) -> Self {
        let (before, after) = (sorted(before), sorted(after));
        let kept = after
            .iter()
            .filter(|entry| before.binary_search(entry).is_ok())
            .count();
        Self {
            added: after.len() - kept,
            removed: before.len() - kept,
            kept,
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            removed: self.removed + other.removed,
            kept: self.kept + other.kept,
        }
    }
}

fn sorted<T: Ord>(entries: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut entries: Vec<T> = entries.into_iter().collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

fn pairs(
    admins: &BTreeMap<ChannelId, BTreeSet<UserId>>,
) -> impl Iterator<Item = (ChannelId, UserId)> {
    admins
        .iter()
        .flat_map(|(group, users)| users.iter().map(|user| (*group, *user)))
}

/// Joins and forwarded photos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// The joins, and what became of each.
    pub joins: Vec<JoinRecord>,
    /// The photos that were forwarded.
    pub forwarded: Vec<ForwardedRecord>,
}

/// One join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JoinRecord {
    /// The group.
    pub group: ChannelId,
    /// The service message, 0 for none.
    pub message: MessageId,
    /// Who joined.
    pub user: UserId,
    /// When.
    pub joined_at: Timestamp,
    /// Who added them; 0 in the name of the group, none where they came by themselves.
    pub added_by: Option<i64>,
    /// What became of it.
    pub outcome: String,
    /// When it was seen, if that is known.
    pub seen_at: Option<Timestamp>,
}

/// One photo that was forwarded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardedRecord {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub photo: PhotoId,
    /// For which group.
    pub group: ChannelId,
    /// The post in the private channel.
    pub message: MessageId,
    /// When.
    pub sent_at: Timestamp,
    /// The private channel that it was posted in, if that is known.
    pub channel: Option<ChannelId>,
}

/// The bad list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadIds {
    /// Users.
    pub users: BTreeSet<UserId>,
    /// Channels.
    pub channels: BTreeSet<ChannelId>,
}

/// The exception list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptIds {
    /// Photos.
    pub photos: BTreeSet<PhotoId>,
}

/// Who or what is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// A user: banned everywhere.
    User(UserId),
    /// A channel.
    Channel(ChannelId),
}
