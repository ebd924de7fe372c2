//! The calls that the program may make to Telegram, and the connections that make them.

mod calls;
mod error;
mod pools;
mod rate_limit;
mod session;
mod srp;

pub use calls::{FloodMemory, PERMITTED, Permitted, Wire};
pub use error::{AccountError, CallError};
pub use grammers_tl_types as tl;
pub use pools::{Identity, Push};
pub use session::{AccountSession, SessionError};
pub use srp::password_proof;
use tokio::time::Instant;

/// The time, handed in by the program.
pub trait Clock: Send + Sync {
    /// Returns the wall clock's present second, Unix time.
    fn now(&self) -> i64;
    /// Returns the monotonic clock's present instant.
    fn instant(&self) -> Instant;
}
