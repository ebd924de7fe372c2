//! The program under test: starts it, kills it, and starts it again when it has ended.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use telegram_sim::{Simulator, bot_api_id};

/// The exit codes after which systemd does not start the program again.
const FINAL_CODES: [i32; 3] = [64, 77, 78];

/// The process of the program, which is killed when dropped.
pub(crate) struct Daemon {
    binary: PathBuf,
    directory: PathBuf,
    pub(crate) child: Option<Child>,
    /// How often the program was started.
    pub(crate) starts: usize,
}

impl Daemon {
    /// Writes a configuration and a session into `directory`. The program waits at least `min_interval_ms` between two
    /// posts.
    pub(crate) fn new(
        binary: &Path,
        directory: &Path,
        sim: &Simulator,
        hide: i64,
        min_interval_ms: u32,
    ) -> anyhow::Result<Self> {
        let data = directory.join("data");
        fs::DirBuilder::new().mode(0o700).create(&data)?;
        sim.write_session(data.join("account.session"))?;
        let text = format!(
            "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n
             [channels]\nhide_channel_id = {}\n
             [encrypt]\npassword = \"correct horse\"\n
             [delivery]\npace = \"steady\"\nmin_interval_ms = {min_interval_ms}\n",
            bot_api_id(hide)
        );
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(directory.join("config.toml"))?;
        file.write_all(text.as_bytes())?;
        Ok(Self {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            child: None,
            starts: 0,
        })
    }

    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        let child = Command::new(&self.binary)
            .arg("run")
            .arg("--config")
            .arg(self.directory.join("config.toml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        self.child = Some(child);
        self.starts += 1;
        Ok(())
    }

    /// Starts the program again if it has ended, as systemd does.
    pub(crate) fn restart_if_ended(&mut self) -> anyhow::Result<()> {
        let Some(child) = &mut self.child else {
            return self.start();
        };
        let Some(status) = child.try_wait()? else {
            return Ok(());
        };
        if let Some(code) = status.code()
            && FINAL_CODES.contains(&code)
        {
            for line in self.log_tail()? {
                super::arrivals::print(&format!("daemon: {line}"));
            }
            bail!("the daemon ended with {code}, after which systemd does not start it again");
        }
        super::arrivals::print(&format!(
            "the daemon ended with {status} and is started again"
        ));
        self.start()
    }

    /// Kills the process, or ends it as systemd does, and starts it again.
    pub(crate) fn restart_after(&mut self, signal: Signal) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            kill_process(pid_of(&child)?, signal)?;
            child.wait()?;
        }
        self.start()
    }

    /// Ends the process as systemd does, and returns its exit code.
    pub(crate) fn stop(&mut self) -> anyhow::Result<Option<i32>> {
        let Some(mut child) = self.child.take() else {
            bail!("the daemon does not run");
        };
        kill_process(pid_of(&child)?, Signal::TERM)?;
        Ok(child.wait()?.code())
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> anyhow::Result<Vec<String>> {
        const LINES: usize = 40;
        let file = fs::File::open(self.log())?;
        let lines: Vec<String> = BufReader::new(file).lines().collect::<Result<_, _>>()?;
        Ok(lines[lines.len().saturating_sub(LINES)..].to_vec())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only if the process is gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pid_of(child: &Child) -> anyhow::Result<Pid> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.context("the daemon has no process id")
}
