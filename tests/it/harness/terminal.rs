//! A pseudo terminal that a run of the binary has as its controlling terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::TIMEOUT;
use super::process::pid_of;

/// The size of a terminal by default.
pub(crate) const LINES: u16 = 24;
pub(crate) const COLUMNS: u16 = 80;

/// The end of a process in a terminal.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The output since the last call of [`Terminal::read_to`].
    pub(crate) output: String,
    /// True if the terminal shows what is typed.
    pub(crate) has_echo: bool,
}

/// A terminal and the process in it.
pub(crate) struct Terminal {
    keyboard: File,
    /// The side of the process. The terminal exists as long as one process has it open.
    side_of_process: Option<OwnedFd>,
    output: Receiver<Vec<u8>>,
    unread: Vec<u8>,
    process: Child,
}

impl Terminal {
    /// Runs a command in a new terminal.
    pub(crate) fn run(command: &Command) -> Self {
        Self::run_in(command, LINES, COLUMNS)
    }

    /// Runs a command in a new terminal of this size.
    pub(crate) fn run_in(command: &Command, lines: u16, columns: u16) -> Self {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&own).and_then(|()| unlockpt(&own)).expect("usable");
        let size = Winsize {
            ws_row: lines,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&own, size).expect("a size");
        let name = ptsname(&own, Vec::new()).expect("a name");
        let name = name.to_str().expect("UTF-8");
        let side = || {
            let opened = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
            opened.expect("the side of the process")
        };
        // The terminal becomes the controlling one, so that Ctrl-C sends a signal and /dev/tty is this terminal.
        let process = Command::new("setsid")
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::from(side()))
            .stdout(Stdio::from(side()))
            .stderr(Stdio::from(side()))
            .spawn()
            .expect("setsid of util-linux");
        let keyboard = File::from(own);
        let screen = keyboard.try_clone().expect("a second handle");
        Self {
            keyboard,
            side_of_process: Some(side()),
            output: read_chunks(screen),
            unread: Vec::new(),
            process,
        }
    }

    /// Returns the output up to and with `words`, beginning where the last call ended.
    pub(crate) fn read_to(&mut self, words: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.unread);
            if let Some(at) = text.find(words) {
                let read = text[..at + words.len()].to_owned();
                self.unread.drain(..read.len());
                return read;
            }
            match self.output.recv_timeout(TIMEOUT) {
                Ok(chunk) => self.unread.extend(chunk),
                Err(error) => panic!("{words:?}: {error} after\n{text}"),
            }
        }
    }

    /// Types a text. `\n` is the key Enter, and `\x03` is Ctrl-C.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("typed");
    }

    /// Reports whether the terminal shows what is typed.
    pub(crate) fn has_echo(&self) -> bool {
        let mode = tcgetattr(&self.keyboard).expect("the mode of the terminal");
        mode.local_modes.contains(LocalModes::ECHO)
    }

    /// Returns the id of the process.
    pub(crate) fn pid(&self) -> Pid {
        pid_of(&self.process)
    }

    /// Waits for the end of the process.
    pub(crate) fn finish(mut self) -> Ended {
        let code = self.process.wait().expect("an exit status").code();
        let has_echo = self.has_echo();
        drop(self.side_of_process.take());
        let mut rest = std::mem::take(&mut self.unread);
        while let Ok(chunk) = self.output.recv_timeout(TIMEOUT) {
            rest.extend(chunk);
        }
        Ended {
            code,
            output: String::from_utf8(rest).expect("UTF-8"),
            has_echo,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only if the process is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads on a thread of its own, until no process has the other side open.
fn read_chunks(mut screen: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = screen.read(&mut chunk) {
            if sender.send(chunk[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
