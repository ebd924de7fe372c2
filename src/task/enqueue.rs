//! What the program owes the fleet: reports become outbox rows, within the transaction of whatever
//! asked for them; and where posts go.

use super::Shared;
use crate::config::Dialect;
use crate::exchange::reports::{self, Asker};
use crate::exchange::route::{Route, RouteEvent};
use crate::model::{ChannelId, Content, List, ListData, Payload, Timestamp, WordList};
use crate::spool;
use crate::store::{StoreError, Tx};

/// How long after its time a status report may still be posted, in seconds: BACKUP closes its books in
/// the third minute, and an answer may take half of one.
const AWAKE_WITHIN: i64 = 150;
/// The setting that keeps the choice of channel.
const ROUTE: &str = "route";

/// Owes the answer to a question for the version.
pub(super) fn version(
    tx: &Tx<'_>,
    dialect: Dialect,
    asker: Asker,
    chat: Option<ChannelId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let report = reports::version(dialect, asker, chat);
    match report.file {
        Some(text) => text_file(tx, &report.envelope, &text, now),
        None => envelope(tx, "version", &report.envelope, now),
    }
}

/// Owes an envelope without a file.
pub(super) fn envelope(
    tx: &Tx<'_>,
    what: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = Payload::Text {
        text: text.to_owned(),
    };
    owe(tx, what, &payload, now)
}

/// Owes the status report of the time `due`. One that was not said before is not said any more, and this
/// one neither once its minutes are over.
pub(super) fn awake(
    tx: &Tx<'_>,
    text: &str,
    due: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    drop_awake(tx, now)?;
    let payload = Payload::Text {
        text: text.to_owned(),
    };
    let key = key(reports::Status::Awake.into_str(), now)?;
    tx.enqueue_report_until(&key, &payload, now, due.plus(AWAKE_WITHIN))?;
    Ok(())
}

/// Drops the status report that was not said yet: a newer report takes its place.
pub(super) fn drop_awake(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.drop_unsent("awake/", now)
}

/// Owes an envelope with a text as its file.
pub(super) fn text_file(
    tx: &Tx<'_>,
    caption: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = Payload::File {
        text: caption.to_owned(),
        content: Content::Text(text.to_owned()),
    };
    owe(tx, "text", &payload, now)
}

/// Owes the answer to MANAGE's question for the status.
pub(super) fn status_reply(tx: &Tx<'_>, asker: Asker, now: Timestamp) -> Result<(), StoreError> {
    let payload = Payload::File {
        text: reports::status_reply(asker),
        content: Content::Counts {
            list: "status".into(),
            counts: tx.figures()?.into_iter().collect(),
        },
    };
    owe(tx, "status reply", &payload, now)
}

/// Owes a backup of every list that is not empty.
pub(super) fn backup(tx: &Tx<'_>, dialect: Dialect, now: Timestamp) -> Result<(), StoreError> {
    for list in List::ALL {
        if !tx.is_list_empty(list)? {
            let payload = Payload::List {
                text: reports::backup(dialect, list.as_str()),
                list: list.as_str().to_owned(),
            };
            let key = key(&format!("backup/{list}"), now)?;
            tx.enqueue_wanted_report(&key, &payload, now)?;
        }
    }
    Ok(())
}

/// Owes the counts of every list of rules that is not empty, and begins to count anew.
pub(super) fn counts(tx: &Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let mut lists = 0;
    for list in WordList::ALL {
        let ListData::Rules(rules) = tx.list(List::Words(list))? else {
            continue;
        };
        if rules.is_empty() {
            continue;
        }
        let payload = Payload::File {
            text: reports::count(list.as_str()),
            content: Content::Counts {
                list: list.as_str().to_owned(),
                counts: rules,
            },
        };
        owe(tx, list.as_str(), &payload, now)?;
        tx.reset_hits(list)?;
        lists += 1;
    }
    Ok(lists)
}

/// Returns where posts go now.
pub(super) fn route(tx: &Tx<'_>, shared: &Shared) -> Result<Route, StoreError> {
    let stored = tx.setting(ROUTE)?.and_then(|word| word.parse().ok());
    Ok(Route::at_start(stored, shared.delivery.exchange.is_some()))
}

/// Turns the choice of channel by what happened, and passes the order on in HIDE where that is due.
/// Returns whether it is.
pub(super) fn turn(
    tx: &Tx<'_>,
    shared: &Shared,
    event: RouteEvent,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let has_exchange = shared.delivery.exchange.is_some();
    let change = route(tx, shared)?.after(event, has_exchange);
    tx.keep_setting(ROUTE, change.route.into())?;
    if change.notify_fleet {
        envelope(tx, "emergency", &reports::emergency(), now)?;
    }
    Ok(change.notify_fleet)
}

/// Owes a report that needs nothing to be fetched.
fn owe(tx: &Tx<'_>, what: &str, payload: &Payload, now: Timestamp) -> Result<(), StoreError> {
    tx.enqueue_report(&key(what, now)?, payload, now)?;
    Ok(())
}

fn key(what: &str, now: Timestamp) -> Result<String, StoreError> {
    let nonce = spool::random_name().map_err(|error| StoreError::DiskFails(error.to_string()))?;
    Ok(format!("{what}/{now}/{nonce}"))
}
