//! Which rows are worked on at once: so many for each data centre.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide;
use crate::model::Payload;
use crate::store::OutboxRow;

/// How many photos are downloaded at once from one data centre.
const DOWNLOADS_AT_ONCE: usize = 2;

/// Which rows are worked on: some at once for each data centre, and none for one that has just
/// failed to answer, so that it holds up no other.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: BTreeMap<i64, Option<i32>>,
    resting: BTreeMap<Option<i32>, (u32, Instant)>,
}

impl Slots {
    pub(super) fn take(&mut self, row: &OutboxRow, now: Instant) -> bool {
        let dc = data_centre(row);
        let busy = self.taken.values().filter(|taken| **taken == dc).count();
        let rests = self.resting.get(&dc).is_some_and(|(_, until)| *until > now);
        let free = busy < DOWNLOADS_AT_ONCE && !rests && !self.taken.contains_key(&row.id);
        if free {
            self.taken.insert(row.id, dc);
        }
        free
    }

    pub(super) fn give_back(&mut self, id: i64, dc: Option<i32>, answered: bool, now: Instant) {
        self.taken.remove(&id);
        if answered {
            self.resting.remove(&dc);
        } else {
            let (failures, until) = self.resting.entry(dc).or_insert((0, now));
            *until = now + decide::backoff(*failures);
            *failures += 1;
        }
    }

    /// Shortens a nap to the next moment at which a data centre is asked again.
    pub(super) fn nap(&self, nap: Duration, now: Instant) -> Duration {
        self.resting
            .values()
            .map(|(_, until)| until.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
            .fold(nap, Duration::min)
    }
}

/// The data centre that a row's file comes from; none for one that is made here.
pub(super) fn data_centre(row: &OutboxRow) -> Option<i32> {
    match &row.payload {
        Payload::Avatar(avatar) => Some(avatar.photo.dc),
        _ => None,
    }
}
