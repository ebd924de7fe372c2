//! Simulates a year of the schedule: `cargo run --example year [-- --all] [-- --config PATH]`.
//!
//! The simulation calls `scp_079_avatar::schedule` every 20 seconds and at each start, as the daemon does.
//! In between the program is down for a while, or its clock jumps. The example prints the runs, and exits
//! with 1 if a run was lost or repeated.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use scp_079_avatar::config::{Config, Environment};
use scp_079_avatar::model::Timestamp;
use scp_079_avatar::schedule::{Job, MAX_STATUS_DELAY, Progress, Timetable};

const CHECK_INTERVAL: i64 = 20;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The year has 365 days.
const BEGINS: &str = "2027-01-01T00:00:00Z";
const DAYS: i64 = 365;

#[derive(Parser)]
struct Arguments {
    /// A configuration with the schedule; without it, the defaults
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Print every run, also status reports and rechecks
    #[arg(long)]
    all: bool,
}

/// A disturbance.
#[derive(Clone, Copy)]
enum Event {
    /// The program is down for this many seconds.
    Down(i64),
    /// The clock is set by this many seconds.
    Jump(i64),
}

/// The true time since the beginning of the year, the disturbance, and its description.
const EVENTS: [(i64, Event, &str); 8] = [
    (
        20 * DAY + 19 * HOUR + 58 * MINUTE,
        Event::Down(3 * MINUTE),
        "down for 3 minutes, over a backup",
    ),
    (
        31 * DAY + 19 * HOUR + 40 * MINUTE,
        Event::Down(3 * HOUR),
        "down for 3 hours, over backup, count and reset",
    ),
    (
        70 * DAY + 12 * HOUR,
        Event::Down(3 * DAY),
        "down for 3 days",
    ),
    (
        100 * DAY + 12 * HOUR,
        Event::Down(40 * DAY),
        "down for 40 days",
    ),
    (
        200 * DAY + 18 * HOUR,
        Event::Jump(5 * HOUR),
        "the clock is set forward by 5 hours, over a backup",
    ),
    (
        201 * DAY + 18 * HOUR,
        Event::Jump(-5 * HOUR),
        "the clock is set back by 5 hours",
    ),
    (
        250 * DAY + 20 * HOUR + 10 * MINUTE,
        Event::Jump(-3 * HOUR),
        "the clock is set back by 3 hours, after a backup",
    ),
    (
        251 * DAY,
        Event::Jump(3 * HOUR),
        "the clock is set forward by 3 hours",
    ),
];

/// A run of a job.
struct JobRun {
    job: Job,
    due: i64,
    /// The time by the program's clock.
    clock_time: i64,
    true_time: i64,
}

/// The simulated program: the offset of its clock, and the progress of each job.
struct Program {
    timetable: Timetable,
    progress: BTreeMap<Job, Progress>,
    offset: i64,
    runs: Vec<JobRun>,
    all: bool,
}

