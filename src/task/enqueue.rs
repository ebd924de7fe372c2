//! Enqueues the reports to the fleet: rows of the outbox, in the transaction of the event that asks for them.

use crate::config::Dialect;
use crate::decide;
use crate::exchange::reports::{self, Asker};
use crate::model::{ChannelId, Content, List, ListData, Purpose, Timestamp, WordList};
use crate::store::{StoreError, Tx};

/// How long after its time a status report may be posted, in seconds: BACKUP evaluates the reports in the third minute,
/// and an answer of Telegram may take half a minute.
const MAX_STATUS_DELAY: i64 = 150;

/// Enqueues the answer to a question for the version.
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

/// Enqueues the report that the service has started, unless an earlier one is recent or waits. The report replaces a
/// status report that was not posted.
pub(super) fn online(tx: &Tx<'_>, text: &str, now: Timestamp) -> Result<(), StoreError> {
    let last = tx.last_text(Purpose::Online)?;
    if !decide::is_online_report_due(last.is_waiting, last.posted_at, now) {
        return Ok(());
    }
    drop_awake(tx, now)?;
    tx.enqueue_text(Purpose::Online, text, now)
}

/// Enqueues the status report of the time `due`. It replaces an earlier one that was not posted, and expires.
pub(super) fn awake(
    tx: &Tx<'_>,
    text: &str,
    due: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    drop_awake(tx, now)?;
    tx.enqueue_expiring_text(Purpose::Awake, text, due.plus(MAX_STATUS_DELAY), now)
}

/// Drops the status report that was not posted: a newer report replaces it.
pub(super) fn drop_awake(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.drop_unsent(Purpose::Awake, now)
}

/// Enqueues an envelope with a text as its file.
pub(super) fn text_file(
    tx: &Tx<'_>,
    caption: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let content = Content::PlainText(text.to_owned());
    tx.enqueue_file(Purpose::Notice, caption, &content, now)
}

/// Enqueues the answer to MANAGE's question for the status.
pub(super) fn status_reply(tx: &Tx<'_>, asker: Asker, now: Timestamp) -> Result<(), StoreError> {
    let content = Content::Counts {
        list: "status".into(),
        counts: tx.status_figures()?.into_iter().collect(),
    };
    let caption = reports::status_reply(asker);
    tx.enqueue_file(Purpose::StatusReply, &caption, &content, now)
}

/// Enqueues a backup of every list that is not empty.
pub(super) fn backup(tx: &Tx<'_>, dialect: Dialect, now: Timestamp) -> Result<(), StoreError> {
    for list in List::ALL {
        if !tx.is_list_empty(list)? {
            tx.enqueue_list(list, &reports::backup(dialect, list.as_str()), now)?;
        }
    }
    Ok(())
}

/// Enqueues the counts of every rule list that is not empty, and sets the hits to zero. Returns the number of lists.
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

/// Sets the hits of every rule list to zero: another instance has reported the same hits.
pub(super) fn reset_counts(tx: &Tx<'_>) -> Result<(), StoreError> {
    WordList::ALL
        .into_iter()
        .try_for_each(|list| tx.reset_hits(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BadEntry, MessageId, Payload, UserId};
    use crate::store::SendFilter;
    use crate::task::fixture::{Fixture, NOW};

    #[test]
    fn a_backup_has_a_row_for_each_list_that_is_not_empty() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            backup(tx, Dialect::Current, NOW)?;
            assert!(tx.lists_to_make(None)?.is_empty());
            tx.set_bad(BadEntry::User(UserId::new(1)), true, NOW)?;
            tx.replace_rules(WordList::Ad, &[("a".into(), 3)], false)?;
            backup(tx, Dialect::Current, NOW)?;
            let lists: Vec<List> = tx
                .lists_to_make(None)?
                .into_iter()
                .filter_map(|row| match row.payload {
                    Payload::List { list, .. } => Some(list),
                    _ => None,
                })
                .collect();
            assert_eq!(lists, [List::BadIds, List::Words(WordList::Ad)]);
            Ok(())
        });
    }

    #[test]
    fn hits_are_counted_from_zero_after_a_report() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            tx.replace_rules(WordList::Ad, &[("a".into(), 3)], false)?;
            assert_eq!(counts(tx, NOW)?, 1);
            let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
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
    fn starts_within_ten_minutes_enqueue_one_report() {
        let fixture = Fixture::new();
        let mut posted = 0;
        for seconds in [0, 1, 600, 601, 1200] {
            let now = NOW.plus(seconds);
            fixture.write(|tx| online(tx, "online", now));
            let next = fixture.write(|tx| tx.next_to_send(now, SendFilter::ALL));
            // The first report waits until the next start is over, too.
            if let Some(row) = next.filter(|_| seconds > 0) {
                fixture.write(|tx| tx.set_sent(row.id, MessageId::new(1), now));
                posted += 1;
            }
        }
        assert_eq!(posted, 2, "not at the seconds 1 and 601");
    }

    #[test]
    fn a_newer_status_report_replaces_one_that_was_not_posted() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            awake(tx, "first", NOW, NOW)?;
            awake(tx, "second", NOW, NOW)?;
            let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
            assert_eq!(
                row.payload,
                Payload::Envelope {
                    purpose: Purpose::Awake,
                    text: "second".into()
                }
            );
            tx.drop_expired(NOW.plus(MAX_STATUS_DELAY))?;
            assert_eq!(tx.next_to_send(NOW, SendFilter::ALL)?, None);
            Ok(())
        });
    }
}
