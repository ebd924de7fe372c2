//! Reads the time.
//!
//! All other modules get a [`Clock`] from their caller; clippy rejects the system's clocks elsewhere.
//! grammers reads the system clock itself, so a test's clock does not change the time for grammers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::model::Timestamp;

/// The wall clock, for stored times, and the monotonic clock, for pacing.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// Returns the machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module reads the clocks")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        }))
    }

    /// Returns a clock that reads `source`: the time since 1970, UTC.
    #[must_use]
    pub fn from_fn(source: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns the current time in seconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::new(i64::try_from((self.0)().as_secs()).unwrap_or(i64::MAX))
    }

    /// Returns the time until `moment`, or zero if `moment` is past.
    #[must_use]
    pub fn until(&self, moment: Timestamp) -> Duration {
        let moment = Duration::from_secs(u64::try_from(moment.get()).unwrap_or(0));
        moment.saturating_sub((self.0)())
    }

    /// Returns the current instant of the monotonic clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module reads the clocks")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
