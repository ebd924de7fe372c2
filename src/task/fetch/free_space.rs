//! Stops downloads while little space is free, so that the spool leaves the database room to commit.

use std::time::Duration;

use crate::spool::Spool;

/// How many bytes have to be free for a download.
const ENOUGH: u64 = 64 * 1024 * 1024;
/// The time between two looks while little space is free.
const INTERVAL: Duration = Duration::from_secs(5);

/// The space on the file system of the spool, as it was last seen.
#[derive(Debug, Default)]
pub(super) struct FreeSpace {
    is_low: bool,
}

impl FreeSpace {
    /// Returns true if photos may be downloaded. A file system that does not say how much is free permits them.
    pub(super) fn is_enough(&mut self, spool: &Spool) -> bool {
        match spool.free_bytes() {
            Ok(free) => self.note(free),
            Err(error) => {
                tracing::debug!(%error, "the free space is unknown");
                self.note(u64::MAX)
            }
        }
    }

    /// Notes how many bytes are free, and logs each change once.
    fn note(&mut self, free: u64) -> bool {
        let is_low = free < ENOUGH;
        if is_low && !self.is_low {
            tracing::warn!(
                free_mib = free / 1024 / 1024,
                "little space is free: photos are not downloaded until 64 MiB are free"
            );
        } else if self.is_low && !is_low {
            tracing::info!("enough space is free again: photos are downloaded");
        }
        self.is_low = is_low;
        !is_low
    }

    /// Returns when to look again, if that is necessary.
    pub(super) fn next_look(&self) -> Option<Duration> {
        self.is_low.then_some(INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_stop_below_64_mib_and_continue_above() {
        let mut space = FreeSpace::default();
        assert!(space.note(ENOUGH));
        assert_eq!(space.next_look(), None);
        assert!(!space.note(ENOUGH - 1));
        assert_eq!(space.next_look(), Some(INTERVAL));
        assert!(space.note(ENOUGH));
        assert_eq!(space.next_look(), None);
    }
}
