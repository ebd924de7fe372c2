//! The table of orders (SPEC §5.5): who may say what to whom, and what is made of it.

use super::Order;
use super::data;
use super::entry::{Addressee, Entry, Names, Narrowed, Senders};
use crate::model::Bad;

/// Finds the entry of an action and type, with the table's own spelling of the two.
pub(super) fn find(names: (&str, &str)) -> Option<(&'static Entry, Names)> {
    ENTRIES.iter().find_map(|entry| {
        let known = entry.names.iter().find(|known| **known == names)?;
        Some((entry, *known))
    })
}

const MANAGE: Senders = Senders::These(&["MANAGE"]);
const REGEX: Senders = Senders::These(&["REGEX"]);
const NOSPAM_AND_MANAGE: Senders = Senders::These(&["NOSPAM", "MANAGE"]);
const CHANNELS_ARE_FOR_FEW: Option<Narrowed> = Some(Narrowed {
    what: "`type: channel`",
    is_meant: |order| {
        let (Order::AddBad(bad) | Order::RemoveBad(bad)) = order else {
            return false;
        };
        matches!(bad, Bad::Channel(_))
    },
    senders: &["MANAGE", "NOSPAM"],
});

/// All orders. An action and type stands in one entry only.
pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        senders: Senders::These(&[
            "ANALYZE", "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK", "USER",
            "WARN", "WATCH", "MANAGE",
        ]),
        to: Addressee::Avatar,
        names: &[("add", "bad")],
        data: "`{id, type: user}`",
        read: data::add_bad,
        narrowed: CHANNELS_ARE_FOR_FEW,
        effect: "goes on the bad list",
    },
    Entry {
        senders: Senders::These(&["NOSPAM", "MANAGE", "USER"]),
        to: Addressee::Avatar,
        names: &[("remove", "bad")],
        data: "`{id, type: user}`",
        read: data::remove_bad,
        narrowed: CHANNELS_ARE_FOR_FEW,
        effect: "goes off the bad list; a user's records are cleared",
    },
    Entry {
        senders: NOSPAM_AND_MANAGE,
        to: Addressee::Avatar,
        names: &[("add", "except")],
        data: "`{id, type: long}`, also spelled `the_id`, `the_type`",
        read: data::add_except,
        narrowed: None,
        effect: "the user's present photo goes on the exception list",
    },
    Entry {
        senders: NOSPAM_AND_MANAGE,
        to: Addressee::Avatar,
        names: &[("remove", "except")],
        data: "same",
        read: data::remove_except,
        narrowed: None,
        effect: "the user's present photo goes off the exception list",
    },
    Entry {
        senders: Senders::These(&[
            "CAPTCHA", "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK",
        ]),
        to: Addressee::Avatar,
        names: &[
            ("update", "declare"),
            ("declare", "ban"),
            ("declare", "delete"),
        ],
        data: "`{group_id, message_id}`",
        read: data::declared,
        narrowed: None,
        effect: "that message is handled; a photo that waits for it is cancelled",
    },
    Entry {
        senders: Senders::These(&["CAPTCHA"]),
        to: Addressee::Avatar,
        names: &[("flood", "status")],
        data: "`{group_id, status: begin or end}`",
        read: data::flood,
        narrowed: None,
        effect: "photos of that group wait, and are decided anew at `end`",
    },
    Entry {
        senders: Senders::These(&["CAPTCHA", "WARN"]),
        to: Addressee::User,
        names: &[("help", "delete")],
        data: "`{group_id, user_id, …}`",
        read: data::kicked,
        narrowed: None,
        effect: "kicked: that user's waiting photo and join there are dropped",
    },
    Entry {
        senders: Senders::These(&["HIDE"]),
        to: Addressee::Avatar,
        names: &[("version", "ask")],
        data: "`{admin_id, message_id}`, newer also `group_id`",
        read: data::version_ask,
        narrowed: None,
        effect: "version report",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("backup", "now")],
        data: "anything",
        read: |_| Ok(Order::BackupNow),
        narrowed: None,
        effect: "backup at once",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("backup", "rollback")],
        data: "`{admin_id, type: list name}` and a file",
        read: data::rollback,
        narrowed: None,
        effect: "that list is replaced by the file; the old one is kept as a sealed file",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "bad")],
        data: "`{admin_id, type: channels or users}`",
        read: data::clear_bad,
        narrowed: None,
        effect: "clears that part of the bad list",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "except")],
        data: "`{admin_id, type: long}`",
        read: data::clear_except,
        narrowed: None,
        effect: "clears the exception list",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("clear", "user")],
        data: "`{admin_id, type: all or new}`",
        read: data::clear_user,
        narrowed: None,
        effect: "clears all that is known of users, or who is new",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("remove", "score")],
        data: "user id",
        read: data::remove_score,
        narrowed: None,
        effect: "clears the user's records",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("update", "refresh")],
        data: "admin id",
        read: data::refresh,
        narrowed: None,
        effect: "refreshes administrator lists",
    },
    Entry {
        senders: MANAGE,
        to: Addressee::Avatar,
        names: &[("status", "ask")],
        data: "`{admin_id, message_id}`",
        read: data::status_ask,
        narrowed: None,
        effect: "status report",
    },
    Entry {
        senders: REGEX,
        to: Addressee::Avatar,
        names: &[("regex", "update")],
        data: "list name and a file of rules",
        read: data::regex_update,
        narrowed: None,
        effect: "replaces the list, keeping hits of rules that stay",
    },
    Entry {
        senders: REGEX,
        to: Addressee::Avatar,
        names: &[("regex", "count")],
        data: "`\"ask\"`",
        read: data::regex_count,
        narrowed: None,
        effect: "count report now",
    },
    Entry {
        senders: Senders::Anyone,
        to: Addressee::Emergency,
        names: &[("backup", "hide")],
        data: "bool",
        read: data::hide,
        narrowed: Some(Narrowed {
            what: "`false`",
            is_meant: |order| *order == Order::Hide(false),
            senders: &["MANAGE"],
        }),
        effect: "HIDE is used from now on, EXCHANGE again after `false`",
    },
];
