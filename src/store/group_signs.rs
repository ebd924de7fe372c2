//! The signs from which the coverage of each group follows.

use rusqlite::Row;

use super::{ReadTx, StoreError};
use crate::model::{ChannelId, GroupClass, GroupSigns, Timestamp};

impl ReadTx<'_> {
    /// Returns the signs of every group, also of those that the account has left.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn group_signs(&self) -> Result<Vec<GroupSigns>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT channel_id, present, class, unreadable_messages, deleted_unread,
                 COALESCE(unexplained_joins, 0) AS unexplained_joins, scanned_at, dates_refused_at
             FROM ledger LEFT JOIN member_scans ON group_id = channel_id
             WHERE kind = 'group' ORDER BY channel_id",
        )?;
        Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<GroupSigns> {
    let count = |column: &str| -> rusqlite::Result<u64> {
        Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
    };
    let at = |column: &str| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::new))
    };
    Ok(GroupSigns {
        group: ChannelId::from_bare(row.get("channel_id")?),
        present: row.get("present")?,
        class: GroupClass::from_word(&row.get::<_, String>("class")?),
        unreadable_messages: count("unreadable_messages")?,
        deleted_unread: count("deleted_unread")?,
        unexplained_joins: count("unexplained_joins")?,
        scanned_at: at("scanned_at")?,
        dates_refused_at: at("dates_refused_at")?,
    })
}
