//! How long joins may wait for administrators: a second within a minute, over all groups.
//!
//! The administrators of a few groups are read within that time. In hundreds of new groups, one read every two seconds,
//! no join waits for its turn.

use std::time::Duration;

use tokio::time::Instant;

const BUDGET: Duration = Duration::from_secs(1);
/// How often the budget is full again.
const INTERVAL: Duration = Duration::from_secs(60);
/// An answer takes longer than this.
const MIN_WAIT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct WaitBudget {
    left: Duration,
    full_again: Option<Instant>,
}

impl Default for WaitBudget {
    fn default() -> Self {
        Self {
            left: BUDGET,
            full_again: None,
        }
    }
}

impl WaitBudget {
    /// Returns how long a join may wait now; `None` if it may not.
    pub(super) fn left(&mut self, now: Instant) -> Option<Duration> {
        if self.full_again.is_some_and(|full_again| full_again <= now) {
            *self = Self::default();
        }
        (self.left >= MIN_WAIT).then_some(self.left)
    }

    /// Takes the time that a join waited until `now`.
    pub(super) fn spend(&mut self, waited: Duration, now: Instant) {
        self.left = self.left.saturating_sub(waited);
        self.full_again.get_or_insert(now + INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn the_waits_of_a_minute_take_one_second_in_all() {
        let start = Clock::system().instant();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = WaitBudget::default();
        assert_eq!(budget.left(at(0)), Some(BUDGET));
        budget.spend(Duration::from_millis(300), at(0));
        assert_eq!(budget.left(at(5)), Some(Duration::from_millis(700)));
        budget.spend(Duration::from_millis(650), at(5));
        assert_eq!(budget.left(at(59)), None);
        assert_eq!(budget.left(at(60)), Some(BUDGET));
    }
}
