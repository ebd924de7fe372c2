//! The state machine that keeps every channel up to date.
//!
//! [`ChannelTracker`] decides when a channel is pulled or polled, when the known channels are asked for, when the list
//! of dialogs is read and when the connection is checked. The caller passes each [`Event`] with the time since the
//! tracker was created, carries out the returned [`Action`]s, and sends [`Event::Tick`] at the
//! [deadline](ChannelTracker::deadline). The tracker does no I/O and reads no clock. A crash may lose
//! everything in it: the ledger holds each channel's `pts`, and the next start reads the dialogs.
//!
//! A pull is one page. After the connection ended during pulls, each of them is suspected of a page that is too large:
//! once the connection answers again, a suspected channel is pulled while no other one is, until it gets an answer.

mod comparison;
mod event;
mod known_asks;
mod page_history;
mod periodic_job;
mod polls;
mod pulls;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::event::{
    Action, AskEnd, AskedChannels, DialogState, DialogSync, Event, GapEnd, LedgerChannel,
    ListedChannel, PageRead, PullEnd, PullStep,
};
use self::known_asks::KnownAsks;
use self::page_history::PageHistory;
use self::periodic_job::PeriodicJob;
use self::polls::Polls;
use self::state::{State, TrackedChannel, Work};
use crate::model::{ChannelId, Page};

/// Pushes that are kept for a channel while it is pulled. A further push causes one more pull.
const MAX_KEPT_PUSHES: usize = 200;
/// Time between two checks of the connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two dialog syncs when no update asks for one.
const DIALOG_SYNC_INTERVAL: Duration = Duration::from_secs(3600);
/// The same after a refusal, and while the known channels cannot be asked for.
const FALLBACK_SYNC_INTERVAL: Duration = Duration::from_secs(300);
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
    /// The watched channels of the ledger that the account is in.
    known: BTreeSet<ChannelId>,
    polls: Polls,
    /// The channels whose last pages were not all read at once.
    histories: BTreeMap<ChannelId, PageHistory>,
    /// The connection was checked since it last ended during a pull.
    is_connection_checked: bool,
    /// No pull starts earlier: the connection ended during one, and is being checked.
    pulls_not_before: Duration,
    /// The queue position of the next channel that is queued.
    next_position: u64,
    check: PeriodicJob,
    asks: KnownAsks,
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
            known: BTreeSet::new(),
            polls: Polls::default(),
            histories: BTreeMap::new(),
            is_connection_checked: true,
            pulls_not_before: Duration::ZERO,
            next_position: 0,
            check: PeriodicJob::new(CHECK_INTERVAL),
            asks: KnownAsks::default(),
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
        self.asks.expire(now);
        self.dialogs.expire(now);
        let mut actions = Vec::new();
        match event {
            Event::Pushed(page) => self.pushed(page, &mut actions),
            Event::PushNeedsPull(channel) | Event::ChannelChanged(channel) => {
                self.enqueue(channel, Work::Pull);
            }
            Event::PushOfUnknownChannel { channel, pts } => self.unknown(channel, pts),
            Event::ChannelUpdated(channel) => self.channel_updated(channel),
            Event::ChannelsMoved => self.asks.ask_for_all(),
            Event::DialogsChanged => self.ask_for_everything(),
            Event::Disconnected => {
                self.check.due = true;
                self.ask_for_everything();
            }
            Event::ConnectionChecked { reconnected } => self.connection_checked(reconnected),
            Event::PullEnded { channel, end } => self.pull_ended(channel, end, &mut actions),
            Event::LedgerRead(channels) => {
                for channel in channels {
                    self.note_known(channel.channel, channel.is_group);
                }
            }
            Event::KnownChannelsAsked(end) => self.known_channels_asked(end),
            Event::ChannelsListed(sync) => self.channels_listed(sync),
            Event::DialogsRead(sync) => self.dialogs_read(sync),
            Event::DialogsRefused => {
                self.dialogs.running = false;
                self.dialogs.next = self.dialogs.next.min(now + FALLBACK_SYNC_INTERVAL);
            }
            Event::Tick => {}
        }
        self.start_timers(&mut actions);
        self.start_polls();
        self.start_pulls(&mut actions);
        actions
    }

    /// Returns the time at which [`Event::Tick`] is due: always later than the latest event.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let dialogs = self.may_sync_dialogs().then_some(self.dialogs_not_before);
        let asks = self.asks.due_at().filter(|_| !self.check.running);
        let poll = self.next_poll().map(|(due, _)| due);
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
            .chain(asks)
            .chain(poll)
            .chain([self.check.next, self.asks.next(), self.dialogs.next])
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
        self.polls.pushed(page.channel, self.now);
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
            State::Queued { .. } | State::Ignored | State::Unwatched => {}
            State::AwaitingDialogs => self.asks.ask_for_once(page.channel),
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
            self.ask_for_everything();
            for channel in self.channels.values_mut() {
                channel.failures = 0;
                channel.not_before = Duration::ZERO;
            }
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
            (State::AwaitingDialogs, None) => self.asks.ask_for_once(id),
            (
                State::Queued { .. }
                | State::Pulling(_)
                | State::Unknown { .. }
                | State::Ignored
                | State::Unwatched,
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

    /// One changed channel of the ledger costs a small call. Only the list shows a channel that the account entered.
    fn channel_updated(&mut self, id: ChannelId) {
        let is_unwatched = |channel: &TrackedChannel| matches!(channel.state, State::Unwatched);
        if self.known.contains(&id) {
            self.asks.ask_for(id);
        } else if !self.channels.get(&id).is_some_and(is_unwatched) {
            self.dialogs.due = true;
        }
    }

    const fn ask_for_everything(&mut self) {
        self.asks.ask_for_all();
        self.dialogs.due = true;
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
        if !self.check.running
            && let Some(asked) = self.asks.start(self.now)
        {
            actions.push(Action::AskKnownChannels(asked));
        }
        if self.may_sync_dialogs() && self.dialogs_not_before <= self.now {
            self.dialogs.start(self.now);
            self.dialogs_not_before = self.now + DIALOG_SYNC_MIN_INTERVAL;
            actions.push(Action::SyncDialogs);
        }
    }
}
