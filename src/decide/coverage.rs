//! The coverage of a group: whether its joins reach this account, as far as that is known (docs/coverage.md).

use serde::Serialize;

use crate::model::{GroupClass, GroupSigns, Timestamp};

/// How long a refusal of a member's date counts, in seconds.
const REFUSAL_PERIOD: i64 = 24 * 3600;

/// A group's coverage, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Coverage {
    /// Every join has a message, as far as is known, and all messages were read.
    Full,
    /// Some joins may be missing.
    Partial,
    /// A first message is the only sign of a join, and the time of the join stays unknown.
    Blind,
    /// The group is not watched.
    None,
}

impl Coverage {
    #[must_use]
    pub fn judge(signs: &GroupSigns, now: Timestamp) -> Self {
        match signs.class {
            GroupClass::None => Self::None,
            GroupClass::Hidden if are_dates_refused(signs, now) => Self::Blind,
            GroupClass::Hidden | GroupClass::Scanned => Self::Partial,
            GroupClass::Announced if is_something_missing(signs) => Self::Partial,
            GroupClass::Announced => Self::Full,
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn are_dates_refused(signs: &GroupSigns, now: Timestamp) -> bool {
    signs
        .dates_refused_at
        .is_some_and(|at| now < at.plus(REFUSAL_PERIOD))
}

fn is_something_missing(signs: &GroupSigns) -> bool {
    signs.deleted_unread > 0 || signs.unreadable_messages > 0 || signs.unexplained_joins > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelId;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn signs(class: GroupClass) -> GroupSigns {
        GroupSigns {
            group: ChannelId::from_bare(5),
            present: true,
            class,
            unreadable_messages: 0,
            deleted_unread: 0,
            unexplained_joins: 0,
            scanned_at: None,
            dates_refused_at: None,
        }
    }

    #[test]
    fn each_class_has_its_coverage() {
        for (class, coverage) in [
            (GroupClass::Announced, Coverage::Full),
            (GroupClass::Scanned, Coverage::Partial),
            (GroupClass::Hidden, Coverage::Partial),
            (GroupClass::None, Coverage::None),
        ] {
            assert_eq!(Coverage::judge(&signs(class), NOW), coverage, "{class:?}");
        }
    }

    #[test]
    fn each_missing_message_and_each_unexplained_join_makes_the_coverage_partial() {
        let changes: [fn(&mut GroupSigns); 3] = [
            |signs| signs.deleted_unread = 1,
            |signs| signs.unreadable_messages = 1,
            |signs| signs.unexplained_joins = 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let judge = |class| {
                let mut signs = signs(class);
                change(&mut signs);
                Coverage::judge(&signs, NOW)
            };
            assert_eq!(judge(GroupClass::Announced), Coverage::Partial, "{index}");
            assert_eq!(judge(GroupClass::None), Coverage::None, "{index}");
        }
    }

    #[test]
    fn a_hidden_group_is_blind_for_a_day_after_a_refused_date() {
        for (refused_at, coverage) in [
            (NOW, Coverage::Blind),
            (NOW.plus(1), Coverage::Blind),
            (NOW.plus(1 - REFUSAL_PERIOD), Coverage::Blind),
            (NOW.plus(-REFUSAL_PERIOD), Coverage::Partial),
        ] {
            let refused = |class| GroupSigns {
                dates_refused_at: Some(refused_at),
                ..signs(class)
            };
            let judged = Coverage::judge(&refused(GroupClass::Hidden), NOW);
            assert_eq!(judged, coverage, "{refused_at}");
            // The members are visible by now.
            let judged = Coverage::judge(&refused(GroupClass::Announced), NOW);
            assert_eq!(judged, Coverage::Full, "{refused_at}");
        }
    }
}
