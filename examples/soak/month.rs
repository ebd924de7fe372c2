//! Runs the events of the plan against the program, the simulator and the other bots.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use fleet_sim::{Channels, Files, Fleet, Verdict};
use rustix::process::Signal;
use scp_079_avatar::clock::Clock;
use telegram_sim::{Fault, JoinKind, Match, OTHER_DC, Options, Simulator, UserSpec, World};
use tempfile::TempDir;

use crate::arrivals::{Join, Joins};
use crate::commands::Commands;
use crate::daemon::Daemon;
use crate::flatness::Sample;
use crate::measurement;
use crate::members;
use crate::plan::{Event, Planned};
use crate::timetable::Resets;

/// The program waits this long between two posts, so that an hour has room for 36,000 of them. The month has 8,000
/// joins and about 2,000 reports and lists: photos wait in raids, in floods and after starts, and otherwise do not.
const MIN_INTERVAL_MS: u32 = 100;
/// The groups that members join in the rhythm of days, beside the raided one.
const GROUPS: usize = 11;
/// One of so many members has no photo.
const PHOTOLESS: usize = 10;
/// NOSPAM judges one of so many members as bad, one as excepted, and one as handled.
const JUDGED: usize = 30;
/// The password that the daemon's configuration has.
const PASSWORD: &str = "correct horse";
/// The calls that a rate limit refuses.
const LIMITED_CALLS: [&str; 4] = [
    "messages.sendMedia",
    "upload.getFile",
    "updates.getChannelDifference",
    "users.getUsers",
];
/// The posts that are permitted within ten seconds while posts are limited, fewer than members join at noon.
const PERMITTED_POSTS: usize = 10;
const PERMITTED_WITHIN: Duration = Duration::from_secs(10);
/// More posts than the program makes in a second: no limit.
const UNLIMITED_POSTS: usize = 1000;
/// The time for the first start, and the longest time without progress at the end.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How long the soak waits for duplicates after the last photo.
const DUPLICATE_WAIT: Duration = Duration::from_secs(5);
/// The longest time between two looks at what still waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// The world of a soak, and what happened in it.
pub(crate) struct Month {
    pub(crate) sim: Simulator,
    pub(crate) fleet: Fleet,
    pub(crate) daemon: Daemon,
    pub(crate) commands: Commands,
    pub(crate) resets: Resets,
    /// The joins of members with a photo, and the number of those without.
    pub(crate) joins: Joins,
    pub(crate) photoless: usize,
    pub(crate) samples: Vec<Sample>,
    /// The time at which the plan began, in Unix seconds.
    pub(crate) began: i64,
    /// The messages in TEST that ask for the version, and the number of questions for the status.
    pub(crate) version_asks: Vec<i32>,
    pub(crate) status_asks: usize,
    /// The orders that the bots gave, or will have given when they have seen every photo.
    pub(crate) orders: usize,
    random: fastrand::Rng,
    length: Duration,
    /// The time at which the plan began, on the simulator's scale.
    start: Duration,
    hide: i64,
    groups: Vec<i64>,
    raided: i64,
    /// Keeps the directory of the program until the end.
    directory: TempDir,
}

