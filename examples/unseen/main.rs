//! Joins that have no readable message: members join groups that tell of nothing, and each photo has to be in HIDE once.
//!
//! `tests/interop/unseen.sh SCENARIO SECONDS JOINS [KILLS]` builds and runs it against the release build. The program runs
//! at its own pace, so a scenario takes minutes. The exit code is 0 only if no photo was lost or posted twice, and the
//! simulator recorded no violation. In the scenario `captcha` a join may also be counted as deleted unread.

#[path = "../storm/arrivals.rs"]
mod arrivals;
#[path = "../storm/daemon.rs"]
mod daemon;
mod report;
mod scenario;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use telegram_sim::{Options, Simulator};

use crate::arrivals::Joins;
use crate::daemon::Daemon;
use crate::scenario::{Scenario, Scene};

/// The time between two looks at the clock.
const TICK: Duration = Duration::from_millis(50);
/// The run fails if no photo arrives for this long after the last join, although some are missing: longer than the
/// longest time between two scans.
const IDLE_TIMEOUT: Duration = Duration::from_secs(660);
/// How long the run waits for duplicates after the last photo: a group may be scanned again after a minute.
const DUPLICATE_WAIT: Duration = Duration::from_secs(75);

/// Lets members join groups that tell of no joins, and checks that each photo was posted once.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The groups and the way in which members join them
    #[arg(long, value_enum)]
    scenario: Scenario,
    /// How long members join
    #[arg(long, value_name = "N", default_value_t = 600)]
    seconds: u64,
    /// How many members join
    #[arg(long, value_name = "N", default_value_t = 100)]
    joins: usize,
    /// How often the program is killed meanwhile
    #[arg(long, value_name = "N", default_value_t = 0)]
    kills: u32,
    /// The seed of the world and of the kills; a random one if not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            arrivals::print(&format!("the run failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

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
    let mut scene = Scene::new(&sim, arguments.scenario, fastrand::Rng::with_seed(seed));
    let directory = tempfile::tempdir()?;
    let mut daemon = Daemon::new(&arguments.binary, directory.path(), &sim, hide, 0)?;
    daemon.start()?;
    sim.wait_for_posts(hide, 1, IDLE_TIMEOUT)
        .map_err(|error| anyhow::anyhow!("{error}"))?;

    let mut joins = Joins::new(hide);
    let start = sim.read(telegram_sim::World::elapsed);
    let length = Duration::from_secs(arguments.seconds);
    let interval = length.div_f64(arguments.joins.max(1) as f64);
    let mut kill_times = kill_times(seed, arguments.kills, length);
    loop {
        let since = sim.read(telegram_sim::World::elapsed) - start;
        while joins.joins.len() < arguments.joins
            && interval.mul_f64(joins.joins.len() as f64) <= since
        {
            joins.joins.push(scene.join(&sim));
        }
        if since >= length {
            break;
        }
        scene.talk(&sim, since);
        while kill_times.first().is_some_and(|at| *at <= since) {
            kill_times.pop_first();
            daemon.restart_after(Signal::KILL)?;
        }
        daemon.restart_if_ended()?;
        thread::sleep(TICK);
    }
    settle(&sim, &mut daemon, &mut scene, &joins, start)?;
    let elapsed = sim.read(telegram_sim::World::elapsed) - start;
    let unread = deleted_unread(&directory.path().join("data/state.db"))?;
    let passed = report::summarize(&joins, &sim, arguments.scenario, unread, elapsed)?;
    arrivals::print(&format!("the program was started {} times", daemon.starts));
    if !passed {
        for line in daemon.log_tail()? {
            arrivals::print(&format!("daemon: {line}"));
        }
    }
    let code = daemon.stop().context("cannot stop the daemon")?;
    if code != Some(0) {
        bail!("the daemon ended with {code:?}");
    }
    Ok(passed)
}

/// Draws the times at which the program is killed.
fn kill_times(seed: u64, kills: u32, length: Duration) -> BTreeSet<Duration> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..kills).map(|_| length.mul_f64(random.f64())).collect()
}

/// Waits until every photo is posted, or none was for a while, and then for duplicates.
fn settle(
    sim: &Simulator,
    daemon: &mut Daemon,
    scene: &mut Scene,
    joins: &Joins,
    start: Duration,
) -> anyhow::Result<()> {
    let mut posted = 0;
    let mut last_progress = sim.read(telegram_sim::World::elapsed);
    loop {
        daemon.restart_if_ended()?;
        let now = sim.read(telegram_sim::World::elapsed);
        scene.talk(sim, now - start);
        let count = joins.delivered(sim)?;
        if count > posted {
            posted = count;
            last_progress = now;
        }
        let is_complete = posted >= joins.joins.len();
        let patience = if is_complete {
            DUPLICATE_WAIT
        } else {
            scene.patience(IDLE_TIMEOUT)
        };
        if now - last_progress > patience {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Returns the number of messages that the program counted as deleted before it read them.
fn deleted_unread(state: &Path) -> anyhow::Result<u64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(state, flags)?;
    let query = "SELECT COALESCE(SUM(deleted_unread), 0) FROM ledger";
    let sum: i64 = database.query_row(query, [], |row| row.get(0))?;
    Ok(u64::try_from(sum)?)
}
