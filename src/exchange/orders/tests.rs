//! Every line of SPEC §5.5, from every sender, and what is refused of it.
//!
//! The fixture is SPEC's table written out by hand, not printed from the code.

mod hostile;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::exchange::format_data;

const AVATAR: &str = "AVATAR";
const GROUP: ChannelId = ChannelId::from_bare(1_234_567_890);
const USER: UserId = UserId::new(12_345_678);
const ADMIN: UserId = UserId::new(87_654_321);
const MESSAGE: MessageId = MessageId::new(123);

/// One line of the table, or one of its meanings.
#[derive(serde::Deserialize)]
struct Row {
    row: String,
    senders: Vec<String>,
    to: String,
    orders: Vec<(String, String)>,
    /// Ways to say it.
    data: Vec<Value>,
    /// Ways to get it wrong.
    broken: Vec<Value>,
    /// Senders that may not give it.
    refused: Vec<String>,
    /// Senders that may give the line's orders, but not this one.
    #[serde(default)]
    not_from: Vec<String>,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../../tests/fixtures/orders.json")).unwrap()
}

/// What a post with these words is to AVATAR, by way of its text.
fn heard(sender: &str, to: &[&str], (action, kind): (&str, &str), data: &Value) -> Heard {
    let text = format_data(sender, to, action, kind, data);
    understand(&Envelope::parse(&text).unwrap(), AVATAR)
}

fn why(heard: Heard) -> RefusedWhy {
    match heard {
        Heard::Refused(refused) => refused.why,
        other => panic!("{other:?} is no refusal"),
    }
}

/// The order that the fixture's row stands for.
fn meant(row: &str) -> Order {
    let group = GROUP;
    let (user, admin, message) = (USER, ADMIN, MESSAGE);
    let clear = |what| Order::Clear { admin, what };
    match row {
        "a bad user" => Order::AddBad(Bad::User(user)),
        "a bad channel" => Order::AddBad(Bad::Channel(group)),
        "a bad user no more" => Order::RemoveBad(Bad::User(user)),
        "a bad channel no more" => Order::RemoveBad(Bad::Channel(group)),
        "an exception" => Order::AddExcept { user },
        "an exception no more" => Order::RemoveExcept { user },
        "a handled message" => Order::Declare { group, message },
        "a flood" => Order::FloodBegin { group },
        "a flood's end" => Order::FloodEnd { group },
        "a kicked user" => Order::Kicked { group, user },
        "the version" | "the version, newer" => Order::VersionAsk {
            admin,
            message,
            group: row.ends_with("newer").then_some(group),
        },
        "a backup" => Order::BackupNow,
        "clear bad channels" => clear(Cleared::BadChannels),
        "clear bad users" => clear(Cleared::BadUsers),
        "clear except long" => clear(Cleared::ExceptLong),
        "clear user all" => clear(Cleared::UserAll),
        "clear user new" => clear(Cleared::UserNew),
        "a score" => Order::RemoveScore { user },
        "administrators" => Order::Refresh { admin },
        "the status" => Order::StatusAsk { admin, message },
        "the counts" => Order::RegexCount,
        "to HIDE" => Order::Hide(true),
        "back to EXCHANGE" => Order::Hide(false),
        other => with_list(other),
    }
}

/// The orders that have a list's name in them.
fn with_list(row: &str) -> Order {
    let name = row.rsplit(' ').next().unwrap();
    let list = List::ALL.into_iter().find(|list| list.as_str() == name);
    match (row.strip_suffix(name).unwrap(), list.unwrap()) {
        ("back to ", list) => Order::Rollback { admin: ADMIN, list },
        ("rules of ", List::Words(list)) => Order::RegexUpdate { list },
        _ => panic!("{row}"),
    }
}

/// Calls with each row and each of its orders.
fn each(mut check: impl FnMut(&Row, (&str, &str))) {
    for row in rows() {
        for (action, kind) in &row.orders {
            check(&row, (action, kind));
        }
    }
}

