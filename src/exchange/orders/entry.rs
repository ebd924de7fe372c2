//! One line of the table of orders: how it is read against an envelope, and how it is printed for people.
//!
//! The documentation's table is printed from the same entries that judge, so that the two cannot differ.

use std::fmt;

use serde_json::Value;

use super::data::BadData;
use super::{Order, RefusedWhy};
use fleet_exchange::Envelope;

/// One line of the table.
pub(super) struct Entry {
    /// Who may give these orders.
    pub(super) senders: Senders,
    /// To whom they have to be addressed.
    pub(super) to: Addressee,
    /// Their actions and types.
    pub(super) names: &'static [Names],
    /// What the data looks like, for people.
    pub(super) data: &'static str,
    /// Reads the data.
    pub(super) read: fn(&Value) -> Result<Order, BadData>,
    /// Which of these orders fewer senders may give.
    pub(super) narrowed: Option<Narrowed>,
    /// What the order does, for people.
    pub(super) effect: &'static str,
}

/// An action and its type.
pub(super) type Names = (&'static str, &'static str);

/// Who may give an order.
pub(super) enum Senders {
    /// Whoever posts in HIDE or EXCHANGE.
    Anyone,
    /// These bots.
    These(&'static [&'static str]),
}

/// Whom an order has to be addressed to.
#[derive(PartialEq, Eq)]
pub(super) enum Addressee {
    /// This program.
    Avatar,
    /// All bots.
    Emergency,
    /// The bot USER; AVATAR overhears it.
    User,
}

/// Orders of an entry that not all of its senders may give.
pub(super) struct Narrowed {
    /// Which, for people.
    pub(super) what: &'static str,
    /// Which.
    pub(super) is_meant: fn(&Order) -> bool,
    /// Who may give them.
    pub(super) senders: &'static [&'static str],
}

impl Entry {
    /// Judges an envelope that has one of the entry's names; `None` if it was said to others.
    pub(super) fn judge(
        &self,
        envelope: &Envelope,
        own_name: &str,
    ) -> Option<Result<Order, RefusedWhy>> {
        let is_to = |wanted: &str| envelope.to.iter().any(|name| name == wanted);
        let addressed = match self.to {
            Addressee::Avatar => is_to(own_name),
            Addressee::Emergency | Addressee::User => is_to(self.to.as_str()),
        };
        if !addressed {
            let refused = Err(RefusedWhy::Addressee(self.to.as_str()));
            return is_to(own_name).then_some(refused);
        }
        let may = match self.senders {
            Senders::Anyone => true,
            Senders::These(names) => names.contains(&envelope.from.as_str()),
        };
        if !may {
            let why = if self.to == Addressee::User && !is_to(own_name) {
                RefusedWhy::Overheard
            } else {
                RefusedWhy::Sender
            };
            return Some(Err(why));
        }
        Some(self.order(envelope))
    }

    /// Reads the order of a sender who may give orders of this entry.
    fn order(&self, envelope: &Envelope) -> Result<Order, RefusedWhy> {
        let order = (self.read)(&envelope.data)?;
        match &self.narrowed {
            Some(narrowed)
                if (narrowed.is_meant)(&order)
                    && !narrowed.senders.contains(&envelope.from.as_str()) =>
            {
                Err(RefusedWhy::SenderOfThis(narrowed.what))
            }
            _ => Ok(order),
        }
    }
}

impl Addressee {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Avatar => "AVATAR",
            Self::Emergency => "EMERGENCY",
            Self::User => "USER",
        }
    }
}

impl fmt::Display for Entry {
    /// Writes the entry as a line of a Markdown table, without a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.senders {
            Senders::Anyone => f.write_str("| anyone")?,
            Senders::These(names) => write!(f, "| {}", names.join(", "))?,
        }
        if self.to != Addressee::Avatar {
            write!(f, ", to {}", self.to.as_str())?;
        }
        let names = self
            .names
            .iter()
            .map(|(action, kind)| format!("{action} / {kind}"));
        let names = names.collect::<Vec<_>>().join("; ");
        write!(f, " | {names} | {}", self.data)?;
        if let Some(narrowed) = &self.narrowed {
            let senders = narrowed.senders.join(" or ");
            write!(f, "; {} only from {senders}", narrowed.what)?;
        }
        write!(f, " | {} |", self.effect)
    }
}
