//! What the program owes the fleet: reports become outbox rows, within the transaction of whatever
//! asked for them; and where posts go.

use super::Shared;
use crate::config::Dialect;
use crate::exchange::reports::{self, Asker};
use crate::exchange::route::{Route, RouteEvent};
use crate::model::{ChannelId, Content, List, ListData, Purpose, Timestamp, WordList};
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
        None => tx.enqueue_text(Purpose::Version, &report.envelope, now),
    }
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
    tx.enqueue_expiring_text(Purpose::Awake, text, due.plus(AWAKE_WITHIN), now)
}

/// Drops the status report that was not said yet: a newer report takes its place.
pub(super) fn drop_awake(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.drop_unsent(Purpose::Awake, now)
}

/// Owes an envelope with a text as its file.
pub(super) fn text_file(
    tx: &Tx<'_>,
    caption: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let content = Content::Text(text.to_owned());
    tx.enqueue_file(Purpose::Text, caption, &content, now)
}

/// Owes the answer to MANAGE's question for the status.
pub(super) fn status_reply(tx: &Tx<'_>, asker: Asker, now: Timestamp) -> Result<(), StoreError> {
    let content = Content::Counts {
        list: "status".into(),
        counts: tx.status_figures()?.into_iter().collect(),
    };
    tx.enqueue_file(
        Purpose::StatusReply,
        &reports::status_reply(asker),
        &content,
        now,
    )
}

/// Owes a backup of every list that is not empty.
pub(super) fn backup(tx: &Tx<'_>, dialect: Dialect, now: Timestamp) -> Result<(), StoreError> {
    for list in List::ALL {
        if !tx.is_list_empty(list)? {
            tx.enqueue_list(list, &reports::backup(dialect, list.as_str()), now)?;
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
        let content = Content::Counts {
            list: list.as_str().to_owned(),
            counts: rules,
        };
        let caption = reports::count(list.as_str());
        tx.enqueue_file(Purpose::Count, &caption, &content, now)?;
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
    tx.set_setting(ROUTE, change.route.into())?;
    if change.notify_fleet {
        tx.enqueue_text(Purpose::Emergency, &reports::emergency(), now)?;
    }
    Ok(change.notify_fleet)
}
