//! Lists the account's channels: all of them by `messages.getDialogs`, known ones by `messages.getPeerDialogs`.

mod date_search;
mod listing;
mod page;
mod page_limit;
mod peers;

pub use listing::{DialogListing, ListingStep};

pub(super) use peers::peer_dialogs;
