//! Runs the daemon in a process of its own, and reads its `state.db`.
//!
//! The demo reads outcomes from the database rather than from the log, because the daemon itself relies
//! on the database after a crash.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, getpid, kill_process};
use telegram_sim::{Simulator, bot_api_id};

/// Under this name, the executable runs as the daemon.
pub(crate) const NAME: &str = "scp-079-avatar";
/// The password that seals the photos.
pub(crate) const PASSWORD: &str = "a password for the demo";
/// The time that a reader of the database waits for the writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs `scp-079-avatar` with the arguments of this process.
pub(crate) fn main() -> ExitCode {
    // A killed demo cannot stop its daemon, but its end of this pipe closes.
    thread::spawn(|| {
        let closed = io::copy(&mut io::stdin().lock(), &mut io::sink());
        if closed.is_ok() {
            // The signal fails only if this process is gone.
            let _ = kill_process(getpid(), Signal::TERM);
        }
    });
    scp_079_avatar::cli::main()
}

/// A join: bare group id, message id, user id.
pub(crate) type JoinKey = (i64, i64, i64);

/// A running daemon, which is killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    data_dir: PathBuf,
    database: Option<Connection>,
}

impl Daemon {
    /// Starts the daemon in `directory`, logged in to the simulator, posting in `hide` without pauses.
    pub(crate) fn start(directory: &Path, sim: &Simulator, hide: i64) -> anyhow::Result<Self> {
        let data_dir = directory.join("data");
        DirBuilder::new()
            .mode(0o700)
            .create(&data_dir)
            .context("cannot create the data directory")?;
        sim.write_session(data_dir.join("account.session"))
            .context("cannot write the session")?;
        let config = directory.join("config.toml");
        write_config(&config, hide).context("cannot write the configuration")?;
        let log = directory.join("log");
        let child = Command::new(std::env::current_exe().context("cannot find this executable")?)
            .arg0(NAME)
            .arg("run")
            .arg("--config")
            .arg(&config)
            .env_clear()
            // Ctrl-C must reach the demo alone, which then stops the daemon.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).context("cannot create the log")?)
            .spawn()
            .context("cannot start the daemon")?;
        Ok(Self {
            child,
            log,
            data_dir,
            database: None,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status if the daemon has exited.
    pub(crate) fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends SIGTERM, as systemd does.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("the daemon has no process id")?;
        kill_process(pid, Signal::TERM).context("cannot signal the daemon")
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> Vec<String> {
        const LINES: usize = 12;
        let log = match fs::read(&self.log) {
            Ok(log) => log,
            Err(error) => return vec![format!("the log cannot be read: {error}")],
        };
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let skip = lines.len().saturating_sub(LINES);
        lines[skip..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// Returns the number of groups whose administrators have not been read yet.
    pub(crate) fn groups_without_administrators(&mut self) -> anyhow::Result<i64> {
        self.count("SELECT COUNT(*) FROM ledger WHERE kind = 'group' AND admins_at IS NULL")
    }

    /// Returns the number of undecided joins and of unsettled outbox rows.
    pub(crate) fn unsettled(&mut self) -> anyhow::Result<i64> {
        self.count(
            "SELECT (SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'dropped'))
                  + (SELECT COUNT(*) FROM joins WHERE outcome IN ('lookup', 'queued'))",
        )
    }

    /// Returns the number of users and channels on the bad list.
    pub(crate) fn bad(&mut self) -> anyhow::Result<i64> {
        self.count("SELECT COUNT(*) FROM bad")
    }

    /// Returns the outcome of a settled join.
    pub(crate) fn outcome(&mut self, join: JoinKey) -> anyhow::Result<Option<String>> {
        Ok(self.outcomes(join.0)?.remove(&join))
    }

    /// Returns the outcomes of a group's settled joins.
    pub(crate) fn outcomes(&mut self, group: i64) -> anyhow::Result<HashMap<JoinKey, String>> {
        let mut statement = self.database()?.prepare_cached(
            "SELECT message_id, user_id, outcome FROM joins
             WHERE group_id = ?1 AND outcome NOT IN ('lookup', 'queued')",
        )?;
        let rows = statement.query_map([group], |row| {
            Ok(((group, row.get(0)?, row.get(1)?), row.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the names of the files in the spool.
    pub(crate) fn spooled_files(&self) -> anyhow::Result<Vec<String>> {
        let spool = self.data_dir.join("spool");
        let files = fs::read_dir(spool).context("cannot list the spool")?;
        files
            .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn count(&mut self, sql: &str) -> anyhow::Result<i64> {
        let database = self.database()?;
        Ok(database.query_row(sql, [], |row| row.get(0))?)
    }

    fn database(&mut self) -> anyhow::Result<&Connection> {
        if self.database.is_none() {
            let path = self.data_dir.join("state.db");
            let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
                .context("cannot open state.db")?;
            database.busy_timeout(BUSY_TIMEOUT)?;
            self.database = Some(database);
        }
        match &self.database {
            Some(database) => Ok(database),
            None => bail!("state.db is not open"),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_config(path: &Path, hide: i64) -> io::Result<()> {
    let hide = bot_api_id(hide);
    let text = format!(
        "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n
[channels]\nhide_channel_id = {hide}\n
[encrypt]\npassword = \"{PASSWORD}\"\n
# The simulator allows this pace; Telegram would not.\n[delivery]\npace = \"steady\"\nmin_interval_ms = 0\n"
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
