//! The schedule against two libraries that nobody here wrote, and through missed times and jumping clocks.

use std::collections::BTreeMap;

use croner::parser::{CronParser, Seconds};
use serde::Deserialize;

use super::*;
use crate::config::ResetDay;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What dateutil and croniter say (tests/interop/schedule.sh).
#[derive(Deserialize)]
struct Oracle {
    spans: Vec<(i16, i16)>,
    reset_days: BTreeMap<String, Vec<i8>>,
    expressions: BTreeMap<String, BTreeMap<String, Times>>,
}

#[derive(Deserialize)]
struct Times {
    next: Vec<i64>,
    before: Vec<i64>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/fixtures/schedule/oracle.json")).expect("JSON")
}

fn cron(text: &str) -> Cron {
    let parser = CronParser::builder().seconds(Seconds::Optional).build();
    parser.parse(text).expect(text)
}

fn timetable(reset_day: &str) -> Timetable {
    let schedule = Schedule {
        status: cron("30 * * * *"),
        backup: cron("0 20 * * *"),
        count: cron("0 21 * * *"),
        reset_time: cron("0 22 * * *"),
        admins: cron("30 22 * * *"),
        recheck: cron("*/15 * * * *"),
    };
    Timetable::new(schedule, ResetDay::parse(reset_day).expect(reset_day))
}

fn at(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = format!("{text}Z").parse().expect(text);
    Timestamp::new(moment.as_second())
}

/// A job's memory, and what it was seen to do.
struct Played {
    timetable: Timetable,
    job: Job,
    run: Option<Run>,
}

impl Played {
    /// The job of the default schedule, that ran at its last time before `since`.
    fn since(job: Job, since: &str) -> Self {
        let timetable = timetable("1st mon");
        let last = timetable.latest(job, at(since));
        let run = last.map(|due_at| Run {
            due_at,
            ran_at: Some(due_at),
        });
        Self {
            timetable,
            job,
            run,
        }
    }

    /// Looks at the job, and notes what is to be done about it as the program does.
    fn look(&mut self, now: Timestamp, starting: bool) -> Option<Timestamp> {
        let verdict = self.timetable.decide(self.job, self.run, now, starting);
        let (run, done) = verdict.carried_out(self.run, now);
        self.run = Some(run);
        done
    }

    /// Looks every 20 seconds from one moment to another, and gives what was done.
    fn go(&mut self, from: &str, to: &str) -> Vec<Timestamp> {
        let (from, to) = (at(from).get(), at(to).get());
        (from..=to)
            .step_by(20)
            .filter_map(|now| self.look(Timestamp::new(now), false))
            .collect()
    }

    /// How often it was done from one moment to another.
    fn times(&mut self, from: &str, to: &str) -> usize {
        self.go(from, to).len()
    }
}

#[test]
fn every_reset_day_falls_where_dateutil_says() {
    let oracle = oracle();
    assert_eq!(oracle.reset_days.len(), 5 * 7 + 7 + 1 + 31);
    for (name, days) in &oracle.reset_days {
        let timetable = timetable(name);
        let months = oracle.spans.iter().flat_map(|&(first, end)| {
            (first..end).flat_map(|year| (1..=12).map(move |m| (year, m)))
        });
        for ((year, month), &day) in months.zip(days) {
            let first = jiff::civil::date(year, month, 1);
            let begins = timestamp(first.to_datetime(Time::midnight())).expect("a moment");
            let ends = timestamp(first.last_of_month().at(23, 59, 59, 0)).expect("a moment");
            let wanted = (day > 0).then(|| {
                timestamp(jiff::civil::date(year, month, day).at(22, 0, 0, 0)).expect("a moment")
            });
            let next = timetable.next(Job::Reset, begins.plus(-1));
            assert_eq!(
                next.filter(|next| *next <= ends),
                wanted,
                "{name} {year}-{month}"
            );
            let latest = timetable.latest(Job::Reset, ends);
            assert_eq!(
                latest.filter(|latest| *latest >= begins),
                wanted,
                "{name} {year}-{month}"
            );
        }
    }
}

