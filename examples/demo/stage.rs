//! The stage: the simulator with its groups, the daemon in it, and the record of who joined.
//!
//! What it writes down of a join, above all the photo as it was at that moment, is what the verdict
//! is measured by; nothing of it comes from the daemon.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use telegram_sim::{JoinKind, Options, PhotoSpec, Post, Simulator, UserSpec, World, bot_api_id};
use tempfile::TempDir;

use crate::daemon::{Daemon, JoinKey};
use crate::screen::{Ink, Screen};

/// How long anything may take; together with the pauses the demo stays under a minute.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the daemon may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How often the state of things is looked at.
pub(crate) const GLANCE: Duration = Duration::from_millis(10);

/// What is to become of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The photo arrives in HIDE.
    Forwarded,
    /// It is skipped, for this reason.
    Skipped(&'static str),
}

impl Expected {
    /// Returns the word that `state.db` has for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Skipped(reason) => reason,
        }
    }
}

/// Somebody who may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) label: String,
    pub(crate) id: i64,
}

/// A join as it was played.
pub(crate) struct Joined {
    pub(crate) key: JoinKey,
    pub(crate) label: String,
    pub(crate) at: Duration,
    pub(crate) photo: Vec<u8>,
    pub(crate) expected: Expected,
}

/// How the daemon ended.
pub(crate) struct Ending {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
}

/// Everything that the demo plays with.
pub(crate) struct Stage {
    pub(crate) screen: Screen,
    pub(crate) sim: Simulator,
    pub(crate) hide: i64,
    /// Where members join one by one.
    pub(crate) group: i64,
    /// Where the raid is.
    pub(crate) raided: i64,
    /// An administrator of the raided group.
    pub(crate) chief: Member,
    pub(crate) joined: Vec<Joined>,
    pub(crate) daemon: Daemon,
    members: usize,
    started: Duration,
    directory: TempDir,
}

impl Stage {
    /// Starts the simulator and the daemon.
    pub(crate) fn set(screen: Screen) -> anyhow::Result<Self> {
        let options = Options {
            // The posts are kept whole, which is what counts; of the calls their heads suffice.
            keep_bodies: false,
            ..Options::default()
        };
        let sim = Simulator::start(options).context("cannot start the simulator")?;
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        let raided = sim.add_group("Another group");
        let chief = administrator(&sim, raided);
        let directory = tempfile::Builder::new()
            .prefix("scp-079-avatar-demo-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        let started = sim.read(World::elapsed);
        let daemon = Daemon::start(directory.path(), &sim, hide)?;
        Ok(Self {
            screen,
            sim,
            hide,
            group,
            raided,
            chief,
            joined: Vec::new(),
            daemon,
            members: 0,
            started,
            directory,
        })
    }

    /// Says what is there, and waits until the daemon watches.
    pub(crate) fn open(&mut self) -> anyhow::Result<()> {
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
        screen.row(None, Ink::Bold, "Telegram", &centres[0])?;
        screen.row(None, Ink::Bold, "", &centres[1])?;
        screen.row(None, Ink::Bold, "daemon", &daemon)?;
        let hide = self.hide;
        self.until("the daemon's online report", |stage| {
            let posts = stage.sim.posts(hide);
            Ok(posts
                .iter()
                .any(|post| post.by_account && post.text.contains("\"online\""))
                .then_some(()))
        })?;
        let online = self.elapsed().saturating_sub(self.started).as_millis();
        let text = format!("posted its first report in HIDE {online} ms after its start");
        self.screen
            .row(Some(self.elapsed()), Ink::Good, "online", &text)?;
        // A join of an administrator is only told apart once the administrators are known.
        self.until("the administrators to be known", |stage| {
            Ok((stage.daemon.groups_to_learn()? == 0).then_some(()))
        })
    }

    /// Adds somebody to the world; `describe` says what they are like.
    pub(crate) fn member(&mut self, describe: impl FnOnce(UserSpec) -> UserSpec) -> Member {
        self.members += 1;
        let label = format!("member {}", self.members);
        let id = self.sim.add_user(describe(UserSpec::new(&label)));
        Member { label, id }
    }

    /// Lets a member join, and writes down what is to become of it.
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

    /// Returns how long the simulator has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        self.sim.read(World::elapsed)
    }

    /// Looks again and again until `look` finds something, and fails if it does not in time or the
    /// daemon ends.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let deadline = self.elapsed() + PATIENCE;
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            self.check_daemon()?;
            ensure!(
                self.elapsed() < deadline,
                "waited {} s in vain for {what}",
                PATIENCE.as_secs()
            );
            self.screen.pause(GLANCE)?;
        }
    }

    /// Fails if the daemon ended by itself.
    pub(crate) fn check_daemon(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.daemon.ended()? {
            bail!("the daemon ended by itself: {status}");
        }
        Ok(())
    }

    /// Waits until the daemon owes nothing more.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        self.until("the last posts to be settled", |stage| {
            Ok((stage.daemon.owed()? == 0).then_some(()))
        })
    }

    /// Ends the daemon as systemd does.
    pub(crate) fn close(&mut self) -> anyhow::Result<Ending> {
        let asked = self.elapsed();
        self.daemon.terminate()?;
        loop {
            let took = self.elapsed().saturating_sub(asked);
            if let Some(status) = self.daemon.ended()? {
                return Ok(Ending { status, took });
            }
            ensure!(
                took < END_WITHIN,
                "the daemon did not end within {} s of SIGTERM",
                END_WITHIN.as_secs()
            );
            self.screen.pause(GLANCE)?;
        }
    }

    /// Returns the last lines that the daemon logged.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.daemon.last_words()
    }

    /// Removes everything, the daemon first if it still runs.
    pub(crate) fn strike(self) -> anyhow::Result<()> {
        let Self {
            daemon, directory, ..
        } = self;
        drop(daemon);
        directory
            .close()
            .context("cannot remove the temporary directory")
    }
}

/// Makes somebody an administrator of a group, long before the daemon starts.
fn administrator(sim: &Simulator, group: i64) -> Member {
    let label = "the admin".to_owned();
    let id = sim.add_user(UserSpec::new(&label).photo(PhotoSpec::jpeg()));
    sim.join(group, id, JoinKind::BySelf);
    // Else they would count as a new member there, who deserves a second look.
    sim.set_join_date(group, id, 1);
    sim.set_admin(group, id, true);
    Member { label, id }
}

/// Returns which join a post's caption names: group, message, user. `None` where it names none.
pub(crate) fn named(post: &Post) -> Option<JoinKey> {
    let caption: Value = serde_json::from_str(&post.text).ok()?;
    if caption["type"] != "avatar" {
        return None;
    }
    let number = |key: &str| caption["data"][key].as_i64();
    Some((
        // The Bot API form is its own inverse.
        bot_api_id(number("group_id")?),
        number("message_id")?,
        number("user_id")?,
    ))
}
