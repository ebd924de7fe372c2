//! Stand-ins for the other bots of the SCP-079 fleet, in the world of `telegram-sim`.
//!
//! The stand-ins are small and scripted. They read what the account posts, answer as the fleet's documents describe, and
//! record what they read. They do not judge photos: a test sets the verdicts. They act only when [`Fleet::act`] or
//! [`Fleet::wait`] is called.

mod backup;
mod channels;
mod files;
mod hide;
mod manage;
mod nospam;
mod regex;
mod test_group;
mod voice;

use std::time::Duration;

use fleet_exchange::Envelope;
use telegram_sim::{Post, Simulator, TimedOut, World};

pub use backup::{Backup, SavedList};
pub use channels::Channels;
pub use files::{Content, Files};
pub use hide::{Answer, Hide};
pub use manage::{Manage, StatusReply};
pub use nospam::{Nospam, SeenPhoto, Verdict};
pub use regex::Regex;
pub use test_group::TestGroup;

use channels::Readers;

/// The name of the account in envelopes.
const AVATAR: &str = "AVATAR";

/// A post that was addressed to a bot, with its envelope.
struct Received<'a> {
    envelope: Envelope,
    post: &'a Post,
}

/// The stand-ins, the channels that they read, and the TEST group.
pub struct Fleet {
    pub test: TestGroup,
    pub hide: Hide,
    pub nospam: Nospam,
    pub backup: Backup,
    pub regex: Regex,
    pub manage: Manage,
    /// Descriptions of posts of the account that a bot could not read.
    pub problems: Vec<String>,
    channels: Channels,
    readers: Readers,
    files: Files,
}

impl Fleet {
    /// Adds the bots and the TEST group to the simulator. Posts from before this call are not read.
    pub fn new(sim: &Simulator, channels: Channels, files: Files) -> Self {
        let test = TestGroup::new(sim);
        Self {
            hide: Hide::new(sim, channels.hide),
            nospam: Nospam::new(sim, channels.exchange),
            backup: Backup::new(sim, channels.exchange),
            regex: Regex::new(sim, channels.exchange),
            manage: Manage::new(sim, channels.exchange),
            problems: Vec::new(),
            readers: Readers::new(sim, &channels, test.group),
            test,
            channels,
            files,
        }
    }

    /// Returns the bare id of EXCHANGE, in which all bots but HIDE read and post.
    pub const fn exchange(&self) -> i64 {
        self.channels.exchange
    }

    /// Returns the files of this fleet, to open what the account posted.
    pub const fn files_mut(&mut self) -> &mut Files {
        &mut self.files
    }

    /// Lets each bot read the new posts and act on them, until there are no new posts.
    pub fn act(&mut self, sim: &Simulator) {
        loop {
            let posts = self.readers.take(sim);
            if posts.is_empty() {
                return;
            }
            for post in &posts.test {
                self.hide.read_test(sim, self.test.group, post);
            }
            for post in &posts.hide {
                self.read_hide(sim, post);
            }
            for post in &posts.exchange {
                self.read_exchange(sim, post);
            }
        }
    }

    /// Lets the bots act whenever the world changes, until `look` returns a value.
    ///
    /// # Errors
    /// If the world did not change for `timeout` while `look` returned nothing.
    pub fn wait<T>(
        &mut self,
        sim: &Simulator,
        timeout: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, TimedOut> {
        loop {
            self.act(sim);
            if let Some(found) = look(self) {
                return Ok(found);
            }
            let readers = &self.readers;
            sim.wait(
                |world: &World| readers.has_new(world).then_some(()),
                timeout,
            )?;
        }
    }

    fn read_hide(&mut self, sim: &Simulator, post: &Post) {
        if !post.by_account {
            return;
        }
        let Some(received) = self.receive(post) else {
            return;
        };
        if received.envelope.to.iter().any(|to| to == hide::NAME) {
            if let Err(problem) = self.hide.read(sim, &self.test, &received, &mut self.files) {
                self.problems.push(problem);
            }
        } else {
            self.hide.carry(sim, self.channels.exchange, &received);
        }
    }

    fn read_exchange(&mut self, sim: &Simulator, post: &Post) {
        let Some(received) = self.receive(post) else {
            return;
        };
        self.hide.copy_to_hidden(sim, self.channels.hide, &received);
        if received.envelope.from != AVATAR {
            return;
        }
        let files = &mut self.files;
        for to in &received.envelope.to {
            let read = match to.as_str() {
                nospam::NAME => self.nospam.read(sim, &received, files),
                backup::NAME => self.backup.read(&received, files),
                regex::NAME => self.regex.read(&received, files),
                manage::NAME => self.manage.read(&received, files),
                // In EXCHANGE the account addresses HIDE directly.
                hide::NAME => self.hide.read(sim, &self.test, &received, files),
                _ => Ok(()),
            };
            if let Err(problem) = read {
                self.problems.push(problem);
            }
        }
    }

    fn receive<'a>(&mut self, post: &'a Post) -> Option<Received<'a>> {
        match Envelope::parse(&post.text) {
            Ok(envelope) => Some(Received { envelope, post }),
            Err(error) => {
                self.problems.push(format!("post {}: {error}", post.id));
                None
            }
        }
    }
}

impl Received<'_> {
    /// Returns whether the envelope has this action and type.
    fn is(&self, action: &str, kind: &str) -> bool {
        self.envelope.action == action && self.envelope.kind == kind
    }

    /// Opens the post's file.
    fn open(&self, files: &mut Files) -> Result<Content, String> {
        let file = self.post.file.as_ref();
        let file = file.ok_or_else(|| self.problem("has no file"))?;
        files
            .open(&file.bytes)
            .map_err(|error| self.problem(&error))
    }

    /// Returns a number of the envelope's data.
    fn number(&self, key: &str) -> Result<i64, String> {
        self.envelope.data[key]
            .as_i64()
            .ok_or_else(|| self.problem(&format!("has no number {key:?}")))
    }

    fn problem(&self, reason: &str) -> String {
        let Envelope { action, kind, .. } = &self.envelope;
        format!("post {} ({action} / {kind}): {reason}", self.post.id)
    }
}
