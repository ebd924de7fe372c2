//! Limits on how often a method may be called, as Telegram's own: more calls are refused with FLOOD_WAIT.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::record::RpcError;

/// The method of a limit that counts all posts of the account together, whatever they carry.
const ALL_POSTS: &str = "messages.send";
/// The methods that post.
const POSTING: [&str; 2] = ["messages.sendMedia", "messages.sendMessage"];

/// A limit on each account's calls of a method: beyond `calls` within any `window`, calls are refused with `420
/// FLOOD_WAIT_x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloodLimit {
    /// The name of the method, for instance `"messages.getDialogs"`.
    pub method: String,
    /// The number of calls that are allowed. With 0, every call is refused for the length of the window.
    pub calls: usize,
    /// The time within which the calls are counted.
    pub window: Duration,
    /// How long every call is refused after one beyond the limit. Without it, a call is allowed as soon as the window
    /// has room.
    pub penalty: Option<Duration>,
}

impl FloodLimit {
    /// Makes a limit of `calls` calls of `method` within any `window`.
    pub fn new(method: impl Into<String>, calls: usize, window: Duration) -> Self {
        Self {
            method: method.into(),
            calls,
            window,
            penalty: None,
        }
    }

    /// Makes a limit of `posts` posts within any `window`, with and without files together.
    pub(crate) fn posts(posts: usize, window: Duration) -> Self {
        Self::new(ALL_POSTS, posts, window)
    }

    fn concerns(&self, method: &str) -> bool {
        self.method == method || (self.method == ALL_POSTS && POSTING.contains(&method))
    }

    /// Sets the [`penalty`](Self::penalty).
    #[must_use]
    pub fn with_penalty(self, penalty: Duration) -> Self {
        Self {
            penalty: Some(penalty),
            ..self
        }
    }
}

/// The limits in force, at most one for each method, with the calls that they counted.
pub(crate) struct FloodLimits {
    limits: Vec<CountedLimit>,
}

struct CountedLimit {
    limit: FloodLimit,
    /// The calls of each account.
    counts: HashMap<i64, Count>,
}

#[derive(Default)]
struct Count {
    refused_until: Duration,
    /// The times of the calls within the window, on the scale of the world's clock.
    recent: VecDeque<Duration>,
}

impl FloodLimits {
    pub(crate) fn new(limits: &[FloodLimit]) -> Self {
        let mut all = Self { limits: Vec::new() };
        for limit in limits {
            all.set(limit.clone());
        }
        all
    }

    /// Sets the limit of a method in place of an earlier one. The new limit has counted no calls.
    pub(crate) fn set(&mut self, limit: FloodLimit) {
        self.remove(&limit.method);
        self.limits.push(CountedLimit {
            limit,
            counts: HashMap::new(),
        });
    }

    /// Removes the limit of a method, if there is one.
    pub(crate) fn remove(&mut self, method: &str) {
        self.limits.retain(|counted| counted.limit.method != method);
    }

    /// Counts a call of an account. Returns the refusal of a call beyond the limit, which does not count.
    pub(crate) fn refusal(
        &mut self,
        account: i64,
        method: &str,
        now: Duration,
    ) -> Option<RpcError> {
        self.limits
            .iter_mut()
            .filter(|counted| counted.limit.concerns(method))
            .find_map(|counted| {
                let count = counted.counts.entry(account).or_default();
                count.refusal(&counted.limit, now)
            })
    }
}

impl Count {
    fn refusal(&mut self, limit: &FloodLimit, now: Duration) -> Option<RpcError> {
        let FloodLimit {
            calls,
            window,
            penalty,
            ..
        } = *limit;
        if self.refused_until > now {
            let rest = self.refused_until - now;
            return Some(wait(rest.as_millis().div_ceil(1000)));
        }
        while self
            .recent
            .front()
            .is_some_and(|first| *first + window <= now)
        {
            self.recent.pop_front();
        }
        if self.recent.len() < calls {
            self.recent.push_back(now);
            return None;
        }
        if let Some(penalty) = penalty {
            self.refused_until = now + penalty;
            return Some(wait(penalty.as_secs().into()));
        }
        let oldest = self.recent.front().copied().unwrap_or(now);
        let seconds = (oldest + window - now).as_secs() + 1;
        Some(wait(seconds.into()))
    }
}