impl Month {
    /// Starts the simulator and the program, and waits until the program is ready.
    pub(crate) fn new(binary: &Path, length: Duration, seed: u64) -> anyhow::Result<Self> {
        let sim = Simulator::start(Options {
            seed,
            photo_size: (64, 64),
            keep_bodies: false,
            ..Options::default()
        })?;
        let hide = sim.add_channel("HIDE", true);
        let groups = sim.add_groups(GROUPS);
        let raided = sim.add_group("The raided group");
        let channels = Channels::hide_only(&sim, hide);
        let fleet = Fleet::new(&sim, channels, Files::sealed(PASSWORD));
        let directory = tempfile::tempdir()?;
        let mut daemon = Daemon::new(binary, directory.path(), &sim, hide, MIN_INTERVAL_MS)?;
        let commands = Commands {
            binary: binary.to_owned(),
            configuration: directory.path().join("config.toml"),
            backup: directory.path().join("backup"),
        };
        let now = Clock::system().now().get();
        let resets = Resets::new(now, length);
        let mut configuration = OpenOptions::new()
            .append(true)
            .open(&commands.configuration)?;
        configuration.write_all(resets.configuration().as_bytes())?;
        daemon.start()?;
        sim.wait_for_posts(hide, 1, TIMEOUT)
            .map_err(|error| anyhow!("{error}"))?;
        let start = sim.read(World::elapsed);
        Ok(Self {
            fleet,
            daemon,
            commands,
            resets,
            joins: Joins::new(hide),
            photoless: 0,
            samples: Vec::new(),
            began: Clock::system().now().get(),
            version_asks: Vec::new(),
            status_asks: 0,
            orders: 0,
            random: fastrand::Rng::with_seed(seed),
            length,
            start,
            hide,
            groups,
            raided,
            directory,
            sim,
        })
    }

    /// Lets every event of the plan happen at its time, and waits until all work is done.
    pub(crate) fn live(&mut self, plan: &[Planned]) -> anyhow::Result<()> {
        let rules = ["buy .* followers", "free (coins|nitro)"];
        let files = Files::sealed(PASSWORD);
        self.fleet
            .regex
            .send_rules(&self.sim, &files, "nm_words", &rules);
        self.orders += 1;
        for planned in plan {
            self.wait_until(self.start + planned.at)?;
            self.happen(planned.event)
                .with_context(|| format!("{} at {:?}", planned.event, planned.at))?;
        }
        self.wait_until(self.start + self.length)?;
        self.end_faults();
        self.settle()
    }

    /// Lets the other bots read and act until a time on the simulator's scale.
    fn wait_until(&mut self, until: Duration) -> anyhow::Result<()> {
        loop {
            self.daemon.restart_if_ended()?;
            self.fleet.act(&self.sim);
            let now = self.sim.read(World::elapsed);
            if now >= until {
                return Ok(());
            }
            self.wait_for_post(until - now);
        }
    }

    /// Waits until HIDE has another post, but no longer than `timeout`.
    fn wait_for_post(&self, timeout: Duration) {
        let hide = self.hide;
        let posts = self.sim.read(|world| world.count_posts(hide));
        let has_new = |world: &World| (world.count_posts(hide) > posts).then_some(());
        // A timeout is as good as a post here.
        let _ = self.sim.wait(has_new, timeout);
    }

    fn happen(&mut self, event: Event) -> anyhow::Result<()> {
        let sim = &self.sim;
        match event {
            Event::Join => {
                let group = self.groups[self.random.usize(..self.groups.len())];
                self.join(group);
            }
            Event::RaidJoin => self.join(self.raided),
            Event::FloodWait => {
                let method = LIMITED_CALLS[self.random.usize(..LIMITED_CALLS.len())];
                let seconds = self.random.u32(2..=6);
                sim.fault(Match::method(method).once(), Fault::FloodWait(seconds));
            }
            Event::PostsLimited => sim.limit_posts(PERMITTED_POSTS, PERMITTED_WITHIN),
            Event::PostsFreed => sim.limit_posts(UNLIMITED_POSTS, Duration::from_secs(1)),
            Event::ReplyLost => {
                sim.fault(Match::method("messages.sendMedia").once(), Fault::LoseReply);
            }
            Event::ConnectionsCut => sim.cut_all(),
            Event::OtherDcCut => sim.cut_dc(OTHER_DC),
            Event::ConnectionsRefused => {
                sim.refuse_connections(true);
                sim.cut_all();
            }
            Event::ConnectionsAccepted => sim.refuse_connections(false),
            Event::Terminated => self.daemon.restart_after(Signal::TERM)?,
            Event::Killed => self.daemon.restart_after(Signal::KILL)?,
            Event::VersionAsked => {
                self.version_asks.push(self.fleet.test.type_version(sim));
                self.orders += 1;
            }
            Event::StatusAsked => {
                self.status_asks += 1;
                let question = i64::try_from(self.status_asks)?;
                self.fleet.manage.ask_for_status(sim, question);
                self.orders += 1;
            }
            Event::BackupOrdered => {
                self.fleet.manage.back_up_now(sim);
                self.orders += 1;
            }
            Event::ListsSaved => {
                self.commands.save_lists()?;
            }
            Event::StateShown => {
                let user = self.joins.joins.last().map(|join| join.user);
                self.commands.show_state(user)?;
            }
            Event::Sampled => self.measure()?,
        }
        Ok(())
    }

