//! The way from nothing to a service that README.md describes, and the unit of that service.
//!
//! The steps run in a directory that stands for the repository, against the simulator's program. Those of root run in
//! a directory that stands for `/`, and without changes of owner.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use scp_079_avatar::config::Environment;
use serde_json::Value;
use tempfile::TempDir;

use super::console::{assert_quoted, examples, outputs_of, shapes};
use super::readme::{SIMULATOR, STEPS};
use super::{README, cells, code_spans, filled_in, page, read, root, rows, section};
use crate::harness::{
    TIMEOUT, assert_contains, assert_in_order, built_program, output_of, wait_for_output,
};

/// The commands that install, start and show the service, in the order of README.md.
pub(super) const INSTALLATION: [&str; 16] = [
    "install -Dm 644 systemd/scp-079-avatar.sysusers.conf /etc/sysusers.d/scp-079-avatar.conf",
    "systemd-sysusers",
    "install -m 755 target/release/scp-079-avatar /usr/local/bin/",
    "install -m 644 systemd/*.service /etc/systemd/system/",
    "install -d -m 755 /etc/scp-079-avatar",
    "install -o scp-079-avatar -m 600 config.toml /etc/scp-079-avatar/main.toml",
    "install -d -o scp-079-avatar -g scp-079-avatar -m 700 /var/lib/scp-079-avatar/main",
    "mv data/* /var/lib/scp-079-avatar/main/",
    "chown -R scp-079-avatar:scp-079-avatar /var/lib/scp-079-avatar/main",
    "runuser -u scp-079-avatar -- scp-079-avatar check -i main",
    "runuser -u scp-079-avatar -- scp-079-avatar login -i main",
    "systemctl daemon-reload",
    "systemctl enable --now scp-079-avatar@main",
    "journalctl -u scp-079-avatar@main -f",
    "scp-079-avatar status -i main",
    "scp-079-avatar why 6500000112 -i main",
];
/// The commands that no test runs, because the tests have no service manager and no other user.
const NOT_RUN: [&str; 4] = ["systemd-sysusers", "chown", "systemctl", "journalctl"];
const UNIT: &str = "systemd/scp-079-avatar@.service";
const FAILURE_UNIT: &str = "systemd/scp-079-avatar-failure@.service";
const SYSUSERS: &str = "systemd/scp-079-avatar.sysusers.conf";
/// The joins come faster than those of README.md, so that the test takes less time.
const SECONDS_BETWEEN_JOINS: &str = "0.2";

/// Returns the values of the unit's settings, by name. `%i` is replaced by the name of README.md's instance.
fn unit() -> BTreeMap<String, String> {
    let text = read(&root().join(UNIT));
    let settings = text.lines().filter(|line| !line.starts_with('#'));
    let settings = settings.filter_map(|line| line.split_once('='));
    settings
        .map(|(name, value)| (name.to_owned(), value.replace("%i", "main")))
        .collect()
}

/// The directories of the walk, and the processes in it, which end with it.
struct Host {
    directory: TempDir,
    processes: Vec<Child>,
}

impl Host {
    fn new() -> Self {
        let host = Self {
            directory: tempfile::tempdir().expect("a directory"),
            processes: Vec::new(),
        };
        for directory in [
            "repository/target/release",
            "root/usr/local/bin",
            "root/etc/systemd/system",
        ] {
            fs::create_dir_all(host.path(directory)).expect("a directory");
        }
        let binary = env!("CARGO_BIN_EXE_scp-079-avatar");
        let built = "repository/target/release/scp-079-avatar";
        symlink(binary, host.path(built)).expect("a link");
        for name in ["config.example.toml", "systemd"] {
            let link = host.path("repository").join(name);
            symlink(root().join(name), link).expect("a link");
        }
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the path below the directory that stands for `/`.
    fn staged(&self, absolute: &str) -> String {
        self.path("root").display().to_string() + absolute
    }

    /// Returns a shell command in the repository. Its process is that of the last program.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.path("repository"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of README.md, which has to succeed; returns its output.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let (code, out, err) = output_of(&mut self.shell(line));
        assert_eq!(code, Some(0), "{line}\n{out}{err}");
        out
    }