#[test]
fn every_reset_day_falls_where_croner_says() {
    for (reset_day, expression) in [
        ("1st mon", "0 22 * * MON#1"),
        ("5th sun", "0 22 * * SUN#5"),
        ("last fri", "0 22 * * FRI#L"),
        ("last", "0 22 L * *"),
        ("29", "0 22 29 * *"),
        ("31", "0 22 31 * *"),
    ] {
        let timetable = timetable(reset_day);
        let mut now = at("2024-01-01T00:00:00");
        for _ in 0..200 {
            let wanted = cron(expression)
                .find_next_occurrence(&civil(now).expect("a moment"), false)
                .ok()
                .and_then(timestamp);
            let next = timetable.next(Job::Reset, now);
            assert_eq!(next, wanted, "{reset_day} after {}", now.rfc3339());
            now = next.expect("a next one");
        }
    }
}

#[test]
fn expressions_are_due_when_croniter_says() {
    for (text, moments) in oracle().expressions {
        let mut timetable = timetable("1st mon");
        timetable.schedule.backup = cron(&text);
        for (moment, times) in moments {
            let mut now = at(&moment);
            for wanted in times.next {
                now = timetable.next(Job::Backup, now).expect("a next one");
                assert_eq!(now.get(), wanted, "{text} after {moment}");
            }
            let mut now = at(&moment);
            for wanted in times.before {
                now = timetable
                    .latest(Job::Backup, now.plus(-1))
                    .expect("one before");
                assert_eq!(now.get(), wanted, "{text} before {moment}");
            }
        }
    }
}

#[test]
fn a_time_of_day_that_comes_often_resets_on_its_day_alone() {
    let mut timetable = timetable("last");
    timetable.schedule.reset_time = cron("15 */6 * * *");
    let mut now = at("2027-02-28T05:00:00");
    for wanted in [
        "2027-02-28T06:15:00",
        "2027-02-28T12:15:00",
        "2027-02-28T18:15:00",
        "2027-03-31T00:15:00",
    ] {
        now = timetable.next(Job::Reset, now).expect("a next one");
        assert_eq!(now, at(wanted));
        assert_eq!(timetable.latest(Job::Reset, now), Some(now));
        assert_eq!(timetable.latest(Job::Reset, now.plus(59)), Some(now));
    }
    timetable.schedule.reset_time = cron("0 0 * * *");
    let midnight = at("2027-03-31T00:00:00");
    assert_eq!(
        timetable.next(Job::Reset, midnight.plus(-1)),
        Some(midnight)
    );
    assert_eq!(
        timetable.next(Job::Reset, midnight),
        Some(at("2027-04-30T00:00:00"))
    );
}

#[test]
fn nothing_was_missed_before_the_first_start() {
    for job in Job::ALL {
        let now = at("2027-06-15T20:00:00");
        assert_eq!(
            timetable("15").decide(job, None, now, true),
            Verdict::Pass(now)
        );
    }
}

