//! Feeds the watchdog of the service manager while no loop hangs.
//!
//! The period of the watchdog, `WatchdogSec=` of the unit, is also the time that one step of a loop may take. The
//! feeder has a thread of its own, because a loop that blocks may stop the timers of the runtime, and the log has to
//! name that loop. A runtime that hangs polls no loop, so it is not fed either. systemd then ends the program by
//! SIGABRT and starts it again, which loses nothing.

use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};

use super::service_manager::ServiceManager;
use crate::task::Heartbeats;

/// Feeds the watchdog twice in each of its periods, until the returned sender is dropped.
pub(super) fn feed(
    manager: &ServiceManager,
    heartbeats: &Heartbeats,
) -> Option<Sender<Infallible>> {
    let period = manager.watchdog()?;
    let (manager, heartbeats) = (manager.clone(), heartbeats.clone());
    let (running, ended) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        let mut is_logged = false;
        loop {
            let hanging = heartbeats.hanging(period);
            if hanging.is_empty() {
                manager.feed_watchdog();
            } else if !is_logged {
                for (name, silent) in &hanging {
                    let silent_s = silent.as_secs();
                    tracing::error!(
                        name,
                        silent_s,
                        "a loop hangs; the watchdog is not fed, so systemd starts the program again"
                    );
                }
            }
            is_logged = !hanging.is_empty();
            match ended.recv_timeout(period / 2) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(never) => match never {},
            }
        }
    });
    Some(running)
}
