//! A world with the daemon in it: a simulator, a data directory, and the real binary.
//!
//! `finish` is the end of every test: it stops the daemon, and fails on whatever nobody expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use fleet_files::sealed::Opener;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use scp_079_avatar::telegram::PERMITTED;
use telegram_sim::{Options, PhotoSpec, Post, Simulator, UserSpec, World, bot_api_id};
use tempfile::TempDir;

/// How long anything may take before a test gives up. Never a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The password of every sealed file here.
pub(crate) const PASSWORD: &str = "correct horse 電池";
/// What opening a connection calls, beside what the program asks for.
const CONNECTING: [&str; 1] = ["help.getConfig"];

/// A simulator, and a daemon that may run in it.
pub(crate) struct Scene {
    pub(crate) sim: Simulator,
    pub(crate) hide: i64,
    pub(crate) group: i64,
    /// More lines for the configuration, by section.
    sections: BTreeMap<&'static str, String>,
    directory: TempDir,
    daemon: Option<Child>,
    starts: usize,
    others_may_write: BTreeSet<i64>,
}

impl Scene {
    /// A world with HIDE and one group, and nobody in it yet but the account and the owner.
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    /// The same, with a simulator of another kind.
    pub(crate) fn with(options: Options) -> Self {
        let sim = Simulator::start(options).expect("a simulator");
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        let directory = tempfile::tempdir().expect("a directory");
        let scene = Self {
            sim,
            hide,
            group,
            sections: BTreeMap::new(),
            directory,
            daemon: None,
            starts: 0,
            others_may_write: BTreeSet::new(),
        };
        fs::create_dir(scene.data_dir()).expect("a data directory");
        scene.sim.write_session(scene.session()).expect("a session");
        scene
    }

    /// Adds lines to a section of the configuration.
    pub(crate) fn set(&mut self, section: &'static str, lines: &str) -> &mut Self {
        let text = self.sections.entry(section).or_default();
        text.push_str(lines);
        text.push('\n');
        self
    }

