//! What a failed post means: another try at a known time, a closed channel, or the end of that row.

use std::time::Duration;

use crate::model::Timestamp;

/// The longest pause between two tries of the same thing.
const LONGEST_PAUSE: u64 = 60;
/// How long a post under way is given before it is asked for again.
const UNDER_WAY: i64 = 2;
/// How often a closed channel is tried again, in seconds.
pub const CLOSED_PAUSE: i64 = 60;

/// How a post failed. Trouble with the account itself never gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFailure<'a> {
    /// A flood limit.
    Flood {
        /// When it ends.
        until: Timestamp,
    },
    /// No answer, or none that proves the post.
    Unanswered,
    /// Telegram refused it, with this name.
    Refused(&'a str),
}

/// What to do after a failed post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Try the same again, not before then.
    Again(Timestamp),
    /// The account may not post in that channel: keep everything, try again then.
    Closed(Timestamp),
    /// It will never go through: settle it as dropped.
    GiveUp,
}

/// Decides what follows a failed post that was tried `attempts` times before.
#[must_use]
pub fn post_failed(failure: PostFailure<'_>, attempts: u32, now: Timestamp) -> After {
    let name = match failure {
        PostFailure::Flood { until } => return After::Again(until),
        PostFailure::Unanswered => return After::Again(later(now, attempts)),
        PostFailure::Refused(name) => name,
    };
    match name {
        // The first attempt is still being worked on.
        "RANDOM_ID_DUPLICATE" => After::Again(now.plus(UNDER_WAY)),
        "CHANNEL_INVALID"
        | "CHANNEL_PRIVATE"
        | "CHAT_ADMIN_REQUIRED"
        | "CHAT_FORBIDDEN"
        | "CHAT_GUEST_SEND_FORBIDDEN"
        | "CHAT_ID_INVALID"
        | "CHAT_RESTRICTED"
        | "CHAT_WRITE_FORBIDDEN"
        | "PEER_ID_INVALID"
        | "USER_BANNED_IN_CHANNEL" => After::Closed(now.plus(CLOSED_PAUSE)),
        name if name.starts_with("CHAT_SEND_") => After::Closed(now.plus(CLOSED_PAUSE)),
        // The parts are gone or broken: the next try uploads them anew, under the same id.
        name if name.starts_with("FILE_") => After::Again(later(now, attempts)),
        _ => After::GiveUp,
    }
}

/// Returns the pause before try number `attempts + 1`: 1, 2, 4 … 60 s.
#[must_use]
pub fn backoff(attempts: u32) -> Duration {
    let seconds = 1_u64.checked_shl(attempts).unwrap_or(u64::MAX);
    Duration::from_secs(seconds.min(LONGEST_PAUSE))
}

fn later(now: Timestamp, attempts: u32) -> Timestamp {
    now.plus(i64::try_from(backoff(attempts).as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_post_is_tried_again_unless_it_never_can_go_through() {
        let now = Timestamp::new(1_000);
        let at = |seconds| After::Again(Timestamp::new(seconds));
        let closed = After::Closed(Timestamp::new(1_060));
        use PostFailure::{Flood, Refused, Unanswered};
        for (failure, attempts, expected) in [
            (
                Flood {
                    until: Timestamp::new(1_031),
                },
                7,
                at(1_031),
            ),
            (Unanswered, 0, at(1_001)),
            (Unanswered, 3, at(1_008)),
            (Unanswered, 200, at(1_060)),
            (Refused("RANDOM_ID_DUPLICATE"), 9, at(1_002)),
            (Refused("FILE_PART_MISSING"), 1, at(1_002)),
            (Refused("CHAT_WRITE_FORBIDDEN"), 0, closed),
            (Refused("CHAT_SEND_DOCS_FORBIDDEN"), 0, closed),
            (Refused("CHANNEL_PRIVATE"), 0, closed),
            (Refused("MEDIA_CAPTION_TOO_LONG"), 0, After::GiveUp),
        ] {
            assert_eq!(post_failed(failure, attempts, now), expected, "{failure:?}");
        }
    }
}
