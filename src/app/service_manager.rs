//! Notifies the service manager, as sd_notify(3) describes: ready, status, watchdog, end.
//!
//! The protocol is a datagram for each message, so the module needs no crate: sd-notify does not know sockets of the
//! abstract namespace, and opens a new socket for each message. A message that cannot be sent is lost, and the program
//! goes on without a service manager. The program starts no other process that could inherit the variables.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a message may wait for a service manager that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a start asks for more time.
const EXTENSION_INTERVAL: Duration = Duration::from_secs(30);
/// How much time a start asks for, counted from the message.
const EXTENSION: Duration = Duration::from_secs(120);

/// The service manager that started the program, if one did. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct ServiceManager(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
    is_stopping: AtomicBool,
}

impl ServiceManager {
    /// Connects to the service manager that the environment names.
    pub(super) fn of_process() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let connected = connect(&name);
            if let Err(error) = &connected {
                tracing::warn!(%error, "the service manager cannot be notified");
            }
            connected.ok()
        });
        let [period, pid] = ["WATCHDOG_USEC", "WATCHDOG_PID"].map(|name| std::env::var(name).ok());
        let watchdog = watchdog_period(period.as_deref(), pid.as_deref(), std::process::id());
        Self(Arc::new(Inner {
            watchdog: watchdog.filter(|_| socket.is_some()),
            socket,
            is_stopping: AtomicBool::new(false),
        }))
    }

    /// Reports whether a service manager gets the messages.
    pub(super) fn is_present(&self) -> bool {
        self.0.socket.is_some()
    }

    /// Returns how long the service manager waits for a sign of life before it ends the program.
    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.0.watchdog
    }

    /// The program is ready.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// Shows one line in `systemctl status`.
    pub(super) fn status(&self, line: &str) {
        self.send(&format!("STATUS={}", line.replace('\n', " ")));
    }

    /// Sends the sign of life for which the watchdog waits.
    pub(super) fn feed_watchdog(&self) {
        self.send("WATCHDOG=1");
    }

    /// The program ends. Sent once.
    pub(super) fn stopping(&self) {
        if !self.0.is_stopping.swap(true, Ordering::Relaxed) {
            self.send("STOPPING=1\nSTATUS=ending");
        }
    }

    /// Asks for more time to start until the returned task is dropped. A runtime that hangs does not ask.
    pub(super) fn extend_start(&self) -> JoinSet<()> {
        let mut task = JoinSet::new();
        if self.is_present() {
            let manager = self.clone();
            task.spawn(async move {
                loop {
                    let micros = EXTENSION.as_micros();
                    manager.send(&format!("EXTEND_TIMEOUT_USEC={micros}"));
                    tokio::time::sleep(EXTENSION_INTERVAL).await;
                }
            });
        }
        task
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.0.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!(%error, message, "the service manager did not take a message");
        }
    }
}

/// Announces the end of the program when it is asked to end, until the returned task is dropped.
pub(super) fn announce_end(manager: &ServiceManager, shutdown: &CancellationToken) -> JoinSet<()> {
    let (manager, shutdown) = (manager.clone(), shutdown.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        shutdown.cancelled().await;
        manager.stopping();
    });
    task
}

/// Connects to a socket: a path, or `@` with a name of the abstract namespace.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(name)?,
    }
    Ok(socket)
}

/// Returns the period of the watchdog, if it waits for this process.
fn watchdog_period(period: Option<&str>, pid: Option<&str>, own_pid: u32) -> Option<Duration> {
    let is_own = pid.is_none_or(|pid| pid.parse() == Ok(own_pid));
    let micros = period?.parse().ok().filter(|micros| *micros > 0 && is_own);
    micros.map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_waits_only_for_the_process_that_it_names() {
        for (period, pid, expected) in [
            (Some("5000000"), Some("7"), Some(5)),
            (Some("5000000"), None, Some(5)),
            (Some("5000000"), Some("8"), None),
            (Some("5000000"), Some("x"), None),
            (Some("0"), Some("7"), None),
            (Some("-1"), Some("7"), None),
            (None, Some("7"), None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(
                watchdog_period(period, pid, 7),
                expected,
                "{period:?} {pid:?}"
            );
        }
    }
}
