//! Enqueues the reports to the fleet: rows of the outbox, in the transaction of the event that asks for them.

use crate::config::Dialect;
use crate::exchange::reports::{self, Asker};
use crate::model::{ChannelId, Content, List, ListData, Payload, Timestamp, WordList};
use crate::spool;
use crate::store::{StoreError, Tx};

/// How long after its time a status report may be posted, in seconds: BACKUP evaluates the reports in the third minute,
/// and an answer of Telegram may take half a minute.
const AWAKE_WITHIN: i64 = 150;

/// Enqueues the answer to a question for the version.
pub(super) fn version(
    tx: &Tx<'_>,
    dialect: Dialect,
    asker: Asker,
    chat: Option<ChannelId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = reports::version(dialect, asker, chat);
    if reports::version_is_a_text(dialect, chat) {
        text_file(tx, &text, &reports::version_text(), now)
    } else {
        envelope(tx, "version", &text, now)
    }
}

/// Enqueues an envelope without a file. `purpose` begins the key of its row.
pub(super) fn envelope(
    tx: &Tx<'_>,
    purpose: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = Payload::Text {
        text: text.to_owned(),
    };
    enqueue(tx, purpose, &payload, now)
}

/// Enqueues the status report of the time `due`. It replaces an earlier one that was not posted, and expires.
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
    let key = key(reports::Status::Awake.as_str(), now)?;
    tx.enqueue_report_until(&key, &payload, now, due.plus(AWAKE_WITHIN))?;
    Ok(())
}

/// Drops the status report that was not posted: a newer report replaces it.
pub(super) fn drop_awake(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.drop_unsent("awake/", now)
}

/// Enqueues an envelope with a text as its file.
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
    enqueue(tx, "text", &payload, now)
}

/// Enqueues the answer to MANAGE's question for the status.
pub(super) fn status_reply(tx: &Tx<'_>, asker: Asker, now: Timestamp) -> Result<(), StoreError> {
    let payload = Payload::File {
        text: reports::status_reply(asker),
        content: Content::Counts {
            list: "status".into(),
            counts: tx.figures()?.into_iter().collect(),
        },
    };
    enqueue(tx, "status reply", &payload, now)
}

/// Enqueues a backup of every list that is not empty.
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

/// Enqueues the counts of every list of rules that is not empty, and sets the hits to zero. Returns the number of lists.
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
        enqueue(tx, list.as_str(), &payload, now)?;
        tx.reset_hits(list)?;
        lists += 1;
    }
    Ok(lists)
}

/// Enqueues a report whose contents are at hand.
fn enqueue(
    tx: &Tx<'_>,
    purpose: &str,
    payload: &Payload,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.enqueue_report(&key(purpose, now)?, payload, now)?;
    Ok(())
}

/// Returns a key that no other row has.
fn key(purpose: &str, now: Timestamp) -> Result<String, StoreError> {
    let nonce = spool::random_name().map_err(|error| StoreError::DiskFails(error.to_string()))?;
    Ok(format!("{purpose}/{now}/{nonce}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bad, UserId};
    use crate::task::fixture::{Fixture, NOW};

    #[test]
    fn a_backup_has_a_row_for_each_list_that_is_not_empty() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            backup(tx, Dialect::Current, NOW)?;
            assert!(tx.wanted_reports(None, NOW)?.is_empty());
            tx.set_bad(Bad::User(UserId::new(1)), true, NOW)?;
            tx.replace_rules(WordList::Ad, &[("a".into(), 3)], false)?;
            backup(tx, Dialect::Current, NOW)?;
            let lists: Vec<String> = tx
                .wanted_reports(None, NOW)?
                .into_iter()
                .filter_map(|row| match row.payload {
                    Payload::List { list, .. } => Some(list),
                    _ => None,
                })
                .collect();
            assert_eq!(lists, ["bad_ids", "ad_words"]);
            Ok(())
        });
    }

    #[test]
    fn hits_are_counted_from_zero_after_a_report() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            tx.replace_rules(WordList::Ad, &[("a".into(), 3)], false)?;
            assert_eq!(counts(tx, NOW)?, 1);
            let row = tx.next_to_send(NOW, true, true)?.expect("a row");
            let Payload::File { content, .. } = row.payload else {
                panic!("{row:?}");
            };
            let counted = Content::Counts {
                list: "ad_words".into(),
                counts: vec![("a".into(), 3)],
            };
            assert_eq!(content, counted);
            assert_eq!(tx.rules(WordList::Ad)?, [("a".to_owned(), 0)]);
            Ok(())
        });
    }

    #[test]
    fn a_newer_status_report_replaces_one_that_was_not_posted() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            awake(tx, "first", NOW, NOW)?;
            awake(tx, "second", NOW, NOW)?;
            let row = tx.next_to_send(NOW, true, true)?.expect("a row");
            assert_eq!(
                row.payload,
                Payload::Text {
                    text: "second".into()
                }
            );
            tx.drop_expired(NOW.plus(AWAKE_WITHIN))?;
            assert_eq!(tx.next_to_send(NOW, true, true)?, None);
            Ok(())
        });
    }
}
