//! The world behind its lock, and the ways to learn that it changed.
//!
//! One lock for everything: what a test reads is a state that existed, and what a script says happens at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::world::World;

/// The world, its lock, and how to learn that it changed.
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

    /// Looks at the world.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the world, and wakes whoever waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let value = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        value
    }

    /// Returns a receiver that sees every change from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A handler that panicked has failed its test already; the others may still be read.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until `look` finds something, or the time is up.
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