/// What happens at the start after a time of being down: what was missed, once and together.
#[test]
fn what_was_missed_is_made_up_for_once_at_the_next_start() {
    let made_up = |down: &str, up: &str| -> Vec<(Job, String)> {
        Job::ALL
            .into_iter()
            .filter_map(|job| {
                let mut played = Played::since(job, down);
                let due = played.look(at(up), true)?;
                assert_eq!(played.look(at(up), true), None, "{job} twice");
                assert_eq!(played.look(at(up).plus(1), false), None, "{job} twice");
                Some((job, due.rfc3339().replace("Z", "")))
            })
            .collect()
    };
    let case = |down, up, wanted: &[(Job, &str)]| {
        let wanted: Vec<(Job, String)> = wanted
            .iter()
            .map(|(job, due)| (*job, (*due).to_owned()))
            .collect();
        assert_eq!(made_up(down, up), wanted, "down from {down} to {up}");
    };
    // 3 minutes, over nothing and over the backup.
    case("2027-06-14T12:01:00", "2027-06-14T12:04:00", &[]);
    case(
        "2027-06-14T19:58:00",
        "2027-06-14T20:01:00",
        &[
            (Job::Backup, "2027-06-14T20:00:00"),
            (Job::Recheck, "2027-06-14T20:00:00"),
        ],
    );
    // 3 hours, over backup, count and the reset of the first Monday.
    case(
        "2027-06-07T19:40:00",
        "2027-06-07T22:40:00",
        &[
            (Job::Backup, "2027-06-07T20:00:00"),
            (Job::Count, "2027-06-07T21:00:00"),
            (Job::Reset, "2027-06-07T22:00:00"),
            (Job::Recheck, "2027-06-07T22:30:00"),
        ],
    );
    // 3 days: one backup, one count.
    case(
        "2027-06-12T12:00:00",
        "2027-06-15T12:00:00",
        &[
            (Job::Backup, "2027-06-14T20:00:00"),
            (Job::Count, "2027-06-14T21:00:00"),
            (Job::Recheck, "2027-06-15T12:00:00"),
        ],
    );
    // 40 days, over one first Monday; over two.
    case(
        "2027-06-10T12:00:00",
        "2027-07-20T12:00:00",
        &[
            (Job::Backup, "2027-07-19T20:00:00"),
            (Job::Count, "2027-07-19T21:00:00"),
            (Job::Reset, "2027-07-05T22:00:00"),
            (Job::Recheck, "2027-07-20T12:00:00"),
        ],
    );
    case(
        "2027-07-01T12:00:00",
        "2027-08-10T12:00:00",
        &[
            (Job::Backup, "2027-08-09T20:00:00"),
            (Job::Count, "2027-08-09T21:00:00"),
            (Job::Reset, "2027-08-02T22:00:00"),
            (Job::Recheck, "2027-08-10T12:00:00"),
        ],
    );
}

#[test]
fn a_status_report_is_begun_within_a_minute_or_not_at_all() {
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    let due = at("2027-06-14T12:30:00");
    assert_eq!(played.look(due.plus(-1), false), None);
    assert_eq!(played.look(due.plus(60), false), Some(due));
    assert_eq!(played.look(due.plus(61), false), None, "twice");
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    assert_eq!(played.look(due.plus(61), false), None, "too late");
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    assert_eq!(played.look(due, true), None, "made up for at a start");
}

#[test]
fn a_clock_set_forward_by_hours_loses_nothing_and_repeats_nothing() {
    for job in [Job::Backup, Job::Count, Job::Reset] {
        // 1st of February 2027 is a first Monday.
        let mut played = Played::since(job, "2027-02-01T19:00:00");
        let due = played
            .timetable
            .next(job, at("2027-02-01T19:00:00"))
            .expect("a next one");
        assert_eq!(played.go("2027-02-01T19:00:00", "2027-02-01T19:30:00"), []);
        assert_eq!(
            played.go("2027-02-01T23:30:05", "2027-02-01T23:50:00"),
            [due],
            "{job}"
        );
        // And it was wrong: back again.
        assert_eq!(
            played.go("2027-02-01T19:50:00", "2027-02-02T19:30:00"),
            [],
            "{job} twice"
        );
    }
}

#[test]
fn a_clock_set_back_by_hours_loses_nothing_and_repeats_nothing() {
    for job in [Job::Backup, Job::Count, Job::Reset] {
        let mut played = Played::since(job, "2027-02-01T19:00:00");
        let due = played
            .timetable
            .next(job, at("2027-02-01T19:00:00"))
            .expect("a next one");
        assert_eq!(
            played.go("2027-02-01T19:00:00", "2027-02-01T22:10:00"),
            [due]
        );
        assert_eq!(
            played.go("2027-02-01T15:00:00", "2027-02-02T19:59:00"),
            [],
            "{job} twice"
        );
        let next = played.timetable.next(job, due).expect("a next one");
        let next = next.rfc3339().replace("Z", "");
        assert_eq!(played.go(&next, &next).len(), 1, "{job} lost");
    }
}