#[test]
fn every_order_is_obeyed_from_every_sender_that_may_give_it() {
    let mut obeyed = 0;
    each(|row, names| {
        for sender in &row.senders {
            for data in &row.data {
                for to in [&[row.to.as_str()][..], &["TIP", &row.to, "NOSPAM"]] {
                    let heard = heard(sender, to, names, data);
                    assert_eq!(
                        heard,
                        Heard::Obey(meant(&row.row)),
                        "{sender} {names:?} {data}"
                    );
                    obeyed += 1;
                }
            }
        }
    });
    assert!(obeyed > 300, "{obeyed}");
}

#[test]
fn an_order_of_one_who_may_not_give_it_is_refused() {
    each(|row, names| {
        let overheard = row.to == "USER";
        for sender in &row.refused {
            for data in row.data.iter().chain(&row.broken) {
                let said = why(heard(sender, &[&row.to], names, data));
                let alone = if overheard {
                    RefusedWhy::Overheard
                } else {
                    RefusedWhy::Sender
                };
                assert_eq!(said, alone, "{sender} {names:?}");
                let said = why(heard(sender, &[&row.to, AVATAR], names, data));
                assert_eq!(said, RefusedWhy::Sender, "{sender} {names:?}");
            }
        }
        for sender in &row.not_from {
            let said = why(heard(sender, &[&row.to], names, &row.data[0]));
            assert!(
                matches!(said, RefusedWhy::SenderOfThis(_)),
                "{sender} {said:?}"
            );
        }
    });
}

#[test]
fn an_order_to_others_is_nothing_to_us() {
    each(|row, names| {
        for sender in row.senders.iter().chain(&row.refused) {
            for to in [&[][..], &["BACKUP"], &["avatar", "AVATAR ", "EVERYBODY"]] {
                let heard = heard(sender, to, names, &row.data[0]);
                assert_eq!(heard, Heard::NotForUs, "{sender} {to:?} {names:?}");
            }
        }
        if row.to != AVATAR {
            let said = why(heard(&row.senders[0], &[AVATAR], names, &row.data[0]));
            assert!(matches!(said, RefusedWhy::Addressee(to) if to == row.to));
        }
    });
}

#[test]
fn an_order_with_broken_data_is_refused_and_says_where() {
    each(|row, names| {
        for data in &row.broken {
            let said = why(heard(&row.senders[0], &[&row.to], names, data));
            assert!(
                matches!(said, RefusedWhy::Data(_)),
                "{names:?} {data}: {said:?}"
            );
        }
    });
    let short = json!({"group_id": -10_012_345_678_i64, "message_id": 123});
    let Heard::Refused(refused) = heard("NOSPAM", &[AVATAR], ("update", "declare"), &short) else {
        panic!("the documents' short example is no group of Telegram's");
    };
    assert_eq!(
        refused.to_string(),
        "update/declare from NOSPAM: its group_id is no channel's id: -100 and ten more digits, or up to twelve, \
         are expected"
    );
}

#[test]
fn the_table_is_the_documents_table() {
    let mut documented = BTreeMap::<_, BTreeSet<String>>::new();
    for row in rows() {
        for names in row.orders {
            documented
                .entry(names)
                .or_default()
                .extend(row.senders.clone());
        }
    }
    let mut coded = BTreeSet::new();
    for entry in table::ENTRIES {
        let line = entry.to_string();
        let who = line.trim_start_matches("| ").split(" | ").next().unwrap();
        for (action, kind) in entry.names {
            let names = ((*action).to_owned(), (*kind).to_owned());
            let senders: BTreeSet<_> = who.split(", ").map(str::to_owned).collect();
            let wanted = &documented[&names];
            let missing: Vec<_> = wanted.difference(&senders).collect();
            assert!(missing.is_empty() || senders.contains("anyone"), "{line}");
            let added: Vec<_> = senders.difference(wanted).collect();
            assert!(
                added
                    .iter()
                    .all(|word| *word == "anyone" || word.starts_with("to ")),
                "{line}"
            );
            assert_eq!(
                fleet_exchange::vocabulary::find(action, kind),
                Some((*action, *kind))
            );
            assert!(coded.insert(names), "{action}/{kind} stands there twice");
        }
    }
    assert_eq!(coded, documented.into_keys().collect());
    let table = table();
    assert_eq!(table.lines().count(), table::ENTRIES.len() + 2);
    assert!(table.contains(
        "| CAPTCHA, WARN, to USER | help / delete | `{group_id, user_id, …}` | kicked: that user's waiting photo and \
         join there are dropped |\n"
    ));
    assert!(table.contains("`{id, type: user}`; `type: channel` only from MANAGE or NOSPAM |"));
    assert!(
        table
            .lines()
            .all(|line| line.matches(" | ").count() == 3 || line == "|---|---|---|---|")
    );
}

