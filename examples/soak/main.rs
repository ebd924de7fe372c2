//! A soak: the load of a month in an hour, or a part of it, and in the end each photo has to be in HIDE once.
//!
//! `tests/interop/soak.sh SECONDS [SEED]` builds and runs it against the release build. Members join in the rhythm of
//! days, raids, rate limits and lost connections come, the program is ended, killed and started again, the other bots
//! give orders, and the periodic jobs run. The exit code is 0 only if every join is accounted for, every order and
//! question has its answer, and memory and files stayed flat. The storm (`examples/storm`) has more kinds of faults.

#[path = "../storm/account.rs"]
mod account;
#[path = "../storm/arrivals.rs"]
mod arrivals;
mod commands;
#[path = "../storm/daemon.rs"]
mod daemon;
mod flatness;
mod measurement;
#[path = "../storm/members.rs"]
mod members;
mod month;
mod plan;
mod report;
mod timetable;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::arrivals::print;
use crate::month::Month;

/// Runs the load of a month in an hour, and checks that nothing is lost and nothing grows.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The length of the soak; 3,600 carry a month
    #[arg(long, value_name = "N", default_value_t = 240, value_parser = clap::value_parser!(u64).range(120..))]
    seconds: u64,
    /// The seed of the plan; a random one if not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("the soak failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the soak. Returns true if it passed.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    print(&format!("seed {seed}"));
    let length = Duration::from_secs(arguments.seconds);
    let plan = plan::plan(length, seed);
    let mut month = Month::new(&arguments.binary, length, seed)?;
    let result = month
        .live(&plan)
        .and_then(|()| report::summarize(&mut month, &plan));
    if !matches!(result, Ok(true)) {
        for line in month.daemon.log_tail()? {
            print(&format!("daemon: {line}"));
        }
        print(&format!("kept: {}", month.keep().display()));
    }
    result
}
