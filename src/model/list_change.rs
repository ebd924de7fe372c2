//! The difference between two states of one list, as counts of entries.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChannelId, ListData, UserId};

/// The number of entries that a change of a list adds, removes and keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    pub added: usize,
    pub removed: usize,
    pub kept: usize,
}

impl ListChange {
    /// Compares a list before and after a change; two different lists have no difference.
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
