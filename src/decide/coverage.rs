//! How much of what happens in a group reaches this account (SPEC §9.4), as far as it is known.

use serde::Serialize;

use crate::model::Timestamp;

/// How long a join message vouches for a group, in seconds.
const VOUCHES_FOR: i64 = 30 * 24 * 3600;

/// A group's coverage. Silent joins are not looked for yet, so that nothing tells whether a group
/// hides its joins or has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Join messages are seen there.
    Full,
    /// No join message was seen: either nobody joined, or the group hides them.
    Unknown,
}

impl Coverage {
    /// Judges by when the last join message told of a join.
    #[must_use]
    pub fn judge(last_told: Option<Timestamp>, now: Timestamp) -> Self {
        match last_told {
            Some(told) if told >= now.plus(-VOUCHES_FOR) => Self::Full,
            _ => Self::Unknown,
        }
    }

    /// Returns SPEC's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_message_vouches_for_thirty_days() {
        let now = Timestamp::new(10_000_000);
        for (told, coverage) in [
            (None, Coverage::Unknown),
            (Some(now), Coverage::Full),
            (Some(now.plus(-30 * 86_400)), Coverage::Full),
            (Some(now.plus(-30 * 86_400 - 1)), Coverage::Unknown),
            // Telegram's clock may be ahead of ours.
            (Some(now.plus(5)), Coverage::Full),
        ] {
            assert_eq!(Coverage::judge(told, now), coverage, "{told:?}");
        }
    }
}
