//! The world behind its lock, and the notifications of its changes.
//!
//! There is one lock for everything, so that a test reads a state that existed and every change is atomic.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::world::World;

/// The world, its lock and its notifications.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            changed: Condvar::new(),
            version: watch::Sender::new(0),
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
