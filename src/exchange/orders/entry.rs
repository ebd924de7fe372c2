//! One entry of the table of orders: checks an envelope against it, and prints it as a line of Markdown.

use std::fmt;

use fleet_exchange::Envelope;

use super::data::{Data, DataError};
use super::{Order, RefusalReason};

/// Orders with the same senders, the same form of data and the same effect.
pub(super) struct Entry {
    pub(super) senders: Senders,
    pub(super) to: Addressee,
    pub(super) names: &'static [Names],
    /// Describes the data in the documentation.
    pub(super) data: &'static str,
    pub(super) read: fn(Data<'_>) -> Result<Order, DataError>,
    pub(super) restriction: Option<Restriction>,
    /// Describes the effect in the documentation.
    pub(super) effect: &'static str,
}

/// An action and its type.
pub(super) type Names = (&'static str, &'static str);

/// The bots that may give an order.
pub(super) enum Senders {
    /// Every bot that posts in HIDE or EXCHANGE.
    Anyone,
    Only(&'static [&'static str]),
}

/// The name that must be among the receivers of an order.
#[derive(Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE", const_into_str)]
pub(super) enum Addressee {
    Avatar,
    /// All bots.
    Emergency,
    /// The bot USER. AVATAR reads these orders along with it.
    User,
}

/// Reserves some orders of an entry for a part of its senders.
pub(super) struct Restriction {
    /// Names these orders in the documentation.
    pub(super) label: &'static str,
    pub(super) applies: fn(&Order) -> bool,
    pub(super) senders: &'static [&'static str],
}

impl Entry {
    /// Returns true if an envelope with one of the entry's names is addressed to this program, or to the entry's
    /// addressee.
    pub(super) fn concerns(&self, envelope: &Envelope, own_name: &str) -> bool {
        is_addressed_to(envelope, own_name) || self.is_addressed(envelope, own_name)
    }

    /// Reads the order from an envelope that [concerns](Self::concerns) this program.
    pub(super) fn order(
        &self,
        envelope: &Envelope,
        own_name: &str,
    ) -> Result<Order, RefusalReason> {
        let sender = envelope.from.as_str();
        if !self.is_addressed(envelope, own_name) {
            return Err(RefusalReason::Addressee(self.to.into_str()));
        }
        if matches!(self.senders, Senders::Only(names) if !names.contains(&sender)) {
            return Err(if is_addressed_to(envelope, own_name) {
                RefusalReason::Sender
            } else {
                RefusalReason::NotFromThisSender
            });
        }
        let order = (self.read)(Data::new(&envelope.data))?;
        match &self.restriction {
            Some(restriction)
                if (restriction.applies)(&order) && !restriction.senders.contains(&sender) =>
            {
                Err(RefusalReason::SenderWith(restriction.label))
            }
            _ => Ok(order),
        }
    }

    fn is_addressed(&self, envelope: &Envelope, own_name: &str) -> bool {
        let addressee = match self.to {
            Addressee::Avatar => own_name,
            Addressee::Emergency | Addressee::User => self.to.into_str(),
        };
        is_addressed_to(envelope, addressee)
    }
}

fn is_addressed_to(envelope: &Envelope, name: &str) -> bool {
    envelope.to.iter().any(|receiver| receiver == name)
}

impl fmt::Display for Entry {
    /// Writes the entry as a line of a Markdown table, without a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.senders {
            Senders::Anyone => f.write_str("| anyone")?,
            Senders::Only(names) => write!(f, "| {}", names.join(", "))?,
        }
        if self.to != Addressee::Avatar {
            write!(f, ", to {}", self.to.into_str())?;
        }
        let names = self
            .names
            .iter()
            .map(|(action, kind)| format!("{action} / {kind}"));
        let names = names.collect::<Vec<_>>().join("; ");
        write!(f, " | {names} | {}", self.data)?;
        if let Some(restriction) = &self.restriction {
            let senders = restriction.senders.join(" or ");
            write!(f, "; {} only from {senders}", restriction.label)?;
        }
        write!(f, " | {} |", self.effect)
    }
}
