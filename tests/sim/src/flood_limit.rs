//! Limits on how often a method may be called, as Telegram's own: more calls are refused with FLOOD_WAIT.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::RpcError;

/// At most `calls` calls of a method within any `window`.
pub(crate) struct FloodLimit {
    method: String,
    calls: usize,
    window: Duration,
    /// The times of the calls within the window, on the scale of the world's clock.
    recent: VecDeque<Duration>,
}

impl FloodLimit {
    pub(crate) fn new(method: String, calls: usize, window: Duration) -> Self {
        Self {
            method,
            calls,
            window,
            recent: VecDeque::new(),
        }
    }

    /// Counts a call. Returns the refusal of a call beyond the limit, which does not count.
    fn refuse(&mut self, method: &str, now: Duration) -> Option<RpcError> {
        if self.method != method {
            return None;
        }
        while self
            .recent
            .front()
            .is_some_and(|first| *first + self.window <= now)
        {
            self.recent.pop_front();
        }
        if self.recent.len() < self.calls {
            self.recent.push_back(now);
            return None;
        }
        let free_at = self
            .recent
            .front()
            .map_or(now, |first| *first + self.window);
        let seconds = (free_at - now).as_secs() + 1;
        Some(RpcError::new(420, format!("FLOOD_WAIT_{seconds}")))
    }
}

/// Returns the refusal of a call that exceeds one of the limits.
pub(crate) fn refusal(limits: &mut [FloodLimit], method: &str, now: Duration) -> Option<RpcError> {
    limits
        .iter_mut()
        .find_map(|limit| limit.refuse(method, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_beyond_the_limit_wait_for_the_oldest_one_to_leave_the_window() {
        let mut limits = [FloodLimit::new("m".to_owned(), 2, Duration::from_secs(20))];
        let mut at = |seconds| {
            refusal(&mut limits, "m", Duration::from_secs(seconds)).map(|error| error.message)
        };
        assert_eq!(at(0), None);
        assert_eq!(at(5), None);
        assert_eq!(at(8).as_deref(), Some("FLOOD_WAIT_13"));
        assert_eq!(at(20), None);
        assert_eq!(at(21).as_deref(), Some("FLOOD_WAIT_5"));
    }
}