fn wait(seconds: u128) -> RpcError {
    RpcError::new(420, format!("FLOOD_WAIT_{seconds}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(calls: usize) -> FloodLimits {
        FloodLimits::new(&[FloodLimit::new("m", calls, Duration::from_secs(20))])
    }

    fn refusal(limits: &mut FloodLimits, method: &str, seconds: u64) -> Option<String> {
        let refusal = limits.refusal(1, method, Duration::from_secs(seconds));
        refusal.map(|error| error.message)
    }

    #[test]
    fn calls_beyond_the_limit_wait_for_the_oldest_one_to_leave_the_window() {
        let mut limits = limits(2);
        let mut at = |seconds| refusal(&mut limits, "m", seconds);
        assert_eq!(at(0), None);
        assert_eq!(at(5), None);
        assert_eq!(at(8).as_deref(), Some("FLOOD_WAIT_13"));
        assert_eq!(at(20), None);
        assert_eq!(at(21).as_deref(), Some("FLOOD_WAIT_5"));
    }

    #[test]
    fn each_account_has_a_limit_of_its_own() {
        let mut limits = limits(1);
        let mut is_refused = |account| limits.refusal(account, "m", Duration::ZERO).is_some();
        assert_eq!(
            [1, 2, 1, 2].map(&mut is_refused),
            [false, false, true, true]
        );
    }

    #[test]
    fn a_limit_concerns_one_method_and_replaces_an_earlier_one() {
        let mut limits = limits(0);
        assert_eq!(
            refusal(&mut limits, "m", 0).as_deref(),
            Some("FLOOD_WAIT_21")
        );
        assert_eq!(refusal(&mut limits, "n", 0), None);
        limits.set(FloodLimit::new("m", 1, Duration::from_secs(5)));
        assert_eq!(refusal(&mut limits, "m", 0), None);
        assert_eq!(
            refusal(&mut limits, "m", 0).as_deref(),
            Some("FLOOD_WAIT_6")
        );
        limits.remove("m");
        assert_eq!(refusal(&mut limits, "m", 0), None);
    }

    #[test]
    fn posts_with_and_without_files_count_together() {
        let window = Duration::from_secs(5);
        let mut limits = FloodLimits::new(&[FloodLimit::posts(2, window)]);
        let [media, text] = POSTING;
        assert_eq!(refusal(&mut limits, media, 0), None);
        assert_eq!(refusal(&mut limits, text, 1), None);
        assert_eq!(refusal(&mut limits, "messages.getDialogs", 1), None);
        for method in POSTING {
            let message = refusal(&mut limits, method, 2);
            assert_eq!(message.as_deref(), Some("FLOOD_WAIT_4"), "{method}");
        }
    }

    #[test]
    fn a_penalty_refuses_every_call_until_it_is_over() {
        let limit = FloodLimit::new("m", 1, Duration::from_secs(10));
        let mut limits = FloodLimits::new(&[limit.with_penalty(Duration::from_secs(30))]);
        let mut at = |millis| {
            let refusal = limits.refusal(1, "m", Duration::from_millis(millis));
            refusal.map(|error| error.message)
        };
        assert_eq!(at(0), None);
        assert_eq!(at(9_500).as_deref(), Some("FLOOD_WAIT_30"));
        assert_eq!(at(12_000).as_deref(), Some("FLOOD_WAIT_28"));
        assert_eq!(at(39_400).as_deref(), Some("FLOOD_WAIT_1"));
        assert_eq!(at(39_500), None);
    }
}
