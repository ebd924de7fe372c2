//! The one place that reads the time.
//!
//! Every room is handed a [`Clock`]; clippy refuses the system's clocks elsewhere. grammers reads
//! the system clock by itself, so this is not a means to pause time for it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::model::Timestamp;

/// Tells the time: the wall clock for what is stored, a monotonic one for pacing.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the room that may")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        }))
    }

    /// A clock that shows what `source` gives: the time since 1970, UTC.
    #[must_use]
    pub fn from_fn(source: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns the present second.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::new(i64::try_from((self.0)().as_secs()).unwrap_or(i64::MAX))
    }

    /// Returns how long it is until `moment`; zero if it is past.
    #[must_use]
    pub fn until(&self, moment: Timestamp) -> Duration {
        let moment = Duration::from_secs(u64::try_from(moment.get()).unwrap_or(0));
        moment.saturating_sub((self.0)())
    }

    /// Returns the monotonic clock's present instant, for pacing within the process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the room that may")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
