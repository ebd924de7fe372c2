//! A job that repeats: the check of the connection, the dialog sync, and the query for the known channels.

use std::time::Duration;

/// A job that repeats, one instance at a time.
#[derive(Debug)]
pub(super) struct PeriodicJob {
    pub(super) due: bool,
    pub(super) running: bool,
    /// When the job becomes due without an event.
    pub(super) next: Duration,
    interval: Duration,
    /// The interval counts from here.
    counted_from: Duration,
}

impl PeriodicJob {
    pub(super) const fn new(interval: Duration) -> Self {
        Self {
            due: false,
            running: false,
            next: interval,
            interval,
            counted_from: Duration::ZERO,
        }
    }

    /// Moves the deadline whenever it has passed, also while the job runs. A deadline that stayed in
    /// the past would make the caller loop without sleeping.
    pub(super) fn expire(&mut self, now: Duration) {
        if self.next <= now {
            self.due |= !self.running;
            self.count_from(now);
        }
    }

    pub(super) fn start(&mut self, now: Duration) {
        self.due = false;
        self.running = true;
        self.count_from(now);
    }

    /// Changes the interval, also of the time that runs.
    pub(super) fn set_interval(&mut self, interval: Duration, now: Duration) {
        if interval != self.interval {
            self.interval = interval;
            self.count_from(self.counted_from);
            self.expire(now);
        }
    }

    fn count_from(&mut self, moment: Duration) {
        self.counted_from = moment;
        self.next = moment + self.interval;
    }
}