#[test]
fn status_reports_go_on_after_the_clock_was_set_back() {
    let mut played = Played::since(Job::Status, "2027-02-01T11:40:00");
    assert_eq!(
        played.times("2027-02-01T12:00:00", "2027-02-01T12:45:00"),
        1
    );
    // By three hours: one for each hour there is.
    assert_eq!(
        played.times("2027-02-01T09:45:00", "2027-02-01T12:29:00"),
        2
    );
    assert_eq!(
        played.times("2027-02-01T12:29:20", "2027-02-01T12:40:00"),
        1
    );
    // By four hours, to just before one.
    assert_eq!(
        played.times("2027-02-01T12:40:00", "2027-02-01T12:45:00"),
        0
    );
    assert_eq!(
        played.times("2027-02-01T08:30:15", "2027-02-01T08:40:00"),
        1
    );
    assert_eq!(
        played.times("2027-02-01T12:30:20", "2027-02-01T12:40:00"),
        1
    );
    // By a minute: not twice in one.
    assert_eq!(
        played.times("2027-02-01T13:29:00", "2027-02-01T13:30:20"),
        1
    );
    assert_eq!(
        played.times("2027-02-01T13:29:20", "2027-02-01T14:00:00"),
        0
    );
    assert_eq!(
        played.times("2027-02-01T14:00:00", "2027-02-01T15:00:00"),
        1
    );
}

#[test]
fn a_clock_that_was_wrong_by_weeks_neither_silences_a_job_nor_brings_a_reset_twice() {
    // It ran ahead by 40 days while the program was started: everything seemed to be missed.
    let mut played = Played::since(Job::Backup, "2027-06-10T12:00:00");
    assert!(played.look(at("2027-07-20T12:00:00"), true).is_some());
    assert_eq!(played.go("2027-06-10T12:05:00", "2027-06-10T19:59:00"), []);
    assert_eq!(
        played.times("2027-06-10T19:59:20", "2027-06-11T20:30:00"),
        2,
        "silenced"
    );
    // It began at 1970, before the network told the time: nothing is due then, and nothing after.
    for job in [Job::Backup, Job::Count, Job::Reset] {
        let mut played = Played::since(job, "2027-06-10T12:00:00");
        assert_eq!(played.look(at("1970-01-01T00:00:10"), true), None, "{job}");
        assert_eq!(
            played.look(at("2027-06-10T12:00:05"), false),
            None,
            "{job} twice"
        );
        let next = played
            .timetable
            .next(job, at("2027-06-10T12:00:05"))
            .expect("a next one");
        assert_eq!(played.look(next, false), Some(next), "{job} lost");
    }
}

#[test]
fn the_scheduler_fires_at_the_times_of_day_of_every_day() {
    let timetable = timetable("1st mon");
    assert_eq!(timetable.fires_at(Job::Reset), "0 0 22 * * *");
    assert_eq!(timetable.fires_at(Job::Recheck), "0 */15 * * * *");
    assert_eq!(timetable.expression(Job::Reset), "0 22 * * * on 1st mon");
    for nickname in ["@hourly", "@daily", "@weekly", "@monthly", "@yearly"] {
        let mut timetable = timetable.clone();
        timetable.schedule.backup = cron(nickname);
        let fires = cron(&timetable.fires_at(Job::Backup));
        let next = timetable
            .next(Job::Backup, at("2027-06-10T12:34:56"))
            .expect("a next one");
        let next = civil(next).expect("a moment");
        assert!(
            fires.is_time_matching(&next).expect("a match"),
            "{nickname}"
        );
    }
    for day in ["1st mon", "31"] {
        let next = self::timetable(day).next(Job::Reset, at("2027-06-10T12:34:56"));
        assert!(next.is_some_and(|next| next.get() % DAY == 22 * HOUR));
    }
}
