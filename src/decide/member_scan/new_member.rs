//! The members in a list who are new: their joins had no message that was read.

use crate::model::{GroupScan, Timestamp};

/// So many members may enter in the second in which this account does. If more do, and they are most of a page, a migration
/// of the group moved them all.
const MAX_IN_ENTRY_SECOND: usize = 2;

/// Everything that decides whether a member of a group is new, except the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewMemberRule {
    /// Members who joined before this time are not new.
    newest_before: Timestamp,
    /// Members who joined before this time were there before this account.
    entered_before: Timestamp,
    /// When the program first knew the group.
    watched_from: Timestamp,
}

/// The records of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHistory {
    /// True if a join of the user into the group is recorded at that time or later.
    pub has_join: bool,
    /// When the joins of the user were last deleted.
    pub cleared_at: Timestamp,
}

impl NewMemberRule {
    /// Makes the rule for the members of a group who are new at `now`. `time_new` is in seconds.
    #[must_use]
    pub const fn new(group: &GroupScan, time_new: i64, now: Timestamp) -> Self {
        Self {
            newest_before: now.plus(-time_new),
            entered_before: group.since.plus(1),
            watched_from: group.watched_from,
        }
    }

    /// Admits the members who entered in the same second as this account, unless the `dates` of a page show that a
    /// migration moved them.
    #[must_use]
    pub fn with_entry_second(self, dates: impl Iterator<Item = Timestamp>) -> Self {
        let entered = self.entered_before.plus(-1);
        let (together, others): (Vec<Timestamp>, Vec<Timestamp>) =
            dates.partition(|date| *date == entered);
        if together.len() > MAX_IN_ENTRY_SECOND.max(others.len()) {
            return self;
        }
        Self {
            entered_before: entered,
            ..self
        }
    }

    /// Returns true if a member who joined at `date` may be new. The records of the user decide then.
    #[must_use]
    pub fn may_be_new(&self, date: Timestamp) -> bool {
        date >= self.newest_before && date >= self.entered_before && date >= self.watched_from
    }

    /// Returns true if a member who joined at `date` is new.
    #[must_use]
    pub fn is_new(&self, date: Timestamp, history: MemberHistory) -> bool {
        self.may_be_new(date) && !history.has_join && date > history.cleared_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::member_scan::schedule::tests::group;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    #[test]
    fn a_member_is_new_for_a_while_after_a_join_that_is_not_recorded() {
        let scanned = GroupScan {
            since: NOW.plus(-1_000),
            watched_from: NOW.plus(-900),
            ..group(1)
        };
        let unknown = MemberHistory {
            has_join: false,
            cleared_at: Timestamp::new(0),
        };
        let joined = |seconds: i64| NOW.plus(-seconds);
        let rule = NewMemberRule::new(&scanned, 1_800, NOW);
        let older_group = GroupScan {
            since: NOW.plus(-10_000),
            watched_from: NOW.plus(-9_000),
            ..scanned.clone()
        };
        let older_rule = NewMemberRule::new(&older_group, 1_800, NOW);
        assert!(rule.is_new(joined(0), unknown));
        assert!(older_rule.is_new(joined(1_800), unknown));
        assert!(!older_rule.is_new(joined(1_801), unknown), "not new");
        assert!(rule.is_new(joined(900), unknown));
        assert!(!rule.is_new(joined(901), unknown), "before the program");
        let entered = GroupScan {
            since: NOW.plus(-60),
            watched_from: Timestamp::new(0),
            ..group(1)
        };
        let rule = NewMemberRule::new(&entered, 1_800, NOW);
        assert!(rule.is_new(joined(59), unknown));
        assert!(!rule.is_new(joined(60), unknown), "before the account");
        let alone = rule.with_entry_second([joined(60), joined(60), joined(3)].into_iter());
        assert!(alone.is_new(joined(60), unknown));
        assert!(!alone.is_new(joined(61), unknown));
        let moved = [joined(60), joined(60), joined(60), joined(3), joined(2)];
        let after_move = rule.with_entry_second(moved.into_iter());
        assert!(!after_move.is_new(joined(60), unknown), "a migration");
        let raid = moved.into_iter().chain([joined(1)]);
        assert!(rule.with_entry_second(raid).is_new(joined(60), unknown));
        let recorded = MemberHistory {
            has_join: true,
            ..unknown
        };
        assert!(!older_rule.is_new(joined(10), recorded), "recorded");
        let cleared = |seconds: i64| MemberHistory {
            cleared_at: joined(seconds),
            ..unknown
        };
        assert!(!older_rule.is_new(joined(10), cleared(10)), "forgotten");
        assert!(older_rule.is_new(joined(10), cleared(11)), "joined later");
    }
}
