//! How a group shows its joins.

use crate::model::{GroupClass, Timestamp};

/// Groups of this size and more may show no joins. Public reports name about 10,000 members.
const LARGE_GROUP: u32 = 9_000;
/// How long a join without a message shows that others have none, in seconds.
const UNSEEN_JOIN_PERIOD: i64 = 30 * 24 * 3600;
/// How long a group may show no joins after it was created, migrated or entered, in seconds.
pub(super) const YOUTH: i64 = 20 * 60;

/// The facts that decide on the class of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassEvidence {
    pub shows_members: bool,
    pub member_count: Option<u32>,
    /// When a list of members last showed a join without a message.
    pub unseen_join_at: Option<Timestamp>,
    /// When this account entered the group; a group that was created or migrated was entered at that time.
    pub since: Timestamp,
}

/// Returns the class of a group at `now`.
#[must_use]
pub fn group_class(evidence: &ClassEvidence, now: Timestamp) -> GroupClass {
    let within = |at: Timestamp, period: i64| now < at.plus(period);
    if !evidence.shows_members {
        GroupClass::Hidden
    } else if evidence
        .member_count
        .is_some_and(|count| count >= LARGE_GROUP)
        || evidence
            .unseen_join_at
            .is_some_and(|at| within(at, UNSEEN_JOIN_PERIOD))
        || within(evidence.since, YOUTH)
    {
        GroupClass::Scanned
    } else {
        GroupClass::Announced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    #[test]
    fn groups_that_may_show_no_joins_are_scanned() {
        let plain = ClassEvidence {
            shows_members: true,
            member_count: Some(8_999),
            unseen_join_at: None,
            since: NOW.plus(-YOUTH),
        };
        let class = |evidence: ClassEvidence| group_class(&evidence, NOW);
        assert_eq!(class(plain), GroupClass::Announced);
        let unknown_size = ClassEvidence {
            member_count: None,
            ..plain
        };
        assert_eq!(class(unknown_size), GroupClass::Announced);
        let large = ClassEvidence {
            member_count: Some(9_000),
            ..plain
        };
        assert_eq!(class(large), GroupClass::Scanned);
        let young = ClassEvidence {
            since: NOW.plus(1 - YOUTH),
            ..plain
        };
        assert_eq!(class(young), GroupClass::Scanned);
        let unseen = |days: i64| ClassEvidence {
            unseen_join_at: Some(NOW.plus(-days * 24 * 3600)),
            ..plain
        };
        assert_eq!(class(unseen(29)), GroupClass::Scanned);
        assert_eq!(class(unseen(30)), GroupClass::Announced);
        let hidden = ClassEvidence {
            shows_members: false,
            ..large
        };
        assert_eq!(class(hidden), GroupClass::Hidden);
    }
}
