//! The program notifies the service manager that started it (docs/operations.md, "systemd").

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;

use rustix::process::{Signal, kill_process};
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, TIMEOUT, assert_contains, output_of};

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

    // The start asks for time while it waits for Telegram.
    manager.wait_for(&scene, "EXTEND_TIMEOUT_USEC=120000000");
    manager.wait_for(&scene, "STATUS=connecting to Telegram");
    scene.wait_for_call("messages.getDialogs", 1);
    assert!(!manager.messages.contains(&"READY=1".to_owned()));
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
