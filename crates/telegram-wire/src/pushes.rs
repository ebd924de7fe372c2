//! The pushes of the home data centre, over all its connections one after the other.
//!
//! The receiver reads the pools' own channels; no task stands between. A channel closes when its pool ends for any
//! reason, also by a panic, which grammers does not report. A push may be lost: see [`Push::Disconnected`].

use std::sync::Arc;

use grammers_client::session::updates::UpdatesLike;
use grammers_client::tl;
use tokio::sync::mpsc;

use crate::Clock;
use crate::activity::Activity;

/// A message that Telegram sent over the home connection without being asked.
#[derive(Debug)]
pub enum Push {
    /// The message holds updates.
    Updates(Box<tl::enums::Updates>),
    /// The message could not be parsed.
    Malformed,
    /// The connection was lost. Telegram never pushes what happens before the next one.
    Disconnected,
}

/// The receiver of all pushes.
pub struct Pushes {
    clock: Arc<dyn Clock>,
    streams: mpsc::UnboundedReceiver<PushStream>,
    current: Option<PushStream>,
}

/// The pushes over one home connection.
pub(crate) struct PushStream {
    pub(crate) updates: mpsc::Receiver<UpdatesLike>,
    pub(crate) activity: Arc<Activity>,
}

impl Pushes {
    pub(crate) fn new(clock: Arc<dyn Clock>, streams: mpsc::UnboundedReceiver<PushStream>) -> Self {
        Self {
            clock,
            streams,
            current: None,
        }
    }

    /// Waits for the next push. Returns `None` after the end of the [`Wire`](crate::Wire).
    ///
    /// The call may be cancelled without a loss.
    pub async fn next(&mut self) -> Option<Push> {
        loop {
            let Some(stream) = &mut self.current else {
                self.current = Some(self.streams.recv().await?);
                continue;
            };
            let update = stream.updates.recv().await;
            if let Some(push) = self.received(update) {
                return Some(push);
            }
        }
    }

    /// Returns the next push if it is there already.
    pub fn next_now(&mut self) -> Option<Push> {
        loop {
            let Some(stream) = &mut self.current else {
                self.current = Some(self.streams.try_recv().ok()?);
                continue;
            };
            let update = match stream.updates.try_recv() {
                Ok(update) => Some(update),
                Err(mpsc::error::TryRecvError::Disconnected) => None,
                Err(mpsc::error::TryRecvError::Empty) => return None,
            };
            if let Some(push) = self.received(update) {
                return Some(push);
            }
        }
    }

    /// Turns an update of the current connection into a push; `None` is the end of the connection.
    fn received(&mut self, update: Option<UpdatesLike>) -> Option<Push> {
        let stream = self.current.as_ref()?;
        let push = match update {
            Some(UpdatesLike::Updates(updates)) => Push::Updates(Box::new(updates)),
            Some(UpdatesLike::MalformedUpdates) => Push::Malformed,
            Some(UpdatesLike::ConnectionClosed) => {
                return stream.activity.note_closed().then_some(Push::Disconnected);
            }
            // The pool repeats the answers to some calls here. The caller of each has its answer already.
            Some(
                UpdatesLike::ShortSentMessage { .. }
                | UpdatesLike::AffectedMessages(_)
                | UpdatesLike::AffectedChannelMessages { .. }
                | UpdatesLike::InvitedUsers(_)
                | UpdatesLike::ChatInviteJoinResult(_),
            ) => return None,
            None => {
                let was_live = stream.activity.note_closed();
                self.current = None;
                return was_live.then_some(Push::Disconnected);
            }
        };
        stream.activity.note_push(self.clock.instant());
        Some(push)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::last_contact::LastContact;
    use crate::rate_limit::tests::TestClock;

    fn stream(clock: &Arc<TestClock>) -> (mpsc::Sender<UpdatesLike>, PushStream) {
        let (sender, updates) = mpsc::channel(10);
        let activity = Arc::new(Activity::new(
            clock.instant(),
            true,
            LastContact::new(clock.clone()),
        ));
        (sender, PushStream { updates, activity })
    }

    #[tokio::test]
    async fn the_end_of_a_live_connection_is_reported_once() {
        let clock = TestClock::at(0);
        let (streams, receiver) = mpsc::unbounded_channel();
        let mut pushes = Pushes::new(clock.clone(), receiver);
        let (sender, first) = stream(&clock);
        first.activity.note_answer(clock.instant());
        sender
            .send(UpdatesLike::MalformedUpdates)
            .await
            .expect("sent");
        streams.send(first).expect("sent");
        assert!(matches!(pushes.next().await, Some(Push::Malformed)));
        assert!(pushes.next_now().is_none());
        // The pool has panicked: no ConnectionClosed.
        drop(sender);
        assert!(matches!(pushes.next().await, Some(Push::Disconnected)));

        let (sender, second) = stream(&clock);
        second.activity.note_answer(clock.instant());
        sender
            .send(UpdatesLike::ConnectionClosed)
            .await
            .expect("sent");
        drop(sender);
        streams.send(second).expect("sent");
        assert!(matches!(pushes.next().await, Some(Push::Disconnected)));

        // A connection that never answered was no connection.
        let (sender, third) = stream(&clock);
        drop(sender);
        streams.send(third).expect("sent");
        drop(streams);
        assert!(pushes.next().await.is_none());
    }
}
