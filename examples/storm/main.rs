//! A storm: members join while the simulator raises faults at random, and in the end each photo has to be in HIDE once.
//!
//! `tests/interop/storm.sh SECONDS JOINS [SEED]` builds and runs it against the release build. Each kind of fault is
//! drawn at least once: the kinds are dealt like a deck of cards. The same seed deals the same cards, but the program
//! and the network do not repeat their timing. The exit code is 0 only if no photo was lost, posted twice or altered
//! in its caption, and the simulator recorded no violation.

mod account;
mod arrivals;
mod daemon;
mod faults;
mod members;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use telegram_sim::{Options, Simulator};

use crate::arrivals::Joins;
use crate::daemon::Daemon;
use crate::faults::Weather;

/// The time between two looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// The storm fails if no photo arrives for this long after its end, although some are missing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long the storm waits for duplicates after the last photo.
const DUPLICATE_WAIT: Duration = Duration::from_secs(5);

/// Lets members join while faults are raised at random, and checks that each photo was posted once.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// How long members join and faults are raised
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// How many members join
    #[arg(long, value_name = "N", default_value_t = 200)]
    joins: usize,
    /// How many groups they join
    #[arg(long, value_name = "N", default_value_t = 10)]
    groups: usize,
    /// The seed of the faults; a random one if not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            arrivals::print(&format!("the storm failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the storm. Returns true if each photo arrived once.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    arrivals::print(&format!("seed {seed}"));
    let sim = Simulator::start(Options {
        seed,
        photo_size: (64, 64),
        keep_bodies: false,
        ..Options::default()
    })?;
    let hide = sim.add_channel("HIDE", true);
    let groups: Vec<i64> = (1..=arguments.groups.max(1))
        .map(|number| sim.add_group(&format!("Group {number}")))
        .collect();
    let spare_group = sim.add_group("A group that nobody joins");
    let directory = tempfile::tempdir()?;
    let mut daemon = Daemon::new(&arguments.binary, directory.path(), &sim, hide, 0)?;
    daemon.start()?;
    // A first start has no interest in joins from before; its first post is the online report.
    sim.wait_for_posts(hide, 1, IDLE_TIMEOUT)
        .map_err(|error| anyhow::anyhow!("{error}"))?;

    let mut weather = Weather::new(fastrand::Rng::with_seed(seed), groups.clone(), spare_group);
    let mut joins = Joins::new(hide);
    let start = sim.read(telegram_sim::World::elapsed);
    let length = Duration::from_secs(arguments.seconds);
    let interval = length.div_f64(arguments.joins.max(1) as f64);
    loop {
        let now = sim.read(telegram_sim::World::elapsed);
        let since = now - start;
        while joins.joins.len() < arguments.joins
            && interval.mul_f64(joins.joins.len() as f64) <= since
        {
            let number = joins.joins.len();
            let user = members::add(&sim, number);
            if weather.truncates_photos() {
                sim.truncate_photo(user, 1);
            }
            let group = groups[number % groups.len()];
            joins.joins.push(members::join(&sim, group, user, number));
        }
        if since >= length {
            break;
        }
        weather.advance(&sim, &mut daemon, now)?;
        daemon.restart_if_ended()?;
        thread::sleep(TICK);
    }
    let deck_is_complete = weather.end(&sim);
    settle(&sim, &mut daemon, &joins)?;
    let passed = report::summarize(&joins, &sim, &weather, length)?;
    if !passed || !deck_is_complete {
        for line in daemon.log_tail()? {
            arrivals::print(&format!("daemon: {line}"));
        }
    }
    if !deck_is_complete {
        bail!("the storm was too short to draw every kind of fault");
    }
    let code = daemon.stop().context("cannot stop the daemon")?;
    if code != Some(0) {
        bail!("the daemon ended with {code:?}");
    }
    Ok(passed)
}

/// Waits until every photo is posted, or none was for a while, and then for duplicates.
fn settle(sim: &Simulator, daemon: &mut Daemon, joins: &Joins) -> anyhow::Result<()> {
    let mut posted = 0;
    let mut last_progress = sim.read(telegram_sim::World::elapsed);
    loop {
        daemon.restart_if_ended()?;
        let now = sim.read(telegram_sim::World::elapsed);
        let count = joins.delivered(sim)?;
        if count > posted {
            posted = count;
            last_progress = now;
        }
        if posted >= joins.joins.len() {
            thread::sleep(DUPLICATE_WAIT);
            return Ok(());
        }
        if now - last_progress > IDLE_TIMEOUT {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(500));
    }
}
