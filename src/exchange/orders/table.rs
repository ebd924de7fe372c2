//! The orders that AVATAR obeys and the table of who may give them.
//!
//! A new order is a variant of [`Order`] and an entry of [`ENTRIES`] here, and an effect in `task::order_execution`.
//! The table in the documentation is printed from the same entries.

use super::data::{Data, DataError};
use super::entry::{Addressee, Entry, Names, Restriction, Senders};
use crate::model::{BadEntry, ChannelId, List, MessageId, UserId, WordList};

/// An order of a sender who may give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    AddBad(BadEntry),
    RemoveBad(BadEntry),
    AddExcept {
        user: UserId,
    },
    RemoveExcept {
        user: UserId,
    },
    /// Another bot has handled this message. The id is never 0.
    Declare {
        group: ChannelId,
        message: MessageId,
    },
    FloodBegin {
        group: ChannelId,
    },
    FloodEnd {
        group: ChannelId,
    },
    /// The user is not rechecked in this group any more. A photo that waits still goes out.
    EndRecheck {
        group: ChannelId,
        user: UserId,
    },
    VersionAsk {
        admin: UserId,
        message: MessageId,
        /// The group of `message`; older bots leave it out.
        group: Option<ChannelId>,
    },
    BackupNow,
    Rollback {
        admin: UserId,
        list: List,
    },
    Clear {
        admin: UserId,
        part: ClearTarget,
    },
    RemoveScore {
        user: UserId,
    },
    Refresh {
        admin: UserId,
    },
    StatusAsk {
        admin: UserId,
        message: MessageId,
    },
    RegexUpdate {
        list: WordList,
    },
    RegexCount,
    SetRoute {
        /// Posts go to HIDE from here on (true), or to EXCHANGE again (false).
        hide: bool,
    },
}

impl Order {
    /// Returns true if the order means nothing without the post's file.
    #[must_use]
    pub const fn needs_file(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::RegexUpdate { .. })
    }
}

/// The part of the data that MANAGE orders to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearTarget {
    BadChannels,
    BadUsers,
    ExceptLong,
    /// All records of all users.
    UserAll,
    /// The records of users who are new in a group.
    UserNew,
}

/// Finds the entry of an action and type, and the table's own copies of the two words.
pub(super) fn find(action: &str, kind: &str) -> Option<(&'static Entry, Names)> {
    ENTRIES.iter().find_map(|entry| {
        let names = entry.names.iter().find(|names| **names == (action, kind))?;
        Some((entry, *names))
    })
}

const MANAGE: Senders = Senders::Only(&["MANAGE"]);
const REGEX: Senders = Senders::Only(&["REGEX"]);
const NOSPAM_AND_MANAGE: Senders = Senders::Only(&["NOSPAM", "MANAGE"]);

/// Reserves the orders about channels to these senders.
const fn channels_only_from(senders: &'static [&'static str]) -> Option<Restriction> {
    Some(Restriction {
        label: "`type: channel`",
        applies: |order| {
            matches!(
                order,
                Order::AddBad(BadEntry::Channel(_)) | Order::RemoveBad(BadEntry::Channel(_))
            )
        },
        senders,
    })
}

