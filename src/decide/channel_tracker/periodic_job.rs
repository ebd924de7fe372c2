//! A job that repeats: the check of the connection, and the dialog sync.

use std::time::Duration;

/// A job that repeats, one instance at a time.
#[derive(Debug)]
pub(super) struct PeriodicJob {
    pub(super) due: bool,
    pub(super) running: bool,
    /// When the job becomes due without an event.
    pub(super) next: Duration,
    interval: Duration,
}

impl PeriodicJob {
    pub(super) const fn new(interval: Duration) -> Self {
        Self {
            due: false,
            running: false,
            next: interval,
            interval,
        }
    }

    /// Moves the deadline whenever it has passed, also while the job runs. A deadline that stayed in
    /// the past would make the caller loop without sleeping.
    pub(super) fn expire(&mut self, now: Duration) {
        if self.next <= now {
            self.due |= !self.running;
            self.next = now + self.interval;
        }
    }

    pub(super) fn start(&mut self, now: Duration) {
        self.due = false;
        self.running = true;
        self.next = now + self.interval;
    }
}
