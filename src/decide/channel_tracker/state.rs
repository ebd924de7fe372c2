//! The state of one channel in the tracker.

use std::time::Duration;

use super::GapEnd;
use crate::decide::backoff;
use crate::model::Page;

#[derive(Debug)]
pub(super) struct TrackedChannel {
    pub(super) state: State,
    /// Pushes that are applied once the channel is up to date.
    pub(super) pushes: Vec<Page>,
    /// The channel moved after the latest pull of differences began.
    pub(super) moved: bool,
    /// The stored `pts` was rejected, so a smaller one may replace it.
    pub(super) is_pts_rejected: bool,
    /// Failed pulls in a row.
    pub(super) failures: u32,
    /// No pull starts earlier.
    pub(super) not_before: Duration,
}

#[derive(Debug)]
pub(super) enum State {
    /// Waits for a pull. A lower position is served first.
    Queued { work: Work, position: u64 },
    /// A page is being pulled. Pushes that arrive meanwhile are kept.
    Pulling(RunningPull),
    /// Needs the `pts` of the next answer that shows the channel's dialog.
    AwaitingDialogs,
    /// Telegram pushes updates of a channel that is not in the ledger. `pts` is the one before its first push.
    Unknown { pts: i32, syncs: u8 },
    /// No list of dialogs shows the channel: the account is not in it.
    Ignored,
    /// The account is in the channel, but such channels are not watched.
    Unwatched,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RunningPull {
    pub(super) work: Work,
    /// A gap that is closed afterwards.
    pub(super) next_gap: Option<GapEnd>,
    /// No other channel was pulled at the same time.
    pub(super) is_alone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Pull,
    CloseGap(GapEnd),
    /// Closes a gap, and leaves out its next message.
    StepOver(GapEnd),
    /// Leaves out the next event, and pulls.
    StepOverEvent,
}

impl Work {
    pub(super) const fn gap(self) -> Option<GapEnd> {
        match self {
            Self::Pull | Self::StepOverEvent => None,
            Self::CloseGap(gap) | Self::StepOver(gap) => Some(gap),
        }
    }
}

impl TrackedChannel {
    pub(super) const fn new(state: State) -> Self {
        Self {
            state,
            pushes: Vec::new(),
            moved: false,
            is_pts_rejected: false,
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
