//! Signs of life of one connection, and from when on its silence means that it is dead.
//!
//! grammers sends pings but ignores whether they are answered, and a lost connection often stays open. Silence counts
//! only while something is expected: the answer to a call, or, over the home connection, pushes. The module has no
//! timers; the caller passes the time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::last_contact::LastContact;

/// How long an expected answer or push may be missing before the connection is tested with a ping.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// How long the answer to a ping may take. A dead connection is replaced after both times.
pub(crate) const PONG_TIMEOUT: Duration = Duration::from_secs(12);

/// The signs of life of one connection.
pub(crate) struct Activity {
    state: Mutex<State>,
    last_contact: LastContact,
}

struct State {
    /// Since when an expected sign of life is missing.
    silent_since: Instant,
    pending_calls: usize,
    carries_pushes: bool,
    /// Telegram has answered, and the connection was not closed since.
    is_live: bool,
    is_closed: bool,
    is_tested: bool,
}

/// A call that waits for its answer. The call ends when this is dropped.
pub(crate) struct PendingCall<'a>(&'a Activity);

impl Activity {
    pub(crate) fn new(now: Instant, carries_pushes: bool, last_contact: LastContact) -> Self {
        let state = State {
            silent_since: now,
            pending_calls: 0,
            carries_pushes,
            is_live: false,
            is_closed: false,
            is_tested: false,
        };
        Self {
            state: Mutex::new(state),
            last_contact,
        }
    }

    pub(crate) fn begin_call(&self, now: Instant) -> PendingCall<'_> {
        let mut state = self.lock();
        if !state.expects_something() {
            state.silent_since = now;
        }
        state.pending_calls += 1;
        PendingCall(self)
    }

    /// Notes that Telegram answered a call or a ping.
    pub(crate) fn note_answer(&self, now: Instant) {
        self.last_contact.note();
        let mut state = self.lock();
        state.silent_since = now;
        state.is_live = true;
    }

    /// Notes that Telegram pushed something.
    pub(crate) fn note_push(&self, now: Instant) {
        self.last_contact.note();
        self.lock().silent_since = now;
    }

    /// Notes that the connection was closed. Returns true if it was live until then.
    pub(crate) fn note_closed(&self) -> bool {
        let mut state = self.lock();
        state.is_closed = true;
        std::mem::take(&mut state.is_live)
    }

    /// Returns true if Telegram has answered over this connection, and it was not closed since.
    pub(crate) fn is_live(&self) -> bool {
        self.lock().is_live
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Returns true if nothing came since `moment`.
    pub(crate) fn is_silent_since(&self, moment: Instant) -> bool {
        self.lock().silent_since <= moment
    }

    /// Returns true, once for each silence, if the connection has to be tested.
    pub(crate) fn begin_test(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let is_due = !state.is_tested
            && state.expects_something()
            && now.saturating_duration_since(state.silent_since) >= MAX_SILENCE;
        state.is_tested |= is_due;
        is_due
    }

    pub(crate) fn end_test(&self) {
        self.lock().is_tested = false;
    }

    pub(crate) fn has_pending_calls(&self) -> bool {
        self.lock().pending_calls > 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn expects_something(&self) -> bool {
        self.pending_calls > 0 || (self.carries_pushes && self.is_live)
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.0.lock().pending_calls -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock as _;
    use crate::rate_limit::tests::TestClock;

    fn start() -> Instant {
        TestClock::at(0).instant()
    }

    #[test]
    fn a_call_without_an_answer_causes_one_test() {
        let start = start();
        let last_contact = LastContact::new(TestClock::at(500));
        let activity = Activity::new(start, false, last_contact.clone());
        let late = start + Duration::from_secs(500);
        assert!(!activity.begin_test(late), "nothing is expected");
        let call = activity.begin_call(late);
        assert!(!activity.begin_test(late + MAX_SILENCE / 2));
        assert!(activity.begin_test(late + MAX_SILENCE));
        assert!(
            !activity.begin_test(late + MAX_SILENCE * 2),
            "the test is running"
        );
        assert_eq!(last_contact.at(), None);
        activity.note_answer(late + MAX_SILENCE);
        assert_eq!(last_contact.at(), Some(500));
        activity.end_test();
        assert!(!activity.begin_test(late + MAX_SILENCE));
        assert!(activity.begin_test(late + MAX_SILENCE * 2));
        activity.end_test();
        drop(call);
        assert!(!activity.begin_test(late + MAX_SILENCE * 9));
    }

    #[test]
    fn a_live_connection_that_carries_pushes_is_tested_when_it_is_silent() {
        let start = start();
        let activity = Activity::new(start, true, LastContact::new(TestClock::at(500)));
        assert!(!activity.begin_test(start + MAX_SILENCE));
        activity.note_answer(start);
        activity.note_push(start + MAX_SILENCE / 2);
        assert!(!activity.begin_test(start + MAX_SILENCE));
        assert!(activity.begin_test(start + MAX_SILENCE * 2));
        activity.end_test();
        assert!(activity.note_closed());
        assert!(!activity.note_closed(), "it was closed already");
        assert!(!activity.begin_test(start + MAX_SILENCE * 9));
    }

    #[test]
    fn a_push_is_a_contact_and_a_call_without_an_answer_is_none() {
        let last_contact = LastContact::new(TestClock::at(500));
        let activity = Activity::new(start(), true, last_contact.clone());
        drop(activity.begin_call(start()));
        activity.note_closed();
        assert_eq!(last_contact.at(), None);
        activity.note_push(start());
        assert_eq!(last_contact.at(), Some(500));
    }
}
