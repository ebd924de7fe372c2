//! The time of the last answer from Telegram.
//!
//! An answer is the answer to a call, also an error such as FLOOD_WAIT, the pong to a ping, or a push, over a connection
//! of the account to any data centre. The server's time without a login, and a transport error that refuses a
//! connection, are none. `Activity` notes all of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::Clock;

/// The value before the first answer.
const NEVER: i64 = i64::MIN;

/// The time of the last answer from Telegram. Clones share it.
#[derive(Clone)]
pub struct LastContact(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    at: AtomicI64,
}

impl LastContact {
    /// Makes the record of a process that has had no answer yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            clock,
            at: AtomicI64::new(NEVER),
        }))
    }

    /// Returns the Unix time of the last answer, if there was one.
    #[must_use]
    pub fn at(&self) -> Option<i64> {
        let at = self.0.at.load(Ordering::Relaxed);
        (at != NEVER).then_some(at)
    }

    pub(crate) fn note(&self) {
        self.0.at.store(self.0.clock.now(), Ordering::Relaxed);
    }
}

impl fmt::Debug for LastContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastContact").field(&self.at()).finish()
    }
}
