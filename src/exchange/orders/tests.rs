//! Every order of the table from every sender, and what is refused.
//!
//! The fixture was transcribed from the contract with the fleet and is not printed from the code.

mod hostile;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::exchange::format_data;
use crate::model::{BadEntry, ChannelId, List, MessageId, UserId};

const AVATAR: &str = "AVATAR";
const GROUP: ChannelId = ChannelId::from_bare(1_234_567_890);
const USER: UserId = UserId::new(12_345_678);
const ADMIN: UserId = UserId::new(87_654_321);
const MESSAGE: MessageId = MessageId::new(123);

/// One line of the table, or one order of a line.
#[derive(serde::Deserialize)]
struct Row {
    row: String,
    senders: Vec<String>,
    to: String,
    orders: Vec<(String, String)>,
    /// Spellings of the data, all with the same meaning.
    data: Vec<Value>,
    invalid: Vec<Value>,
    /// Senders that may not give the orders of the line.
    refused: Vec<String>,
    /// Senders that may give the line's orders, but not with this data.
    #[serde(default)]
    restricted: Vec<String>,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../../tests/fixtures/orders.json")).unwrap()
}

/// Writes an envelope and classifies what is read from its text.
fn classify_sent(
    sender: &str,
    to: &[&str],
    (action, kind): (&str, &str),
    data: &Value,
) -> Classified {
    let text = format_data(sender, to, action, kind, data);
    classify(&Envelope::parse(&text).unwrap(), AVATAR)
}

fn reason(classified: Classified) -> RefusalReason {
    match classified {
        Classified::Refused(refused) => refused.reason,
        other => panic!("{other:?} is not a refusal"),
    }
}

/// Returns the order of a row of the fixture.
fn expected(row: &str) -> Order {
    let (group, user, admin, message) = (GROUP, USER, ADMIN, MESSAGE);
    let clear = |part| Order::Clear { admin, part };
    match row {
        "add bad user" => Order::AddBad(BadEntry::User(user)),
        "add bad channel" => Order::AddBad(BadEntry::Channel(group)),
        "remove bad user" => Order::RemoveBad(BadEntry::User(user)),
        "remove bad channel" => Order::RemoveBad(BadEntry::Channel(group)),
        "add except" => Order::AddExcept { user },
        "remove except" => Order::RemoveExcept { user },
        "declare" => Order::Declare { group, message },
        "flood begin" => Order::FloodBegin { group },
        "flood end" => Order::FloodEnd { group },
        "end recheck" => Order::EndRecheck { group, user },
        "version ask" | "version ask with group" => Order::VersionAsk {
            admin,
            message,
            group: row.ends_with("group").then_some(group),
        },
        "backup now" => Order::BackupNow,
        "clear bad channels" => clear(ClearTarget::BadChannels),
        "clear bad users" => clear(ClearTarget::BadUsers),
        "clear except long" => clear(ClearTarget::ExceptLong),
        "clear user all" => clear(ClearTarget::UserAll),
        "clear user new" => clear(ClearTarget::UserNew),
        "remove score" => Order::RemoveScore { user },
        "refresh" => Order::Refresh { admin },
        "status ask" => Order::StatusAsk { admin, message },
        "regex count" => Order::RegexCount,
        "hide true" => Order::SetRoute { hide: true },
        "hide false" => Order::SetRoute { hide: false },
        other => expected_with_list(other),
    }
}

/// Returns the order of a row that ends with the name of a list.
fn expected_with_list(row: &str) -> Order {
    let name = row.rsplit(' ').next().unwrap();
    let list = List::ALL.into_iter().find(|list| list.as_str() == name);
    match (row.strip_suffix(name).unwrap(), list.unwrap()) {
        ("rollback ", list) => Order::Rollback { admin: ADMIN, list },
        ("regex update ", List::Words(list)) => Order::RegexUpdate { list },
        _ => panic!("{row}"),
    }
}

/// Calls `check` with each row and each of its orders.
fn each(mut check: impl FnMut(&Row, (&str, &str))) {
    for row in rows() {
        for (action, kind) in &row.orders {
            check(&row, (action, kind));
        }
    }
}

#[test]
fn every_order_is_accepted_from_every_sender_that_may_give_it() {
    let mut accepted = 0;
    each(|row, names| {
        for sender in &row.senders {
            for data in &row.data {
                for to in [&[row.to.as_str()][..], &["TIP", &row.to, "NOSPAM"]] {
                    assert_eq!(
                        classify_sent(sender, to, names, data),
                        Classified::Order(expected(&row.row)),
                        "{sender} {names:?} {data}"
                    );
                    accepted += 1;
                }
            }
        }
    });
    assert!(accepted > 300, "{accepted}");
}

