//! Limits the concurrent downloads of each data centre, and says how long a failed one waits. No I/O.
//!
//! A photo that fails waits by itself, longer after each failure. Its data centre rests only if different photos fail,
//! and a photo that was not tried yet waits for a few seconds of that rest at most. A download that takes long does not
//! count against the others, and one place is kept for photos that were not tried yet. A restart forgets all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::{self, RefusalRun};
use crate::store::PhotoOf;

/// How many photos are downloaded at once from one data centre.
const PROMPT_PER_DC: usize = 2;
/// How many of them may be retries.
const PROMPT_RETRIES_PER_DC: usize = 1;
/// How many downloads of one data centre may run, those that take long included.
const ALL_PER_DC: usize = 6;
/// How many of them may be retries.
const RETRIES_PER_DC: usize = 3;
/// A download that runs for longer takes long.
const LONG: Duration = Duration::from_secs(3);
/// How many photos have to stay unanswered, one after the other, until their data centre rests.
const PHOTOS_OF_OUTAGE: usize = 2;
/// The longest rest for a photo that was not tried yet.
const LONGEST_REST_OF_NEW: Duration = Duration::from_secs(3);

/// The photos that are being downloaded, and those that failed.
#[derive(Debug, Default)]
pub(super) struct Slots {
    running: BTreeMap<PhotoOf, Running>,
    /// How often each photo failed in a row.
    failures: BTreeMap<PhotoOf, u32>,
    data_centres: BTreeMap<i32, DataCentre>,
}

#[derive(Debug)]
struct Running {
    dc: i32,
    is_retry: bool,
    since: Instant,
}

/// The failures in a data centre since its last success.
#[derive(Debug, Default)]
struct DataCentre {
    unanswered: BTreeSet<PhotoOf>,
    refusals: RefusalRun<PhotoOf>,
    rests: u32,
    rest: Option<Rest>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    since: Instant,
    pause: Duration,
}

/// The meaning of a refused download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// How long the photo waits.
    pub(super) pause: Duration,
    /// True if several photos in a row met the same refusal.
    pub(super) is_outage: bool,
}

impl Slots {
    /// Takes a slot for a photo in data centre `dc`. Returns `false` if the data centre has no free slot or rests, or if
    /// the photo has a slot already.
    pub(super) fn take(&mut self, photo: PhotoOf, dc: i32, now: Instant) -> bool {
        let is_retry = self.failures.contains_key(&photo);
        if self.running.contains_key(&photo) || !self.has_place(dc, is_retry, now) {
            return false;
        }
        let since = now;
        self.running.insert(
            photo,
            Running {
                dc,
                is_retry,
                since,
            },
        );
        true
    }

    /// Returns the data centres from which no photo can be downloaded now.
    pub(super) fn closed(&self, now: Instant) -> Vec<i32> {
        let running = self.running.values().map(|running| running.dc);
        let known: BTreeSet<i32> = running.chain(self.data_centres.keys().copied()).collect();
        known
            .into_iter()
            .filter(|dc| !self.has_place(*dc, false, now))
            .collect()
    }

    fn has_place(&self, dc: i32, is_retry: bool, now: Instant) -> bool {
        let running = || self.running.values().filter(|running| running.dc == dc);
        let prompt = || running().filter(|running| now < running.since + LONG);
        let mut limit = PROMPT_PER_DC;
        if let Some(rest) = self.data_centres.get(&dc).and_then(|found| found.rest) {
            if now < rest.end(is_retry) {
                return false;
            }
            // The first download after a rest is a trial.
            limit = 1;
        }
        let is_free = prompt().count() < limit && running().count() < ALL_PER_DC;
        let retries = running().filter(|running| running.is_retry).count();
        let prompt_retries = prompt().filter(|running| running.is_retry).count();
        is_free && (!is_retry || prompt_retries < PROMPT_RETRIES_PER_DC && retries < RETRIES_PER_DC)
    }

    /// Gives the slot of a photo back that was not asked for, or whose method is rate limited.
    pub(super) fn not_tried(&mut self, photo: PhotoOf) {
        self.running.remove(&photo);
    }

