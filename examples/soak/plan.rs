//! The plan of a soak: which events happen when. The same length and seed give the same plan.
//!
//! A month is compressed to an hour, so that a day takes two minutes. A shorter soak is a part of this hour: it has as
//! many events in a minute, but at least one of each kind.

use std::time::Duration;

use strum::{Display, EnumIter};

/// The length of a month, and of one of its days.
const MONTH: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(120);
/// The joins of a day apart from raids. At noon nine times as many members join as at midnight.
const JOINS_PER_DAY: f64 = 200.0;
const RHYTHM: f64 = 0.8;
/// The joins of a raid in the month, the fewest of a shorter soak, and the time between two of them.
const RAIDERS: f64 = 500.0;
const FEWEST_RAIDERS: usize = 20;
const RAID_INTERVAL: Duration = Duration::from_millis(20);
/// The beginnings of the raids: once in a week.
const RAIDS: [f64; 4] = [4.0 / 30.0, 11.0 / 30.0, 18.0 / 30.0, 25.0 / 30.0];
/// The first raid has a kill this long after its beginning.
const KILL_IN_RAID: Duration = Duration::from_secs(2);
/// The program is ended and killed in this first part only. One process does the work of the rest, so that a leak adds
/// up.
pub(crate) const RESTARTS: f64 = 1.0 / 3.0;
/// How long posts are limited, and connections refused.
const LIMITED: Duration = Duration::from_secs(15);
const REFUSED: Duration = Duration::from_secs(4);
/// How often the process and its files are measured.
const SAMPLES: u32 = 120;

/// An event of the plan.
#[derive(Clone, Copy, Debug, Display, EnumIter, PartialEq, Eq, PartialOrd, Ord)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Event {
    /// A member joins one of the groups.
    Join,
    /// A member joins the raided group.
    RaidJoin,
    FloodWait,
    PostsLimited,
    PostsFreed,
    ReplyLost,
    ConnectionsCut,
    OtherDcCut,
    ConnectionsRefused,
    ConnectionsAccepted,
    Terminated,
    Killed,
    /// A member of the TEST group types `/version`.
    VersionAsked,
    /// MANAGE asks for the status.
    StatusAsked,
    /// MANAGE orders a backup.
    BackupOrdered,
    /// The command `backup` runs.
    ListsSaved,
    /// The commands `status`, `joins` and `why` run.
    StateShown,
    Sampled,
}

/// How often the events of the whole soak happen in a day.
const DAILY: [(Event, f64); 11] = [
    (Event::FloodWait, 2.0),
    (Event::PostsLimited, 0.5),
    (Event::ReplyLost, 1.0),
    (Event::ConnectionsCut, 1.0),
    (Event::OtherDcCut, 1.0),
    (Event::ConnectionsRefused, 0.5),
    (Event::VersionAsked, 4.0),
    (Event::StatusAsked, 1.0),
    (Event::BackupOrdered, 0.2),
    (Event::ListsSaved, 1.0),
    (Event::StateShown, 4.0),
];
/// The same in the first part.
const RESTARTS_PER_DAY: [(Event, f64); 2] = [(Event::Terminated, 1.0), (Event::Killed, 1.0)];

/// An event with its time since the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

/// Returns the events of a soak in their order.
pub(crate) fn plan(length: Duration, seed: u64) -> Vec<Planned> {
    let mut drawing = Drawing {
        random: fastrand::Rng::with_seed(seed),
        length,
        events: Vec::new(),
    };
    drawing.draw();
    drawing.events.sort_unstable();
    drawing.events
}

struct Drawing {
    random: fastrand::Rng,
    length: Duration,
    events: Vec<Planned>,
}

