//! The two ends that take minutes: a key that the home data centre does not know for ten minutes, and the file of an
//! order that does not come for five.
//!
//! `tests/interop/long_waits.sh` builds and runs it against the release build. Both happen at the same time, each to a
//! process of its own. The exit code is 0 only if the first process ends with 77, one sentence and an unchanged key,
//! and the second one refuses the order and then carries out the next one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use rusqlite::{Connection, OptionalExtension as _};
use scp_079_avatar::exchange::format_data;
use serde_json::json;
use telegram_sim::{Fault, Framing, HOME_DC, Match, Simulator, World, bot_api_id};
use tempfile::TempDir;

/// The time that each wait may take: more than the program may need for the longest one.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
const TICK: Duration = Duration::from_millis(500);

/// Lets a key be unknown for ten minutes, and the file of an order hang for five.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
}

fn main() -> ExitCode {
    let Arguments { binary } = Arguments::parse();
    let results = thread::scope(|scope| {
        let key = scope.spawn(|| key_is_unknown(&binary).context("the unknown key"));
        let file = scope.spawn(|| file_hangs(&binary).context("the file that hangs"));
        [key, file].map(|thread| thread.join().expect("no panic"))
    });
    let mut code = ExitCode::SUCCESS;
    for error in results.into_iter().filter_map(Result::err) {
        print(&format!("failed: {error:#}"));
        code = ExitCode::FAILURE;
    }
    code
}

/// Answers every packet to the home data centre with −404 until the program ends.
fn key_is_unknown(binary: &Path) -> anyhow::Result<()> {
    let mut process = Process::start(binary)?;
    let before = process.home_key()?;
    let sim = &process.sim;
    sim.send_transport_errors(HOME_DC, -404, Framing::Framed);
    sim.cut_all();
    let begun = sim.read(World::elapsed);
    let status = process.wait_for_exit()?;
    let took = process.sim.read(World::elapsed) - begun;
    let log = process.log()?;
    let sentences: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("does not know this session's authorization key"))
        .collect();
    ensure!(status.code() == Some(77), "{status}\n{log}");
    ensure!(sentences.len() == 1, "{} sentences\n{log}", sentences.len());
    ensure!(process.home_key()? == before, "the key was changed");
    ensure!(
        took >= Duration::from_secs(600),
        "it ended after {took:.0?} already"
    );
    print(&format!(
        "an unknown key ended the program after {took:.0?}, and {} refused packets: {}",
        process.sim.read(World::transport_errors),
        sentences[0]
    ));
    Ok(())
}

/// Holds every download while an order comes with a file, until the program has decided on the order.
fn file_hangs(binary: &Path) -> anyhow::Result<()> {
    let process = Process::start(binary)?;
    let Process { sim, hide, .. } = &process;
    sim.fault(Match::method("upload.getFile"), Fault::HoldBefore);
    let post = |from: &str, kind: (&str, &str), data, file| {
        let text = format_data(from, &["AVATAR"], kind.0, kind.1, &data);
        sim.post(*hide, sim.owner(), &text, file)
    };
    let file = Some(("file", [7_u8; 1000].as_slice()));
    let first = post("REGEX", ("regex", "update"), json!("nm_words"), file);
    let begun = sim.read(World::elapsed);
    let data = json!({"id": 5_000_000_001_i64, "type": "user"});
    let second = post("NOSPAM", ("add", "bad"), data, None);
    let refused = process.wait_for_verdict(first)?;
    let took = sim.read(World::elapsed) - begun;
    ensure!(
        refused.contains("its file could not be fetched within 5 minutes"),
        "the order was {refused}"
    );
    let obeyed = process.wait_for_verdict(second)?;
    ensure!(obeyed == "obeyed", "the next order was {obeyed}");
    print(&format!(
        "an order whose file hangs was refused after {took:.0?}: {refused}"
    ));
    Ok(())
}

/// A process of the program with a simulator of its own. It is killed when dropped.
struct Process {
    sim: Simulator,
    hide: i64,
    directory: TempDir,
    child: Child,
}

impl Process {
    /// Starts the program, and waits for its online report.
    fn start(binary: &Path) -> anyhow::Result<Self> {
        let sim = Simulator::start(telegram_sim::Options::default())?;
        let hide = sim.add_channel("HIDE", true);
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        fs::DirBuilder::new().mode(0o700).create(&data)?;
        sim.write_session(data.join("account.session"))?;
        let config = directory.path().join("config.toml");
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&config)?;
        write!(
            file,
            "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
             [channels]\nhide_channel_id = {}\n\
             [encrypt]\npassword = \"correct horse\"\n",
            bot_api_id(hide)
        )?;
        let log = File::create(directory.path().join("log"))?;
        let child = Command::new(binary)
            .args(["run", "--config"])
            .arg(config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let process = Self {
            sim,
            hide,
            directory,
            child,
        };
        process
            .sim
            .wait_for_posts(hide, 1, Duration::from_secs(60))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(process)
    }

    fn data_file(&self, name: &str) -> PathBuf {
        self.directory.path().join("data").join(name)
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.directory.path().join("log"))?)
    }

    fn home_key(&self) -> anyhow::Result<Vec<u8>> {
        let database = Connection::open(self.data_file("account.session"))?;
        let sql = "SELECT auth_key FROM dc_option WHERE dc_id = ?1";
        Ok(database.query_row(sql, [HOME_DC], |row| row.get(0))?)
    }

    fn wait_for_exit(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = self.sim.read(World::elapsed) + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            self.tick(deadline)?;
        }
    }

    /// Waits until the program has decided on the order in this message; returns the verdict.
    fn wait_for_verdict(&self, message: i32) -> anyhow::Result<String> {
        let deadline = self.sim.read(World::elapsed) + TIMEOUT;
        let database = Connection::open(self.data_file("state.db"))?;
        database.busy_timeout(Duration::from_secs(10))?;
        let sql = "SELECT verdict FROM orders WHERE message_id = ?1";
        loop {
            let verdict = database
                .query_row(sql, [message], |row| row.get(0))
                .optional()?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
            self.tick(deadline)?;
        }
    }

    fn tick(&self, deadline: Duration) -> anyhow::Result<()> {
        if self.sim.read(World::elapsed) >= deadline {
            bail!("timed out\n{}", self.log()?);
        }
        thread::sleep(TICK);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn print(line: &str) {
    // A closed standard output is no reason to stop: the exit code says the result.
    let _ = writeln!(io::stdout(), "{line}");
}