    /// Adds a channel that the account may post in, as EXCHANGE.
    pub(crate) fn exchange(&mut self) -> i64 {
        let exchange = self.sim.add_channel("EXCHANGE", true);
        self.set(
            "channels",
            &format!("exchange_channel_id = {}", bot_api_id(exchange)),
        );
        self.others_may_write.insert(exchange);
        exchange
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

    pub(crate) fn config_path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Writes the configuration as it is set so far.
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
            ("delivery", String::new()),
            ("log", String::new()),
        ]);
        for (section, lines) in &self.sections {
            sections.entry(section).or_default().push_str(lines);
        }
        for (section, default) in [
            ("delivery", "min_interval_ms = 0\n"),
            ("log", "level = \"debug\"\n"),
        ] {
            let text = sections.entry(section).or_default();
            let key = default.split(' ').next().unwrap_or_default();
            if !text.contains(key) {
                text.push_str(default);
            }
        }
        let text: String = sections
            .iter()
            .map(|(name, lines)| format!("[{name}]\n{lines}\n"))
            .collect();
        fs::write(self.config_path(), text).expect("a configuration");
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.config_path(), fs::Permissions::from_mode(0o600))
            .expect("permissions");
        self.config_path()
    }

    /// A command of the binary, with this scene's configuration.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        // tests/interop/backup.sh names the release build.
        let binary = std::env::var_os("AVATAR_BINARY")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_scp-079-avatar").into());
        let mut command = Command::new(binary);
        command
            .arg(subcommand)
            .arg("--config")
            .arg(self.write_config())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Starts the daemon and does not wait for anything.
    pub(crate) fn launch(&mut self) {
        let command = self.command("run");
        self.launch_as(command);
    }

    /// Starts the daemon by a command of the test's own.
    pub(crate) fn launch_as(&mut self, mut command: Command) {
        assert!(self.daemon.is_none(), "it runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log");
        command.stderr(log).stdout(Stdio::null());
        self.daemon = Some(command.spawn().expect("the binary"));
        self.starts += 1;
    }

    /// Starts the daemon, and waits until it has said that it is online.
    pub(crate) fn start(&mut self) {
        self.launch();
        let starts = self.starts;
        let channel = self.posts_go_to();
        self.wait_for("the online report", |world| {
            world
                .posts(channel)
                .iter()
                .filter(|post| is_report(post, "online"))
                .count()
                >= starts
        });
    }

    /// Kills the daemon at once, as a crash or the kernel would.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("it runs");
        daemon.kill().expect("killed");
        daemon.wait().expect("waited for");
    }

    /// Ends the daemon as systemd does, and returns what it ended with.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).expect("signalled");
        let mut daemon = self.daemon.take().expect("it runs");
        daemon.wait().expect("waited for")
    }

    /// Waits for the daemon to end by itself, and returns its exit code and its log.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let daemon = self.daemon.take().expect("it runs");
        let (code, ..) = said_by(daemon);
        (code, self.log())
    }

    /// The running daemon's process.
    pub(crate) fn pid(&self) -> Pid {
        let daemon = self.daemon.as_ref().expect("it runs");
        let pid = i32::try_from(daemon.id()).ok().and_then(Pid::from_raw);
        pid.expect("a pid")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Waits until something holds in the simulator's world, looked at again at each change.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&World) -> bool) {
        let waited = self.sim.wait(|world| holds(world).then_some(()), PATIENCE);
        if waited.is_err() {
            panic!("waited in vain for {what}\n{}", self.log());
        }
    }

    /// Waits until the channel HIDE holds that many photos, and returns them.
    pub(crate) fn wait_for_photos(&self, count: usize) -> Vec<Avatar> {
        let channel = self.posts_go_to();
        self.wait_for(&format!("{count} photos"), |world| {
            let posts = world.posts(channel);
            posts.iter().filter(|post| is_photo(post)).count() >= count
        });
        self.photos()
    }

    /// EXCHANGE, where there is one, else HIDE.
    pub(crate) fn posts_go_to(&self) -> i64 {
        self.others_may_write.first().copied().unwrap_or(self.hide)
    }

    /// The photos that were posted, opened.
    pub(crate) fn photos(&self) -> Vec<Avatar> {
        self.photos_in(self.posts_go_to())
    }

    pub(crate) fn photos_in(&self, channel: i64) -> Vec<Avatar> {
        self.sim
            .posts(channel)
            .into_iter()
            .filter(is_photo)
            .map(Avatar::of)
            .collect()
    }

    /// The status reports with this word that were posted.
    pub(crate) fn reports(&self, word: &str) -> Vec<Post> {
        self.sim
            .posts(self.posts_go_to())
            .into_iter()
            .filter(|post| is_report(post, word))
            .collect()
    }

    /// What became of the joins, by user, from `state.db` alone.
    pub(crate) fn outcomes(&self) -> BTreeMap<i64, Vec<String>> {
        let mut outcomes: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (user, outcome) in self.query(
            "SELECT user_id, outcome FROM joins ORDER BY group_id, message_id",
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        ) {
            outcomes.entry(user).or_default().push(outcome);
        }
        outcomes
    }

    /// Waits until a user's latest join has this outcome.
    pub(crate) fn wait_for_outcome(&self, user: i64, outcome: &str) {
        self.poll(&format!("{user} to be {outcome}"), || {
            let outcomes = self.outcomes();
            outcomes
                .get(&user)
                .and_then(|all| all.last())
                .map(String::as_str)
                == Some(outcome)
        });
    }

    /// Waits until a query of `state.db` gives at least that many rows.
    pub(crate) fn wait_for_state(&self, sql: &str, count: usize) {
        self.poll(sql, || self.query(sql, |_| Ok(())).len() >= count);
    }

    /// Looks at `state.db` until something holds there: the one thing that tells nobody of its changes.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's patience, not a measure"
    )]
    pub(crate) fn poll(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                std::time::Instant::now() < deadline,
                "waited in vain for {what}: {:?}\n{}",
                self.outcomes(),
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Reads `state.db` beside the daemon.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let Ok(database) = Connection::open_with_flags(self.state(), flags) else {
            return Vec::new();
        };
        database.busy_timeout(PATIENCE).expect("a timeout");
        let Ok(mut statement) = database.prepare(sql) else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| read(row)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// Ends the test: stops the daemon, and fails on what nobody expected.
    pub(crate) fn finish(mut self) {
        // What is posted is settled in the database a moment later.
        if self.daemon.is_some() {
            self.poll("everything to be settled", || self.unsettled().is_empty());
            let status = self.stop();
            assert_eq!(status.code(), Some(0), "{}", self.log());
        }
        assert_eq!(
            self.sim.failures(),
            Vec::<String>::new(),
            "the simulator saw what it must not\n{}",
            self.log()
        );
        let strange: BTreeSet<&str> = self
            .sim
            .calls()
            .iter()
            .map(|call| call.method)
            .filter(|method| !PERMITTED.contains(method) && !CONNECTING.contains(method))
            .collect();
        assert!(
            strange.is_empty(),
            "calls that are not on the list: {strange:?}"
        );
        for (chat, post) in self.sim.posts_by_account() {
            assert!(
                chat == self.hide || self.others_may_write.contains(&chat),
                "wrote to {chat}: {post:?}"
            );
        }
        assert_eq!(self.unsettled(), Vec::<String>::new(), "{}", self.log());
        let spool = self.data_dir().join("spool");
        let left: Vec<_> = fs::read_dir(&spool)
            .map(|files| files.map(|file| file.expect("a file").path()).collect())
            .unwrap_or_default();
        assert_eq!(left, Vec::<PathBuf>::new(), "left in the spool");
    }

    /// What is still owed.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        let mut rows = self.query(
            "SELECT kind || ' ' || COALESCE(purpose, list, user_id) || ' ' || state FROM outbox WHERE state NOT IN ('sent', 'dropped')",
            |row| row.get(0),
        );
        rows.extend(self.query(
            "SELECT user_id || ' ' || outcome FROM joins WHERE outcome IN ('lookup', 'queued')",
            |row| row.get(0),
        ));
        rows
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // A failed test leaves no daemon behind.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// A photo as it arrived in HIDE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Avatar {
    pub(crate) group: i64,
    pub(crate) user: i64,
    pub(crate) message: i64,
    pub(crate) image: Vec<u8>,
    pub(crate) random_id: i64,
}

