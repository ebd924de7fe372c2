//! A Telegram data centre on loopback.
//!
//! [`Simulator::start`] runs an MTProto 2.0 server for two data centres on 127.0.0.1 and a world behind it: one
//! account, the users and chats that it can see, their photos and messages. A client connects with a session file that
//! [`Simulator::write_session`] fills with addresses and keys, or negotiates keys if it knows
//! [`Simulator::public_key`]. A packet under an unknown key is answered with transport error −404. The simulator checks
//! requests as Telegram does (the facts it relies on are in docs/telegram.md). It refuses a call that is not simulated, and records it in
//! [`Simulator::failures`].
//!
//! The simulator knows nothing of the client under test. It panics only if a test names a chat or method that does not
//! exist.
//!
//! ```no_run
//! use std::time::Duration;
//! use telegram_sim::{Fault, JoinKind, Match, Options, PhotoSpec, Simulator, UserSpec, OTHER_DC};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Simulator::start(Options::default())?;
//! let hide = sim.add_channel("HIDE", true);
//! let group = sim.add_group("A group");
//! sim.write_session("account.session")?;
//! // … start the client …
//! let user = sim.add_user(UserSpec::new("Eve").photo(PhotoSpec::jpeg().dc(OTHER_DC)).min(true));
//! sim.fault(Match::method("messages.sendMedia").once(), Fault::LoseReply);
//! let message = sim.join(group, user, JoinKind::ByLink);
//! let posts = sim.wait_for_posts(hide, 1, Duration::from_secs(10))?;
//! # let _ = (message, posts);
//! # Ok(())
//! # }
//! ```
//!
//! All methods of [`Simulator`] without `async` are synchronous, take effect under one lock, and may be called from any
//! thread, inside or outside an async runtime. Chats are identified by their bare id everywhere; [`bot_api_id`] gives
//! the `-100…` form.

mod blank;
mod camera;
mod clock;
mod crypto;
mod diffie_hellman;
mod dispatch;
mod fault;
mod flood_limit;
mod key_exchange;
mod mtproto;
mod options;
mod packets;
mod picture;
mod record;
mod rsa_key;
mod script;
mod server;
mod service;
mod shared;
mod socks5;
mod transport;
mod world;

pub use camera::read_qr_codes;
pub use fault::{Fault, Match};
pub use flood_limit::FloodLimit;
pub use key_exchange::{KeyExchangeFault, KeyExchangeStep};
pub use options::{Options, PhotoSpec, UserSpec, Visibility};
pub use record::{Call, Outcome, Post, PostedFile, RpcError};
pub use script::{JoinKind, PublicKey, Simulator, TimedOut};
pub use socks5::Socks5Proxy;
pub use world::link::Framing;
pub use world::login::CodeKind;
pub use world::{Device, World};

/// The account's own data centre.
pub const HOME_DC: i32 = 2;

/// The other data centre.
pub const OTHER_DC: i32 = 4;

/// Returns a channel's id in the form of the Bot API: `-100` followed by the bare id.
pub fn bot_api_id(chat: i64) -> i64 {
    -1_000_000_000_000 - chat
}