impl Drawing {
    fn draw(&mut self) {
        let days = self.length.div_duration_f64(DAY);
        for _ in 0..(JOINS_PER_DAY * days).round() as usize {
            let at = self.time_of_join();
            self.add(Event::Join, at);
        }
        let raiders = RAIDERS * self.length.div_duration_f64(MONTH);
        let raiders = (raiders.round() as usize).max(FEWEST_RAIDERS);
        for raid in RAIDS {
            let begin = self.length.mul_f64(raid);
            for raider in 0..raiders {
                self.add(
                    Event::RaidJoin,
                    begin + RAID_INTERVAL.mul_f64(raider as f64),
                );
            }
        }
        self.add(Event::Killed, self.length.mul_f64(RAIDS[0]) + KILL_IN_RAID);
        for (event, per_day) in DAILY {
            self.spread(event, per_day * days, 1.0);
        }
        for (event, per_day) in RESTARTS_PER_DAY {
            self.spread(event, per_day * days * RESTARTS, RESTARTS);
        }
        for sample in 1..=SAMPLES {
            self.add(Event::Sampled, self.length * sample / SAMPLES);
        }
    }

    /// Draws a time whose density follows the time of day.
    fn time_of_join(&mut self) -> Duration {
        loop {
            let at = self.length.mul_f64(self.random.f64());
            let day = at.div_duration_f64(DAY).fract();
            let density = 1.0 - RHYTHM * (day * std::f64::consts::TAU).cos();
            if self.random.f64() * (1.0 + RHYTHM) < density {
                return at;
            }
        }
    }

    /// Adds an event at least once, at random times that are spread over the first `part` of the soak.
    fn spread(&mut self, event: Event, count: f64, part: f64) {
        let count = count.round().max(1.0);
        for nth in 0..count as usize {
            let share = (nth as f64 + 0.2 + 0.6 * self.random.f64()) / count;
            let at = self.length.mul_f64(part * share);
            self.add(event, at);
            match event {
                Event::PostsLimited => self.add(Event::PostsFreed, at + LIMITED),
                Event::ConnectionsRefused => self.add(Event::ConnectionsAccepted, at + REFUSED),
                _ => {}
            }
        }
    }

    fn add(&mut self, event: Event, at: Duration) {
        self.events.push(Planned { at, event });
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    fn count(events: &[Planned], event: Event) -> usize {
        events
            .iter()
            .filter(|planned| planned.event == event)
            .count()
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        let length = Duration::from_secs(240);
        assert_eq!(plan(length, 79), plan(length, 79));
        assert_ne!(plan(length, 79), plan(length, 80));
    }

    #[test]
    fn an_hour_carries_a_month() {
        let events = plan(MONTH, 79);
        assert_eq!(count(&events, Event::Join), 6000);
        assert_eq!(count(&events, Event::RaidJoin), 4 * 500);
        assert_eq!(count(&events, Event::ListsSaved), 30);
        assert_eq!(count(&events, Event::Terminated), 10);
        assert_eq!(count(&events, Event::Killed), 10 + 1);
    }

    #[test]
    fn a_short_soak_has_each_event() {
        let length = Duration::from_secs(240);
        let events = plan(length, 79);
        for event in Event::iter() {
            assert!(count(&events, event) > 0, "{event}");
        }
        assert!(events.is_sorted());
    }

    #[test]
    fn one_process_does_the_work_of_the_last_part() {
        let events = plan(MONTH, 79);
        let restart =
            |planned: &&Planned| matches!(planned.event, Event::Terminated | Event::Killed);
        let last = events.iter().rfind(restart).expect("a restart");
        assert!(last.at < MONTH.mul_f64(RESTARTS));
    }

    #[test]
    fn most_members_join_by_day() {
        let events = plan(MONTH, 79);
        let by_day = |planned: &&Planned| {
            let day = planned.at.div_duration_f64(DAY).fract();
            planned.event == Event::Join && (0.25..0.75).contains(&day)
        };
        let by_day = events.iter().filter(by_day).count();
        assert!((4300..4800).contains(&by_day), "{by_day}");
    }
}
