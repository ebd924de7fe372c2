//! The exchange: the envelopes that the fleet's bots post to one another, as text and as meaning.
//!
//! Owns what an envelope looks like (SPEC §5). Knows no Telegram, no clock and no disk: it turns values into
//! text and text into values. It keeps nothing, so a crash leaves nothing behind.

pub mod orders;
pub mod reports;
pub mod route;

pub use fleet_exchange::format_data;