    /// Runs a command of root in the directory that stands for `/`, unless it is one of [`NOT_RUN`].
    #[track_caller]
    fn run_as_root(&self, line: &str) {
        if NOT_RUN.contains(&line.split(' ').next().expect("a word")) {
            return;
        }
        let as_user = "runuser -u scp-079-avatar -- ";
        let line = line.strip_prefix(as_user).unwrap_or(line);
        let line = line.replace("-i main", "--config /etc/scp-079-avatar/main.toml");
        let mut words = line.split(' ').peekable();
        let mut staged = Vec::new();
        while let Some(word) = words.next() {
            match word {
                "-o" | "-g" => drop(words.next()),
                "scp-079-avatar" => staged.push(self.staged("/usr/local/bin/scp-079-avatar")),
                word if word.starts_with('/') => staged.push(self.staged(word)),
                word => staged.push(word.to_owned()),
            }
        }
        self.run(&staged.join(" "));
    }

    /// Starts the simulator as README.md does; returns the line that it prints.
    fn start_simulator(&mut self) -> String {
        let (_, arguments) = SIMULATOR.split_once(" -- ").expect("arguments");
        let arguments = arguments.replace("-every 5", &format!("-every {SECONDS_BETWEEN_JOINS}"));
        let program = built_program("telegram-sim");
        let mut command = self.shell(&format!("exec {} {arguments}", program.display()));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut simulator = command.spawn().expect("the simulator");
        let mut line = String::new();
        let out = simulator.stdout.as_mut().expect("piped");
        let read = BufReader::new(out).read_line(&mut line);
        read.expect("a line");
        self.processes.push(simulator);
        line
    }

