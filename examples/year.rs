//! A year of the schedule, played through in a moment: `cargo run --example year [-- --all] [-- --config PATH]`.
//!
//! The clock is a number here; what is due, `scp_079_avatar::schedule` says, as in the daemon: it is asked when the scheduler
//! would fire, every 20 seconds, and at each start. In between the program is down for a while, or its clock jumps.
//! Prints what fired, and ends with 1 if anything was lost or came twice.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use scp_079_avatar::config::{Config, Environment};
use scp_079_avatar::model::Timestamp;
use scp_079_avatar::schedule::{Job, Progress, STATUS_WITHIN, Timetable};

const BEAT: i64 = 20;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2027 has 365 days; its first Mondays are resets by default.
const BEGINS: &str = "2027-01-01T00:00:00Z";
const DAYS: i64 = 365;

#[derive(Parser)]
struct Arguments {
    /// Whose schedule: a configuration; without it the defaults
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Print each single run, also status reports and rechecks
    #[arg(long)]
    all: bool,
}

/// What befalls the program, by the true time since the year began.
#[derive(Clone, Copy)]
enum Event {
    /// It is down for that long.
    Down(i64),
    /// Its clock is set, by that much.
    Jump(i64),
}

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

/// One run of a job: for which time, when by the program's clock, and when in truth.
struct Fired {
    job: Job,
    due: i64,
    shown: i64,
    truly: i64,
}

/// The program: its clock, and what it remembers of each job.
struct Program {
    timetable: Timetable,
    runs: BTreeMap<Job, Run>,
    offset: i64,
    fired: Vec<Fired>,
    all: bool,
}

impl Program {
    fn look(&mut self, truly: i64, starting: bool) {
        let now = Timestamp::new(truly + self.offset);
        for &job in Job::ALL {
            let run = self.runs.get(&job).copied();
            let verdict = self.timetable.decide(job, run, now, starting);
            let (run, done) = verdict.carried_out(run, now);
            self.runs.insert(job, run);
            let Some(due) = done else { continue };
            let often = matches!(job, Job::Status | Job::Recheck);
            let late = now.get() - due.get();
            if self.all || (!often && job != Job::Admins && late > 0) || job == Job::Reset {
                let note = if late > BEAT { "  made up for" } else { "" };
                say(&format!(
                    "{}  {job:<8} for {}{note}",
                    shown(now.get()),
                    shown(due.get())
                ));
            }
            self.fired.push(Fired {
                job,
                due: due.get(),
                shown: now.get(),
                truly,
            });
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match timetable(arguments.config) {
        Ok(timetable) => play(timetable, arguments.all),
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

fn timetable(path: Option<PathBuf>) -> Result<Timetable, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = path.unwrap_or_else(|| directory.path().join("config.toml"));
    if !path.exists() {
        let least = "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
                     [channels]\nhide_channel_id = -1001234567890\n[encrypt]\npassword = \"correct horse\"\n";
        std::fs::write(&path, least).map_err(|error| error.to_string())?;
    }
    let environment = Environment::of_process().map_err(|error| error.to_string())?;
    let config = Config::load(Some(&path), &environment)
        .map_err(|errors| errors.to_string())?
        .config;
    Ok(Timetable::new(config.schedule, config.custom.reset_day))
}

fn play(timetable: Timetable, all: bool) -> ExitCode {
    let begins = BEGINS
        .parse::<jiff::Timestamp>()
        .map_or(0, jiff::Timestamp::as_second);
    let ends = begins + DAYS * DAY;
    for &job in Job::ALL {
        say(&format!("{job:<8} at {}", timetable.expression(job)));
    }
    let mut program = Program {
        timetable,
        runs: BTreeMap::new(),
        offset: 0,
        fired: Vec::new(),
        all,
    };
    program.look(begins, true);
    let mut truly = begins;
    let mut events = EVENTS.iter().peekable();
    while truly < ends {
        truly += BEAT;
        let Some((_, event, what)) = events.next_if(|(at, ..)| begins + at <= truly) else {
            program.look(truly, false);
            continue;
        };
        say(&format!("{}  -- {what}", shown(truly + program.offset)));
        match event {
            Event::Down(seconds) => {
                truly += seconds;
                program.look(truly, true);
            }
            Event::Jump(seconds) => program.offset += seconds,
        }
    }
    verdict(&program, begins, ends)
}

/// Says what came of the year, and whether anything was lost or came twice.
fn verdict(program: &Program, begins: i64, ends: i64) -> ExitCode {
    let mut wrong = Vec::new();
    say("\njob       runs  made up for");
    for &job in Job::ALL {
        let fired: Vec<&Fired> = program
            .fired
            .iter()
            .filter(|fired| fired.job == job)
            .collect();
        let late = fired
            .iter()
            .filter(|fired| fired.shown - fired.due > BEAT)
            .count();
        say(&format!("{job:<8} {:>5}  {late:>11}", fired.len()));
        match job {
            Job::Status => {
                let bad = fired
                    .iter()
                    .filter(|fired| fired.shown - fired.due > STATUS_WITHIN)
                    .count();
                if bad > 0 {
                    wrong.push(format!("{bad} status reports were late"));
                }
            }
            Job::Backup | Job::Count | Job::Reset => {
                wrong.extend(lost_or_twice(program, job, &fired, begins, ends));
            }
            Job::Admins | Job::Recheck => {}
        }
    }
    for line in &wrong {
        say(&format!("WRONG: {line}"));
    }
    if wrong.is_empty() {
        say("nothing was lost, nothing came twice");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Each time of the year has a run of its own, or one soon after that makes up for it and for others.
fn lost_or_twice(
    program: &Program,
    job: Job,
    fired: &[&Fired],
    begins: i64,
    ends: i64,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for pair in fired.windows(2) {
        if pair[1].due <= pair[0].due {
            wrong.push(format!("{job} for {} came twice", shown(pair[1].due)));
        }
    }
    let mut due = begins;
    while let Some(next) = program.timetable.next(job, Timestamp::new(due)) {
        due = next.get();
        if due > ends {
            break;
        }
        let covered = fired.iter().any(|fired| {
            let down = EVENTS.iter().any(|(at, event, _)| {
                let from = begins + at - 12 * HOUR;
                matches!(event, Event::Down(length) if (from..=from + length + DAY).contains(&fired.truly))
            });
            fired.due == due || (down && fired.due > due && fired.due - due <= 40 * DAY)
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

#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn say(line: &str) {
    println!("{line}");
}
