//! The comparisons of the dialogs with the ledger: which channels they have pulled, and what follows if the known
//! channels cannot be asked for.

use super::state::{State, TrackedChannel, Work};
use super::{
    AskEnd, ChannelTracker, DIALOG_SYNC_INTERVAL, DialogState, DialogSync, FALLBACK_SYNC_INTERVAL,
    ListedChannel, MAX_SYNCS_BEFORE_IGNORING, PageHistory,
};
use crate::model::ChannelId;

impl ChannelTracker {
    /// Handles the end of a query. While the channels cannot be asked for, the list of dialogs replaces the queries.
    pub(super) fn known_channels_asked(&mut self, end: AskEnd) {
        let needs_list = self.asks.ended(end, self.now);
        let interval = if end.is_lasting() {
            let is_awaiting = |state: &State| matches!(state, State::AwaitingDialogs);
            let is_awaited = self.channels.values().any(|c| is_awaiting(&c.state));
            self.dialogs.due |= needs_list || is_awaited;
            FALLBACK_SYNC_INTERVAL
        } else {
            DIALOG_SYNC_INTERVAL
        };
        self.dialogs.set_interval(interval, self.now);
    }

    pub(super) fn note_known(&mut self, channel: ChannelId, is_group: bool) {
        self.known.insert(channel);
        if is_group {
            self.polls.add(channel, self.now);
        }
    }

    pub(super) fn dialogs_read(&mut self, sync: DialogSync) {
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

    pub(super) fn channels_listed(&mut self, sync: DialogSync) {
        for listed in sync.listed {
            self.note_known(listed.channel, listed.is_group);
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
                Some(State::Unknown { .. } | State::Ignored | State::Unwatched) => {
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
            self.known.remove(&channel);
            self.polls.remove(channel);
            self.channels
                .insert(channel, TrackedChannel::new(State::Unwatched));
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

    /// Returns the next work for a channel that waits for its dialog, while no answer shows it. An event that cannot be
    /// read is left out if this was so before: a list is no snapshot, but the dialog may be unreadable too.
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
}
