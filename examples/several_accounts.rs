//! Several accounts that do one job: how fast they post a raid together, and what happens if one of them is killed.
//!
//! `tests/interop/several_accounts.sh` builds and runs it against the release build. The exit code is 0 only if N
//! instances post a raid at least 0.9 N times as fast as one, no photo is lost, and none is posted twice but those
//! whose post a killed instance had begun.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use serde_json::Value;
use telegram_sim::{
    FloodLimit, JoinKind, Options, PhotoSpec, Post, Simulator, UserSpec, World, bot_api_id,
};
use tempfile::TempDir;

/// The time that each wait may take.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// The delivery of every instance, at a fixed pace.
const DELIVERY: &str = "pace = \"steady\"\nmin_interval_ms = 1000";

/// Lets several accounts post a raid together, and kills one of them.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// How many members join in a raid
    #[arg(long, default_value_t = 60)]
    members: i64,
    /// How often an instance is killed in the middle of a raid
    #[arg(long, default_value_t = 3)]
    kills: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stages = [measure, kill, join_beside_a_dead_instance];
    match stages.iter().try_for_each(|stage| stage(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints how long one, two and three instances take for the same raid.
fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments {
        binary, members, ..
    } = arguments;
    let mut alone = None;
    for count in 1..=3 {
        let mut fleet = Fleet::start(binary, count)?;
        let users = fleet.raid(*members);
        fleet.wait_for(&users)?;
        let photos = fleet.photos();
        let (first, last) = (photos[0].1.at, photos[photos.len() - 1].1.at);
        let rate = (photos.len() - 1) as f64 / (last - first).as_secs_f64();
        let alone = *alone.get_or_insert(rate);
        let twice = fleet.posted_twice().len();
        print(&format!(
            "{count} instances: {} photos in {:.1} s, {rate:.2} a second, {:.2} times as fast as one; {twice} twice",
            photos.len(),
            (last - first).as_secs_f64(),
            rate / alone
        ));
        ensure!(twice == 0, "photos were posted twice");
        ensure!(rate >= 0.9 * count as f64 * alone, "that is too slow");
        fleet.stop()?;
    }
    Ok(())
}

/// Kills one of three instances in the middle of each raid, and starts it again after the others have covered for it.
fn kill(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments {
        binary,
        members,
        kills,
    } = arguments;
    let mut fleet = Fleet::start(binary, 3)?;
    let mut users = BTreeSet::new();
    for round in 0..*kills {
        let victim = round % fleet.instances.len();
        let account = fleet.instances[victim].account;
        users.extend(fleet.raid(*members));
        let before = fleet.posts_of(account);
        fleet.wait("the middle of the raid", |fleet| {
            fleet.posts_of(account) >= before + 3
        })?;
        fleet.instances[victim].kill()?;
        let killed_at = fleet.sim.read(World::elapsed);
        users.extend(fleet.raid(members / 3));
        fleet.wait_for(&users)?;
        let photos = fleet.photos();
        let covered: Vec<&Post> = photos
            .iter()
            .filter(|(user, post)| {
                post.at > killed_at && owner(*user) == victim && post.from != account
            })
            .map(|(_, post)| post)
            .collect();
        let first = covered.iter().map(|post| post.at).min();
        let first = first.context("nobody covered for the dead instance")?;
        let last = photos[photos.len() - 1].1.at;
        print(&format!(
            "instance {} killed: {} photos of its members came from {} others, after {:.1} to {:.1} s",
            victim + 1,
            covered.len(),
            covered
                .iter()
                .map(|post| post.from)
                .collect::<BTreeSet<_>>()
                .len(),
            (first - killed_at).as_secs_f64(),
            (last - killed_at).as_secs_f64(),
        ));
        fleet.instances[victim].start(binary)?;
    }
    fleet.wait_until_settled()?;
    let twice = fleet.posted_twice();
    let lost = users.len() - fleet.posted().len();
    print(&format!(
        "{kills} kills, {} members: {lost} lost, {} twice",
        users.len(),
        twice.len()
    ));
    ensure!(lost == 0, "photos were lost");
    ensure!(
        twice.len() <= *kills,
        "more were posted twice than were begun: {twice:?}"
    );
    fleet.stop()
}

/// Lets members of a dead instance join one by one, long after it died: both others are ready to cover then.
fn join_beside_a_dead_instance(arguments: &Arguments) -> anyhow::Result<()> {
    const JOINS: i64 = 10;
    let mut fleet = Fleet::start(&arguments.binary, 3)?;
    fleet.instances[1].kill()?;
    std::thread::sleep(Duration::from_secs(70));
    let mut users = BTreeSet::new();
    for _ in 0..3 * JOINS {
        users.extend(fleet.raid(1));
        std::thread::sleep(Duration::from_secs(1));
    }
    fleet.wait_for(&users)?;
    fleet.instances[1].start(&arguments.binary)?;
    fleet.wait_until_settled()?;
    let twice = fleet.posted_twice();
    print(&format!(
        "{JOINS} single joins of members of an instance that is dead: {} twice",
        twice.len()
    ));
    ensure!(twice.is_empty(), "photos were posted twice: {twice:?}");
    fleet.stop()
}

/// Returns the index of the instance of three that a member belongs to.
fn owner(user: i64) -> usize {
    usize::try_from(user % 3).unwrap_or(0)
}

/// Instances that share the members of a group.
struct Fleet {
    sim: Simulator,
    hide: i64,
    group: i64,
    instances: Vec<Instance>,
    members: i64,
}

impl Fleet {
    fn start(binary: &Path, count: usize) -> anyhow::Result<Self> {
        // The limit of Telegram on posts is one of each account.
        let mut options = Options::default();
        let limit = FloodLimit::new("messages.sendMedia", 40, Duration::from_secs(30));
        options.flood_limits.push(limit);
        let sim = Simulator::start(options)?;
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        let mut fleet = Self {
            sim,
            hide,
            group,
            instances: Vec::new(),
            members: 0,
        };
        for number in 1..=count {
            let account = match number {
                1 => fleet.sim.me(),
                _ => fleet.sim.add_account("Another account"),
            };
            let share = format!("{number}/{count}");
            let instance = Instance::new(binary, &fleet.sim, account, hide, &share)?;
            fleet.instances.push(instance);
        }
        fleet.wait("the start", |fleet| {
            fleet
                .instances
                .iter()
                .all(|instance| instance.log().contains("watching"))
        })?;
        Ok(fleet)
    }

    /// Lets members with photos join; returns their ids, which follow each other.
    fn raid(&mut self, count: i64) -> BTreeSet<i64> {
        let first = 6_600_000_000 + self.members;
        self.members += count;
        (first..first + count)
            .map(|id| {
                let photo = PhotoSpec::jpeg().size(160, 160);
                let user = self
                    .sim
                    .add_user(UserSpec::new("Joiner").id(id).photo(photo));
                self.sim.join(self.group, user, JoinKind::ByLink);
                user
            })
            .collect()
    }

    /// Returns the photos in HIDE, oldest first, with the users that they show.
    fn photos(&self) -> Vec<(i64, Post)> {
        let posts = self.sim.posts(self.hide).into_iter();
        posts
            .filter(|post| post.file.is_some())
            .filter_map(|post| {
                let caption: Value = serde_json::from_str(&post.text).ok()?;
                Some((caption["data"]["user_id"].as_i64()?, post))
            })
            .collect()
    }

    fn posted(&self) -> BTreeMap<i64, usize> {
        let mut posted = BTreeMap::new();
        for (user, _) in self.photos() {
            *posted.entry(user).or_default() += 1;
        }
        posted
    }

    fn posted_twice(&self) -> Vec<i64> {
        let posted = self.posted().into_iter();
        posted
            .filter(|(_, times)| *times > 1)
            .map(|(user, _)| user)
            .collect()
    }

    fn posts_of(&self, account: i64) -> usize {
        let photos = self.photos().into_iter();
        photos.filter(|(_, post)| post.from == account).count()
    }

    fn wait_for(&self, users: &BTreeSet<i64>) -> anyhow::Result<()> {
        self.wait("every photo", |fleet| fleet.posted().len() >= users.len())
    }

    fn wait_until_settled(&self) -> anyhow::Result<()> {
        self.wait("every instance to settle", |fleet| {
            fleet.instances.iter().all(Instance::is_settled)
        })
    }

    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let ticks = TIMEOUT.as_millis() / 100;
        for _ in 0..ticks {
            if holds(self) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let logs: Vec<String> = self.instances.iter().map(Instance::log).collect();
        anyhow::bail!("timed out waiting for {what}\n{}", logs.join("\n"))
    }

    fn stop(mut self) -> anyhow::Result<()> {
        self.wait_until_settled()?;
        self.instances.iter_mut().try_for_each(Instance::kill)?;
        ensure!(self.sim.failures().is_empty(), "{:?}", self.sim.failures());
        Ok(())
    }
}

/// A process of the program with an account of its own. It is killed when dropped.
struct Instance {
    account: i64,
    directory: TempDir,
    child: Option<Child>,
}

impl Instance {
    fn new(
        binary: &Path,
        sim: &Simulator,
        account: i64,
        hide: i64,
        share: &str,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        fs::DirBuilder::new().mode(0o700).create(&data)?;
        sim.write_session_of(account, data.join("account.session"))?;
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(directory.path().join("config.toml"))?;
        write!(
            file,
            "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
             [channels]\nhide_channel_id = {}\n\
             [encrypt]\npassword = \"correct horse\"\n\
             [mode]\nshare = \"{share}\"\n\
             [delivery]\n{DELIVERY}\n",
            bot_api_id(hide)
        )?;
        let mut instance = Self {
            account,
            directory,
            child: None,
        };
        instance.start(binary)?;
        Ok(instance)
    }

    fn start(&mut self, binary: &Path) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))?;
        let child = Command::new(binary)
            .args(["run", "--config"])
            .arg(self.directory.path().join("config.toml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Reports whether no photo waits, and every join is decided.
    fn is_settled(&self) -> bool {
        let state = self.directory.path().join("data/state.db");
        let Ok(database) = rusqlite::Connection::open(state) else {
            return false;
        };
        let waiting = "SELECT (SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'dropped'))
             + (SELECT COUNT(*) FROM joins WHERE outcome IN ('lookup', 'queued'))";
        database.query_row(waiting, [], |row| row.get::<_, i64>(0)) == Ok(0)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // This fails only if the process is gone.
        let _ = self.kill();
    }
}

fn print(line: &str) {
    // A closed pipe must not end the run.
    let _ = writeln!(io::stdout(), "{line}");
}
