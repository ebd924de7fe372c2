//! The state of one channel in the tracker.

use std::time::Duration;

use super::GapEnd;
use crate::decide::backoff;
use crate::model::Page;

#[derive(Debug)]
pub(super) struct TrackedChannel {
    pub(super) state: State,
    /// Failed pulls in a row.
    pub(super) failures: u32,
    /// No pull starts earlier.
    pub(super) not_before: Duration,
}

#[derive(Debug)]
pub(super) enum State {
    /// Waits for a pull. A lower position is served first.
    Queued { work: Work, position: u64 },
    /// A pull is running. Pushes that arrive meanwhile are kept; `next` is pulled afterwards.
    Pulling {
        work: Work,
        pushes: Vec<Page>,
        next: Option<Work>,
    },
    /// Needs the `pts` of the next dialog sync.
    AwaitingDialogs,
    /// Telegram pushes updates of a channel that is not in the ledger. `pts` is the one before its first push.
    Unknown { pts: i32, syncs: u8 },
    /// The channel is not watched, or the account is not in it.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Pull,
    CloseGap(GapEnd),
}

impl Work {
    pub(super) const fn gap(self) -> Option<GapEnd> {
        match self {
            Self::Pull => None,
            Self::CloseGap(gap) => Some(gap),
        }
    }
}

impl TrackedChannel {
    pub(super) const fn new(state: State) -> Self {
        Self {
            state,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    /// Pauses the channel, longer after each failure in a row.
    pub(super) fn fail(&mut self, now: Duration, at_least: Duration) {
        self.not_before = now + backoff(self.failures).max(at_least);
        self.failures = self.failures.saturating_add(1);
    }
}
