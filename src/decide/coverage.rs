//! The coverage of a group: whether its joins reach this account, as far as that is known (docs/promises.md).

use serde::Serialize;

use crate::model::Timestamp;

/// How long a join message proves that a group shows its joins, in seconds.
const FULL_COVERAGE_PERIOD: i64 = 30 * 24 * 3600;

/// A group's coverage. The program does not look for joins without a message yet, so it cannot tell a group that hides
/// its joins from a group without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Coverage {
    /// The group shows join messages.
    Full,
    /// No join message was seen: either no user joined, or the group hides its joins.
    Unknown,
}

impl Coverage {
    /// Derives the coverage from the time of the last join that had a message.
    #[must_use]
    pub fn judge(last_join_message: Option<Timestamp>, now: Timestamp) -> Self {
        match last_join_message {
            Some(at) if at >= now.plus(-FULL_COVERAGE_PERIOD) => Self::Full,
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
            assert_eq!(Coverage::judge(last, now), coverage, "{last:?}");
        }
    }
}