#[test]
fn an_order_of_a_sender_who_may_not_give_it_is_refused() {
    each(|row, names| {
        let to_other_bot = if row.to == "USER" {
            RefusalReason::NotFromThisSender
        } else {
            RefusalReason::Sender
        };
        for sender in &row.refused {
            for data in row.data.iter().chain(&row.invalid) {
                let without_us = reason(classify_sent(sender, &[&row.to], names, data));
                assert_eq!(without_us, to_other_bot, "{sender} {names:?}");
                let with_us = reason(classify_sent(sender, &[&row.to, AVATAR], names, data));
                assert_eq!(with_us, RefusalReason::Sender, "{sender} {names:?}");
            }
        }
        for sender in &row.restricted {
            let reason = reason(classify_sent(sender, &[&row.to], names, &row.data[0]));
            assert!(
                matches!(reason, RefusalReason::SenderWith(_)),
                "{sender} {reason:?}"
            );
        }
    });
}

#[test]
fn an_order_to_other_bots_is_ignored() {
    each(|row, names| {
        for sender in row.senders.iter().chain(&row.refused) {
            for to in [&[][..], &["BACKUP"], &["avatar", "AVATAR ", "EVERYBODY"]] {
                let classified = classify_sent(sender, to, names, &row.data[0]);
                assert_eq!(
                    classified,
                    Classified::NotForUs,
                    "{sender} {to:?} {names:?}"
                );
            }
        }
        if row.to != AVATAR {
            let classified = classify_sent(&row.senders[0], &[AVATAR], names, &row.data[0]);
            assert!(matches!(reason(classified), RefusalReason::Addressee(to) if to == row.to));
        }
    });
}

#[test]
fn an_order_with_invalid_data_is_refused_and_names_the_key() {
    each(|row, names| {
        for data in &row.invalid {
            let reason = reason(classify_sent(&row.senders[0], &[&row.to], names, data));
            assert!(
                matches!(reason, RefusalReason::Data(_)),
                "{names:?} {data}: {reason:?}"
            );
        }
    });
    // The documents shorten ids in their examples; Telegram has no such group.
    let short = json!({"group_id": -10_012_345_678_i64, "message_id": 123});
    let classified = classify_sent("NOSPAM", &[AVATAR], ("update", "declare"), &short);
    let Classified::Refused(refused) = classified else {
        panic!("{classified:?} is not a refusal");
    };
    assert_eq!(
        refused.to_string(),
        "update/declare from NOSPAM: its group_id is not the id of a channel, which is -100 and ten to twelve more \
         digits"
    );
}

#[test]
fn the_table_is_the_transcribed_table() {
    let mut transcribed = BTreeMap::<_, BTreeSet<String>>::new();
    for row in rows() {
        for names in row.orders {
            let senders = transcribed.entry(names).or_default();
            senders.extend(row.senders.clone());
        }
    }
    let mut coded = BTreeSet::new();
    for entry in table::ENTRIES {
        let line = entry.to_string();
        let senders = line.trim_start_matches("| ").split(" | ").next().unwrap();
        let senders: BTreeSet<_> = senders.split(", ").map(str::to_owned).collect();
        for (action, kind) in entry.names {
            let names = ((*action).to_owned(), (*kind).to_owned());
            let wanted = &transcribed[&names];
            let missing: Vec<_> = wanted.difference(&senders).collect();
            assert!(missing.is_empty() || senders.contains("anyone"), "{line}");
            let added: Vec<_> = senders.difference(wanted).collect();
            assert!(
                added
                    .iter()
                    .all(|word| *word == "anyone" || word.starts_with("to ")),
                "{line}"
            );
            assert_eq!(vocabulary::find(action, kind), Some((*action, *kind)));
            assert!(coded.insert(names), "{action}/{kind} has two entries");
        }
    }
    assert_eq!(coded, transcribed.into_keys().collect());
}

#[test]
fn the_printed_table_is_markdown() {
    let table = markdown_table();
    assert_eq!(table.lines().count(), table::ENTRIES.len() + 2);
    assert!(table.contains(
        "| CAPTCHA, to USER | help / delete | `{group_id, user_id, …}` | ends the recheck of that user there; a photo \
         that waits still goes out |\n"
    ));
    assert!(table.contains("`{id, type: user}`; `type: channel` only from MANAGE or NOSPAM |"));
    assert!(table.contains("`{id, type: user}`; `type: channel` only from MANAGE |"));
    assert!(
        table
            .lines()
            .all(|line| line.matches(" | ").count() == 3 || line == "|---|---|---|---|")
    );
}