    /// Lets a new user join, and NOSPAM judge some of the photos.
    fn join(&mut self, group: i64) {
        let number = self.joins.joins.len() + self.photoless;
        if number % PHOTOLESS == PHOTOLESS - 1 {
            let user = self.sim.add_user(UserSpec::new("Without a photo"));
            self.sim.join(group, user, JoinKind::BySelf);
            self.photoless += 1;
            return;
        }
        let user = members::add(&self.sim, number);
        let verdict = match number % JUDGED {
            3 => Some(Verdict::Bad),
            13 => Some(Verdict::Except),
            23 => Some(Verdict::Declare),
            _ => None,
        };
        if let Some(verdict) = verdict {
            self.fleet.nospam.set_verdict(user, verdict);
            self.orders += 1;
        }
        let join: Join = members::join(&self.sim, group, user, number);
        self.joins.joins.push(join);
    }

    /// Measures the process and its files.
    fn measure(&mut self) -> anyhow::Result<()> {
        self.daemon.restart_if_ended()?;
        let pid = self.daemon.child.as_ref().map(Child::id);
        let pid = pid.context("the daemon does not run")?;
        let at = self.sim.read(World::elapsed) - self.start;
        let sample = measurement::sample(at, self.daemon.starts, pid, &self.data())?;
        self.samples.push(sample);
        Ok(())
    }

    /// Keeps the directory of the program, with its log and data.
    pub(crate) fn keep(&mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn end_faults(&self) {
        self.sim.clear_faults();
        self.sim.refuse_connections(false);
        self.sim
            .limit_posts(UNLIMITED_POSTS, Duration::from_secs(1));
    }

    /// Waits until all work is done, or nothing was for a while, and then for duplicates.
    fn settle(&mut self) -> anyhow::Result<()> {
        let mut left = usize::MAX;
        let mut last_progress = self.sim.read(World::elapsed);
        while left > 0 {
            let now = self.sim.read(World::elapsed);
            self.wait_until(now + LOOK_INTERVAL)?;
            let open = self.open_work()?;
            if open != left {
                last_progress = now;
            }
            left = open;
            if now - last_progress > TIMEOUT {
                return Ok(());
            }
        }
        let now = self.sim.read(World::elapsed);
        self.wait_until(now + DUPLICATE_WAIT)
    }

    /// Counts the photos, answers and orders that are still missing.
    fn open_work(&self) -> anyhow::Result<usize> {
        let photos = self.joins.joins.len();
        let photos = photos.saturating_sub(self.joins.delivered(&self.sim)?);
        let versions = self.unanswered();
        let replies = self
            .status_asks
            .saturating_sub(self.fleet.manage.replies.len());
        let orders = self.orders.saturating_sub(self.recorded_orders()?);
        Ok(photos + versions + replies + orders)
    }

    /// Counts the questions for the version that have no answer.
    pub(crate) fn unanswered(&self) -> usize {
        let asks = self.version_asks.iter();
        asks.filter(|&&ask| self.fleet.hide.answer_to(ask).is_none())
            .count()
    }

    /// Counts the orders that the program recorded.
    pub(crate) fn recorded_orders(&self) -> anyhow::Result<usize> {
        let database = measurement::open(&self.data())?;
        let recorded = measurement::count(&database, "SELECT COUNT(*) FROM orders")?;
        Ok(usize::try_from(recorded)?)
    }
}
