//! The result of a soak: the account of joins, orders and jobs, and the table of measurements.

use std::fs;

use scp_079_avatar::clock::Clock;
use strum::IntoEnumIterator as _;

use crate::account::Account;
use crate::arrivals::{delay, print, print_delays};
use crate::flatness::{Sample, growth};
use crate::measurement::{self, count, count_by};
use crate::month::Month;
use crate::plan::{Event, Planned};

/// The number of measurements in the table.
const LINES: usize = 12;

/// Ends the program and prints the result. Returns true if the soak passed.
pub(crate) fn summarize(month: &mut Month, plan: &[Planned]) -> anyhow::Result<bool> {
    let mut problems = Vec::new();
    let ended = Clock::system().now().get();
    let verdict = month.commands.verdict()?;
    if !verdict.starts_with("OK") {
        problems.push(format!("status --check: {verdict}"));
    }
    let arrivals = month.joins.arrivals(&month.sim)?;
    let code = month.daemon.stop()?;
    if code != Some(0) {
        problems.push(format!("the daemon ended with {code:?}"));
    }

    print_plan(plan);
    let restarts = events(plan, Event::Terminated) + events(plan, Event::Killed);
    if month.daemon.starts != restarts + 1 {
        problems.push(format!(
            "the program was started {} times, and {restarts} restarts were planned",
            month.daemon.starts
        ));
    }
    problems.extend(jobs(month, ended)?);
    problems.extend(outcomes(month)?);
    problems.extend(answers(month)?);
    print_samples(&month.samples);
    problems.extend(growth(&month.samples));
    let delays = month.joins.joins.iter();
    print_delays(delays.filter_map(|join| delay(join, &arrivals)).collect());
    problems.extend(month.sim.failures());
    problems.extend(month.fleet.problems.iter().cloned());
    for problem in &problems {
        print(&format!("PROBLEM: {problem}"));
    }
    let account = Account::new(&month.joins, &arrivals);
    account.print();
    Ok(account.is_settled() && problems.is_empty())
}

/// Prints how often each event happened.
fn print_plan(plan: &[Planned]) {
    let events: Vec<String> = Event::iter()
        .map(|event| format!("{event} {}", events(plan, event)))
        .collect();
    for line in events.chunks(6) {
        print(&line.join(", "));
    }
}

fn events(plan: &[Planned], event: Event) -> usize {
    plan.iter().filter(|planned| planned.event == event).count()
}

/// Prints the runs of the periodic jobs. Describes a missed reset.
fn jobs(month: &Month, ended: i64) -> anyhow::Result<Vec<String>> {
    let log = fs::read_to_string(month.daemon.log())?;
    let runs = |job: &str| {
        let of_job = |line: &&str| line.contains(" ran job=") && line.contains(job);
        log.lines().filter(of_job).count()
    };
    let resets = runs("job=reset");
    let due = month.resets.due(month.began, ended);
    print(&format!(
        "jobs: {} backups, {} counts, {resets} resets of {due}, {} refreshes of administrators; {} reports were posted",
        runs("job=backup"),
        runs("job=count"),
        runs("job=admins"),
        month.fleet.backup.reports.len()
    ));
    Ok((resets < due)
        .then(|| format!("{due} resets were due, and {resets} ran"))
        .into_iter()
        .collect())
}

/// Prints the outcomes since the last reset. Describes joins that are not decided, and files of the spool that no photo
/// needs.
fn outcomes(month: &Month) -> anyhow::Result<Vec<String>> {
    let database = measurement::open(&month.data())?;
    let outcomes = count_by(&database, "joins", "outcome")?;
    print(&format!(
        "{} members without a photo; outcomes since the last reset: {outcomes:?}",
        month.photoless
    ));
    let mut problems: Vec<String> = outcomes
        .keys()
        .filter(|outcome| !["forwarded", "no_photo"].contains(&outcome.as_str()))
        .map(|outcome| format!("joins have the outcome {outcome}"))
        .collect();
    let needed =
        "SELECT COUNT(*) FROM outbox WHERE spool IS NOT NULL AND state NOT IN ('sent', 'dropped')";
    let needed = count(&database, needed)?;
    let (files, _) = measurement::files_in(&month.data().join("spool"))?;
    if files != needed {
        problems.push(format!(
            "the spool has {files} files, and {needed} rows need one"
        ));
    }
    Ok(problems)
}

/// Prints the answers to the other bots. Describes those that are missing.
fn answers(month: &Month) -> anyhow::Result<Vec<String>> {
    let database = measurement::open(&month.data())?;
    let verdicts = count_by(&database, "orders", "verdict")?;
    let recorded: u64 = verdicts.values().sum();
    let asked = month.version_asks.len();
    let answered = asked - month.unanswered();
    let replies = month.fleet.manage.replies.len();
    print(&format!(
        "{} orders, {verdicts:?}; /version {answered} of {asked} answered, status {replies} of {}; lists {:?}",
        month.orders,
        month.status_asks,
        month.fleet.backup.lists.keys().collect::<Vec<_>>()
    ));
    let mut problems = Vec::new();
    if recorded != month.orders as u64 || verdicts.keys().any(|verdict| verdict != "obeyed") {
        problems.push("an order was not obeyed once".to_owned());
    }
    if answered != asked || replies != month.status_asks {
        problems.push("a question was not answered once".to_owned());
    }
    Ok(problems)
}

/// Prints some of the measurements, and the largest of all.
fn print_samples(samples: &[Sample]) {
    print("     time process   memory threads files  state.db      WAL session spool    rows");
    let step = (samples.len() / LINES).max(1);
    for sample in samples.iter().skip(step - 1).step_by(step) {
        print(&format!(
            "{:>7.0} s {:>7} {:>4.1} MiB {:>7} {:>5} {:>5} KiB {:>4} KiB {:>3} KiB {:>5} {:>7}",
            sample.at.as_secs_f64(),
            sample.process,
            sample.memory_kib as f64 / 1024.0,
            sample.threads,
            sample.descriptors,
            sample.database_bytes / 1024,
            sample.log_bytes / 1024,
            sample.session_bytes / 1024,
            sample.spool_files,
            sample.rows,
        ));
    }
    let most = |figure: fn(&Sample) -> u64| samples.iter().map(figure).max().unwrap_or(0);
    print(&format!(
        "largest: {:.1} MiB of memory, {} threads, {} open files, state.db {} KiB, spool {} files of {} KiB, {} rows",
        most(|sample| sample.memory_kib) as f64 / 1024.0,
        most(|sample| sample.threads),
        most(|sample| sample.descriptors),
        most(|sample| sample.database_bytes) / 1024,
        most(|sample| sample.spool_files),
        most(|sample| sample.spool_bytes) / 1024,
        most(|sample| sample.rows),
    ));
}
