//! The world behind its lock, and the notifications of its changes.
//!
//! There is one lock for everything, so that a test reads a state that existed and every change is atomic.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::rsa_key::RsaKey;
use crate::world::World;

/// The world, its lock and its notifications.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    /// The RSA key that the options gave. Key exchanges are computed outside of the lock.
    rsa: Option<RsaKey>,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(world: World, rsa: Option<RsaKey>) -> Self {
        Self {
            world: Mutex::new(world),
            changed: Condvar::new(),
            rsa,
            version: watch::Sender::new(0),
        }
    }

    /// Returns the server's RSA key.
    pub(crate) fn rsa_key(&self) -> Result<&RsaKey, String> {
        match &self.rsa {
            Some(key) => Ok(key),
            None => RsaKey::of_process(),
        }
    }

    /// Calls `look` on the world under the lock.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    /// Calls `change` on the world under the lock, and wakes all that wait for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let value = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        value
    }

    /// Returns a receiver of all later changes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic under the lock fails its own test; other threads may still read the world.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until `look` returns a value, or the timeout passes.
    pub(crate) fn wait<T>(
        &self,
        mut look: impl FnMut(&World) -> Option<T>,
        timeout: Duration,
    ) -> Option<T> {
        let deadline = clock::now() + timeout;
        let mut world = self.lock();
        loop {
            if let Some(value) = look(&world) {
                return Some(value);
            }
            let left = deadline.checked_duration_since(clock::now())?;
            world = self
                .changed
                .wait_timeout(world, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
