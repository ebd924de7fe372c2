//! Missed times, late runs and clocks that jump.

use super::*;

/// A job and its progress, which a test plays through.
struct Played {
    timetable: Timetable,
    job: Job,
    progress: Option<Progress>,
}

impl Played {
    /// Returns a job of the default schedule that ran at its last time before `since`.
    fn since(job: Job, since: &str) -> Self {
        let timetable = timetable("1st mon");
        let last = timetable.latest(job, at(since));
        let progress = last.map(|due_at| Progress {
            due_at,
            ran_at: Some(due_at),
        });
        Self {
            timetable,
            job,
            progress,
        }
    }

    /// Decides about the job and stores the progress, as the program does. Returns the due time of a run.
    fn check(&mut self, now: Timestamp, starting: bool) -> Option<Timestamp> {
        let action = self
            .timetable
            .decide(self.job, self.progress, now, starting);
        let (progress, due) = action.apply(self.progress, now);
        self.progress = Some(progress);
        due
    }

    /// Checks every 20 seconds from one moment to another, and returns the due times of the runs.
    fn runs(&mut self, from: &str, to: &str) -> Vec<Timestamp> {
        let (from, to) = (at(from).get(), at(to).get());
        (from..=to)
            .step_by(20)
            .filter_map(|now| self.check(Timestamp::new(now), false))
            .collect()
    }

    /// Returns the number of runs from one moment to another.
    fn count(&mut self, from: &str, to: &str) -> usize {
        self.runs(from, to).len()
    }
}

#[test]
fn the_first_start_has_missed_nothing() {
    for &job in Job::ALL {
        let now = at("2027-06-15T20:00:00");
        assert_eq!(
            timetable("15").decide(job, None, now, true),
            Action::Skip(now)
        );
    }
}

#[test]
fn missed_times_are_caught_up_once_at_the_next_start() {
    let caught_up = |down: &str, up: &str| -> Vec<(Job, String)> {
        Job::ALL
            .iter()
            .filter_map(|&job| {
                let mut played = Played::since(job, down);
                let due = played.check(at(up), true)?;
                assert_eq!(played.check(at(up), true), None, "{job} twice");
                assert_eq!(played.check(at(up).plus(1), false), None, "{job} twice");
                Some((job, due.rfc3339().replace("Z", "")))
            })
            .collect()
    };
    let case = |down, up, expected: &[(Job, &str)]| {
        let expected: Vec<(Job, String)> = expected
            .iter()
            .map(|(job, due)| (*job, (*due).to_owned()))
            .collect();
        assert_eq!(caught_up(down, up), expected, "down from {down} to {up}");
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
fn a_status_report_runs_within_a_minute_or_is_skipped() {
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    let due = at("2027-06-14T12:30:00");
    assert_eq!(played.check(due.plus(-1), false), None);
    assert_eq!(played.check(due.plus(60), false), Some(due));
    assert_eq!(played.check(due.plus(61), false), None, "twice");
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    assert_eq!(played.check(due.plus(61), false), None, "too late");
    let mut played = Played::since(Job::Status, "2027-06-14T12:00:00");
    assert_eq!(played.check(due, true), None, "caught up at a start");
}

#[test]
fn a_clock_set_forward_by_hours_loses_and_repeats_no_run() {
    for job in [Job::Backup, Job::Count, Job::Reset] {
        // 1st of February 2027 is a first Monday.
        let mut played = Played::since(job, "2027-02-01T19:00:00");
        let due = played
            .timetable
            .next(job, at("2027-02-01T19:00:00"))
            .expect("a next one");
        assert_eq!(
            played.runs("2027-02-01T19:00:00", "2027-02-01T19:30:00"),
            []
        );
        assert_eq!(
            played.runs("2027-02-01T23:30:05", "2027-02-01T23:50:00"),
            [due],
            "{job}"
        );
        // The clock is corrected.
        assert_eq!(
            played.runs("2027-02-01T19:50:00", "2027-02-02T19:30:00"),
            [],
            "{job} twice"
        );
    }
}

#[test]
fn a_clock_set_back_by_hours_loses_and_repeats_no_run() {
    for job in [Job::Backup, Job::Count, Job::Reset] {
        let mut played = Played::since(job, "2027-02-01T19:00:00");
        let due = played
            .timetable
            .next(job, at("2027-02-01T19:00:00"))
            .expect("a next one");
        assert_eq!(
            played.runs("2027-02-01T19:00:00", "2027-02-01T22:10:00"),
            [due]
        );
        assert_eq!(
            played.runs("2027-02-01T15:00:00", "2027-02-02T19:59:00"),
            [],
            "{job} twice"
        );
        let next = played.timetable.next(job, due).expect("a next one");
        let next = next.rfc3339().replace("Z", "");
        assert_eq!(played.runs(&next, &next).len(), 1, "{job} lost");
    }
}

#[test]
fn status_reports_continue_after_the_clock_was_set_back() {
    let mut played = Played::since(Job::Status, "2027-02-01T11:40:00");
    assert_eq!(
        played.count("2027-02-01T12:00:00", "2027-02-01T12:45:00"),
        1
    );
    // Set back by three hours: one report for each hour.
    assert_eq!(
        played.count("2027-02-01T09:45:00", "2027-02-01T12:29:00"),
        2
    );
    assert_eq!(
        played.count("2027-02-01T12:29:20", "2027-02-01T12:40:00"),
        1
    );
    // Set back by four hours, to just before a report.
    assert_eq!(
        played.count("2027-02-01T12:40:00", "2027-02-01T12:45:00"),
        0
    );
    assert_eq!(
        played.count("2027-02-01T08:30:15", "2027-02-01T08:40:00"),
        1
    );
    assert_eq!(
        played.count("2027-02-01T12:30:20", "2027-02-01T12:40:00"),
        1
    );
    // Set back by a minute: no second report.
    assert_eq!(
        played.count("2027-02-01T13:29:00", "2027-02-01T13:30:20"),
        1
    );
    assert_eq!(
        played.count("2027-02-01T13:29:20", "2027-02-01T14:00:00"),
        0
    );
    assert_eq!(
        played.count("2027-02-01T14:00:00", "2027-02-01T15:00:00"),
        1
    );
}

#[test]
fn a_clock_that_was_wrong_by_weeks_neither_stops_a_job_nor_repeats_a_reset() {
    // The clock was 40 days ahead at the start, so that every job seemed to be missed.
    let mut played = Played::since(Job::Backup, "2027-06-10T12:00:00");
    assert!(played.check(at("2027-07-20T12:00:00"), true).is_some());
    assert_eq!(
        played.runs("2027-06-10T12:05:00", "2027-06-10T19:59:00"),
        []
    );
    assert_eq!(
        played.count("2027-06-10T19:59:20", "2027-06-11T20:30:00"),
        2,
        "stopped"
    );
    // The clock started in 1970, before the network set it: no job is due then or afterwards.
    for job in [Job::Backup, Job::Count, Job::Reset] {
        let mut played = Played::since(job, "2027-06-10T12:00:00");
        assert_eq!(played.check(at("1970-01-01T00:00:10"), true), None, "{job}");
        assert_eq!(
            played.check(at("2027-06-10T12:00:05"), false),
            None,
            "{job} twice"
        );
        let next = played
            .timetable
            .next(job, at("2027-06-10T12:00:05"))
            .expect("a next one");
        assert_eq!(played.check(next, false), Some(next), "{job} lost");
    }
}
