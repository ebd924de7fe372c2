//! The daemon's process, and other runs of the binary to their end.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::{Scene, TIMEOUT};

impl Scene {
    /// Returns a command of the binary with this scene's configuration.
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
        self.launch_with(command);
    }

    /// Starts the daemon with this command and does not wait for anything.
    pub(crate) fn launch_with(&mut self, mut command: Command) {
        assert!(self.daemon.is_none(), "the daemon runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log");
        command.stderr(log).stdout(Stdio::null());
        self.daemon = Some(command.spawn().expect("the binary"));
        self.launches += 1;
    }

    /// Starts the daemon as if ten minutes had passed since its last start, and waits for its online report.
    pub(crate) fn start(&mut self) {
        const POST: &str = "messages.sendMessage";
        let calls = self.sim.calls_of(POST).len();
        let sent = self.sent_online_reports();
        if sent > 0 {
            self.age_online_reports();
        }
        self.launch();
        self.wait_for_call(POST, calls + 1);
        self.poll("the online report", || self.sent_online_reports() > sent);
    }

    /// Makes the online reports look as if they had been posted ten minutes earlier, so that the next start posts one.
    pub(crate) fn age_online_reports(&self) {
        self.execute("UPDATE outbox SET settled_at = settled_at - 600 WHERE purpose = 'online'");
    }

    /// Makes a scene with small photos, whose daemon is online.
    pub(crate) fn started() -> Self {
        let mut scene = Self::with_photo_size(64);
        scene.start();
        scene
    }

    /// Starts the daemon, and waits for its online report and for the end of its first dialog sync.
    pub(crate) fn start_and_sync(&mut self) {
        self.start();
        self.wait_for_rows("SELECT 1 FROM settings WHERE key = 'first_census'", 1);
    }

    /// Kills the daemon with SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon");
        daemon.kill().expect("killed");
        daemon.wait().expect("an exit status");
    }

    /// Ends the daemon with SIGTERM, as systemd does, and returns its exit status.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).expect("signalled");
        let mut daemon = self.daemon.take().expect("a daemon");
        daemon.wait().expect("an exit status")
    }

    /// Waits until the daemon ends by itself, and returns its exit code and its log.
    pub(crate) fn wait_for_exit(&mut self) -> (Option<i32>, String) {
        let daemon = self.daemon.take().expect("a daemon");
        let (code, ..) = wait_for_output(daemon);
        (code, self.log())
    }

    /// Returns the id of the daemon's process.
    pub(crate) fn pid(&self) -> Pid {
        pid_of(self.daemon.as_ref().expect("a daemon"))
    }

    /// Returns what the daemon has logged, over all its runs.
    pub(crate) fn log(&self) -> String {
        if self.launches == 0 {
            return String::new();
        }
        fs::read_to_string(self.log_path()).expect("the log")
    }
}

/// Runs a command to its end; returns its exit code, standard output and standard error.
pub(crate) fn output_of(command: &mut Command) -> (Option<i32>, String, String) {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    wait_for_output(piped.spawn().expect("the binary"))
}

/// Waits for a child to end, whose standard input is closed first; returns its exit code, standard output and
/// standard error.
pub(crate) fn wait_for_output(mut child: Child) -> (Option<i32>, String, String) {
    drop(child.stdin.take());
    let pid = pid_of(&child);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(TIMEOUT) else {
        kill_process(pid, Signal::KILL).expect("signalled");
        let output = receiver.recv().expect("killed").expect("its output");
        let log = String::from_utf8_lossy(&output.stderr);
        panic!("the process did not end in time\n{log}");
    };
    let output = output.expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

pub(super) fn pid_of(child: &Child) -> Pid {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.expect("a process id")
}

/// Returns the path of another program of this workspace, in the profile of this test: `telegram-sim`, or an example
/// such as `examples/demo`. `cargo test` builds all of them; a run of this test alone builds those that are missing.
pub(crate) fn built_program(name: &str) -> PathBuf {
    static BUILD: Mutex<()> = Mutex::new(());
    let directory = Path::new(env!("CARGO_BIN_EXE_scp-079-avatar")).parent();
    let directory = directory.expect("the directory of a profile");
    let path = directory.join(name);
    let _building = BUILD.lock().expect("no build has panicked");
    if !path.exists() {
        let profile = match directory.file_name().and_then(OsStr::to_str) {
            Some("debug") => "dev",
            profile => profile.expect("the name of a profile"),
        };
        let (kind, target) = match name.strip_prefix("examples/") {
            Some(example) => ("--example", example),
            None => ("--bin", name),
        };
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--workspace", "--profile", profile]);
        build
            .args([kind, target])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(
            build.status().expect("cargo").success(),
            "{name} is not built"
        );
    }
    path
}
