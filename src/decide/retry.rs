//! What a failed post means: wait, give up, or end.

use std::time::Duration;
/// What to do after.
pub enum After {}
/// x
pub fn backoff() -> Duration { Duration::ZERO }
/// x
pub fn post_failed() {}
