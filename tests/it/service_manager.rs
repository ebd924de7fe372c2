//! The program notifies the service manager that started it (docs/operations.md, "systemd").

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, TIMEOUT, assert_contains, entries, output_of};

/// The socket of a service manager, which gets the program's messages.
struct Manager {
    socket: UnixDatagram,
    /// All messages so far.
    messages: Vec<String>,
}

impl Manager {
    fn new(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        Self {
            socket,
            messages: Vec::new(),
        }
    }

    /// Makes a socket beside the data directory; returns its path as well.
    fn beside(scene: &Scene) -> (Self, PathBuf) {
        let path = scene.config_path().with_file_name("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        (Self::new(socket), path)
    }

    /// Returns the next message.
    #[track_caller]
    fn next(&mut self, scene: &Scene) -> &str {
        let mut message = [0; 4096];
        let received = self.socket.recv(&mut message);
        let Ok(length) = received else {
            panic!("no message: {:?}\n{}", self.messages, scene.log());
        };
        let message = String::from_utf8(message[..length].to_vec()).expect("UTF-8");
        self.messages.push(message);
        self.messages.last().expect("the message")
    }

    /// Returns true if a message so far contains `words`.
    fn has(&self, words: &str) -> bool {
        self.messages.iter().any(|message| message.contains(words))
    }

    /// Reads the messages that are there, and waits for none.
    fn drain(&mut self) {
        let mut message = [0; 4096];
        self.socket.set_nonblocking(true).expect("a mode");
        while self.socket.recv(&mut message).is_ok() {}
        self.socket.set_nonblocking(false).expect("a mode");
    }

    /// Returns true if the watchdog is fed before no message comes for this time.
    fn is_fed_within(&self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).expect("a timeout");
        let mut message = [0; 4096];
        let mut is_fed = false;
        while !is_fed {
            let Ok(length) = self.socket.recv(&mut message) else {
                break;
            };
            is_fed = &message[..length] == b"WATCHDOG=1";
        }
        self.socket
            .set_read_timeout(Some(TIMEOUT))
            .expect("a timeout");
        is_fed
    }

    /// Reads messages until one contains `words`, and returns that one.
    #[track_caller]
    fn wait_for(&mut self, scene: &Scene, words: &str) -> String {
        loop {
            let message = self.next(scene);
            if message.contains(words) {
                return message.to_owned();
            }
        }
    }
}

#[test]
fn the_program_is_ready_when_it_watches_and_announces_its_end() {
    let mut scene = Scene::new();
    let (mut manager, path) = Manager::beside(&scene);
    let list = Match::method("messages.getDialogs").once();
    scene.sim.fault(list, Fault::HoldBefore);
    let mut command = scene.command("run");
    command.env("NOTIFY_SOCKET", path);
    scene.launch_with(command);

    // The start asks for time while it waits for Telegram, in no fixed order with its first status.
    let first = [
        "EXTEND_TIMEOUT_USEC=120000000",
        "STATUS=connecting to Telegram",
    ];
    while !first.iter().all(|words| manager.has(words)) {
        manager.next(&scene);
    }
    scene.wait_for_call("messages.getDialogs", 1);
    assert!(!manager.has("READY=1"));
    assert!(!scene.log().contains("watching"));
    scene.sim.release();
    manager.wait_for(&scene, "READY=1");
    assert!(scene.log().contains("watching"));

    // The line follows the figures, and is not repeated while they stay the same.
    manager.wait_for(&scene, "STATUS=1 group, 0 photos wait, last answer");
    let posts = Match::method("messages.sendMedia");
    scene
        .sim
        .fault(posts, Fault::error(400, "CHAT_WRITE_FORBIDDEN"));
    scene.join_user();
    manager.wait_for(&scene, "STATUS=1 group, 1 photo waits, last answer");
    scene.sim.clear_faults();
    for pair in manager.messages.windows(2) {
        assert_ne!(pair[0], pair[1], "{:?}", manager.messages);
    }

    kill_process(scene.pid(), Signal::TERM).expect("signalled");
    manager.wait_for(&scene, "STOPPING=1");
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(0), "{log}");
    let count = |words| {
        manager
            .messages
            .iter()
            .filter(|m| m.contains(words))
            .count()
    };
    assert_eq!((count("READY=1"), count("STOPPING=1")), (1, 1));
    scene.execute("UPDATE outbox SET due_at = 0");
    scene.launch();
    scene.wait_for_photos(1);
    scene.finish();
}

