//! The scene of a test: its simulator, its configuration, its directory, and the checks at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;

use scp_079_avatar::telegram::PERMITTED;
use telegram_sim::{Options, Simulator, bot_api_id};
use tempfile::TempDir;

use super::{PASSWORD, entries};

/// The calls that opening a connection makes, beside those that the program makes.
const CONNECTING: [&str; 1] = ["help.getConfig"];

/// A simulator with HIDE and one group, and a daemon that may run against it.
pub(crate) struct Scene {
    pub(crate) sim: Arc<Simulator>,
    pub(crate) hide: i64,
    pub(crate) group: i64,
    pub(super) exchange: Option<i64>,
    /// The EXCHANGE that was taken out of the configuration.
    earlier_exchange: Option<i64>,
    /// Lines that the test added to the configuration, by section.
    sections: BTreeMap<&'static str, String>,
    directory: TempDir,
    pub(super) daemon: Option<Child>,
    pub(super) launches: usize,
}

impl Scene {
    /// Makes a scene in which the group has no member but the account and the owner.
    pub(crate) fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// Makes a scene whose photos are squares of this width, unless a user's photo has its own.
    pub(crate) fn with_photo_size(pixels: u32) -> Self {
        Self::with_options(Options {
            photo_size: (pixels, pixels),
            ..Options::default()
        })
    }

    /// Makes a scene with these options of the simulator.
    pub(crate) fn with_options(options: Options) -> Self {
        let sim = Simulator::start(options).expect("a simulator");
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        let scene = Self::of_simulator(Arc::new(sim), hide, group);
        scene.sim.write_session(scene.session()).expect("a session");
        scene
    }

    /// Makes the scene of another instance: with another account in the same chats of the same simulator, and with a
    /// directory and a configuration of its own.
    pub(crate) fn another_instance(&self) -> Self {
        let account = self.sim.add_account("Another account");
        let scene = Self::of_simulator(Arc::clone(&self.sim), self.hide, self.group);
        let written = scene.sim.write_session_of(account, scene.session());
        written.expect("a session");
        scene
    }

    fn of_simulator(sim: Arc<Simulator>, hide: i64, group: i64) -> Self {
        let scene = Self {
            sim,
            hide,
            group,
            exchange: None,
            earlier_exchange: None,
            sections: BTreeMap::new(),
            directory: tempfile::tempdir().expect("a directory"),
            daemon: None,
            launches: 0,
        };
        fs::create_dir(scene.data_dir()).expect("a data directory");
        scene
    }

    /// Adds lines to a section of the configuration.
    pub(crate) fn set(&mut self, section: &'static str, lines: &str) -> &mut Self {
        let text = self.sections.entry(section).or_default();
        text.push_str(lines);
        text.push('\n');
        self
    }

    /// Adds a channel in which the account may post, and configures it as EXCHANGE.
    pub(crate) fn add_exchange(&mut self) -> i64 {
        let exchange = self.sim.add_channel("EXCHANGE", true);
        let line = format!("exchange_channel_id = {}", bot_api_id(exchange));
        self.set("channels", &line);
        self.exchange = Some(exchange);
        exchange
    }

    /// Takes EXCHANGE out of the configuration.
    pub(crate) fn remove_exchange(&mut self) {
        self.earlier_exchange = self.exchange.take();
        self.sections.remove("channels");
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn session(&self) -> PathBuf {
        self.data_dir().join("account.session")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.data_dir().join("state.db")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.data_dir().join("spool")
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Writes the configuration as the test has set it so far.
    pub(crate) fn write_config(&self) -> PathBuf {
        let mut sections: BTreeMap<&str, String> = BTreeMap::from([
            (
                "telegram",
                "api_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n".to_owned(),
            ),
            (
                "channels",
                format!("hide_channel_id = {}\n", bot_api_id(self.hide)),
            ),
            ("encrypt", format!("password = \"{PASSWORD}\"\n")),
        ]);
        for (section, lines) in &self.sections {
            sections.entry(section).or_default().push_str(lines);
        }
        for (section, key, value) in [
            // The simulator sets no limit on posts, unless a test does.
            ("delivery", "pace", "\"steady\""),
            ("delivery", "min_interval_ms", "0"),
            ("log", "level", "\"debug\""),
        ] {
            let text = sections.entry(section).or_default();
            if !text.contains(key) {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        let text: String = sections
            .iter()
            .map(|(name, lines)| format!("[{name}]\n{lines}\n"))
            .collect();
        fs::write(self.config_path(), text).expect("a configuration");
        fs::set_permissions(self.config_path(), fs::Permissions::from_mode(0o600))
            .expect("permissions");
        self.config_path()
    }

    /// Returns the files beside `state.db` that keep a list which a restore or a rollback replaced.
    pub(crate) fn replaced_lists(&self, list: &str) -> Vec<PathBuf> {
        entries(&self.data_dir(), &format!("replaced-{list}-"))
    }

    /// Ends the test: waits until everything is settled and stops the daemon, if it runs; then fails on calls that
    /// the program must not make, on writes outside HIDE and EXCHANGE, and on rows and files left behind.
    pub(crate) fn finish(mut self) {
        if self.daemon.is_some() {
            self.wait_until_settled();
            let status = self.stop();
            assert_eq!(status.code(), Some(0), "{}", self.log());
        }
        assert_eq!(
            self.sim.failures(),
            Vec::<String>::new(),
            "failures of the simulator\n{}",
            self.log()
        );
        let unexpected: BTreeSet<&str> = self
            .sim
            .calls()
            .iter()
            .map(|call| call.method)
            .filter(|method| !PERMITTED.contains(method) && !CONNECTING.contains(method))
            .collect();
        assert!(
            unexpected.is_empty(),
            "calls that are not permitted: {unexpected:?}"
        );
        for (chat, post) in self.sim.posts_by_account() {
            assert!(
                chat == self.hide || [self.exchange, self.earlier_exchange].contains(&Some(chat)),
                "the account wrote in {chat}: {post:?}"
            );
        }
        assert_eq!(self.unsettled(), Vec::<String>::new(), "{}", self.log());
        if self.launches > 0 {
            let left = entries(&self.spool(), "");
            assert_eq!(left, Vec::<PathBuf>::new(), "files left in the spool");
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // A failed test must not leave its daemon running; both calls fail only if it has ended already.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
