//! The demo's simulator, daemon, and record of the joins.
//!
//! The record holds the photo of each member at the join. The summary compares the posts with this
//! record, which does not depend on the daemon.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fleet_sim::{Channels, Files, Fleet};
use serde_json::Value;
use telegram_sim::{JoinKind, Options, PhotoSpec, Post, Simulator, UserSpec, World, bot_api_id};
use tempfile::TempDir;

use crate::daemon::{Daemon, JoinKey, PASSWORD};
use crate::screen::{Screen, Style};

/// The limit for a single wait; with all pauses the demo takes less than a minute on an idle machine.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The limit for the daemon's exit after SIGTERM.
const EXIT_WITHIN: Duration = Duration::from_secs(10);
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The expected outcome of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The photo arrives in HIDE.
    Forwarded,
    /// The join is skipped for this reason.
    Skipped(&'static str),
}

impl Expected {
    /// Returns the outcome's name in `state.db`.
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Skipped(reason) => reason,
        }
    }
}

/// A user of the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) label: String,
    pub(crate) id: i64,
}

/// A recorded join.
pub(crate) struct Joined {
    pub(crate) key: JoinKey,
    pub(crate) label: String,
    pub(crate) at: Duration,
    pub(crate) photo: Vec<u8>,
    pub(crate) expected: Expected,
}

pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
}

pub(crate) struct Demo {
    pub(crate) screen: Screen,
    pub(crate) sim: Simulator,
    pub(crate) hide: i64,
    /// The group that members join one by one.
    pub(crate) group: i64,
    /// The group of the raid.
    pub(crate) raided: i64,
    /// An administrator of the raided group.
    pub(crate) chief: Member,
    /// The other bots, which read HIDE when the demo lets them.
    pub(crate) fleet: Fleet,
    pub(crate) joined: Vec<Joined>,
    pub(crate) daemon: Daemon,
    members: usize,
    started: Duration,
    directory: TempDir,
}

impl Demo {
    /// Starts the simulator and the daemon.
    pub(crate) fn start(screen: Screen) -> anyhow::Result<Self> {
        let options = Options {
            // The demo reads the posts and the methods of the calls, but no call bodies.
            keep_bodies: false,
            ..Options::default()
        };
        let sim = Simulator::start(options).context("cannot start the simulator")?;
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        let raided = sim.add_group("Another group");
        let chief = administrator(&sim, raided);
        let channels = Channels::hide_only(&sim, hide);
        let fleet = Fleet::new(&sim, channels, Files::sealed(PASSWORD));
        let directory = tempfile::Builder::new()
            .prefix("scp-079-avatar-demo-")
            .tempdir()
            .context("cannot create a temporary directory")?;
        let started = sim.read(World::elapsed);
        let daemon = Daemon::start(directory.path(), &sim, hide)?;
        Ok(Self {
            screen,
            sim,
            hide,
            group,
            raided,
            chief,
            fleet,
            joined: Vec::new(),
            daemon,
            members: 0,
            started,
            directory,
        })
    }

    /// Prints the setup and waits until the daemon is ready.
    pub(crate) fn introduce(&mut self) -> anyhow::Result<()> {
        let [home, other] = [telegram_sim::HOME_DC, telegram_sim::OTHER_DC];
        let address = |dc| self.sim.address(dc).to_string();
        let centres = [
            format!(
                "data centre {home} on {}, with HIDE and two groups",
                address(home)
            ),
            format!(
                "data centre {other} on {}, where some photos are",
                address(other)
            ),
        ];
        let daemon = format!("the program itself, as process {}", self.daemon.pid());
        let screen = &self.screen;
        screen.heading("SCP-079-AVATAR, without an account and without a network")?;
        screen.row(None, Style::Bold, "Telegram", &centres[0])?;
        screen.row(None, Style::Bold, "", &centres[1])?;
        screen.row(None, Style::Bold, "daemon", &daemon)?;
        let hide = self.hide;
        self.until("the daemon's online report", |demo| {
            let posts = demo.sim.posts(hide);
            Ok(posts
                .iter()
                .any(|post| post.by_account && post.text.contains("\"online\""))
                .then_some(()))
        })?;
        let online = self.elapsed().saturating_sub(self.started).as_millis();
        let text = format!("posted its first report in HIDE {online} ms after its start");
        self.screen
            .row(Some(self.elapsed()), Style::Good, "online", &text)?;
        // The daemon recognises an administrator's join only after it has read the administrators.
        self.until("the administrators to be known", |demo| {
            Ok((demo.daemon.groups_without_administrators()? == 0).then_some(()))
        })
    }

