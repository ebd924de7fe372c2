//! The goals of the pace, in hours of simulation, and its behaviour at single events.

mod simulation;

use self::simulation::{Limit, Run, Scenario, permitted, seconds};
use super::*;

const HOUR: Duration = seconds(3600);
/// How long the program may learn at first, and after the limit changed.
const LEARNING: Duration = seconds(900);
const LEARNING_AGAIN: Duration = seconds(1200);
const PAGE: &str = include_str!("../../../docs/pace.md");

/// Fails unless a run keeps the goals from a time on: nine tenths of what is permitted, ten minutes between floods.
#[track_caller]
fn assert_goals(run: &Run, from: Duration, to: Duration, permitted: f64, what: &str) {
    let share = run.rate(from, to) / permitted;
    assert!(share >= 0.9, "{what}: {share:.3} of what is permitted");
    let peace = run.shortest_peace(from);
    assert!(peace >= FLOODS_APART, "{what}: floods {peace:?} apart");
}

/// Returns each limit with the configured intervals for which the goals hold.
fn limits() -> impl Iterator<Item = (usize, u64)> {
    let every = (5..=60).map(|posts| (posts, 1000));
    every.chain((31..=60).map(|posts| (posts, 400)))
}

#[test]
fn nine_tenths_are_posted_with_one_flood_in_ten_minutes() {
    let end = LEARNING + HOUR * 4;
    for (posts, min_interval_ms) in limits() {
        let run = Scenario::raid(posts, min_interval_ms, end).run();
        let what = format!("{posts} posts, {min_interval_ms} ms");
        assert_goals(
            &run,
            LEARNING,
            end,
            permitted(posts, min_interval_ms),
            &what,
        );
    }
}

#[test]
fn a_limit_that_changes_midway_is_learned_again() {
    let (change, end) = (HOUR, HOUR * 3);
    let steps = [5, 6, 8, 10, 15, 20, 30, 40, 60];
    for (before, after) in steps
        .iter()
        .flat_map(|before| steps.map(|after| (*before, after)))
    {
        let min_interval_ms = if before.max(after) > 30 { 400 } else { 1000 };
        let mut scenario = Scenario::raid(before, min_interval_ms, end);
        scenario.limits.push(Limit {
            from: change,
            posts: after,
        });
        let run = scenario.run();
        let what = format!("{before} posts, then {after}");
        let permitted = permitted(after, min_interval_ms);
        assert_goals(&run, change + LEARNING_AGAIN, end, permitted, &what);
    }
}

/// The rows of the table in docs/pace.md.
fn table() -> String {
    let mut rows = Vec::new();
    let mut row = |posts: &str,
                   min_interval_ms,
                   permitted: f64,
                   run: &Run,
                   [begin, from, to]: [Duration; 3]| {
        let rate = run.rate(from, to);
        let floods = run.floods(from, to) as f64 * 600.0 / (to - from).as_secs_f64();
        rows.push(format!(
            "| {posts} | {min_interval_ms} | {permitted:.1} | {rate:.1} | {:.0} % | {} | {floods:.2} |",
            100.0 * rate / permitted,
            run.floods(begin, from),
        ));
    };
    for (posts, min_interval_ms) in
        limits().filter(|(posts, ms)| posts % 5 == 0 && (*posts <= 30 || *ms == 400))
    {
        let end = LEARNING + HOUR * 4;
        let run = Scenario::raid(posts, min_interval_ms, end).run();
        let permitted = permitted(posts, min_interval_ms);
        row(
            &posts.to_string(),
            min_interval_ms,
            permitted,
            &run,
            [Duration::ZERO, LEARNING, end],
        );
    }
    for (before, after) in [
        (10, 5),
        (20, 10),
        (10, 20),
        (5, 30),
        (30, 5),
        (40, 60),
        (60, 5),
        (5, 60),
    ] {
        let min_interval_ms = if before.max(after) > 30 { 400 } else { 1000 };
        let mut scenario = Scenario::raid(before, min_interval_ms, HOUR * 5);
        scenario.limits.push(Limit {
            from: HOUR,
            posts: after,
        });
        let run = scenario.run();
        let permitted = permitted(after, min_interval_ms);
        let posts = format!("{before}, then {after}");
        row(
            &posts,
            min_interval_ms,
            permitted,
            &run,
            [HOUR, HOUR + LEARNING_AGAIN, HOUR * 5],
        );
    }
    rows.join("\n")
}

