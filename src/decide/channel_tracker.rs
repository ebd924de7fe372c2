//! The state machine that keeps every channel up to date.
//!
//! [`ChannelTracker`] decides when a channel is pulled, when the list of dialogs is read and when the
//! connection is checked. The caller passes each [`Event`] with the time since the tracker was
//! created, carries out the returned [`Action`]s, and sends [`Event::Tick`] at the
//! [deadline](ChannelTracker::deadline). The tracker does no I/O and reads no clock. A crash may lose
//! everything in it: the ledger holds each channel's `pts`, and the next start reads the dialogs.
//!
//! A pull is one page. After the connection ended during pulls, each of them is suspected of a page that is too large:
//! once the connection answers again, a suspected channel is pulled while no other one is, until it gets an answer.

mod event;
mod page_history;
mod periodic_job;
mod pulls;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::event::{
    Action, DialogState, DialogSync, Event, GapEnd, ListedChannel, PullEnd, PullStep,
};
use self::page_history::PageHistory;
use self::periodic_job::PeriodicJob;
use self::state::{State, TrackedChannel, Work};
use crate::model::{ChannelId, Page};

/// Pushes that are kept for a channel while it is pulled. A further push causes one more pull.
const MAX_KEPT_PUSHES: usize = 200;
/// Time between two checks of the connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two dialog syncs when no update asks for one.
const DIALOG_SYNC_INTERVAL: Duration = Duration::from_secs(300);
/// Minimum time between the starts of two dialog syncs: a burst of updates must not become a burst
/// of calls.
const DIALOG_SYNC_MIN_INTERVAL: Duration = Duration::from_secs(3);
/// The number of dialog syncs that may lack an unknown channel before its pushes are ignored.
const MAX_SYNCS_BEFORE_IGNORING: u8 = 2;

/// The state machine. See the [module documentation](self).
#[derive(Debug)]
pub struct ChannelTracker {
    /// Time of the latest event.
    now: Duration,
    /// Channels that need attention. A channel without an entry is up to date.
    channels: BTreeMap<ChannelId, TrackedChannel>,
    /// The channels whose last pages were not all read at once.
    histories: BTreeMap<ChannelId, PageHistory>,
    /// The connection was checked since it last ended during a pull.
    is_connection_checked: bool,
    /// No pull starts earlier: the connection ended during one, and is being checked.
    pulls_not_before: Duration,
    /// The queue position of the next channel that is queued.
    next_position: u64,
    check: PeriodicJob,
    dialogs: PeriodicJob,
    /// No dialog sync starts earlier.
    dialogs_not_before: Duration,
}

impl Default for ChannelTracker {
    /// Creates a tracker whose time starts at zero.
    fn default() -> Self {
        Self {
            now: Duration::ZERO,
            channels: BTreeMap::new(),
            histories: BTreeMap::new(),
            is_connection_checked: true,
            pulls_not_before: Duration::ZERO,
            next_position: 0,
            check: PeriodicJob::new(CHECK_INTERVAL),
            dialogs: PeriodicJob::new(DIALOG_SYNC_INTERVAL),
            dialogs_not_before: Duration::ZERO,
        }
    }
}