    /// Gives the slot of a photo back that arrived or was settled. Returns true if its data centre had rested: the
    /// photos that wait need not wait any longer.
    pub(super) fn answered(&mut self, photo: PhotoOf) -> bool {
        self.failures.remove(&photo);
        let Some(running) = self.running.remove(&photo) else {
            return false;
        };
        let had_rested = self.data_centres.remove(&running.dc);
        had_rested.is_some_and(|found| found.rest.is_some())
    }

    /// Gives the slot of a photo back that arrived damaged.
    pub(super) fn damaged(&mut self, photo: PhotoOf) -> bool {
        let failures = self.failures.get(&photo).copied().unwrap_or(0);
        let had_rested = self.answered(photo);
        self.failures.insert(photo, failures + 1);
        had_rested
    }

    /// Gives the slot of a photo back that its data centre did not answer. Returns how long the photo waits.
    pub(super) fn unanswered(&mut self, photo: PhotoOf, now: Instant) -> Duration {
        if let Some(running) = self.running.remove(&photo) {
            let data_centre = self.data_centres.entry(running.dc).or_default();
            data_centre.unanswered.insert(photo);
            if data_centre.unanswered.len() >= PHOTOS_OF_OUTAGE {
                data_centre.begin_rest(now);
            }
        }
        self.pause_of(photo)
    }

    /// Gives the slot of a photo back that was refused with the error `name`. An error without a name concerns the
    /// owner of the photo, and not the data centre.
    pub(super) fn refused(&mut self, photo: PhotoOf, name: Option<&str>, now: Instant) -> Refused {
        let mut is_outage = false;
        if let (Some(running), Some(name)) = (self.running.remove(&photo), name) {
            let data_centre = self.data_centres.entry(running.dc).or_default();
            is_outage = data_centre.refusals.add(photo, name);
            if is_outage {
                data_centre.begin_rest(now);
            }
        }
        Refused {
            pause: self.pause_of(photo),
            is_outage,
        }
    }

    fn pause_of(&mut self, photo: PhotoOf) -> Duration {
        let failures = self.failures.entry(photo).or_default();
        *failures += 1;
        decide::backoff(*failures - 1)
    }

    /// Returns the time until the next moment at which a slot may become free without the end of a download.
    pub(super) fn next_change(&self, now: Instant) -> Option<Duration> {
        let long = self.running.values().map(|running| running.since + LONG);
        let rests = self
            .data_centres
            .values()
            .filter_map(|found| found.rest)
            .flat_map(|rest| [rest.end(false), rest.end(true)]);
        long.chain(rests)
            .map(|moment| moment.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
            .min()
    }
}

impl DataCentre {
    fn begin_rest(&mut self, now: Instant) {
        self.rest = Some(Rest {
            since: now,
            pause: decide::backoff(self.rests),
        });
        self.rests = self.rests.saturating_add(1);
    }
}

impl Rest {
    fn end(self, is_retry: bool) -> Instant {
        let pause = if is_retry {
            self.pause
        } else {
            self.pause.min(LONGEST_REST_OF_NEW)
        };
        self.since + pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::{PhotoId, UserId};

    const SECOND: Duration = Duration::from_secs(1);

    const fn photo(id: i64) -> PhotoOf {
        PhotoOf {
            user: UserId::new(1),
            photo: PhotoId::new(id),
        }
    }

    fn now() -> Instant {
        Clock::system().instant()
    }

    #[test]
    fn a_data_centre_has_two_slots_and_does_not_delay_others() {
        let now = now();
        let mut slots = Slots::default();
        let taken: Vec<bool> = [(1, 2), (1, 2), (2, 2), (3, 2), (4, 4)]
            .into_iter()
            .map(|(id, dc)| slots.take(photo(id), dc, now))
            .collect();
        assert_eq!(taken, [true, false, true, false, true]);
        assert_eq!(slots.closed(now), [2]);
        assert!(!slots.answered(photo(1)));
        assert!(slots.take(photo(3), 2, now));
    }

    #[test]
    fn downloads_that_take_long_leave_their_slots_to_others() {
        let start = now();
        let mut slots = Slots::default();
        assert!(slots.take(photo(1), 2, start));
        assert!(slots.take(photo(2), 2, start));
        assert!(!slots.take(photo(3), 2, start + 2 * SECOND));
        assert_eq!(slots.next_change(start + 2 * SECOND), Some(SECOND));
        let mut later = start;
        for id in [3, 5] {
            later += LONG;
            assert!(slots.take(photo(id), 2, later));
            assert!(slots.take(photo(id + 1), 2, later));
        }
        assert!(!slots.take(photo(9), 2, later + LONG), "six run");
    }

    #[test]
    fn one_slot_is_kept_for_photos_that_were_not_tried_yet() {
        let now = now();
        let mut slots = Slots::default();
        for id in [1, 2] {
            assert!(slots.take(photo(id), id.try_into().expect("small"), now));
            slots.unanswered(photo(id), now);
        }
        assert!(slots.take(photo(1), 2, now));
        assert!(!slots.take(photo(2), 2, now), "a second retry");
        assert!(slots.take(photo(3), 2, now), "a new photo");
    }

    #[test]
    fn a_photo_that_fails_waits_longer_each_time_and_its_data_centre_does_not_rest() {
        let now = now();
        let mut slots = Slots::default();
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(slots.take(photo(1), 2, now));
            assert_eq!(slots.unanswered(photo(1), now), pause * SECOND);
            assert_eq!(slots.next_change(now), None);
        }
        assert!(slots.take(photo(1), 2, now));
        assert!(!slots.answered(photo(1)));
        assert!(slots.take(photo(1), 2, now));
        assert_eq!(slots.unanswered(photo(1), now), SECOND);
    }

