//! Orders: what AVATAR obeys, and from whom (SPEC §5.5).
//!
//! Owns the judgement of an envelope: an order that is to be carried out, one that is refused and why, or talk that
//! does not concern this account. The table itself is in `table`; the documentation's table is printed from it.
//! Does not carry anything out, does not look at the post's file, and keeps nothing. What it gives for the log
//! quotes no value of the envelope, so that it may be said at any level (SPEC §10).

mod data;
mod entry;
mod table;

use crate::model::{Bad, ChannelId, List, MessageId, UserId, WordList};

pub use self::data::{BadData, Fault};
use fleet_exchange::Envelope;

/// Something that AVATAR was told to do, by one who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Puts somebody on the bad list.
    AddBad(Bad),
    /// Takes somebody off it; a user's records are cleared.
    RemoveBad(Bad),
    /// Puts the user's present photo on the exception list.
    AddExcept {
        /// Whose photo.
        user: UserId,
    },
    /// Takes it off.
    RemoveExcept {
        /// Whose photo.
        user: UserId,
    },
    /// Another bot has handled this message: a photo that waits for it is cancelled.
    Declare {
        /// Where.
        group: ChannelId,
        /// The message; never 0.
        message: MessageId,
    },
    /// A flood: the group's photos wait.
    FloodBegin {
        /// Where.
        group: ChannelId,
    },
    /// It is over: they are decided anew.
    FloodEnd {
        /// Where.
        group: ChannelId,
    },
    /// The user was kicked: their waiting photo and join there are dropped.
    Kicked {
        /// From where.
        group: ChannelId,
        /// Who.
        user: UserId,
    },
    /// The version report is asked for.
    VersionAsk {
        /// By whom.
        admin: UserId,
        /// In which message.
        message: MessageId,
        /// Of which group; only newer bots say it.
        group: Option<ChannelId>,
    },
    /// A backup at once.
    BackupNow,
    /// Replaces one list by the post's file.
    Rollback {
        /// Who wants it.
        admin: UserId,
        /// Which list.
        list: List,
    },
    /// Clears a part of what is kept.
    Clear {
        /// Who wants it.
        admin: UserId,
        /// Which part.
        what: Cleared,
    },
    /// Clears one user's records.
    RemoveScore {
        /// Whose.
        user: UserId,
    },
    /// Reads the lists of administrators anew.
    Refresh {
        /// Who wants it.
        admin: UserId,
    },
    /// The status report is asked for.
    StatusAsk {
        /// By whom.
        admin: UserId,
        /// In which message.
        message: MessageId,
    },
    /// Replaces one word list by the post's file.
    RegexUpdate {
        /// Which.
        list: WordList,
    },
    /// The count report is asked for.
    RegexCount,
    /// HIDE is to be used from now on, or EXCHANGE again; for `route`.
    Hide(bool),
}

impl Order {
    /// Tells whether the order means nothing without the post's file.
    #[must_use]
    pub const fn needs_file(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::RegexUpdate { .. })
    }
}

/// What MANAGE can have cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// The bad list's channels.
    BadChannels,
    /// The bad list's users.
    BadUsers,
    /// The exception list.
    ExceptLong,
    /// Everything known of every user.
    UserAll,
    /// Who is new where.
    UserNew,
}

/// What an envelope is to this account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An order from one who may give it.
    Obey(Order),
    /// Said to others, or in words that nobody here knows, or by this account itself.
    NotForUs,
    /// An order that is not carried out: to be counted and logged.
    Refused(Refused),
}

/// An order that is not carried out. Its `Display` is fit for any log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}/{kind} from {sender}: {why}")]
pub struct Refused {
    /// Who gave it, or "somebody unnamed" if `from` is not of a bot's form.
    pub sender: String,
    /// Its action.
    pub action: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// Why it is not carried out.
    pub why: RefusedWhy,
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedWhy {
    /// The fleet knows it, but AVATAR never obeys it.
    #[error("AVATAR does not do that")]
    NotOurs,
    /// It has to be addressed to this one.
    #[error("it has to be addressed to {0}")]
    Addressee(&'static str),
    /// The sender may not give it.
    #[error("this sender may not order it")]
    Sender,
    /// The sender may give it, but not with this.
    #[error("this sender may not order it with {0}")]
    SenderOfThis(&'static str),
    /// It was said to another bot alone, and AVATAR overhears it from others only. Nothing is wrong.
    #[error("overheard; it is not for AVATAR from this sender")]
    Overheard,
    /// Its data cannot be understood.
    #[error("{0}")]
    Data(#[from] BadData),
}

/// Judges an envelope. `own_name` is this program's name in the fleet, AVATAR.
#[must_use]
pub fn understand(envelope: &Envelope, own_name: &str) -> Heard {
    let to_us = envelope.to.iter().any(|name| name == own_name);
    if envelope.from == own_name {
        return Heard::NotForUs;
    }
    let names = (envelope.action.as_str(), envelope.kind.as_str());
    let refuse = |(action, kind), why| {
        let sender = loggable(&envelope.from).to_owned();
        Heard::Refused(Refused {
            sender,
            action,
            kind,
            why,
        })
    };
    let Some((entry, names)) = table::find(names) else {
        return match fleet_exchange::vocabulary::find(names.0, names.1) {
            Some(names) if to_us => refuse(names, RefusedWhy::NotOurs),
            _ => Heard::NotForUs,
        };
    };
    match entry.judge(envelope, own_name) {
        Some(Ok(order)) => Heard::Obey(order),
        Some(Err(why)) => refuse(names, why),
        None => Heard::NotForUs,
    }
}

/// Prints the table of SPEC §5.5 in Markdown, a line for each entry, ending in a newline.
#[must_use]
pub fn table() -> String {
    let lines = table::ENTRIES.iter().map(|entry| format!("{entry}\n"));
    let head = "| sender | action / type | data | effect |\n|---|---|---|---|\n";
    [head.to_owned()].into_iter().chain(lines).collect()
}

/// Returns the sender as it may stand in a log: a bot's name is a few capitals, anything else could be anything.
#[must_use]
pub fn loggable(sender: &str) -> &str {
    let is_name = sender.len() <= 16
        && sender.starts_with(|first: char| first.is_ascii_uppercase())
        && sender.bytes().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
        });
    if is_name { sender } else { "somebody unnamed" }
}

#[cfg(test)]
mod tests;
