//! Limits the concurrent downloads of each data centre.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide;

/// How many photos are downloaded at once from one data centre.
const DOWNLOADS_PER_DC: usize = 2;

/// The rows whose photos are being downloaded. A data centre that does not answer is paused, so that it does not
/// delay the others.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: BTreeMap<i64, i32>,
    paused: BTreeMap<i32, Pause>,
}

#[derive(Debug)]
struct Pause {
    failures: u32,
    until: Instant,
}

impl Slots {
    /// Takes a slot for a row whose photo is in data centre `dc`. Returns `false` if the data centre has no free slot
    /// or is paused, or if the row has a slot already.
    pub(super) fn take(&mut self, row: i64, dc: i32, now: Instant) -> bool {
        let busy = self.taken.values().filter(|taken| **taken == dc).count();
        let is_paused = self.paused.get(&dc).is_some_and(|pause| pause.until > now);
        if busy >= DOWNLOADS_PER_DC || is_paused || self.taken.contains_key(&row) {
            return false;
        }
        self.taken.insert(row, dc);
        true
    }

    /// Gives the slot of a row back. A data centre that did not answer is paused, longer after each failure.
    pub(super) fn give_back(&mut self, row: i64, dc: i32, answered: bool, now: Instant) {
        self.taken.remove(&row);
        if answered {
            self.paused.remove(&dc);
            return;
        }
        let failures = self.paused.get(&dc).map_or(0, |pause| pause.failures);
        let pause = Pause {
            failures: failures + 1,
            until: now + decide::backoff(failures),
        };
        self.paused.insert(dc, pause);
    }

    /// Returns the time until the first pause ends.
    pub(super) fn next_retry(&self, now: Instant) -> Option<Duration> {
        self.paused
            .values()
            .map(|pause| pause.until.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_data_centre_has_two_slots_and_does_not_delay_others() {
        let now = Clock::system().instant();
        let mut slots = Slots::default();
        let taken: Vec<bool> = [(1, 2), (1, 2), (2, 2), (3, 2), (4, 4)]
            .into_iter()
            .map(|(row, dc)| slots.take(row, dc, now))
            .collect();
        assert_eq!(taken, [true, false, true, false, true]);
        slots.give_back(1, 2, true, now);
        assert!(slots.take(3, 2, now));
    }

    #[test]
    fn a_data_centre_that_does_not_answer_is_paused_longer_each_time() {
        let start = Clock::system().instant();
        let second = Duration::from_secs(1);
        let mut slots = Slots::default();
        assert!(slots.take(1, 2, start));
        slots.give_back(1, 2, false, start);
        assert_eq!(slots.next_retry(start), Some(second));
        assert!(!slots.take(1, 2, start));
        assert!(slots.take(2, 4, start));
        let later = start + second;
        assert_eq!(slots.next_retry(later), None);
        assert!(slots.take(1, 2, later));
        slots.give_back(1, 2, false, later);
        assert_eq!(slots.next_retry(later), Some(2 * second));
        slots.give_back(2, 2, true, later);
        assert_eq!(slots.next_retry(later), None);
    }
}
