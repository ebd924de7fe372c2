//! The notifications by which one loop wakes another.
//!
//! Each wakes one loop and is sent by `notify_one`, which stores a permit: a loop that is busy when it is woken does
//! not miss it, and wakes at its next wait. A crash loses them without harm: `fetch` and `deliver` poll, and the start
//! and the schedule wake the other loops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::ScanPriority;

/// Wakes the loops. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wakers {
    /// There is a user to look up, a photo to download or a backup file to make.
    pub fetch: Arc<Notify>,
    /// A file of the spool was removed, so that downloads which wait for space may go on.
    pub spool_freed: Arc<Notify>,
    /// There is something to post.
    pub deliver: Arc<Notify>,
    /// The list of members of a group, or a sender, is to be looked at.
    pub scan: Arc<Notify>,
    /// Scans go before other calls of the same method.
    pub scan_priority: ScanPriority,
    /// The new members are to be rechecked.
    pub recheck: Arc<Notify>,
    /// The users of joins were looked up.
    pub looked_up: Arc<Notify>,
    /// Administrators are to be read.
    pub administrators: AdministratorsWaker,
}

/// Wakes the loop that reads administrators.
#[derive(Clone, Debug, Default)]
pub struct AdministratorsWaker {
    notify: Arc<Notify>,
    all: Arc<AtomicBool>,
}

impl AdministratorsWaker {
    /// Asks for the administrators of the groups that have none stored yet.
    pub(super) fn read_unknown(&self) {
        self.notify.notify_one();
    }

    /// Asks for the administrators of every group.
    pub(super) fn read_all(&self) {
        self.all.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Waits for a request. Returns `true` if the request concerns every group.
    pub(super) async fn woken(&self) -> bool {
        self.notify.notified().await;
        self.all.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_while_the_loop_is_busy_is_not_missed() {
        let waker = AdministratorsWaker::default();
        waker.read_all();
        waker.read_unknown();
        assert!(waker.woken().await);
        waker.read_unknown();
        assert!(!waker.woken().await);
    }
}