#[test]
fn the_page_shows_the_table_of_the_simulation() {
    let table = table();
    assert!(
        PAGE.contains(&table),
        "docs/pace.md differs; the table is\n{table}"
    );
}

#[test]
fn late_posts_and_long_floods_keep_the_goals() {
    let end = LEARNING + HOUR * 2;
    for (posts, min_interval_ms) in limits().filter(|(posts, _)| posts % 3 == 0) {
        let mut scenario = Scenario::raid(posts, min_interval_ms, end);
        scenario.latency = Duration::from_millis(300);
        let what = format!("{posts} posts, {min_interval_ms} ms");
        assert_goals(
            &scenario.run(),
            LEARNING,
            end,
            permitted(posts, min_interval_ms),
            &what,
        );
        // A server that makes the program wait for the whole window takes some of the time by itself.
        scenario.penalty = Some(simulation::WINDOW);
        let run = scenario.run();
        let share = run.rate(LEARNING, end) / permitted(posts, min_interval_ms);
        assert!(share >= 0.85, "{what}: {share:.3} of what is permitted");
        assert!(run.shortest_peace(LEARNING) >= FLOODS_APART, "{what}");
    }
}

#[test]
fn reports_between_photos_keep_the_goals_and_do_not_wait() {
    let end = LEARNING + HOUR * 2;
    for posts in [5, 6, 10, 20, 30] {
        let mut scenario = Scenario::raid(posts, 1000, end);
        // A report every 47 seconds, and three answers to orders at once every five minutes.
        scenario.reports = (0..end.as_secs())
            .flat_map(|at| vec![at; usize::from(at % 47 == 0) + 3 * usize::from(at % 300 == 0)])
            .map(seconds)
            .collect();
        let run = scenario.run();
        let what = format!("{posts} posts");
        assert_goals(&run, LEARNING, end, permitted(posts, 1000), &what);
        assert_eq!(run.report_waits.len(), scenario.reports.len());
        // Four at once, and a flood in the learning time.
        let longest = run.report_waits.iter().max().copied().unwrap_or_default();
        assert!(
            longest <= simulation::WINDOW + REPORT_WAIT,
            "{what}: {longest:?}"
        );
    }
}

#[test]
fn few_photos_are_posted_without_many_floods() {
    let end = LEARNING + HOUR * 4;
    for (posts, percent) in [
        (5, 30),
        (5, 70),
        (5, 95),
        (8, 95),
        (10, 60),
        (10, 99),
        (30, 50),
    ] {
        let mut scenario = Scenario::raid(posts, 1000, end);
        // Photos come in twos and threes.
        let mean = simulation::WINDOW.mul_f64(100.0 / (posts * percent) as f64);
        let times = (0_u32..).map(|number| mean * (number - number % 5 + 2 * (number % 5 / 2)));
        scenario.photos = Some(times.take_while(|at| *at < end).collect());
        let run = scenario.run();
        let what = format!("{percent} % of {posts} posts");
        assert!(
            run.shortest_peace(LEARNING) >= FLOODS_APART,
            "{what}: {:?}",
            run.floods
        );
        let arrived = scenario.photos.map_or(0, |photos| photos.len());
        assert!(
            run.posts.len() + 2 * posts >= arrived,
            "{what}: {}",
            run.posts.len()
        );
    }
}

