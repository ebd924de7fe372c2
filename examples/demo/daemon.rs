//! The daemon: the program's own entry point in a process of its own, and its `state.db`, read beside it.
//!
//! The database rather than the log tells what became of a join: it is what the daemon itself goes by
//! after a crash, while the words of a log line may change any day.

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

/// The name under which this executable is the daemon.
pub(crate) const NAME: &str = "scp-079-avatar";
/// The password that seals the photos.
pub(crate) const PASSWORD: &str = "a password for the demo";
/// How long a reader of the database waits for its writer.
const BUSY: Duration = Duration::from_secs(5);

/// Is the daemon: what `scp-079-avatar` does with the same arguments.
pub(crate) fn main() -> ExitCode {
    // A demo that is killed outright cannot end its daemon, but its end of this pipe closes.
    thread::spawn(|| {
        let gone = io::copy(&mut io::stdin().lock(), &mut io::sink());
        if gone.is_ok() {
            // A failure would mean that this very process is gone.
            let _ = kill_process(getpid(), Signal::TERM);
        }
    });
    scp_079_avatar::cli::main()
}

/// Which join: bare group, message, user.
pub(crate) type JoinKey = (i64, i64, i64);

/// A running daemon; it is killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    data_dir: PathBuf,
    database: Option<Connection>,
}

impl Daemon {
    /// Starts it in `directory`, logged in to the simulator, posting in `hide` without a pause.
    pub(crate) fn start(directory: &Path, sim: &Simulator, hide: i64) -> anyhow::Result<Self> {
        let data_dir = directory.join("data");
        DirBuilder::new()
            .mode(0o700)
            .create(&data_dir)
            .context("cannot make the data directory")?;
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
            // A Ctrl-C is for the demo alone, which then ends the daemon.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).context("cannot make the log")?)
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

    /// Returns how it ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks it to end, as systemd does.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("the daemon has no process id")?;
        kill_process(pid, Signal::TERM).context("cannot signal the daemon")
    }

    /// Returns the last lines of its log.
    pub(crate) fn last_words(&self) -> Vec<String> {
        const LINES: usize = 12;
        let log = match fs::read(&self.log) {
            Ok(log) => log,
            Err(error) => return vec![format!("its log cannot be read: {error}")],
        };
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let skip = lines.len().saturating_sub(LINES);
        lines[skip..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// Returns how many groups it has whose administrators it does not know yet.
    pub(crate) fn groups_to_learn(&mut self) -> anyhow::Result<i64> {
        self.count("SELECT COUNT(*) FROM ledger WHERE kind = 'group' AND admins_at IS NULL")
    }

    /// Returns how much it still owes: joins to decide on, photos and reports to post.
    pub(crate) fn enqueue(&mut self) -> anyhow::Result<i64> {
        self.count(
            "SELECT (SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'dropped'))
                  + (SELECT COUNT(*) FROM joins WHERE outcome IN ('lookup', 'queued'))",
        )
    }

    /// Returns what became of one join, once that is settled.
    pub(crate) fn outcome(&mut self, join: JoinKey) -> anyhow::Result<Option<String>> {
        Ok(self.outcomes(join.0)?.remove(&join))
    }

    /// Returns what became of the joins of a group that are settled.
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

    /// Returns the names of the files that it left in its spool.
    pub(crate) fn spool(&self) -> anyhow::Result<Vec<String>> {
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
            database.busy_timeout(BUSY)?;
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
        // Both only fail on a process that is gone already.
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
# Telegram would not put up with this pace; the simulator does.\n[delivery]\nmin_interval_ms = 0\n"
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
