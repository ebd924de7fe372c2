//! Classifies envelopes: an order to carry out, an order to refuse, or a message that does not concern AVATAR.
//!
//! The table of orders is in `table`. This module does not carry orders out, does not look at the post's file, and
//! keeps nothing. A refusal quotes no value of the envelope, so that it may be logged at any level.

mod data;
mod entry;
mod table;

use fleet_exchange::{Envelope, vocabulary};

pub use self::data::{DataError, DataProblem};
pub use self::table::{ClearTarget, Order};

/// The meaning of an envelope for AVATAR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classified {
    /// An order to carry out; its sender may give it.
    Order(Order),
    /// An envelope to other bots, or from AVATAR itself.
    NotForUs,
    /// An envelope to AVATAR with words that no bot knows.
    UnknownWords,
    /// An order that is not carried out.
    Refused(RefusedOrder),
}

/// An order that is not carried out. Its `Display` quotes no text of another author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}/{kind} from {sender}: {reason}")]
pub struct RefusedOrder {
    /// The sender as [`loggable_sender`] returns it.
    pub sender: String,
    pub action: &'static str,
    pub kind: &'static str,
    pub reason: RefusalReason,
}

/// The reason why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// The fleet knows the order, but AVATAR never obeys it.
    #[error("AVATAR does not do that")]
    Unsupported,
    #[error("it has to be addressed to {0}")]
    Addressee(&'static str),
    #[error("this sender may not order it")]
    Sender,
    /// The sender may give the order, but not with this data.
    #[error("this sender may not order it with {0}")]
    SenderWith(&'static str),
    /// The order is addressed to another bot only, and AVATAR follows it only if it comes from certain senders.
    /// This is not a mistake of the sender.
    #[error("it is addressed to another bot, and AVATAR does not follow it from this sender")]
    NotFromThisSender,
    #[error("{0}")]
    Data(#[from] DataError),
}

/// Classifies an envelope. `own_name` is AVATAR, this program's name in the fleet.
#[must_use]
pub fn classify(envelope: &Envelope, own_name: &str) -> Classified {
    if envelope.from == own_name {
        return Classified::NotForUs;
    }
    let refuse = |(action, kind), reason| {
        Classified::Refused(RefusedOrder {
            sender: loggable_sender(&envelope.from).to_owned(),
            action,
            kind,
            reason,
        })
    };
    let Some((entry, names)) = table::find(&envelope.action, &envelope.kind) else {
        let is_to_us = envelope.to.iter().any(|name| name == own_name);
        return match vocabulary::find(&envelope.action, &envelope.kind) {
            _ if !is_to_us => Classified::NotForUs,
            Some(names) => refuse(names, RefusalReason::Unsupported),
            None => Classified::UnknownWords,
        };
    };
    if !entry.concerns(envelope, own_name) {
        return Classified::NotForUs;
    }
    match entry.order(envelope, own_name) {
        Ok(order) => Classified::Order(order),
        Err(reason) => refuse(names, reason),
    }
}

/// Returns a sender's name in a form that may be logged: the name of a bot is a few capitals, and any other text
/// could be anything.
#[must_use]
pub fn loggable_sender(sender: &str) -> &str {
    let is_name = sender.len() <= 16
        && sender.starts_with(|first: char| first.is_ascii_uppercase())
        && sender.bytes().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
        });
    if is_name { sender } else { "unknown sender" }
}

/// Prints the table of orders in Markdown, one line for each entry, ending in a newline.
#[must_use]
pub fn markdown_table() -> String {
    let head = "| sender | action / type | data | effect |\n|---|---|---|---|\n";
    let lines = table::ENTRIES.iter().map(|entry| format!("{entry}\n"));
    [head.to_owned()].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests;