#[test]
fn raids_with_pauses_and_restarts_keep_what_was_learned() {
    let end = HOUR * 4;
    for posts in [5, 10, 20, 30] {
        let mut scenario = Scenario::raid(posts, 1000, end);
        // A raid every 20 minutes, that takes half of them.
        let size = posts * 20;
        let raids = (0..12).map(|number| seconds(number * 1200));
        scenario.photos = Some(raids.flat_map(|at| vec![at; size]).collect());
        scenario.restarts = (1..48).map(|number| seconds(number * 300 + 7)).collect();
        let run = scenario.run();
        assert_eq!(run.posts.len(), size * 12, "{posts} posts");
        // A restart posts at once, so that its flood may come early.
        let floods = run.floods(LEARNING, end) as u64;
        let most = (end - LEARNING).as_secs() / FLOODS_APART.as_secs();
        assert!(floods <= most, "{posts} posts: {:?}", run.floods);
    }
}

/// Returns a pace in a raid that learned this limit, at this time.
fn learned_pace(limit: Duration) -> AdaptivePace {
    let learned = LearnedPace {
        interval: limit.mul_f64(MARGIN),
        limit: Some(limit),
    };
    let mut pace = AdaptivePace::new(seconds(1), Some(learned));
    pace.note_waiting(1000);
    pace
}

/// Posts that many times; returns the time of the last one.
fn post(pace: &mut AdaptivePace, mut now: Duration, posts: u32) -> Duration {
    for _ in 0..posts {
        now += pace.interval(now);
        pace.note_post(now);
    }
    now
}

#[track_caller]
fn assert_is_just_above_the_limit(pace: &AdaptivePace, now: Duration) {
    let limit = pace.learned().limit.expect("known");
    let factor = pace.interval(now).div_duration_f64(limit);
    assert!((1.04..=MARGIN).contains(&factor), "{factor}");
}

#[test]
fn three_seconds_hold_while_few_photos_wait() {
    let mut pace = AdaptivePace::new(seconds(1), None);
    pace.note_waiting(FEW_PHOTOS);
    let now = post(&mut pace, Duration::ZERO, 200);
    assert_eq!(now, CALM_INTERVAL * 200);
    pace.note_waiting(FEW_PHOTOS + 1);
    let now = post(&mut pace, now, 10);
    assert!(pace.interval(now) < CALM_INTERVAL && pace.interval(now) > seconds(2));
    let now = post(&mut pace, now, 500);
    assert_eq!(
        pace.interval(now),
        seconds(1),
        "never below the configured interval"
    );
    pace.note_waiting(1);
    assert_eq!(
        pace.interval(now),
        seconds(1),
        "the raid goes on until none waits"
    );
    pace.note_waiting(0);
    assert_eq!(pace.interval(now), CALM_INTERVAL);
    assert_eq!(pace.learned().interval, seconds(1), "for the next raid");
}

#[test]
fn a_raid_without_a_limit_takes_19_minutes_for_1000_photos_and_17_the_next_time() {
    let mut pace = AdaptivePace::new(seconds(1), None);
    let mut now = Duration::ZERO;
    for minutes in [19, 17] {
        pace.note_waiting(1000);
        let end = post(&mut pace, now, 1000);
        assert_eq!((end - now).as_secs().div_ceil(60), minutes);
        pace.note_waiting(0);
        now = end + HOUR;
    }
}

#[test]
fn a_long_configured_interval_is_kept() {
    for configured in [3, 5, 3600].map(seconds) {
        let mut pace = AdaptivePace::new(configured, None);
        for waiting in [1, 100, 0] {
            pace.note_waiting(waiting);
            let now = post(&mut pace, Duration::ZERO, 50);
            assert_eq!(now, configured * 50, "{waiting} wait");
        }
        let report_wait = pace.report_interval(Duration::ZERO);
        assert_eq!(report_wait, configured, "reports keep it as well");
    }
}

