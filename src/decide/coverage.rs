//! The coverage of a group: whether its joins reach this account, as far as that is known (docs/promises.md).

use serde::Serialize;

use crate::model::{GroupClass, Timestamp};

/// How long a join message proves that a group shows its joins, in seconds.
const FULL_COVERAGE_PERIOD: i64 = 30 * 24 * 3600;

/// A group's coverage. The program does not look for joins without a message yet, so it cannot tell a group that hides
/// its joins from a group without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Coverage {
    /// The group shows join messages, and all of them were read.
    Full,
    /// Some messages could not be read. One of them may be a join.
    Partial,
    /// No join message was seen: either no user joined, or the group hides its joins.
    Unknown,
    /// The group is not watched.
    None,
}

impl Coverage {
    /// Derives the coverage from the group's class, the number of messages that could not be read, and the time of the
    /// last join that had a message.
    #[must_use]
    pub fn judge(
        class: GroupClass,
        unreadable_messages: u64,
        last_join_message: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        match (class, last_join_message) {
            (GroupClass::None, _) => Self::None,
            _ if unreadable_messages > 0 => Self::Partial,
            (_, Some(at)) if at >= now.plus(-FULL_COVERAGE_PERIOD) => Self::Full,
            _ => Self::Unknown,
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_message_proves_coverage_for_thirty_days() {
        let now = Timestamp::new(10_000_000);
        for (last, coverage) in [
            (None, Coverage::Unknown),
            (Some(now), Coverage::Full),
            (Some(now.plus(-30 * 86_400)), Coverage::Full),
            (Some(now.plus(-30 * 86_400 - 1)), Coverage::Unknown),
            // Telegram's clock may be ahead of ours.
            (Some(now.plus(5)), Coverage::Full),
        ] {
            let judged = Coverage::judge(GroupClass::Announced, 0, last, now);
            assert_eq!(judged, coverage, "{last:?}");
        }
    }

    #[test]
    fn an_unreadable_message_makes_the_coverage_partial_unless_the_group_is_not_watched() {
        let now = Timestamp::new(10_000_000);
        let judge = |class, unreadable| Coverage::judge(class, unreadable, Some(now), now);
        assert_eq!(judge(GroupClass::Announced, 1), Coverage::Partial);
        assert_eq!(judge(GroupClass::None, 1), Coverage::None);
    }
}