#[test]
fn known_words_to_avatar_are_refused_and_unknown_words_are_ignored() {
    let data = json!({"group_id": 1});
    for (names, to, is_refused) in [
        (("update", "avatar"), AVATAR, true),
        (("help", "send"), AVATAR, true),
        (("update", "avatar"), "NOSPAM", false),
        (("update", "everything"), AVATAR, false),
        (("order", "ask"), AVATAR, false),
        (("", ""), AVATAR, false),
        (("ADD", "bad"), AVATAR, false),
    ] {
        match classify_sent("NOSPAM", &[to], names, &data) {
            Classified::Refused(refused) if is_refused => {
                assert_eq!(refused.reason, RefusalReason::Unsupported);
                assert_eq!((refused.action, refused.kind), names);
            }
            other => {
                let ignored = if to == AVATAR {
                    Classified::UnknownWords
                } else {
                    Classified::NotForUs
                };
                assert!(other == ignored && !is_refused, "{names:?} {other:?}");
            }
        }
    }
}

#[test]
fn an_order_from_avatar_is_ignored() {
    let hide = ("backup", "hide");
    let classified = classify_sent(AVATAR, &["EMERGENCY"], hide, &json!(true));
    assert_eq!(classified, Classified::NotForUs);
}

#[test]
fn a_refusal_shows_only_senders_that_look_like_bots() {
    for (sender, shown) in [
        ("TIP", "TIP"),
        ("Jane Doe, +1 555 0100", "unknown sender"),
        ("TIP\nERROR", "unknown sender"),
        ("15550100", "unknown sender"),
        ("", "unknown sender"),
        ("AAAAAAAAAAAAAAAAA", "unknown sender"),
    ] {
        let classified = classify_sent(sender, &[AVATAR], ("backup", "now"), &json!(null));
        let Classified::Refused(refused) = classified else {
            panic!("{sender:?}: {classified:?} is not a refusal");
        };
        assert_eq!(
            refused.to_string(),
            format!("backup/now from {shown}: this sender may not order it")
        );
    }
}

#[test]
fn every_documented_call_has_its_verdict() {
    const SHORT_ID: &str =
        "its group_id is not the id of a channel, which is -100 and ten to twelve more digits";
    const OVERHEARD: &str =
        "it is addressed to another bot, and AVATAR does not follow it from this sender";
    let mut orders = Vec::new();
    let mut refused = Vec::new();
    let mut ignored = 0;
    for fixture in [
        include_str!("../../../crates/fleet-exchange/tests/fixtures/exchange.json"),
        include_str!("../../../crates/fleet-exchange/tests/fixtures/exchange-more.json"),
    ] {
        let calls: Vec<Value> = serde_json::from_str(fixture).unwrap();
        for call in calls {
            let envelope = Envelope::parse(call["text"].as_str().unwrap()).unwrap();
            match classify(&envelope, AVATAR) {
                Classified::Order(order) => orders.push((envelope.from, order)),
                Classified::Refused(order) => refused.push(order.to_string()),
                Classified::NotForUs => ignored += 1,
                Classified::UnknownWords => panic!("unknown words in {call}"),
            }
        }
    }
    assert_eq!(orders.len() + refused.len() + ignored, 152);
    let hide = |hide| Order::SetRoute { hide };
    let mut expected: Vec<(String, Order)> = [
        "HIDE",
        "ANALYZE",
        "APPEAL",
        "APPLY",
        "EMERGENCY",
        "CAPTCHA",
        "NOSPAM",
    ]
    .map(|sender| (sender.to_owned(), hide(true)))
    .to_vec();
    expected.extend([
        ("BACKUP".into(), hide(false)),
        ("NOSPAM".into(), Order::AddExcept { user: USER }),
        ("NOSPAM".into(), Order::AddBad(BadEntry::User(USER))),
    ]);
    assert_same(orders, expected);
    let overheard = [
        "APPEAL", "APPLY", "NOSPAM", "LANG", "NOFLOOD", "NOPORN", "RECHECK",
    ];
    let mut expected: Vec<String> = overheard
        .iter()
        .map(|sender| format!("help/delete from {sender}: {OVERHEARD}"))
        .collect();
    expected.push(format!("help/delete from CAPTCHA: {SHORT_ID}"));
    expected.push(format!("update/declare from NOSPAM: {SHORT_ID}"));
    assert_same(refused, expected);
}

/// Compares two lists whose order does not matter.
fn assert_same<T: std::fmt::Debug>(found: Vec<T>, expected: Vec<T>) {
    let sorted = |list: Vec<T>| {
        let mut lines: Vec<String> = list.iter().map(|entry| format!("{entry:?}")).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(found), sorted(expected));
}