    /// Runs the daemon until it has logged `words`, interrupts it, and returns its log.
    fn run_daemon_until(&mut self, command: &str, words: &str) -> String {
        let mut command = self.shell(&format!("exec {command}"));
        let mut daemon = command.stderr(Stdio::piped()).spawn().expect("the binary");
        let pid = i32::try_from(daemon.id()).ok().and_then(Pid::from_raw);
        let lines = BufReader::new(daemon.stderr.take().expect("piped")).lines();
        self.processes.push(daemon);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut log = String::new();
        let mut is_interrupted = false;
        // The channel closes with the daemon's end.
        loop {
            match receiver.recv_timeout(TIMEOUT) {
                Ok(line) => log += &format!("{line}\n"),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no {words:?} in time\n{log}"),
            }
            if !is_interrupted && log.contains(words) {
                kill_process(pid.expect("a process id"), Signal::INT).expect("signalled");
                is_interrupted = true;
            }
        }
        let daemon = self.processes.pop().expect("the daemon");
        let (code, ..) = wait_for_output(daemon);
        assert_eq!(code, Some(0), "{log}");
        assert!(is_interrupted, "no {words:?} in\n{log}");
        log
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // Both calls fail only if the process has ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[test]
fn the_readme_leads_from_nothing_to_a_service() {
    let mut host = Host::new();
    let [version, copy, check, login, run, mkdir] = STEPS;
    host.run(mkdir);
    let printed = host.start_simulator();
    assert_quoted(&outputs_of(README, SIMULATOR)[0], &printed);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");

    host.run(version);
    host.run(copy);
    let hide = printed["hide_channel_id"].as_i64().expect("an id");
    fs::write(host.path("repository/config.toml"), filled_in(hide)).expect("written");
    host.run(check);
    assert_contains(&host.run(login), &["Already logged in"]);
    let log = host.run_daemon_until(run, " forwarded ");
    let quoted = outputs_of(README, run).remove(0);
    let (started, ended) = quoted.split_once("^C\n").expect("an interrupt");
    let quoted = [started, ended].concat().replace("…\n", "");
    let (quoted, log) = (shapes(&quoted), shapes(&log).join("\n"));
    assert_in_order(&log, &Vec::from_iter(quoted.iter().map(String::as_str)));

    for (index, command) in INSTALLATION.iter().enumerate() {
        host.run_as_root(command);
        match index {
            // The default of `data_dir` holds for the real `/etc`.
            5 => {
                let path = host.path("root/etc/scp-079-avatar/main.toml");
                let data_dir = host.staged("/var/lib/scp-079-avatar/main");
                let text = read(&path);
                let edited =
                    text.replace("#data_dir = \"data\"", &format!("data_dir = {data_dir:?}"));
                assert_ne!(edited, text);
                fs::write(path, edited).expect("written");
            }
            // `systemctl enable --now` starts the unit's command.
            12 => {
                for (installed, file) in [
                    ("systemd/system/scp-079-avatar@.service", UNIT),
                    (
                        "systemd/system/scp-079-avatar-failure@.service",
                        FAILURE_UNIT,
                    ),
                    ("sysusers.d/scp-079-avatar.conf", SYSUSERS),
                ] {
                    let installed = host.path("root/etc").join(installed);
                    assert_eq!(read(&installed), read(&root().join(file)));
                }
                let start = unit_command(&host);
                host.run_daemon_until(&start, " watching ");
            }
            _ => {}
        }
    }
    for example in examples(&page("operations.md")) {
        host.run_as_root(&example.command);
    }
    assert!(host.path("repository/avatar-main.tar.gz").exists());
}

/// Returns the command of the installed unit, in the directory that stands for `/`.
fn unit_command(host: &Host) -> String {
    let words = unit()["ExecStart"].replace("-i main", "--config /etc/scp-079-avatar/main.toml");
    let words = words.split(' ').map(|word| match word.starts_with('/') {
        true => host.staged(word),
        false => word.to_owned(),
    });
    Vec::from_iter(words).join(" ")
}

#[test]
fn the_unit_has_the_paths_and_the_user_of_the_readme() {
    let unit = unit();
    let sysusers = read(&root().join(SYSUSERS));
    let user = sysusers.lines().find_map(|line| line.strip_prefix("u "));
    let user = user.and_then(|user| user.split(' ').next());
    assert_eq!(user, Some(unit["User"].as_str()));
    assert_eq!(unit["User"], unit["Group"]);
    let start = "/usr/local/bin/scp-079-avatar run -i main";
    assert_eq!(unit["ExecStart"], start);
    // `-i main` and its data directory without `data_dir`, for the service and for the commands of the operator.
    let environment = Environment::rooted(Path::new("/"));
    let config = environment.service_config("main");
    assert!(INSTALLATION[5].ends_with(&config.display().to_string()));
    let data_dir = format!("/var/lib/{}", unit["StateDirectory"]);
    assert_eq!(environment.default_data_dir(&config), Path::new(&data_dir));
    assert!(README.contains(&data_dir), "README.md has no {data_dir}");
    // The head of the unit repeats the commands, with the files beside it.
    let text = read(&root().join(UNIT));
    let head: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("#   "))
        .collect();
    let readme = INSTALLATION.map(|command| {
        command
            .replace("target/release/", "")
            .replace(" systemd/", " ")
    });
    assert!(head.len() > 5, "{head:?}");
    for command in head {
        assert!(readme.iter().any(|shown| shown == command), "{command}");
    }
}

#[test]
fn uninstalling_removes_each_file_that_the_installation_makes() {
    let upgrading = page("upgrading.md");
    let uninstall = section(&upgrading, "## Uninstall");
    let removed: BTreeSet<&str> = uninstall.split_whitespace().collect();
    assert!(removed.contains("/usr/local/bin/scp-079-avatar"));
    for entry in fs::read_dir(root().join("systemd")).expect("units") {
        let name = entry.expect("a file").file_name();
        let name = name.to_str().expect("a name");
        let installed = match name.strip_suffix(".sysusers.conf") {
            Some(user) => format!("/etc/sysusers.d/{user}.conf"),
            None => format!("/etc/systemd/system/{name}"),
        };
        assert!(removed.contains(installed.as_str()), "{installed}");
    }
}

#[test]
fn the_unit_does_not_restart_after_the_exit_codes_that_are_documented_so() {
    let operations = page("operations.md");
    let codes = rows(section(&operations, "## Exit codes"));
    let documented: BTreeSet<&str> = codes
        .iter()
        .filter(|row| row[3].contains("does not start it again"))
        .map(|row| row[0])
        .collect();
    let unit = unit();
    let prevented = unit["RestartPreventExitStatus"].split(' ').collect();
    assert_eq!(documented, prevented);
    assert_eq!(unit["Restart"], "always");
}

#[test]
fn the_unit_names_the_unit_that_reports_its_failure() {
    let reported = unit()["OnFailure"].replace("@main", "@");
    let path = root().join("systemd").join(reported);
    assert_eq!(path, root().join(FAILURE_UNIT));
    assert_contains(&read(&path), &["journalctl -u scp-079-avatar@%i"]);
}

#[test]
fn the_unit_can_pass_each_secret_by_a_credential() {
    let configuration = page("configuration.md");
    let sources = section(&configuration, "## Secrets");
    let row = sources
        .lines()
        .find(|line| line.contains("systemd credential"));
    let names = cells(row.expect("the credentials"))[2];
    let documented: BTreeSet<&str> = code_spans(names).into_iter().collect();
    let text = read(&root().join(UNIT));
    let passed = text
        .lines()
        .filter_map(|line| line.strip_prefix("#LoadCredential="));
    let passed: BTreeSet<&str> = passed
        .filter_map(|credential| credential.split(':').next())
        .collect();
    assert_eq!(passed, documented);
}
