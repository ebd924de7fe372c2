//! The only module that reads the time. Clients read the system clock, so the simulator uses it too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the time in seconds since 1970.
pub(crate) fn unix() -> i32 {
    i32::try_from(since_epoch().as_secs()).expect("the clock is before 2038")
}

/// Returns the time as the upper part of an MTProto message id, by a clock that is `offset` seconds ahead.
pub(crate) fn msg_id(offset: i64) -> i64 {
    let now = since_epoch();
    let id = i64::try_from((now.as_secs() << 32) | (u64::from(now.subsec_nanos()) << 2))
        .expect("the clock is before 2038");
    id + (offset << 32)
}

/// Returns the present instant.
#[expect(clippy::disallowed_methods, reason = "this module owns the clock")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Returns the present instant for the runtime's timers.
#[expect(clippy::disallowed_methods, reason = "this module owns the clock")]
pub(crate) fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this module owns the clock")]
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is after 1970")
}
