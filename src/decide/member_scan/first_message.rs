//! The first message of a user in a group that hides its members and the dates of their joins.
//!
//! At first most such senders are old members, so the program only learns who writes there. A sender who was never seen
//! after that is probably new.

use crate::config::UnseenPolicy;
use crate::model::Timestamp;

/// How long the senders of a group are only learned, in seconds.
const LEARNING_PERIOD: i64 = 7 * 24 * 3600;
/// After that many senders the learning ends before its time.
pub const LEARNING_SENDERS: u32 = 500;
/// The most joins that first messages show in one group within an hour. More would be a mistake rather than a raid.
const MAX_UNPROVEN_JOINS: u32 = 30;

/// How far the senders of a group are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    pub since: Timestamp,
    /// The senders that are known in the group, without this one; at most [`LEARNING_SENDERS`] are counted.
    pub senders: u32,
}

/// The meaning of a first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstMessage {
    /// The sender is learned.
    Learned,
    /// The sender counts as a new member.
    NewMember,
    /// The sender may be a new member, and is recorded as one that nothing proves.
    Unproven,
}

/// Decides on the first message of a sender at `sent_at`. `recent_joins` counts the joins of the last hour that first
/// messages showed in the group.
#[must_use]
pub fn first_message(
    policy: UnseenPolicy,
    learning: Learning,
    sent_at: Timestamp,
    recent_joins: u32,
) -> FirstMessage {
    let learns =
        learning.senders < LEARNING_SENDERS && sent_at < learning.since.plus(LEARNING_PERIOD);
    if learns {
        FirstMessage::Learned
    } else if policy == UnseenPolicy::Forward && recent_joins < MAX_UNPROVEN_JOINS {
        FirstMessage::NewMember
    } else {
        FirstMessage::Unproven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    #[test]
    fn a_sender_is_new_once_the_senders_of_the_group_are_known() {
        let at = |seconds_ago: i64, senders: u32| Learning {
            since: NOW.plus(-seconds_ago),
            senders,
        };
        let (forward, skip) = (UnseenPolicy::Forward, UnseenPolicy::Skip);
        for (policy, learning, recent, meaning) in [
            (forward, at(0, 0), 0, FirstMessage::Learned),
            (
                forward,
                at(LEARNING_PERIOD - 1, 499),
                0,
                FirstMessage::Learned,
            ),
            (skip, at(LEARNING_PERIOD - 1, 499), 0, FirstMessage::Learned),
            (forward, at(LEARNING_PERIOD, 0), 0, FirstMessage::NewMember),
            (forward, at(0, 500), 29, FirstMessage::NewMember),
            (forward, at(0, 500), 30, FirstMessage::Unproven),
            (skip, at(0, 500), 0, FirstMessage::Unproven),
            (skip, at(LEARNING_PERIOD, 0), 0, FirstMessage::Unproven),
        ] {
            let found = first_message(policy, learning, NOW, recent);
            assert_eq!(found, meaning, "{policy} {learning:?} {recent}");
        }
    }
}