    #[test]
    fn a_data_centre_rests_longer_each_time_if_different_photos_fail() {
        let start = now();
        let mut slots = Slots::default();
        for id in [1, 2] {
            assert!(slots.take(photo(id), 2, start));
            slots.unanswered(photo(id), start);
        }
        assert_eq!(slots.next_change(start), Some(SECOND));
        assert!(!slots.take(photo(1), 2, start));
        assert!(!slots.take(photo(3), 2, start));
        assert!(slots.take(photo(4), 4, start), "another data centre");
        let mut later = start;
        for pause in [1, 2, 4] {
            later += pause * SECOND;
            assert!(slots.take(photo(1), 2, later));
            assert!(!slots.take(photo(3), 2, later), "a trial runs");
            slots.unanswered(photo(1), later);
        }
        // The rest is 8 s; a photo that was not tried yet waits for 3 s.
        assert!(!slots.take(photo(3), 2, later + 2 * SECOND));
        assert!(!slots.take(photo(2), 2, later + 7 * SECOND));
        assert!(slots.take(photo(3), 2, later + 3 * SECOND));
        assert!(slots.answered(photo(3)), "the rest is over");
        assert!(slots.take(photo(2), 2, later + 3 * SECOND));
    }

    #[test]
    fn the_same_refusal_of_several_photos_is_an_outage() {
        let now = now();
        let mut slots = Slots::default();
        for id in 10..14 {
            assert!(slots.take(photo(id), 2, now));
            assert!(!slots.refused(photo(id), None, now).is_outage);
        }
        let mut refuse = |id, name| {
            assert!(slots.take(photo(id), 2, now), "{id} {name}");
            slots.refused(photo(id), Some(name), now)
        };
        let refused = |seconds, is_outage| Refused {
            pause: seconds * SECOND,
            is_outage,
        };
        assert_eq!(refuse(1, "LOCATION_INVALID"), refused(1, false));
        assert_eq!(refuse(2, "LOCATION_INVALID"), refused(1, false));
        assert_eq!(refuse(1, "LOCATION_INVALID"), refused(2, false));
        assert_eq!(refuse(3, "FILE_ID_INVALID"), refused(1, false));
        assert_eq!(refuse(4, "LOCATION_INVALID"), refused(1, false));
        assert_eq!(refuse(5, "LOCATION_INVALID"), refused(1, false));
        assert_eq!(refuse(6, "LOCATION_INVALID"), refused(1, true));
        assert!(!slots.take(photo(7), 2, now), "the data centre rests");
    }
}
