//! The posts in HIDE and EXCHANGE: the orders that AVATAR obeys, the reports that it sends, and the channel that it
//! posts to.
//!
//! The format of a post is in the crate `fleet-exchange`. This module knows no Telegram, no clock and no disk, and
//! keeps nothing.

pub mod avatar_report;
pub mod orders;
pub mod reports;
pub mod route;

pub use fleet_exchange::format_data;

/// The name of this program in the fleet.
pub const OWN_NAME: &str = "AVATAR";