#[test]
fn other_words_of_the_fleet_are_refused_and_unknown_ones_are_nothing() {
    let data = json!({"group_id": 1});
    for (names, to, refused) in [
        (("update", "avatar"), AVATAR, true),
        (("help", "send"), AVATAR, true),
        (("update", "avatar"), "NOSPAM", false),
        (("update", "everything"), AVATAR, false),
        (("order", "ask"), AVATAR, false),
        (("", ""), AVATAR, false),
        (("ADD", "bad"), AVATAR, false),
    ] {
        match heard("NOSPAM", &[to], names, &data) {
            Heard::Refused(heard) if refused => {
                assert_eq!(heard.why, RefusedWhy::NotOurs);
                assert_eq!((heard.action, heard.kind), names);
            }
            heard => assert!(heard == Heard::NotForUs && !refused, "{names:?} {heard:?}"),
        }
    }
    let hide = ("backup", "hide");
    assert_eq!(
        heard(AVATAR, &["EMERGENCY"], hide, &json!(true)),
        Heard::NotForUs
    );
}

#[test]
fn a_refusal_shows_no_word_that_is_not_a_bots_name() {
    for (sender, shown) in [
        ("TIP", "TIP"),
        ("Jane Doe, +1 555 0100", "somebody unnamed"),
        ("TIP\nERROR", "somebody unnamed"),
        ("15550100", "somebody unnamed"),
        ("", "somebody unnamed"),
        ("AAAAAAAAAAAAAAAAA", "somebody unnamed"),
    ] {
        let Heard::Refused(refused) = heard(sender, &[AVATAR], ("backup", "now"), &json!(null))
        else {
            panic!("{sender:?} is obeyed");
        };
        assert_eq!(
            refused.to_string(),
            format!("backup/now from {shown}: this sender may not order it")
        );
    }
}

#[test]
fn the_documents_own_examples_are_heard() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!(
        "../../../crates/fleet-exchange/tests/fixtures/exchange.json"
    ))
    .unwrap();
    let mut obeyed = Vec::new();
    let mut refused = Vec::new();
    for vector in vectors {
        let envelope = Envelope::parse(vector["text"].as_str().unwrap()).unwrap();
        match understand(&envelope, AVATAR) {
            Heard::Obey(order) => obeyed.push(order),
            Heard::Refused(heard) => refused.push(heard.to_string()),
            Heard::NotForUs => {}
        }
    }
    obeyed.retain(|order| *order != Order::Hide(true));
    assert_eq!(
        obeyed,
        [
            Order::AddExcept { user: USER },
            Order::AddBad(Bad::User(USER))
        ]
    );
    refused.sort();
    let ends = [
        "from APPEAL: overheard; it is not for AVATAR from this sender",
        "from APPLY: overheard; it is not for AVATAR from this sender",
        "from BACKUP: this sender may not order it with `false`",
        "from CAPTCHA: its group_id is no channel's id: -100 and ten more digits, or up to twelve, are expected",
        "from NOSPAM: its group_id is no channel's id: -100 and ten more digits, or up to twelve, are expected",
        "from NOSPAM: overheard; it is not for AVATAR from this sender",
    ];
    assert_eq!(refused.len(), ends.len(), "{refused:#?}");
    for end in ends {
        assert!(
            refused.iter().any(|said| said.ends_with(end)),
            "{refused:#?}"
        );
    }
}
