//! A closed list of Telegram calls, and the connections that make them.
//!
//! This crate is the only one in the workspace that can reach Telegram. It holds the table of
//! permitted calls, the rate limit of each method, one connection for each data centre, and the
//! session file. It does not interpret answers or updates, and it does not know what the program
//! does with them. The session file is the only persistent state; it is consistent after a
//! crash.
//!
//! The connections are made by `grammers-client`, of which only the raw calls are used: its update
//! stream, login and downloads lose errors or panic on input that the program has to survive.
//!
//! # Calls outside the table do not compile
//!
//! A call of the table can be made:
//!
//! ```no_run
//! use telegram_wire::tl::functions::updates::GetState;
//! use telegram_wire::{CallError, Wire};
//!
//! async fn subscribe(wire: &Wire) -> Result<(), CallError> {
//!     wire.invoke(&GetState {}).await.map(drop)
//! }
//! ```
//!
//! Any other call is rejected by the compiler:
//!
//! ```compile_fail,E0277
//! use telegram_wire::tl::functions::messages::ReadHistory;
//! use telegram_wire::{CallError, Wire};
//!
//! async fn mark_read(wire: &Wire, request: ReadHistory) -> Result<(), CallError> {
//!     wire.invoke(&request).await.map(drop)
//! }
//! ```
//!
//! [`Permitted`] cannot be implemented outside this crate, neither for a type of Telegram's API:
//!
//! ```compile_fail,E0117
//! use telegram_wire::tl::functions::messages::ReadHistory;
//!
//! impl telegram_wire::Permitted for ReadHistory {}
//! ```
//!
//! nor for a type of the caller that wraps one. This type is a complete request:
//!
//! ```
//! use telegram_wire::tl::{self, functions::messages};
//!
//! struct ReadHistory(messages::ReadHistory);
//!
//! impl tl::Serializable for ReadHistory {
//!     fn serialize(&self, buf: &mut impl Extend<u8>) {
//!         self.0.serialize(buf);
//!     }
//! }
//!
//! impl tl::RemoteCall for ReadHistory {
//!     type Return = <messages::ReadHistory as tl::RemoteCall>::Return;
//! }
//! ```
//!
//! but the same type is not permitted:
//!
//! ```compile_fail,E0277
//! use telegram_wire::tl::{self, functions::messages};
//!
//! struct ReadHistory(messages::ReadHistory);
//!
//! impl tl::Serializable for ReadHistory {
//!     fn serialize(&self, buf: &mut impl Extend<u8>) {
//!         self.0.serialize(buf);
//!     }
//! }
//!
//! impl tl::RemoteCall for ReadHistory {
//!     type Return = <messages::ReadHistory as tl::RemoteCall>::Return;
//! }
//!
//! impl telegram_wire::Permitted for ReadHistory {}
//! ```
//!
//! because the trait behind it is private:
//!
//! ```compile_fail,E0603
//! use telegram_wire::calls::sealed::Call;
//! ```
//!
//! The clients are private as well, so that no caller can bypass the table:
//!
//! ```compile_fail,E0616
//! fn bypass(wire: &telegram_wire::Wire) {
//!     let _ = &wire.connections;
//! }
//! ```
//!
//! ```compile_fail,E0603
//! use telegram_wire::connections::Connections;
//! ```

mod activity;
mod authorization;
mod calls;
mod classification;
mod clock_guard;
mod connection_backoff;
mod connections;
mod error;
mod file_part;
mod last_contact;
mod payload_head;
mod probe;
mod pushes;
mod rate_limit;
mod session;
mod srp;
mod wire;

pub use calls::{PERMITTED, Permitted};
pub use clock_guard::ClockAhead;
pub use connections::Identity;
pub use error::{AccountError, CallError};
pub use file_part::FilePart;
pub use grammers_client::tl;
pub use last_contact::LastContact;
pub use pushes::{Push, Pushes};
pub use session::{AccountSession, MoveError, PyrogramError, PyrogramSession, SessionError};
pub use srp::password_proof;
pub use wire::{OnRateLimit, Wire, WireConfig};

use tokio::time::Instant;

/// A source of wall-clock and monotonic time.
pub trait Clock: Send + Sync {
    /// Returns the wall clock's present Unix time, in seconds.
    fn now(&self) -> i64;
    /// Returns the present instant of the monotonic clock that tokio's timers use.
    fn instant(&self) -> Instant;
}
