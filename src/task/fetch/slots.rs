//! Limits the concurrent downloads of each data centre.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide;
use crate::model::Payload;
use crate::store::OutboxRow;

/// How many photos are downloaded at once from one data centre.
const DOWNLOADS_PER_DC: usize = 2;

/// The rows whose photos are being downloaded. A data centre that does not answer is left alone for a while, so that it
/// holds up no other.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: BTreeMap<i64, Option<i32>>,
    paused: BTreeMap<Option<i32>, Pause>,
}

#[derive(Debug)]
struct Pause {
    failures: u32,
    until: Instant,
}

impl Slots {
    /// Takes a slot for a row. Returns `false` if its data centre has none, or is left alone.
    pub(super) fn take(&mut self, row: &OutboxRow, now: Instant) -> bool {
        let dc = data_centre(row);
        let busy = self.taken.values().filter(|taken| **taken == dc).count();
        let is_paused = self.paused.get(&dc).is_some_and(|pause| pause.until > now);
        if busy >= DOWNLOADS_PER_DC || is_paused || self.taken.contains_key(&row.id) {
            return false;
        }
        self.taken.insert(row.id, dc);
        true
    }

    /// Gives the slot of a row back. A data centre that did not answer is left alone, longer after each failure.
    pub(super) fn give_back(&mut self, row: i64, dc: Option<i32>, answered: bool, now: Instant) {
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

    /// Returns the time until a data centre that was left alone is asked again.
    pub(super) fn next_retry(&self, now: Instant) -> Option<Duration> {
        self.paused
            .values()
            .map(|pause| pause.until.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
            .min()
    }
}

/// Returns the data centre that keeps a row's photo; `None` for a file that is made here.
pub(super) const fn data_centre(row: &OutboxRow) -> Option<i32> {
    match &row.payload {
        Payload::Avatar(avatar) => Some(avatar.photo.dc),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::{Avatar, Photo, PhotoId};
    use crate::task::fixture::{GROUP, JOINER, NOW, join};

    fn row(id: i64, dc: i32) -> OutboxRow {
        OutboxRow {
            id,
            random_id: id,
            created_at: NOW,
            attempts: 0,
            payload: Payload::Avatar(Avatar {
                group: GROUP,
                user: JOINER,
                message: join(1, JOINER).message,
                photo: Photo {
                    id: PhotoId::new(id),
                    dc,
                },
                recheck: false,
            }),
            spool: None,
            begun_in: None,
        }
    }

    #[test]
    fn a_data_centre_has_two_slots_and_holds_up_no_other() {
        let now = Clock::system().instant();
        let mut slots = Slots::default();
        let taken: Vec<bool> = [row(1, 2), row(1, 2), row(2, 2), row(3, 2), row(4, 4)]
            .iter()
            .map(|row| slots.take(row, now))
            .collect();
        assert_eq!(taken, [true, false, true, false, true]);
        slots.give_back(1, Some(2), true, now);
        assert!(slots.take(&row(3, 2), now));
    }

    #[test]
    fn a_data_centre_that_does_not_answer_is_left_alone_longer_each_time() {
        let start = Clock::system().instant();
        let second = Duration::from_secs(1);
        let mut slots = Slots::default();
        assert!(slots.take(&row(1, 2), start));
        slots.give_back(1, Some(2), false, start);
        assert_eq!(slots.next_retry(start), Some(second));
        assert!(!slots.take(&row(1, 2), start));
        assert!(slots.take(&row(2, 4), start));
        let later = start + second;
        assert_eq!(slots.next_retry(later), None);
        assert!(slots.take(&row(1, 2), later));
        slots.give_back(1, Some(2), false, later);
        assert_eq!(slots.next_retry(later), Some(2 * second));
        slots.give_back(2, Some(2), true, later);
        assert_eq!(slots.next_retry(later), None);
    }
}