impl Program {
    fn check(&mut self, true_time: i64, starting: bool) {
        let now = Timestamp::new(true_time + self.offset);
        for &job in Job::ALL {
            let known = self.progress.get(&job).copied();
            let action = self.timetable.decide(job, known, now, starting);
            let (progress, due) = action.apply(known, now);
            self.progress.insert(job, progress);
            let Some(due) = due else { continue };
            let is_frequent = matches!(job, Job::Status | Job::Recheck);
            let late = now.get() - due.get();
            if self.all || (!is_frequent && job != Job::Admins && late > 0) || job == Job::Reset {
                let note = if late > CHECK_INTERVAL {
                    "  caught up"
                } else {
                    ""
                };
                print_line(&format!(
                    "{}  {job:<8} for {}{note}",
                    shown(now.get()),
                    shown(due.get())
                ));
            }
            self.runs.push(JobRun {
                job,
                due: due.get(),
                clock_time: now.get(),
                true_time,
            });
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match timetable(arguments.config) {
        Ok(timetable) => simulate(timetable, arguments.all),
        Err(error) => {
            print_line(&error);
            ExitCode::FAILURE
        }
    }
}

fn timetable(path: Option<PathBuf>) -> Result<Timetable, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = path.unwrap_or_else(|| directory.path().join("config.toml"));
    if !path.exists() {
        let minimal = "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
                     [channels]\nhide_channel_id = -1001234567890\n[encrypt]\npassword = \"correct horse\"\n";
        std::fs::write(&path, minimal).map_err(|error| error.to_string())?;
    }
    let environment = Environment::of_process().map_err(|error| error.to_string())?;
    let config = Config::load(Some(&path), &environment)
        .map_err(|errors| errors.to_string())?
        .config;
    Ok(Timetable::new(config.schedule, config.custom.reset_day))
}

fn simulate(timetable: Timetable, all: bool) -> ExitCode {
    let begins = BEGINS
        .parse::<jiff::Timestamp>()
        .map_or(0, jiff::Timestamp::as_second);
    let ends = begins + DAYS * DAY;
    for &job in Job::ALL {
        print_line(&format!("{job:<8} at {}", timetable.expression(job)));
    }
    let mut program = Program {
        timetable,
        progress: BTreeMap::new(),
        offset: 0,
        runs: Vec::new(),
        all,
    };
    program.check(begins, true);
    let mut true_time = begins;
    let mut events = EVENTS.iter().peekable();
    while true_time < ends {
        true_time += CHECK_INTERVAL;
        let Some((_, event, description)) = events.next_if(|(at, ..)| begins + at <= true_time)
        else {
            program.check(true_time, false);
            continue;
        };
        print_line(&format!(
            "{}  -- {description}",
            shown(true_time + program.offset)
        ));
        match event {
            Event::Down(seconds) => {
                true_time += seconds;
                program.check(true_time, true);
            }
            Event::Jump(seconds) => program.offset += seconds,
        }
    }
    summarize(&program, begins, ends)
}

/// Prints the runs of each job, and the lost or repeated ones.
fn summarize(program: &Program, begins: i64, ends: i64) -> ExitCode {
    let mut wrong = Vec::new();
    print_line("\njob       runs  caught up");
    for &job in Job::ALL {
        let runs: Vec<&JobRun> = program.runs.iter().filter(|run| run.job == job).collect();
        let late = runs
            .iter()
            .filter(|run| run.clock_time - run.due > CHECK_INTERVAL)
            .count();
        print_line(&format!("{job:<8} {:>5}  {late:>9}", runs.len()));
        match job {
            Job::Status => {
                let bad = runs
                    .iter()
                    .filter(|run| run.clock_time - run.due > MAX_STATUS_DELAY)
                    .count();
                if bad > 0 {
                    wrong.push(format!("{bad} status reports were late"));
                }
            }
            Job::Backup | Job::Count | Job::Reset => {
                wrong.extend(lost_or_repeated(program, job, &runs, begins, ends));
            }
            Job::Admins | Job::Recheck => {}
        }
    }
    for line in &wrong {
        print_line(&format!("WRONG: {line}"));
    }
    if wrong.is_empty() {
        print_line("no run was lost or repeated");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Checks that each due time has a run of its own, or a run at the next start that catches up several.
fn lost_or_repeated(
    program: &Program,
    job: Job,
    runs: &[&JobRun],
    begins: i64,
    ends: i64,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for pair in runs.windows(2) {
        if pair[1].due <= pair[0].due {
            wrong.push(format!("{job} for {} was repeated", shown(pair[1].due)));
        }
    }
    let mut due = begins;
    while let Some(next) = program.timetable.next(job, Timestamp::new(due)) {
        due = next.get();
        if due > ends {
            break;
        }
        let covered = runs.iter().any(|run| {
            let down = EVENTS.iter().any(|(at, event, _)| {
                let from = begins + at - 12 * HOUR;
                matches!(event, Event::Down(length) if (from..=from + length + DAY).contains(&run.true_time))
            });
            run.due == due || (down && run.due > due && run.due - due <= 40 * DAY)
        });
        if !covered {
            wrong.push(format!("{job} for {} was lost", shown(due)));
        }
    }
    wrong
}

fn shown(moment: i64) -> String {
    jiff::Timestamp::from_second(moment).map_or_else(
        |_| moment.to_string(),
        |at| at.strftime("%a %Y-%m-%d %H:%M:%S").to_string(),
    )
}

#[expect(clippy::print_stdout, reason = "the output of the example")]
fn print_line(line: &str) {
    println!("{line}");
}
