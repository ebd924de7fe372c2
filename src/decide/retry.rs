//! The meaning of a failed post: a retry at a known time, a closed channel, or the end of the row.

use std::time::Duration;

use crate::model::Timestamp;

/// The longest pause between two attempts, in seconds.
const LONGEST_PAUSE: u64 = 60;
/// The number of retries of a post that Telegram refuses with an unknown error: after the first attempt and this many
/// retries, the row is dropped.
const MAX_REFUSAL_RETRIES: u32 = 5;
/// The pause before the next attempt to post in a closed channel, in seconds.
pub const CLOSED_PAUSE: i64 = 60;
/// The pause before the next post of an account that Telegram limits for spam, in seconds. The limit lasts hours or
/// days.
const SPAM_PAUSE: i64 = 600;

/// How a post failed. Errors of the account itself are handled elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFailure<'a> {
    /// FLOOD_WAIT: a rate limit that ends at this time.
    RateLimited { until: Timestamp },
    /// There was no answer, or the answer does not confirm the post.
    Unanswered,
    /// Telegram refused it.
    Refused { code: i32, name: &'a str },
    /// The file has a size that Telegram does not accept.
    InvalidSize,
}

/// The next step after a failed post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Retry the same post, not before this time.
    Again(Timestamp),
    /// The account may not post in the channel: keep the row, and retry at this time.
    Closed(Timestamp),
    /// Telegram limits the account for spam: keep the row, and retry at this time.
    Limited(Timestamp),
    /// The post can never succeed: drop the row.
    GiveUp,
}

/// Decides on a post that failed after `attempts` earlier attempts.
#[must_use]
pub fn post_failed(failure: PostFailure<'_>, attempts: u32, now: Timestamp) -> RetryDecision {
    let (code, name) = match failure {
        PostFailure::RateLimited { until } => return RetryDecision::Again(until),
        PostFailure::Unanswered => return RetryDecision::Again(later(now, attempts)),
        PostFailure::InvalidSize => return RetryDecision::GiveUp,
        PostFailure::Refused { code, name } => (code, name),
    };
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    // Telegram still processes the first attempt.
    let is_duplicate = name == "RANDOM_ID_DUPLICATE";
    // The uploaded parts are gone and have to be uploaded again.
    let are_parts_lost = begins(&["FILE_"]);
    if is_duplicate || are_parts_lost {
        // The retry uses the same `random_id`.
        RetryDecision::Again(later(now, attempts + 1))
    } else if begins(&["MEDIA_", "MESSAGE_", "ENTITY_", "CAPTION_", "RANDOM_ID_"]) {
        RetryDecision::GiveUp
    } else if name == "PEER_FLOOD" {
        RetryDecision::Limited(now.plus(SPAM_PAUSE))
    } else if begins(&["CHANNEL_", "CHAT_", "PEER_", "USER_"]) || matches!(code, 403 | 406) {
        RetryDecision::Closed(now.plus(CLOSED_PAUSE))
    } else if attempts < MAX_REFUSAL_RETRIES {
        RetryDecision::Again(later(now, attempts + 1))
    } else {
        RetryDecision::GiveUp
    }
}

/// Returns the pause before attempt number `attempts + 1`: 1, 2, 4 … 60 s.
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
    fn a_failed_post_is_retried_unless_it_can_never_succeed() {
        let now = Timestamp::new(1_000);
        let at = |seconds| RetryDecision::Again(Timestamp::new(seconds));
        let closed = RetryDecision::Closed(Timestamp::new(1_060));
        let limited = RetryDecision::Limited(Timestamp::new(1_600));
        use PostFailure::{RateLimited, Unanswered};
        let refused = |code, name| PostFailure::Refused { code, name };
        for (failure, attempts, expected) in [
            (
                RateLimited {
                    until: Timestamp::new(1_031),
                },
                7,
                at(1_031),
            ),
            (Unanswered, 0, at(1_001)),
            (Unanswered, 3, at(1_008)),
            (Unanswered, 200, at(1_060)),
            (refused(500, "RANDOM_ID_DUPLICATE"), 0, at(1_002)),
            (refused(500, "RANDOM_ID_DUPLICATE"), 3, at(1_016)),
            (refused(400, "FILE_PART_MISSING"), 0, at(1_002)),
            (refused(403, "CHAT_WRITE_FORBIDDEN"), 0, closed),
            (refused(403, "CHAT_SEND_DOCS_FORBIDDEN"), 0, closed),
            (refused(400, "CHANNEL_PRIVATE"), 0, closed),
            (refused(400, "PEER_FLOOD"), 0, limited),
            (refused(403, "USER_RESTRICTED"), 0, closed),
            (refused(400, "INPUT_FETCH_ERROR"), 0, at(1_002)),
            (refused(400, "INPUT_FETCH_ERROR"), 5, RetryDecision::GiveUp),
            (
                refused(400, "MEDIA_CAPTION_TOO_LONG"),
                0,
                RetryDecision::GiveUp,
            ),
            (PostFailure::InvalidSize, 0, RetryDecision::GiveUp),
        ] {
            assert_eq!(post_failed(failure, attempts, now), expected, "{failure:?}");
        }
    }
}