#[test]
fn a_flood_doubles_the_interval_which_then_returns() {
    let mut pace = learned_pace(seconds(2));
    let now = post(&mut pace, Duration::ZERO, 60);
    let before = pace.interval(now);
    pace.note_flood(now, seconds(2));
    assert_eq!(pace.interval(now), before * 2);
    let now = post(&mut pace, now, 8);
    assert_is_just_above_the_limit(&pace, now);
}

#[test]
fn floods_before_the_first_post_leave_a_goal_to_return_to() {
    let mut pace = AdaptivePace::new(seconds(1), None);
    pace.note_waiting(1000);
    for number in 0..9 {
        pace.note_flood(seconds(10 * number), seconds(5));
    }
    assert_eq!(pace.interval(seconds(90)), LONGEST);
    let now = post(&mut pace, seconds(200), 10);
    assert!(pace.interval(now) < seconds(4), "{:?}", pace.interval(now));
}

#[test]
fn a_report_waits_ten_seconds_at_most() {
    let mut pace = learned_pace(seconds(40));
    assert_eq!(pace.interval(Duration::ZERO), seconds(42));
    assert_eq!(pace.report_interval(Duration::ZERO), seconds(10));
    pace = learned_pace(seconds(2));
    assert_eq!(
        pace.report_interval(Duration::ZERO),
        pace.interval(Duration::ZERO)
    );
}

#[test]
fn one_flood_of_another_cause_changes_little() {
    for wait in [1, 30, 299, 301, 86_400, u64::MAX].map(seconds) {
        let mut pace = learned_pace(seconds(2));
        let now = post(&mut pace, Duration::ZERO, 10);
        pace.note_flood(now, wait);
        // The same flood refuses further calls.
        for _ in 0..9 {
            pace.note_flood(now, wait);
        }
        let limit = pace.learned().limit.expect("known");
        assert!(
            limit <= seconds(2).mul_f64(FIRST_RISE),
            "{wait:?}: {limit:?}"
        );
        let now = post(&mut pace, now + wait.min(HOUR), 16);
        assert_is_just_above_the_limit(&pace, now);
    }
}

#[test]
fn a_flood_while_few_photos_wait_leaves_the_learned_interval() {
    let mut pace = learned_pace(seconds(1));
    pace.note_waiting(0);
    let now = post(&mut pace, seconds(5000), 3);
    pace.note_flood(now, seconds(20));
    assert_eq!(pace.interval(now), CALM_INTERVAL * 2);
    pace.note_waiting(100);
    let now = post(&mut pace, now, 10);
    assert!(pace.interval(now) < seconds(1).mul_f64(1.2));
}

#[test]
fn stored_intervals_outside_the_bounds_are_corrected() {
    for (stored, used) in [(0, 1), (1, 1), (40, 40), (1_000_000, 120)] {
        let learned = LearnedPace {
            interval: seconds(stored),
            limit: Some(seconds(stored)),
        };
        let pace = AdaptivePace::new(seconds(1), Some(learned));
        assert_eq!(pace.learned().interval, seconds(used));
    }
    // Without a configured interval, the pace still has one that a flood can double.
    let mut pace = AdaptivePace::new(Duration::ZERO, None);
    pace.note_waiting(100);
    let now = post(&mut pace, Duration::ZERO, 30_000);
    assert_eq!(pace.interval(now), SHORTEST);
    pace.note_flood(now, seconds(1));
    assert_eq!(pace.interval(now), SHORTEST * 2);
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut pace = learned_pace(seconds(2));
    let now = post(&mut pace, seconds(1000), 10);
    pace.note_post(seconds(3));
    pace.note_flood(seconds(2), seconds(5));
    let limit = pace.learned().limit.expect("known");
    assert!(
        limit >= seconds(2) && limit <= seconds(2).mul_f64(FIRST_RISE),
        "{limit:?}"
    );
    post(&mut pace, now, 3);
}
