//! Due times, compared with dateutil, croniter and croner.

mod catch_up;

use std::collections::BTreeMap;

use croner::parser::{CronParser, Seconds};
use serde::Deserialize;

use super::*;
use crate::config::ResetDay;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The answers of dateutil and croniter (tests/interop/schedule.sh).
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

#[test]
fn reset_days_match_dateutil() {
    let oracle = oracle();
    assert_eq!(oracle.reset_days.len(), 5 * 7 + 7 + 1 + 31);
    for (name, days) in &oracle.reset_days {
        let timetable = timetable(name);
        let months = oracle.spans.iter().flat_map(|&(first, end)| {
            (first..end).flat_map(|year| (1..=12).map(move |m| (year, m)))
        });
        for ((year, month), &day) in months.zip(days) {
            let first = jiff::civil::date(year, month, 1);
            let month_begins = timestamp(first.to_datetime(Time::midnight())).expect("a moment");
            let month_ends = timestamp(first.last_of_month().at(23, 59, 59, 0)).expect("a moment");
            let expected = (day > 0).then(|| {
                timestamp(jiff::civil::date(year, month, day).at(22, 0, 0, 0)).expect("a moment")
            });
            let next = timetable.next(Job::Reset, month_begins.plus(-1));
            assert_eq!(
                next.filter(|next| *next <= month_ends),
                expected,
                "{name} {year}-{month}"
            );
            let latest = timetable.latest(Job::Reset, month_ends);
            assert_eq!(
                latest.filter(|latest| *latest >= month_begins),
                expected,
                "{name} {year}-{month}"
            );
        }
    }
}

#[test]
fn reset_days_match_croner() {
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
            let expected = cron(expression)
                .find_next_occurrence(&civil(now).expect("a moment"), false)
                .ok()
                .and_then(timestamp);
            let next = timetable.next(Job::Reset, now);
            assert_eq!(next, expected, "{reset_day} after {}", now.rfc3339());
            now = next.expect("a next one");
        }
    }
}

#[test]
fn expressions_match_croniter() {
    for (text, moments) in oracle().expressions {
        let mut timetable = timetable("1st mon");
        timetable.schedule.backup = cron(&text);
        for (moment, times) in moments {
            let mut now = at(&moment);
            for expected in times.next {
                now = timetable.next(Job::Backup, now).expect("a next one");
                assert_eq!(now.get(), expected, "{text} after {moment}");
            }
            let mut now = at(&moment);
            for expected in times.before {
                now = timetable
                    .latest(Job::Backup, now.plus(-1))
                    .expect("one before");
                assert_eq!(now.get(), expected, "{text} before {moment}");
            }
        }
    }
}

#[test]
fn a_reset_time_that_occurs_often_is_due_on_the_reset_day_only() {
    let mut timetable = timetable("last");
    timetable.schedule.reset_time = cron("15 */6 * * *");
    let mut now = at("2027-02-28T05:00:00");
    for expected in [
        "2027-02-28T06:15:00",
        "2027-02-28T12:15:00",
        "2027-02-28T18:15:00",
        "2027-03-31T00:15:00",
    ] {
        now = timetable.next(Job::Reset, now).expect("a next one");
        assert_eq!(now, at(expected));
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
fn the_scheduler_fires_at_the_same_times_on_every_day() {
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
