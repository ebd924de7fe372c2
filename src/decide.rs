//! What to do about what happened: synchronous functions of (event, facts, now).
//!
//! Owns SPEC §4's order of reasons, what is news about a new member, how far a group is covered, and the rule
//! of what a failed post means. Refuses to know the wire, the database and the clock: facts come in as
//! values, decisions go out as values.

pub mod channel_tracker;
mod coverage;
mod join;
mod recheck;
mod retry;

pub use coverage::Coverage;
pub use join::{Decision, JoinContext, SkipReason, join};
pub use recheck::{changes_the_record, news};
pub use retry::{After, CLOSED_PAUSE, PostFailure, backoff, post_failed};
