//! The pulls: which channel is pulled next and how, and what follows the end of a step.

use std::time::Duration;

use super::page_history::{NextPage, PageHistory};
use super::state::{RunningPull, State, TrackedChannel, Work};
use super::{Action, ChannelTracker, GapEnd, PullEnd, PullStep};
use crate::model::ChannelId;

/// Concurrent pulls of differences.
const MAX_PULLS: usize = 2;
/// Concurrent pulls that first fetch messages by their ids. They have a limit of their own, because
/// one long gap must not delay the other channels.
const MAX_GAP_PULLS: usize = 1;
/// How long pulls wait for the check of a connection that ended during one. A rate limit may hold up the check.
const MAX_CHECK_WAIT: Duration = Duration::from_secs(60);

impl ChannelTracker {
    pub(super) fn pull_ended(&mut self, id: ChannelId, end: PullEnd, actions: &mut Vec<Action>) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let State::Pulling(mut pull) = channel.state else {
            return;
        };
        if end == PullEnd::Cut {
            // Without a check in between, the connection may have been down all the time.
            pull.is_alone &= self.is_connection_checked;
            self.connection_ended(id, pull.is_alone);
        }
        match end {
            PullEnd::PageApplied(read) | PullEnd::UpToDate(read) => {
                self.polls.page_read(id, read, self.now);
            }
            PullEnd::Limited { pause } => self.polls.limited(pause, self.now),
            PullEnd::Left => {
                self.known.remove(&id);
                self.polls.remove(id);
            }
            _ => {}
        }
        self.note_end(id, pull, end, actions);
        self.histories
            .retain(|_, history| *history != PageHistory::default());
    }

    /// Has the connection checked. If only one pull was in flight, the other channels are not suspected any more.
    fn connection_ended(&mut self, id: ChannelId, is_alone: bool) {
        self.is_connection_checked = false;
        self.pulls_not_before = self.now + MAX_CHECK_WAIT;
        self.check.due = true;
        if is_alone {
            for (other, history) in &mut self.histories {
                history.is_suspect &= *other == id;
            }
        }
    }

    /// Decides what follows the end of a step.
    fn note_end(
        &mut self,
        id: ChannelId,
        pull: RunningPull,
        end: PullEnd,
        actions: &mut Vec<Action>,
    ) {
        let RunningPull {
            work,
            next_gap,
            is_alone,
        } = pull;
        let (Some(channel), history) = (
            self.channels.get_mut(&id),
            self.histories.entry(id).or_default(),
        ) else {
            return;
        };
        let is_pull = work == Work::Pull;
        if is_pull
            && matches!(
                end,
                PullEnd::PageApplied(_) | PullEnd::UpToDate(_) | PullEnd::TooLong(_)
            )
        {
            history.differences_available();
        }
        let gap_work = work.gap().map(Work::CloseGap);
        let next_page = match end {
            PullEnd::PageApplied(_) => {
                history.page_read();
                channel.failures = 0;
                channel.not_before = Duration::ZERO;
                let work = next_gap.map(Work::CloseGap).or(gap_work);
                return self.queue(id, work.unwrap_or(Work::Pull));
            }
            PullEnd::GapClosed => {
                history.page_read();
                channel.is_pts_rejected = false;
                if let Some(gap) = next_gap {
                    return self.queue(id, Work::CloseGap(gap));
                }
                if channel.moved || !history.are_differences_unavailable() {
                    channel.not_before = self.now + history.pause();
                    return self.queue(id, Work::Pull);
                }
                return self.finish(id, None, actions);
            }
            PullEnd::UpToDate(_) => {
                history.page_read();
                return self.finish(id, next_gap, actions);
            }
            PullEnd::Left => {
                channel.pushes.clear();
                self.histories.remove(&id);
                return self.finish(id, next_gap, actions);
            }
            PullEnd::TooLong(gap) => {
                history.is_suspect = false;
                return self.queue(id, Work::CloseGap(gap));
            }
            PullEnd::PtsRejected => {
                history.is_suspect = false;
                channel.is_pts_rejected = true;
                channel.fail(self.now, Duration::ZERO);
                channel.state = State::AwaitingDialogs;
                self.asks.ask_for(id);
                return;
            }
            PullEnd::DifferencesUnavailable if is_pull => history.differences_unavailable(),
            PullEnd::Unreadable => history.page_unreadable(),
            PullEnd::MessagesRefused => history.page_refused(),
            PullEnd::Cut => history.connection_ended(is_alone),
            PullEnd::DifferencesUnavailable => NextPage::Later,
            PullEnd::Limited { pause } | PullEnd::Failed { pause } => {
                channel.fail(self.now, pause);
                return self.retry(id, pull, actions);
            }
        };
        if next_page == NextPage::Otherwise {
            channel.failures = 0;
            if is_pull {
                history.dead_end();
            }
        }
        match (next_page, work.gap()) {
            (NextPage::Again, _) => self.retry(id, pull, actions),
            (NextPage::Later, _) => {
                channel.fail(self.now, Duration::ZERO);
                self.retry(id, pull, actions);
            }
            (NextPage::Otherwise, Some(gap)) => {
                self.queue(id, next_gap.map_or(Work::StepOver(gap), Work::CloseGap));
            }
            (NextPage::Otherwise, None) => {
                if let Some(gap) = next_gap {
                    return self.queue(id, Work::CloseGap(gap));
                }
                actions.extend(channel.pushes.drain(..).map(Action::ApplyPush));
                channel.state = State::AwaitingDialogs;
                self.asks.ask_for(id);
            }
        }
    }

    /// Queues the work of a step that failed. Pushes that follow the stored `pts` need not wait for it.
    fn retry(&mut self, id: ChannelId, pull: RunningPull, actions: &mut Vec<Action>) {
        if pull.work == Work::Pull && pull.next_gap.is_none() {
            if let Some(channel) = self.channels.get_mut(&id) {
                actions.extend(channel.pushes.drain(..).map(Action::ApplyPush));
            }
            return self.queue(id, Work::Pull);
        }
        // The gap may come from a dialog sync, which does not report it again.
        let gap = pull.next_gap.or_else(|| pull.work.gap());
        self.queue(id, gap.map_or(Work::Pull, Work::CloseGap));
    }

    /// Forgets a channel that is up to date, and has the kept pushes applied; unless it moved meanwhile.
    fn finish(&mut self, id: ChannelId, next_gap: Option<GapEnd>, actions: &mut Vec<Action>) {
        let Some(channel) = self.channels.remove(&id) else {
            return;
        };
        actions.extend(channel.pushes.into_iter().map(Action::ApplyPush));
        if let Some(gap) = next_gap {
            self.enqueue(id, Work::CloseGap(gap));
        } else if channel.moved {
            self.enqueue(id, Work::Pull);
        }
    }

    pub(super) fn start_pulls(&mut self, actions: &mut Vec<Action>) {
        if self.pulls_not_before > self.now || self.running().any(|(id, _)| self.is_suspect(id)) {
            return;
        }
        let ready = self.ready();
        if let Some((id, _)) = ready.iter().find(|(id, _)| self.is_suspect(*id)) {
            if self.running().next().is_none() {
                self.start_pull(*id, actions);
            }
            return;
        }
        for (is_gap, limit) in [(false, MAX_PULLS), (true, MAX_GAP_PULLS)] {
            let of_kind = |(_, work): &(ChannelId, Work)| work.gap().is_some() == is_gap;
            let free = limit - self.running().filter(of_kind).count().min(limit);
            for (id, _) in ready.iter().filter(|waiting| of_kind(waiting)).take(free) {
                self.start_pull(*id, actions);
            }
        }
    }

    fn start_pull(&mut self, id: ChannelId, actions: &mut Vec<Action>) {
        let limit = self.histories.get(&id).copied().unwrap_or_default().limit();
        let is_alone = self.running().next().is_none();
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let State::Queued { work, .. } = channel.state else {
            return;
        };
        channel.state = State::Pulling(RunningPull {
            work,
            next_gap: None,
            is_alone,
        });
        let replaces_pts = channel.is_pts_rejected;
        let step = match work {
            Work::Pull => {
                channel.moved = false;
                PullStep::Differences { limit }
            }
            Work::CloseGap(gap) => PullStep::Messages {
                gap,
                limit,
                replaces_pts,
            },
            Work::StepOver(gap) => PullStep::StepOver { gap },
            Work::StepOverEvent => PullStep::StepOverEvent,
        };
        actions.push(Action::Pull { channel: id, step });
        if !is_alone {
            for channel in self.channels.values_mut() {
                if let State::Pulling(pull) = &mut channel.state {
                    pull.is_alone = false;
                }
            }
        }
    }

    /// Queues the polls that are due. While the connection is checked, it may be down.
    pub(super) fn start_polls(&mut self) {
        if let Some((due, id)) = self.next_poll()
            && due <= self.now
        {
            self.polls.started(self.now);
            self.enqueue(id, Work::Pull);
        }
    }

    /// Returns the next poll, and when it is due.
    pub(super) fn next_poll(&self) -> Option<(Duration, ChannelId)> {
        if self.check.running || self.pulls_not_before > self.now {
            return None;
        }
        self.polls.next(self.now, |id| {
            let history = self.histories.get(&id);
            let is_available = |history: &PageHistory| !history.are_differences_unavailable();
            !self.channels.contains_key(&id) && history.is_none_or(is_available)
        })
    }

    /// Returns the channels that are being pulled.
    fn running(&self) -> impl Iterator<Item = (ChannelId, Work)> {
        let running = |(id, channel): (&ChannelId, &TrackedChannel)| match channel.state {
            State::Pulling(pull) => Some((*id, pull.work)),
            _ => None,
        };
        self.channels.iter().filter_map(running)
    }

    /// Returns the channels that wait for a pull and may start, in their order.
    fn ready(&self) -> Vec<(ChannelId, Work)> {
        let waiting = |(id, channel): (&ChannelId, &TrackedChannel)| match channel.state {
            State::Queued { work, position } if channel.not_before <= self.now => {
                Some((position, *id, work))
            }
            _ => None,
        };
        let mut ready: Vec<_> = self.channels.iter().filter_map(waiting).collect();
        ready.sort_unstable_by_key(|(position, ..)| *position);
        ready.into_iter().map(|(_, id, work)| (id, work)).collect()
    }

    fn is_suspect(&self, id: ChannelId) -> bool {
        self.histories
            .get(&id)
            .is_some_and(|history| history.is_suspect)
    }
}