impl ChannelTracker {
    /// Handles an event at time `now`, and returns the actions that follow from it.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        self.now = now;
        self.check.expire(now);
        self.dialogs.expire(now);
        let mut actions = Vec::new();
        match event {
            Event::Pushed(page) => self.pushed(page, &mut actions),
            Event::PushNeedsPull(channel) | Event::ChannelChanged(channel) => {
                self.enqueue(channel, Work::Pull);
            }
            Event::PushOfUnknownChannel { channel, pts } => self.unknown(channel, pts),
            Event::DialogsChanged => self.dialogs.due = true,
            Event::Disconnected => {
                self.check.due = true;
                self.dialogs.due = true;
            }
            Event::ConnectionChecked { reconnected } => self.connection_checked(reconnected),
            Event::PullEnded { channel, end } => self.pull_ended(channel, end, &mut actions),
            Event::ChannelsListed(sync) => self.channels_listed(sync),
            Event::DialogsRead(sync) => self.dialogs_read(sync),
            Event::DialogsRefused => self.dialogs.running = false,
            Event::Tick => {}
        }
        self.start_timers(&mut actions);
        self.start_pulls(&mut actions);
        actions
    }

    /// Returns the time at which [`Event::Tick`] is due: always later than the latest event.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let dialogs = self.may_sync_dialogs().then_some(self.dialogs_not_before);
        let paused = self
            .channels
            .values()
            .filter(|channel| matches!(channel.state, State::Queued { .. }))
            .map(|channel| channel.not_before)
            .filter(|moment| *moment > self.now);
        let held_up = Some(self.pulls_not_before).filter(|moment| *moment > self.now);
        dialogs
            .into_iter()
            .chain(paused)
            .chain(held_up)
            .chain([self.check.next, self.dialogs.next])
            .fold(Duration::MAX, Duration::min)
    }

    /// Returns the channels that push updates and that the ledger lacks, each with the `pts` before
    /// its first push.
    #[must_use]
    pub fn unknown_channels(&self) -> BTreeMap<ChannelId, i32> {
        let unknown = |(id, channel): (&ChannelId, &TrackedChannel)| match channel.state {
            State::Unknown { pts, .. } => Some((*id, pts)),
            _ => None,
        };
        self.channels.iter().filter_map(unknown).collect()
    }

    fn pushed(&mut self, page: Page, actions: &mut Vec<Action>) {
        let are_differences_unavailable = self
            .histories
            .get(&page.channel)
            .is_some_and(PageHistory::are_differences_unavailable);
        let Some(channel) = self.channels.get_mut(&page.channel) else {
            actions.push(Action::ApplyPush(page));
            return;
        };
        match channel.state {
            State::Unknown { .. } => actions.push(Action::ApplyPush(page)),
            State::Pulling(_)
            | State::Queued {
                work: Work::CloseGap(_) | Work::StepOver(_) | Work::StepOverEvent,
                ..
            } => {
                if channel.pushes.len() < MAX_KEPT_PUSHES {
                    channel.pushes.push(page);
                } else {
                    channel.moved = true;
                }
            }
            // While pulls fail, a push that follows the stored `pts` is applied all the same.
            State::Queued { .. } if channel.failures > 0 || are_differences_unavailable => {
                actions.push(Action::ApplyPush(page));
            }
            State::AwaitingDialogs if are_differences_unavailable => {
                actions.push(Action::ApplyPush(page));
            }
            // The pull that is due brings the update.
            State::Queued { .. } | State::Ignored => {}
            State::AwaitingDialogs => self.ask_for_dialogs(),
        }
    }

    fn unknown(&mut self, channel: ChannelId, pts: i32) {
        let state = State::Unknown { pts, syncs: 0 };
        self.channels
            .entry(channel)
            .or_insert_with(|| TrackedChannel::new(state));
        self.ask_for_dialogs();
    }

    fn connection_checked(&mut self, reconnected: bool) {
        self.check.running = false;
        self.is_connection_checked = true;
        self.pulls_not_before = Duration::ZERO;
        if reconnected {
            self.dialogs.due = true;
            for channel in self.channels.values_mut() {
                channel.failures = 0;
                channel.not_before = Duration::ZERO;
            }
        }
    }

    fn dialogs_read(&mut self, sync: DialogSync) {
        self.dialogs.running = false;
        self.channels_listed(sync);
        for channel in self.channels.values_mut() {
            if let State::Unknown { syncs, .. } = &mut channel.state {
                *syncs += 1;
                if *syncs >= MAX_SYNCS_BEFORE_IGNORING {
                    channel.state = State::Ignored;
                } else {
                    self.dialogs.due = true;
                }
            }
        }
    }

    fn channels_listed(&mut self, sync: DialogSync) {
        for listed in sync.listed {
            let channel = self.channels.get(&listed.channel);
            let state = channel.map(|channel| &channel.state);
            let dialog_state = match state {
                Some(State::AwaitingDialogs) if self.is_current(&listed) => {
                    let channel = self.channels.remove(&listed.channel);
                    // The list may be older than the move.
                    if channel.is_some_and(|channel| channel.moved) {
                        DialogState::Behind
                    } else {
                        DialogState::Current
                    }
                }
                Some(State::AwaitingDialogs) => DialogState::NeedsReadBack,
                Some(State::Unknown { .. } | State::Ignored) => {
                    self.channels.remove(&listed.channel);
                    listed.state
                }
                _ => listed.state,
            };
            match dialog_state {
                DialogState::Current => {}
                DialogState::Behind => self.enqueue(listed.channel, Work::Pull),
                DialogState::NeedsReadBack => {
                    self.enqueue(listed.channel, Work::CloseGap(listed.current));
                }
            }
        }
        // The pull reveals whether the account has left.
        for channel in sync.missing {
            let state = self.channels.get(&channel).map(|c| &c.state);
            let work = if matches!(state, Some(State::AwaitingDialogs)) {
                let work = self.without_dialog(channel);
                self.channels.remove(&channel);
                work
            } else {
                Work::Pull
            };
            self.enqueue(channel, work);
        }
        for channel in sync.unwatched {
            self.channels
                .insert(channel, TrackedChannel::new(State::Ignored));
        }
    }

    /// Reports whether a channel whose differences are not available has no gap: pushes brought it up to date.
    fn is_current(&self, listed: &ListedChannel) -> bool {
        let history = self.histories.get(&listed.channel);
        let channel = self.channels.get(&listed.channel);
        listed.state == DialogState::Current
            && history.is_some_and(PageHistory::are_differences_unavailable)
            && channel.is_some_and(|channel| !channel.is_pts_rejected)
    }

    /// Returns the next work for a channel that waits for the list of dialogs, while the list lacks it. An event that
    /// cannot be read is left out if this was so before: the list is no snapshot, but its dialog may be unreadable too.
    fn without_dialog(&self, channel: ChannelId) -> Work {
        let history = self.histories.get(&channel);
        let waiting = self.channels.get(&channel);
        let is_unreadable = history.is_some_and(PageHistory::is_unreadable_for_long)
            && waiting.is_some_and(|channel| !channel.is_pts_rejected);
        if is_unreadable {
            Work::StepOverEvent
        } else {
            Work::Pull
        }
    }

    /// Makes sure that the channel is pulled. Closing a gap includes a pull, so it replaces one.
    fn enqueue(&mut self, id: ChannelId, work: Work) {
        let queued = self.queued(work);
        let Some(channel) = self.channels.get_mut(&id) else {
            let mut channel = TrackedChannel::new(queued);
            if let (Work::Pull, Some(history)) = (work, self.histories.get(&id)) {
                channel.not_before = self.now + history.pause();
            }
            self.channels.insert(id, channel);
            return;
        };
        channel.moved |= work == Work::Pull;
        match (&mut channel.state, work.gap()) {
            (State::Queued { work: waiting, .. }, Some(_)) => *waiting = work,
            (State::Pulling(pull), Some(gap)) => pull.next_gap = Some(gap),
            (State::AwaitingDialogs, Some(_)) => channel.state = queued,
            (State::AwaitingDialogs, None) => self.ask_for_dialogs(),
            (
                State::Queued { .. } | State::Pulling(_) | State::Unknown { .. } | State::Ignored,
                _,
            ) => {}
        }
    }

    /// Queues work for a channel that is tracked.
    fn queue(&mut self, id: ChannelId, work: Work) {
        let state = self.queued(work);
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.state = state;
        }
    }

    /// Makes sure that a dialog sync runs or is due. An earlier one may have been refused.
    const fn ask_for_dialogs(&mut self) {
        self.dialogs.due |= !self.dialogs.running;
    }

    const fn queued(&mut self, work: Work) -> State {
        let position = self.next_position;
        self.next_position += 1;
        State::Queued { work, position }
    }

    /// No sync starts during a check of the connection: without pushes, changes after the list would be missed.
    const fn may_sync_dialogs(&self) -> bool {
        self.dialogs.due && !self.dialogs.running && !self.check.running
    }

    fn start_timers(&mut self, actions: &mut Vec<Action>) {
        if self.check.due && !self.check.running {
            self.check.start(self.now);
            actions.push(Action::CheckConnection);
        }
        if self.may_sync_dialogs() && self.dialogs_not_before <= self.now {
            self.dialogs.start(self.now);
            self.dialogs_not_before = self.now + DIALOG_SYNC_MIN_INTERVAL;
            actions.push(Action::SyncDialogs);
        }
    }
}
