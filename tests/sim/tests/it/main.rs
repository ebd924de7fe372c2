//! Tests of the simulator with grammers' sender pool over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

mod accounts;
mod client;
mod dialogs;
mod faults;
mod files;
mod joins;
mod key_exchange;
mod login;
mod members;
mod packets;
mod posting;
mod program;
mod readme;
mod unreadable;
mod updates;
mod users;