/// All orders. Each action and type is in one entry only.
pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        senders: Senders::Only(&[
            "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK", "USER", "MANAGE",
        ]),
        to: Addressee::Avatar,
        names: &[("add", "bad")],
        data: "`{id, type: user}`",
        read: |data| Ok(Order::AddBad(bad(data)?)),
        restriction: channels_only_from(&["MANAGE", "NOSPAM"]),
        effect: "goes on the bad list",
    },
    Entry {
        senders: Senders::Only(&["MANAGE", "USER"]),
        to: Addressee::Avatar,
        names: &[("remove", "bad")],
        data: "`{id, type: user}`",
        read: |data| Ok(Order::RemoveBad(bad(data)?)),
        restriction: channels_only_from(&["MANAGE"]),
        effect: "goes off the bad list; a user's records are cleared",
    },
    Entry {
        senders: NOSPAM_AND_MANAGE,
        to: Addressee::Avatar,
        names: &[("add", "except")],
        data: "`{id, type: long}`, also spelled `the_id`, `the_type`",
        read: |data| {
            let user = excepted(data)?;
            Ok(Order::AddExcept { user })
        },
        restriction: None,
        effect: "the user's present photo goes on the exception list",
    },
    Entry {
        senders: NOSPAM_AND_MANAGE,
        to: Addressee::Avatar,
        names: &[("remove", "except")],
        data: "same",
        read: |data| {
            let user = excepted(data)?;
            Ok(Order::RemoveExcept { user })
        },
        restriction: None,
        effect: "the user's present photo goes off the exception list",
    },
    Entry {
        senders: Senders::Only(&[
            "CAPTCHA", "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK",
        ]),
        to: Addressee::Avatar,
        names: &[
            ("update", "declare"),
            ("declare", "ban"),
            ("declare", "delete"),
        ],
        data: "`{group_id, message_id}`",
        read: |data| {
            Ok(Order::Declare {
                group: data.channel("group_id")?,
                message: data.message("message_id")?,
            })
        },
        restriction: None,
        effect: "that message is handled; a photo that waits for it is cancelled",
    },
    Entry {
        senders: Senders::Only(&["CAPTCHA"]),
        to: Addressee::Avatar,
        names: &[("flood", "status")],
        data: "`{group_id, status: begin or end}`",
        read: |data| {
            let group = data.channel("group_id")?;
            let begin = ("begin", Order::FloodBegin { group });
            data.word("status", &[begin, ("end", Order::FloodEnd { group })])
        },
        restriction: None,
        effect: "photos of that group wait, and are decided again at `end`",
    },
    Entry {
        senders: Senders::Only(&["CAPTCHA"]),
        to: Addressee::User,
        names: &[("help", "delete")],
        data: "`{group_id, user_id, …}`",
        read: |data| {
            Ok(Order::EndRecheck {
                group: data.channel("group_id")?,
                user: data.user("user_id")?,
            })
        },
        restriction: None,
        effect: "ends the recheck of that user there; a photo that waits still goes out",
    },
    Entry {
        senders: Senders::Only(&["HIDE"]),
        to: Addressee::Avatar,
        names: &[("version", "ask")],
        data: "`{admin_id, message_id}`, newer also `group_id`",
        read: |data| {
            Ok(Order::VersionAsk {
                admin: data.user("admin_id")?,
                message: data.message("message_id")?,
                group: data.optional_channel("group_id")?,
            })
        },
        restriction: None,
        effect: "version report",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("backup", "now")],
        data: "anything",
        read: |_| Ok(Order::BackupNow),
        restriction: None,
        effect: "backup at once",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("backup", "rollback")],
        data: "`{admin_id, type: list name}` and a file",
        read: |data| {
            Ok(Order::Rollback {
                admin: data.user("admin_id")?,
                list: data.word("type", &List::ALL.map(|list| (list.as_str(), list)))?,
            })
        },
        restriction: None,
        effect: "that list is replaced by the file; the old one is kept as a sealed file",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "bad")],
        data: "`{admin_id, type: channels or users}`",
        read: |data| {
            let channels = ("channels", ClearTarget::BadChannels);
            clear(data, &[channels, ("users", ClearTarget::BadUsers)])
        },
        restriction: None,
        effect: "clears that part of the bad list",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "except")],
        data: "`{admin_id, type: long}`",
        read: |data| clear(data, &[("long", ClearTarget::ExceptLong)]),
        restriction: None,
        effect: "clears the exception list",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "user")],
        data: "`{admin_id, type: all or new}`",
        read: |data| {
            let all = ("all", ClearTarget::UserAll);
            clear(data, &[all, ("new", ClearTarget::UserNew)])
        },
        restriction: None,
        effect: "clears the records of all users, or of new ones",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("remove", "score")],
        data: "user id",
        read: |data| {
            let user = data.as_user()?;
            Ok(Order::RemoveScore { user })
        },
        restriction: None,
        effect: "clears the user's records",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("update", "refresh")],
        data: "admin id",
        read: |data| {
            let admin = data.as_user()?;
            Ok(Order::Refresh { admin })
        },
        restriction: None,
        effect: "refreshes administrator lists",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("status", "ask")],
        data: "`{admin_id, message_id}`",
        read: |data| {
            Ok(Order::StatusAsk {
                admin: data.user("admin_id")?,
                message: data.message("message_id")?,
            })
        },
        restriction: None,
        effect: "status report",
    },
    Entry {
        senders: REGEX,
        to: Addressee::Avatar,
        names: &[("regex", "update")],
        data: "list name and a file of rules",
        read: |data| {
            let list = data.as_word(&WordList::ALL.map(|list| (list.as_str(), list)))?;
            Ok(Order::RegexUpdate { list })
        },
        restriction: None,
        effect: "replaces the list, keeping hits of rules that stay",
    },
    Entry {
        senders: REGEX,
        to: Addressee::Avatar,
        names: &[("regex", "count")],
        data: "`\"ask\"`",
        read: |data| data.as_word(&[("ask", Order::RegexCount)]),
        restriction: None,
        effect: "count report now",
    },
    Entry {
        senders: Senders::Anyone,
        to: Addressee::Emergency,
        names: &[("backup", "hide")],
        data: "bool",
        read: |data| data.as_bool().map(|hide| Order::SetRoute { hide }),
        restriction: Some(Restriction {
            label: "`false`",
            applies: |order| *order == Order::SetRoute { hide: false },
            senders: &["BACKUP", "MANAGE"],
        }),
        effect: "HIDE is used from now on, EXCHANGE again after `false`",
    },
];

fn bad(data: Data<'_>) -> Result<BadEntry, DataError> {
    let is_user = data.word("type", &[("user", true), ("channel", false)])?;
    Ok(if is_user {
        BadEntry::User(data.user("id")?)
    } else {
        BadEntry::Channel(data.channel("id")?)
    })
}

fn excepted(data: Data<'_>) -> Result<UserId, DataError> {
    data.word("type", &[("long", ())])?;
    data.user("id")
}

fn clear(data: Data<'_>, words: &[(&str, ClearTarget)]) -> Result<Order, DataError> {
    Ok(Order::Clear {
        admin: data.user("admin_id")?,
        part: data.word("type", words)?,
    })
}
