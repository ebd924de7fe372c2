//! The meaning of a failed post: a retry at a known time, a closed channel, or the end of the row.

use std::time::Duration;

use super::is_refusal_final;
use crate::model::Timestamp;

/// The longest pause between two attempts, in seconds.
const LONGEST_PAUSE: u64 = 60;
/// The refusal of a post whose first attempt Telegram still processes, or does not find any more.
pub const DUPLICATE: &str = "RANDOM_ID_DUPLICATE";
/// The beginnings of refusals that concern one file or one text.
const POST_NAMES: [&str; 10] = [
    "MEDIA_",
    "MESSAGE_",
    "ENTIT",
    "CAPTION_",
    "RANDOM_ID_",
    "FILE_",
    "IMAGE_",
    "PHOTO_",
    "DOCUMENT_",
    "MD5_",
];
/// The beginnings of refusals that concern the channel or the right to post there.
const CHANNEL_NAMES: [&str; 4] = ["CHANNEL_", "CHAT_", "PEER_", "USER_"];
/// The pause before the next attempt to post in a closed channel, in seconds.
pub const CLOSED_PAUSE: i64 = 60;
/// The pause before the next post of an account that Telegram limits for spam, in seconds. The limit lasts hours or
/// days.
const SPAM_PAUSE: i64 = 600;

/// How a post failed. Errors of the account itself are handled elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFailure<'a> {
    /// FLOOD_WAIT: a rate limit that ends at this time.
    RateLimited {
        until: Timestamp,
    },
    /// There was no answer, or the answer does not confirm the post.
    Unanswered,
    Refused(Refusal<'a>),
    /// The file has a size that Telegram does not accept.
    InvalidSize,
}

/// Telegram refused a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    pub code: i32,
    pub name: &'a str,
    /// When Telegram first refused the row by such a name.
    pub first_at: Option<Timestamp>,
    /// True if several rows in a row met the same refusal.
    pub is_outage: bool,
}

/// The next step after a failed post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Retry the same post, not before this time.
    Again(Timestamp),
    /// Retry the same post, not before this time, and remember when its first refusal was.
    AgainAfterRefusal(Timestamp),
    /// Telegram refuses every such post: keep them all, and retry at this time.
    Outage(Timestamp),
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
    let refusal = match failure {
        PostFailure::RateLimited { until } => return RetryDecision::Again(until),
        PostFailure::Unanswered => return RetryDecision::Again(later(now, attempts)),
        PostFailure::InvalidSize => return RetryDecision::GiveUp,
        PostFailure::Refused(refusal) => refusal,
    };
    // The retry uses the same `random_id`.
    let retry_at = later(now, attempts + 1);
    if refusal.name == DUPLICATE {
        // Telegram still processes the first attempt.
        RetryDecision::Again(retry_at)
    } else if refusal.name == "PEER_FLOOD" {
        RetryDecision::Limited(now.plus(SPAM_PAUSE))
    } else if begins(refusal.name, &CHANNEL_NAMES) || matches!(refusal.code, 403 | 406) {
        RetryDecision::Closed(now.plus(CLOSED_PAUSE))
    } else if refusal.is_outage {
        RetryDecision::Outage(retry_at)
    } else if !begins(refusal.name, &POST_NAMES) {
        RetryDecision::Again(retry_at)
    } else if is_refusal_final(refusal.first_at, now) {
        RetryDecision::GiveUp
    } else {
        RetryDecision::AgainAfterRefusal(retry_at)
    }
}

fn begins(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.starts_with(word))
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
        let refused_at = |seconds| RetryDecision::AgainAfterRefusal(Timestamp::new(seconds));
        let closed = RetryDecision::Closed(Timestamp::new(1_060));
        let limited = RetryDecision::Limited(Timestamp::new(1_600));
        use PostFailure::{RateLimited, Unanswered};
        let refused_since = |code, name, first_at| {
            PostFailure::Refused(Refusal {
                code,
                name,
                first_at,
                is_outage: false,
            })
        };
        let refused = |code, name| refused_since(code, name, None);
        let outage = |code, name| {
            PostFailure::Refused(Refusal {
                code,
                name,
                first_at: Some(Timestamp::new(0)),
                is_outage: true,
            })
        };
        let until = Timestamp::new(1_031);
        let in_outage = RetryDecision::Outage(Timestamp::new(1_002));
        for (failure, attempts, expected) in [
            (RateLimited { until }, 7, at(1_031)),
            (Unanswered, 0, at(1_001)),
            (Unanswered, 3, at(1_008)),
            (Unanswered, 200, at(1_060)),
            (refused(500, DUPLICATE), 0, at(1_002)),
            (refused(500, DUPLICATE), 3, at(1_016)),
            (outage(500, DUPLICATE), 0, at(1_002)),
            (refused(403, "CHAT_WRITE_FORBIDDEN"), 0, closed),
            (refused(403, "CHAT_SEND_DOCS_FORBIDDEN"), 0, closed),
            (refused(400, "CHANNEL_PRIVATE"), 0, closed),
            (refused(400, "PEER_FLOOD"), 0, limited),
            (refused(403, "USER_RESTRICTED"), 0, closed),
            (outage(400, "PEER_FLOOD"), 0, limited),
            (refused(400, "INPUT_FETCH_ERROR"), 0, at(1_002)),
            (refused(400, "INPUT_FETCH_ERROR"), 50, at(1_060)),
            (outage(400, "INPUT_FETCH_ERROR"), 0, in_outage),
            (refused(400, "FILE_PART_MISSING"), 0, refused_at(1_002)),
            (refused(400, "MEDIA_INVALID"), 0, refused_at(1_002)),
            (outage(400, "MEDIA_INVALID"), 0, in_outage),
            (PostFailure::InvalidSize, 0, RetryDecision::GiveUp),
        ] {
            assert_eq!(post_failed(failure, attempts, now), expected, "{failure:?}");
        }
        for (first_at, expected) in [(401, refused_at(1_060)), (400, RetryDecision::GiveUp)] {
            let first_at = Some(Timestamp::new(first_at));
            let failure = refused_since(400, "MEDIA_INVALID", first_at);
            assert_eq!(post_failed(failure, 9, now), expected, "{failure:?}");
        }
    }
}
