//! Chooses the joins whose users are looked up together, and says how long those wait that were not answered. No I/O.
//!
//! One user about whom Telegram does not answer must not hold up the others: the joins of a call that failed are looked
//! up one by one from then on, each after a pause of its own that grows, and after those that did not fail yet. A
//! restart forgets all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::user_lookup::JoinKey;
use crate::decide;
use crate::model::Join;

/// The look-ups that run or failed.
#[derive(Debug, Default)]
pub(super) struct LookupQueue {
    is_running: bool,
    /// The joins that were not answered.
    failed: BTreeMap<JoinKey, Failed>,
    /// How often in a row Telegram refused the method.
    refusals: u32,
    /// Until when the method is limited or refused.
    closed_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    times: u32,
    due_at: Instant,
}

impl LookupQueue {
    /// Returns how many joins were not answered.
    pub(super) fn len(&self) -> usize {
        self.failed.len()
    }

    /// Returns true if a look-up runs, or the method is limited or refused.
    pub(super) fn is_closed(&self, now: Instant) -> bool {
        self.is_running || self.closed_until.is_some_and(|until| now < until)
    }

    /// Returns the joins to look up in one call, out of all that wait.
    pub(super) fn start(&mut self, waiting: Vec<Join>, limit: usize, now: Instant) -> Vec<Join> {
        self.failed
            .retain(|key, _| waiting.iter().any(|join| JoinKey::of(join) == *key));
        let failed_join = self
            .failed
            .iter()
            .filter(|(_, failed)| failed.due_at <= now)
            .min_by_key(|(_, failed)| failed.due_at)
            .map(|(key, _)| *key);
        let (failed, mut joins): (Vec<Join>, Vec<Join>) = waiting
            .into_iter()
            .partition(|join| self.failed.contains_key(&JoinKey::of(join)));
        joins.truncate(limit);
        if joins.is_empty() {
            joins.extend(
                failed
                    .into_iter()
                    .find(|join| Some(JoinKey::of(join)) == failed_join),
            );
        }
        self.is_running = !joins.is_empty();
        joins
    }

    /// Notes that Telegram answered.
    pub(super) fn decided(&mut self) {
        self.is_running = false;
        self.refusals = 0;
        self.closed_until = None;
    }

    /// Notes that Telegram refused the method.
    pub(super) fn refused(&mut self, now: Instant) {
        self.is_running = false;
        self.closed_until = Some(now + decide::backoff(self.refusals));
        self.refusals = self.refusals.saturating_add(1);
    }

    /// Notes that Telegram limits the method.
    pub(super) fn limited(&mut self, until: Instant) {
        self.is_running = false;
        self.closed_until = Some(until);
    }

    /// Notes that Telegram did not answer about these joins.
    pub(super) fn unanswered(&mut self, keys: &[JoinKey], now: Instant) {
        self.is_running = false;
        for key in keys {
            let times = self.failed.get(key).map_or(0, |failed| failed.times);
            let failed = Failed {
                times: times + 1,
                due_at: now + decide::backoff(times),
            };
            self.failed.insert(*key, failed);
        }
    }

    /// Returns the time until the next join may be looked up, if that is known.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        if self.is_running {
            return None;
        }
        let closed = self.closed_until.filter(|until| now < *until);
        let next = || self.failed.values().map(|failed| failed.due_at).min();
        closed
            .or_else(next)
            .map(|due| due.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;
    use crate::task::fixture::join;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary beginning")]
    fn beginning() -> Instant {
        Instant::now()
    }

    fn waiting(users: &[i64]) -> Vec<Join> {
        let join = |user: &i64| join(i32::try_from(*user).expect("small"), UserId::new(*user));
        users.iter().map(join).collect()
    }

    fn keys(users: &[i64]) -> Vec<JoinKey> {
        waiting(users).iter().map(JoinKey::of).collect()
    }

    fn users(joins: &[Join]) -> Vec<i64> {
        joins.iter().map(|join| join.user.get()).collect()
    }

    #[test]
    fn joins_that_were_not_answered_are_looked_up_one_by_one_after_the_others() {
        let (mut queue, now) = (LookupQueue::default(), beginning());
        assert_eq!(users(&queue.start(waiting(&[1, 2]), 50, now)), [1, 2]);
        assert!(queue.is_closed(now));
        queue.unanswered(&keys(&[1, 2]), now);
        assert_eq!(queue.pause(now), Some(Duration::from_secs(1)));
        assert_eq!(users(&queue.start(waiting(&[1, 2, 3]), 50, now)), [3]);
        queue.decided();
        assert!(queue.start(waiting(&[1, 2]), 50, now).is_empty());
        assert!(!queue.is_closed(now));
        let later = now + Duration::from_secs(1);
        assert_eq!(users(&queue.start(waiting(&[1, 2]), 50, later)), [1]);
        queue.unanswered(&keys(&[1]), later);
        assert_eq!(users(&queue.start(waiting(&[1, 2]), 50, later)), [2]);
        queue.decided();
        // Join 1 waits for two seconds now, and join 2 is decided.
        let third = later + Duration::from_secs(1);
        assert!(queue.start(waiting(&[1]), 50, third).is_empty());
        assert_eq!(queue.pause(third), Some(Duration::from_secs(1)));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_limit_or_a_refusal_of_the_method_holds_up_all_joins() {
        let (mut queue, now) = (LookupQueue::default(), beginning());
        let minute = Duration::from_secs(60);
        queue.limited(now + minute);
        assert!(queue.is_closed(now));
        assert_eq!(queue.pause(now), Some(minute));
        assert!(!queue.is_closed(now + minute));
        queue.refused(now);
        queue.refused(now);
        assert_eq!(queue.pause(now), Some(Duration::from_secs(2)));
        queue.decided();
        queue.refused(now);
        assert_eq!(queue.pause(now), Some(Duration::from_secs(1)));
    }
}