impl Avatar {
    fn of(post: Post) -> Self {
        let file = post.file.expect("a file");
        assert_eq!(file.mime, "application/octet-stream");
        assert!(file.force_file);
        assert_eq!(file.name.len(), 8, "{}", file.name);
        let caption: serde_json::Value = serde_json::from_str(&post.text).expect("JSON");
        assert_eq!(caption["from"], "AVATAR");
        assert_eq!(caption["to"][0], "NOSPAM");
        assert_eq!(caption["action"], "update");
        assert_eq!(caption["type"], "avatar");
        let number = |key: &str| caption["data"][key].as_i64().expect("a number");
        Self {
            group: number("group_id"),
            user: number("user_id"),
            message: number("message_id"),
            image: unsealed(&file.bytes),
            random_id: post.random_id,
        }
    }
}

fn is_photo(post: &Post) -> bool {
    post.by_account && post.file.is_some()
}

fn is_report(post: &Post, word: &str) -> bool {
    post.by_account && post.file.is_none() && post.text.contains(&format!("\"{word}\""))
}

/// Opens a sealed file of this scene.
pub(crate) fn unsealed(bytes: &[u8]) -> Vec<u8> {
    thread_local! {
        static OPENER: std::cell::RefCell<Opener> =
            std::cell::RefCell::new(Opener::new(&PASSWORD.into()));
    }
    OPENER.with_borrow_mut(|opener| opener.open_bytes(bytes).expect("a sealed file"))
}

/// Somebody with a photo, shown whole.
pub(crate) fn somebody(name: &str) -> UserSpec {
    UserSpec::new(name).photo(PhotoSpec::jpeg().size(160, 160))
}

/// What a finished command said, and its exit code.
pub(crate) fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    said_by(piped.spawn().expect("the binary"))
}

/// The same of one that was started with its outputs piped; its input ends here.
pub(crate) fn said_by(mut child: Child) -> (Option<i32>, String, String) {
    drop(child.stdin.take());
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(PATIENCE) else {
        kill_process(pid.expect("a pid"), Signal::KILL).expect("signalled");
        let output = end.recv().expect("killed").expect("its output");
        let log = String::from_utf8_lossy(&output.stderr);
        panic!("waited in vain for its end\n{log}");
    };
    let output = output.expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .expect("readable");
    bytes
}
