//! The simulator, asked by the client that it was made for: grammers' sender pool over real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod client;
mod dialogs;
mod faults;
mod files;
mod login;
mod packets;
mod posting;
mod program;
mod updates;
mod users;
