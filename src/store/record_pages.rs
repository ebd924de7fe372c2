//! The records of `user_ids` as iterators that hold a page of rows at a time, for lists that do not fit in memory.

use rusqlite::Row;

use super::{ReadTx, StoreError};
use crate::model::{
    ChannelId, ForwardedRecord, JoinRecord, List, ListData, ListSource, MessageId, PhotoId,
    Timestamp, UserId,
};

/// How many rows are read at once.
const PAGE: usize = 1000;

pub(super) const JOINS: &str = "
SELECT group_id, message_id, user_id, joined_at, added_by, outcome, seen_at FROM joins
WHERE (group_id, message_id, user_id) > (?1, ?2, ?3) ORDER BY group_id, message_id, user_id LIMIT 1000";
/// The index is named, because SQLite would otherwise sort all joins.
pub(super) const JOINS_BY_USER: &str = "
SELECT group_id, message_id, user_id, joined_at, added_by, outcome, seen_at FROM joins INDEXED BY joins_by_user
WHERE (user_id, group_id, message_id) > (?1, ?2, ?3) ORDER BY user_id, group_id, message_id LIMIT 1000";
pub(super) const FORWARDED: &str = "
SELECT user_id, photo_id, group_id, message_id, sent_at, channel_id FROM forwarded
WHERE (user_id, photo_id, group_id) > (?1, ?2, ?3) ORDER BY user_id, photo_id, group_id LIMIT 1000";

/// The key of a row; the next page begins behind it.
type Key = [i64; 3];

/// An iterator over the rows of a statement that takes the key of the last row.
struct RecordPages<'a, T> {
    tx: &'a ReadTx<'a>,
    sql: &'static str,
    parse: fn(&Row<'_>) -> rusqlite::Result<T>,
    key: fn(&T) -> Key,
    last: Key,
    page: std::vec::IntoIter<T>,
    is_last_page: bool,
}

impl<T> RecordPages<'_, T> {
    fn read_page(&self) -> Result<Vec<T>, StoreError> {
        let mut statement = self.tx.db.prepare_cached(self.sql)?;
        let rows = statement.query_map(self.last, self.parse)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl<T> Iterator for RecordPages<'_, T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty() && !self.is_last_page {
            match self.read_page() {
                Ok(page) => {
                    self.is_last_page = page.len() < PAGE;
                    self.last = page.last().map_or(self.last, self.key);
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.is_last_page = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(Ok)
    }
}

impl ReadTx<'_> {
    fn pages<T>(
        &self,
        sql: &'static str,
        parse: fn(&Row<'_>) -> rusqlite::Result<T>,
        key: fn(&T) -> Key,
    ) -> RecordPages<'_, T> {
        RecordPages {
            tx: self,
            sql,
            parse,
            key,
            last: [i64::MIN; 3],
            page: Vec::new().into_iter(),
            is_last_page: false,
        }
    }
}

impl ListSource for ReadTx<'_> {
    type Error = StoreError;

    fn whole(&self, list: List) -> Result<ListData, StoreError> {
        self.list(list)
    }

    fn joins(&self) -> impl Iterator<Item = Result<JoinRecord, StoreError>> {
        self.pages(JOINS, join_record, |join| {
            let message = i64::from(join.message.get());
            [join.group.bare(), message, join.user.get()]
        })
        .map(with_shown_message)
    }

    fn forwarded(&self) -> impl Iterator<Item = Result<ForwardedRecord, StoreError>> {
        self.pages(FORWARDED, forwarded_record, |photo| {
            [photo.user.get(), photo.photo.get(), photo.group.bare()]
        })
    }

    fn joins_by_user(&self) -> impl Iterator<Item = Result<JoinRecord, StoreError>> {
        self.pages(JOINS_BY_USER, join_record, |join| {
            let message = i64::from(join.message.get());
            [join.user.get(), join.group.bare(), message]
        })
        .map(with_shown_message)
    }
}

/// Replaces the id of a join without a message, which is part of its key, by 0.
fn with_shown_message(join: Result<JoinRecord, StoreError>) -> Result<JoinRecord, StoreError> {
    join.map(|join| JoinRecord {
        message: join.message.or_zero(),
        ..join
    })
}

fn join_record(row: &Row<'_>) -> rusqlite::Result<JoinRecord> {
    Ok(JoinRecord {
        group: ChannelId::from_bare(row.get(0)?),
        message: MessageId::new(row.get(1)?),
        user: UserId::new(row.get(2)?),
        joined_at: Timestamp::new(row.get(3)?),
        added_by: row.get(4)?,
        outcome: row.get(5)?,
        seen_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::new),
    })
}

fn forwarded_record(row: &Row<'_>) -> rusqlite::Result<ForwardedRecord> {
    Ok(ForwardedRecord {
        user: UserId::new(row.get(0)?),
        photo: PhotoId::new(row.get(1)?),
        group: ChannelId::from_bare(row.get(2)?),
        message: MessageId::new(row.get(3)?),
        sent_at: Timestamp::new(row.get(4)?),
        channel: row.get::<_, Option<i64>>(5)?.map(ChannelId::from_bare),
    })
}
