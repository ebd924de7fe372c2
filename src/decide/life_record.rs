//! When a running program stores its sign of life and the time of Telegram's last answer, for `status`.

use crate::model::Timestamp;

/// The time in seconds between two records.
pub const RECORD_INTERVAL: i64 = 30;

/// The record that was stored last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifeRecord {
    pub stored_at: Timestamp,
    /// The last answer from Telegram to this process.
    pub last_contact_at: Option<Timestamp>,
}

impl LifeRecord {
    /// Returns true if a new record has to be stored: after [`RECORD_INTERVAL`], also without an answer since, because the
    /// record is a sign of life, too; and at the first answer, so that the end of a start is seen. A clock that was set
    /// back makes a record due, too.
    #[must_use]
    pub fn is_outdated(&self, last_contact_at: Option<Timestamp>, now: Timestamp) -> bool {
        let age = now.get().saturating_sub(self.stored_at.get());
        let is_first_contact = self.last_contact_at.is_none() && last_contact_at.is_some();
        is_first_contact || !(0..RECORD_INTERVAL).contains(&age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_stored_every_interval_and_at_the_first_contact() {
        for (known, contact, age, is_outdated) in [
            (None, None, 0, false),
            (None, None, RECORD_INTERVAL - 1, false),
            (None, None, RECORD_INTERVAL, true),
            (None, Some(1), 1, true),
            // Telegram answers several times a second in a raid.
            (Some(1), Some(20), RECORD_INTERVAL - 1, false),
            (Some(1), Some(20), RECORD_INTERVAL, true),
            // Telegram is silent.
            (Some(1), Some(1), RECORD_INTERVAL - 1, false),
            (Some(1), Some(1), RECORD_INTERVAL, true),
            // The clock was set back.
            (Some(1), Some(1), -1, true),
        ] {
            let record = LifeRecord {
                stored_at: Timestamp::new(100),
                last_contact_at: known.map(Timestamp::new),
            };
            let judged =
                record.is_outdated(contact.map(Timestamp::new), record.stored_at.plus(age));
            assert_eq!(judged, is_outdated, "{known:?} {contact:?} {age}");
        }
    }
}