#[test]
fn the_socket_may_have_an_abstract_name_and_the_status_names_a_wait_before_connecting() {
    let mut scene = Scene::new();
    let list = Match::method("messages.getDialogs");
    scene.sim.fault(list, Fault::error(400, "SOMETHING_NEW"));
    let (code, _, stderr) = output_of(&mut scene.command("run"));
    assert_eq!(code, Some(70), "{stderr}");
    scene.sim.clear_faults();

    let name = format!("avatar-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let mut manager = Manager::new(UnixDatagram::bind_addr(&address).expect("a socket"));
    let mut command = scene.command("run");
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    scene.launch_with(command);
    manager.wait_for(&scene, "STATUS=waiting 5 s before connecting");
    manager.wait_for(&scene, "READY=1");
    scene.finish();
}

#[test]
fn a_service_manager_that_cannot_be_notified_does_not_keep_the_program_from_running() {
    let mut scene = Scene::new();
    let mut command = scene.command("run");
    command.env("NOTIFY_SOCKET", scene.data_dir().join("missing"));
    scene.launch_with(command);
    scene.wait_for_log("watching");
    let warning = " WARN the service manager cannot be notified";
    assert_contains(&scene.log(), &[warning]);
    scene.finish_with_next_photo(0);
}

/// Starts the daemon with a watchdog of this period, which waits for the process with this id; `$$` is its own.
fn launch_with_watchdog(scene: &mut Scene, socket: &Path, period: Duration, pid: &str) {
    let run = scene.command("run");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("WATCHDOG_PID={pid} exec \"$@\""), "sh"])
        .arg(run.get_program())
        .args(run.get_args())
        .env_clear()
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", period.as_micros().to_string());
    scene.launch_with(command);
}

#[test]
fn the_watchdog_is_fed_while_telegram_is_silent_and_not_while_the_process_is_frozen() {
    let mut scene = Scene::new();
    let (mut manager, socket) = Manager::beside(&scene);
    launch_with_watchdog(&mut scene, &socket, Duration::from_secs(2), "$$");
    manager.wait_for(&scene, "READY=1");
    assert!(!manager.has("WATCHDOG=1"), "fed before it was ready");
    scene.sim.silence_connections();
    scene.wait_for_log("the connection is silent and is replaced");
    manager.drain();
    for _ in 0..3 {
        manager.wait_for(&scene, "WATCHDOG=1");
    }
    // A stopped process feeds nothing.
    kill_process(scene.pid(), Signal::STOP).expect("signalled");
    let status = format!("/proc/{}/status", scene.pid().as_raw_nonzero());
    scene.poll("the process to be stopped", || {
        let status = fs::read_to_string(&status).expect("its status");
        status.contains("T (stopped)")
    });
    manager.drain();
    assert!(!manager.is_fed_within(Duration::from_secs(3)));
    kill_process(scene.pid(), Signal::CONT).expect("signalled");
    manager.wait_for(&scene, "WATCHDOG=1");
    scene.finish_with_next_photo(0);
}

#[test]
fn the_watchdog_of_another_process_is_not_fed() {
    let mut scene = Scene::new();
    let (mut manager, socket) = Manager::beside(&scene);
    launch_with_watchdog(&mut scene, &socket, Duration::from_millis(10), "1");
    manager.wait_for(&scene, "READY=1");
    scene.join_user();
    scene.wait_for_photos(1);
    scene.stop();
    manager.wait_for(&scene, "STOPPING=1");
    assert!(!manager.has("WATCHDOG"));
    scene.finish();
}

#[test]
fn a_loop_that_hangs_is_not_fed_and_the_next_start_posts_its_photo() {
    let mut scene = Scene::new();
    let (mut manager, socket) = Manager::beside(&scene);
    launch_with_watchdog(&mut scene, &socket, Duration::from_secs(4), "$$");
    manager.wait_for(&scene, "WATCHDOG=1");
    let parts = Match::method("upload.saveFilePart").once();
    scene.sim.fault(parts, Fault::FloodWait(3));
    scene.join_user();
    scene.wait_for_log("rate limit");
    // Opening a pipe that nobody writes to blocks the loop that posts, like a file system that does not answer.
    let spooled = entries(&scene.spool(), "").remove(0);
    fs::remove_file(&spooled).expect("removed");
    let made = Command::new("mkfifo").arg(&spooled).status();
    assert!(made.expect("mkfifo").success());
    scene.wait_for_log("a loop hangs");
    assert_contains(&scene.log(), &["name=\"deliver\""]);
    manager.drain();
    assert!(!manager.is_fed_within(Duration::from_secs(5)));
    // The watchdog of systemd ends the program by this signal.
    kill_process(scene.pid(), Signal::ABORT).expect("signalled");
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, None, "{log}");
    fs::remove_file(&spooled).expect("removed");
    scene.launch();
    scene.wait_for_photos(1);
    scene.finish();
}
