//! When the log gets a summary of a raid, which is enough for an operator who logs nothing below `warn`.

use crate::model::Timestamp;

/// The joins of a minute that are a raid.
pub const RAID_JOINS: u64 = 20;
/// The least time in seconds between two summaries.
const SUMMARY_INTERVAL: i64 = 60;

/// The load of the last minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteLoad {
    pub joins: u64,
    /// The photos that were posted.
    pub forwarded: u64,
    /// The photos that wait now.
    pub waiting: u64,
}

/// The raid so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct RaidSummary {
    is_raid: bool,
    logged_at: Option<Timestamp>,
}

impl RaidSummary {
    /// Returns true if a summary is due: at most once a minute, while a raid is on. A raid begins with [`RAID_JOINS`] in
    /// a minute, and goes on while as many join, or while the photos that wait since then are posted. An outage after a
    /// raid is none, however many photos wait.
    pub fn is_due(&mut self, minute: MinuteLoad, now: Timestamp) -> bool {
        let is_drained = minute.waiting > 0 && minute.forwarded > 0;
        self.is_raid = minute.joins >= RAID_JOINS || (self.is_raid && is_drained);
        let is_recent = self.logged_at.is_some_and(|logged_at| {
            let age = now.get().saturating_sub(logged_at.get());
            (0..SUMMARY_INTERVAL).contains(&age)
        });
        let is_due = self.is_raid && !is_recent;
        if is_due {
            self.logged_at = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raid_is_summarised_once_a_minute_until_its_photos_are_posted() {
        let mut summary = RaidSummary::default();
        for (second, [joins, forwarded, waiting], expected) in [
            (0, [RAID_JOINS - 1, 10, 9], false),
            (5, [RAID_JOINS, 10, 10], true),
            (10, [300, 10, 290], false),
            (64, [300, 60, 290], false),
            (65, [300, 60, 290], true),
            // No user joins any more.
            (125, [0, 60, 230], true),
            // Telegram does not answer.
            (185, [0, 0, 230], false),
            // The photos that are posted later are no raid.
            (245, [0, 60, 170], false),
            (250, [RAID_JOINS, 0, 170], true),
            // The clock was set back.
            (200, [RAID_JOINS, 0, 170], true),
            (260, [0, 60, 0], false),
        ] {
            let minute = MinuteLoad {
                joins,
                forwarded,
                waiting,
            };
            let due = summary.is_due(minute, Timestamp::new(1000 + second));
            assert_eq!(due, expected, "second {second}");
        }
    }
}
