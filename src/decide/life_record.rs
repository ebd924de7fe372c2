//! When a running program stores its sign of life and the time of Telegram's last answer, for `status`.

use crate::model::Timestamp;

/// The time in seconds between two records.
pub const RECORD_INTERVAL: i64 = 30;

/// The record that was stored last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifeRecord {
    stored_at: Timestamp,
    /// The last answer from Telegram to this process.
    last_contact_at: Option<Timestamp>,
    /// When `last_contact_at` was stored.
    contact_stored_at: Option<Timestamp>,
}

impl LifeRecord {
    /// Makes the record of a start, which is stored.
    #[must_use]
    pub const fn of_start(now: Timestamp) -> Self {
        Self {
            stored_at: now,
            last_contact_at: None,
            contact_stored_at: None,
        }
    }

    /// Returns the record that has to be stored now, if one is due.
    ///
    /// A record is due after [`RECORD_INTERVAL`], also without an answer since, because it is a sign of life, too. The
    /// first answer is stored at once, also the first one after a silence, so that its end is seen; but answers are not
    /// stored more often than that, however many there are. A clock that was set back makes a record due.
    #[must_use]
    pub fn next(&self, last_contact_at: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let is_old = |at: Timestamp| {
            let age = now.get().saturating_sub(at.get());
            !(0..RECORD_INTERVAL).contains(&age)
        };
        let is_new_contact = last_contact_at != self.last_contact_at;
        let is_contact_due = is_new_contact && self.contact_stored_at.is_none_or(is_old);
        (is_contact_due || is_old(self.stored_at)).then_some(Self {
            stored_at: now,
            last_contact_at,
            contact_stored_at: match is_new_contact {
                true => Some(now),
                false => self.contact_stored_at,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the seconds at which a record is stored in two minutes. `contact` is the last answer at each second.
    fn stores(contact: impl Fn(i64) -> Option<i64>) -> Vec<i64> {
        let mut record = LifeRecord::of_start(Timestamp::new(0));
        let seconds = 1..120;
        seconds
            .filter(|second| {
                let contact = contact(*second).map(Timestamp::new);
                let next = record.next(contact, Timestamp::new(*second));
                record = next.unwrap_or(record);
                next.is_some()
            })
            .collect()
    }

    #[test]
    fn a_record_is_stored_every_interval_and_at_the_first_answer() {
        assert_eq!(stores(|_| None), [30, 60, 90], "no answer at all");
        assert_eq!(stores(Some), [1, 31, 61, 91], "answers all the time");
        let every_15 = stores(|second| Some(second / 15 * 15));
        assert_eq!(every_15, [1, 31, 61, 91], "a quiet night");
        let late = stores(|second| (second >= 40).then_some(second));
        assert_eq!(late, [30, 40, 70, 100], "a start without an answer");
        let silence = stores(|second| Some(if (2..75).contains(&second) { 1 } else { second }));
        assert_eq!(silence, [1, 31, 61, 75, 105], "the end of a silence");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_a_record_due() {
        let contact = Some(Timestamp::new(100));
        let record = LifeRecord::of_start(Timestamp::new(90));
        let record = record.next(contact, Timestamp::new(100)).expect("due");
        assert_eq!(record.next(contact, Timestamp::new(101)), None);
        assert!(record.next(contact, Timestamp::new(99)).is_some());
    }
}
