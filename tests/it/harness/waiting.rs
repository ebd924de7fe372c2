//! Waiting for the simulator's world, `state.db` and the log, each wait under the one timeout of the harness.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use telegram_sim::{Call, World};

use super::posts::{Envelope, is_photo};
use super::{PostedPhoto, Scene, TIMEOUT};

impl Scene {
    /// Waits until `holds` is true of the simulator's world; it is called again at each change.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&World) -> bool) {
        let waited = self.sim.wait(|world| holds(world).then_some(()), TIMEOUT);
        if waited.is_err() {
            panic!("timed out waiting for {what}\n{}", self.log());
        }
    }

    /// Waits until a method was called `count` times, whether or not these calls are done; returns the last of them.
    pub(crate) fn wait_for_call(&self, method: &str, count: usize) -> Call {
        self.sim
            .wait_for_call(method, count, TIMEOUT)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// Waits until the target channel holds that many photos, and returns them.
    pub(crate) fn wait_for_photos(&self, count: usize) -> Vec<PostedPhoto> {
        let channel = self.target_channel();
        self.wait_for(&format!("{count} photos"), |world| {
            let posts = world.posts(channel);
            posts.iter().filter(|post| is_photo(post)).count() >= count
        });
        self.photos()
    }

    /// Waits until each of these users' photos was posted, and returns them. Fails if one was posted twice, or that of
    /// another user.
    pub(crate) fn wait_for_photos_of(&self, users: &BTreeSet<i64>) -> Vec<PostedPhoto> {
        let photos = self.wait_for_photos(users.len());
        let posted: Vec<i64> = photos.iter().map(|photo| photo.user).collect();
        assert_eq!(posted.len(), users.len(), "{posted:?}");
        assert_eq!(&posted.into_iter().collect::<BTreeSet<_>>(), users);
        photos
    }

    /// Waits until that many envelopes of this action and type were posted, and returns them.
    pub(crate) fn wait_for_envelopes(
        &self,
        action: &str,
        kind: &str,
        count: usize,
    ) -> Vec<Envelope> {
        self.poll(&format!("{count} × {action}/{kind}"), || {
            self.envelopes(action, kind).len() >= count
        });
        self.envelopes(action, kind)
    }

    /// Waits until a user's latest join has this outcome.
    pub(crate) fn wait_for_outcome(&self, user: i64, outcome: &str) {
        self.poll(&format!("{user} to be {outcome}"), || {
            let outcomes = self.outcomes();
            let latest = outcomes.get(&user).and_then(|all| all.last());
            latest.is_some_and(|latest| latest == outcome)
        });
    }

    /// Waits until a query of `state.db` yields at least that many rows.
    pub(crate) fn wait_for_rows(&self, sql: &str, count: usize) {
        self.poll(sql, || self.has_state() && self.count(sql) >= count);
    }

    /// Waits until the daemon has stored an answer of Telegram to this run.
    pub(crate) fn wait_for_contact(&self) {
        self.wait_for_rows(
            "SELECT 1 FROM settings AS contact, settings AS start WHERE contact.key = 'last_contact_at'
             AND start.key = 'started_at' AND CAST(contact.value AS INTEGER) >= CAST(start.value AS INTEGER)",
            1,
        );
    }

    /// Waits until no outbox row and no join is unsettled.
    pub(crate) fn wait_until_settled(&self) {
        self.poll("everything to be settled", || self.unsettled().is_empty());
    }

    /// Waits until the daemon's log contains `words`.
    pub(crate) fn wait_for_log(&self, words: &str) {
        self.poll(&format!("{words:?} in the log"), || {
            self.log().contains(words)
        });
    }

    /// Calls `holds` every few milliseconds until it returns true. This is for databases and files, which do not
    /// notify; for the simulator's world there is [`wait_for`](Self::wait_for).
    #[expect(clippy::disallowed_methods, reason = "the timeout is no measure")]
    pub(crate) fn poll(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !holds() {
            if Instant::now() >= deadline {
                let outcomes = self.has_state().then(|| self.outcomes());
                panic!("timed out waiting for {what}: {outcomes:?}\n{}", self.log());
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}