    /// Adds a user to the simulator; `describe` sets the user's properties.
    pub(crate) fn member(&mut self, describe: impl FnOnce(UserSpec) -> UserSpec) -> Member {
        self.members += 1;
        let label = format!("member {}", self.members);
        let id = self.sim.add_user(describe(UserSpec::new(&label)));
        Member { label, id }
    }

    /// Lets a member join and records the expected outcome.
    pub(crate) fn join(
        &mut self,
        group: i64,
        member: &Member,
        how: JoinKind,
        expected: Expected,
    ) -> JoinKey {
        let photo = self.sim.photo_bytes(member.id);
        let at = self.elapsed();
        let message = self.sim.join(group, member.id, how);
        let key = (group, i64::from(message), member.id);
        self.joined.push(Joined {
            key,
            label: member.label.clone(),
            at,
            photo,
            expected,
        });
        key
    }

    /// Returns the running time of the simulator.
    pub(crate) fn elapsed(&self) -> Duration {
        self.sim.read(World::elapsed)
    }

    /// Polls `look` until it returns a value; fails after a timeout or if the daemon exits.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let deadline = self.elapsed() + TIMEOUT;
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            self.ensure_daemon_runs()?;
            ensure!(
                self.elapsed() < deadline,
                "timed out after {} s, waiting for {what}",
                TIMEOUT.as_secs()
            );
            self.screen.pause(POLL_INTERVAL)?;
        }
    }

    /// Fails if the daemon has exited.
    pub(crate) fn ensure_daemon_runs(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.daemon.exit_status()? {
            bail!("the daemon exited unexpectedly: {status}");
        }
        Ok(())
    }

    /// Waits until every join and every outbox row is settled.
    pub(crate) fn wait_until_settled(&mut self) -> anyhow::Result<()> {
        self.until("the last posts to be settled", |demo| {
            Ok((demo.daemon.unsettled()? == 0).then_some(()))
        })
    }

    /// Stops the daemon as systemd does.
    pub(crate) fn stop_daemon(&mut self) -> anyhow::Result<Exit> {
        let signalled = self.elapsed();
        self.daemon.terminate()?;
        loop {
            let took = self.elapsed().saturating_sub(signalled);
            if let Some(status) = self.daemon.exit_status()? {
                return Ok(Exit { status, took });
            }
            ensure!(
                took < EXIT_WITHIN,
                "the daemon did not exit within {} s of SIGTERM",
                EXIT_WITHIN.as_secs()
            );
            self.screen.pause(POLL_INTERVAL)?;
        }
    }

    /// Returns the last lines of the daemon's log.
    pub(crate) fn log_tail(&self) -> Vec<String> {
        self.daemon.log_tail()
    }

    /// Kills the daemon if it still runs, and removes the temporary directory.
    pub(crate) fn clean_up(self) -> anyhow::Result<()> {
        let Self {
            daemon, directory, ..
        } = self;
        drop(daemon);
        directory
            .close()
            .context("cannot remove the temporary directory")
    }
}

/// Adds an administrator to a group.
fn administrator(sim: &Simulator, group: i64) -> Member {
    let label = "the admin".to_owned();
    let id = sim.add_user(UserSpec::new(&label).photo(PhotoSpec::jpeg()));
    sim.join(group, id, JoinKind::BySelf);
    // An old join date keeps the administrator out of the recheck of new members.
    sim.set_join_date(group, id, 1);
    sim.set_admin(group, id, true);
    Member { label, id }
}

/// Returns the join that a post's caption names, if the post is a photo.
pub(crate) fn join_key(post: &Post) -> Option<JoinKey> {
    let caption: Value = serde_json::from_str(&post.text).ok()?;
    if caption["type"] != "avatar" {
        return None;
    }
    let number = |key: &str| caption["data"][key].as_i64();
    Some((
        // The conversion to the Bot API form is its own inverse.
        bot_api_id(number("group_id")?),
        number("message_id")?,
        number("user_id")?,
    ))
}
