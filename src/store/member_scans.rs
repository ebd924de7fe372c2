//! The lists of members: what is known of each group's list, why it should be read, and when it was.
//!
//! A page of updates writes its reasons for a scan in the transaction that moves `pts`, so a crash loses none of them.
//! The decision which group is scanned next belongs to `decide`.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::{
    AccessHash, ChannelId, GroupClass, GroupScan, ScanReason, ScanRecord, Timestamp,
};

const COLUMNS: &str = "channel_id, access_hash, class, since, watched_from, full_at,
    COALESCE(full_wanted, 0) AS full_wanted, member_count, COALESCE(unexplained_joins, 0) AS unexplained_joins,
    wanted_for, wanted_at, scanned_at, gap_scanned_at, first_message_scanned_at, COALESCE(period, 120) AS period,
    unseen_join_at, dates_refused_at, learning_since,
    admins_at IS NOT NULL AS administrators_known,
    EXISTS (SELECT 1 FROM joins WHERE joins.group_id = channel_id) AS has_seen_join";

impl ReadTx<'_> {
    /// Returns every watched group that the account is in.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn group_scans(&self) -> Result<Vec<GroupScan>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM ledger LEFT JOIN member_scans ON group_id = channel_id
             WHERE present AND kind = 'group' AND class <> 'none' ORDER BY channel_id"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns a watched group that the account is in.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn group_scan(&self, group: ChannelId) -> Result<Option<GroupScan>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM ledger LEFT JOIN member_scans ON group_id = channel_id
             WHERE channel_id = ?1 AND present AND kind = 'group' AND class <> 'none'"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_row([group.bare()], read).optional()?)
    }
}

/// `wanted_at` of a reason that the scan under way settles. A reason that comes up meanwhile sets the time again,
/// because the answer of Telegram may be older.
const UNDER_WAY: i64 = 0;

impl Tx<'_> {
    /// Records a reason to scan a group. A better one that is recorded stays.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn want_scan(
        &self,
        group: ChannelId,
        reason: ScanReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known: Option<(String, i64)> = self
            .db
            .prepare_cached(
                "SELECT wanted_for, wanted_at FROM member_scans WHERE group_id = ?1 AND wanted_for IS NOT NULL",
            )?
            .query_row([group.bare()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (known, since) = match known {
            Some((word, at)) => (word.parse().ok(), (at != UNDER_WAY).then_some(at)),
            None => (None, None),
        };
        let best = known.map_or(reason, |known: ScanReason| known.min(reason));
        if known == Some(best) && since.is_some() {
            return Ok(());
        }
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, wanted_for, wanted_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_id) DO UPDATE SET wanted_for = excluded.wanted_for, wanted_at = excluded.wanted_at",
            )?
            .execute(params![
                group.bare(),
                <&str>::from(best),
                since.unwrap_or_else(|| now.get())
            ])?;
        Ok(())
    }

    /// Records that a scan begins: it settles the reasons so far. A crash during the scan leaves them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begin_scan(&self, group: ChannelId) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE member_scans SET wanted_at = ?2 WHERE group_id = ?1 AND wanted_for IS NOT NULL",
            )?
            .execute([group.bare(), UNDER_WAY])?;
        Ok(())
    }

    /// Has `channels.getFullChannel` asked for a group before its time.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn want_full_channel(&self, group: ChannelId) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, full_wanted) VALUES (?1, 1)
                 ON CONFLICT (group_id) DO UPDATE SET full_wanted = 1 WHERE NOT full_wanted",
            )?
            .execute([group.bare()])?;
        Ok(())
    }

    /// Counts joins and leaves that were seen, for the comparison with the next member count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_membership_changes(
        &self,
        group: ChannelId,
        joins: usize,
        leaves: usize,
    ) -> Result<(), StoreError> {
        if joins == 0 && leaves == 0 {
            return Ok(());
        }
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, joins_since_count, leaves_since_count) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_id) DO UPDATE SET
                     joins_since_count = joins_since_count + excluded.joins_since_count,
                     leaves_since_count = leaves_since_count + excluded.leaves_since_count",
            )?
            .execute([group.bare(), count(joins), count(leaves)])?;
        Ok(())
    }

    /// Compares a group's present member count with the last one and with the joins and leaves that were seen since. The
    /// count must not be newer than what was read of the group. If it rose by more, a scan is due, and
    /// the result is true.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn compare_member_count(
        &self,
        group: ChannelId,
        count: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = self
            .db
            .prepare_cached(
                "SELECT member_count, joins_since_count, leaves_since_count, unexplained_joins
                 FROM member_scans WHERE group_id = ?1",
            )?
            .query_map([group.bare()], |row| {
                let last: Option<i64> = row.get(0)?;
                let numbers: [i64; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
                Ok((last, numbers))
            })?
            .next()
            .transpose()?;
        let (last, [joins, leaves, before]) = row.unwrap_or_default();
        let rise = last.map_or(0, |last| i64::from(count) - last - joins + leaves);
        let unexplained = (before + rise).max(0);
        // The count is compared every minute: without a change, nothing is written.
        if last == Some(i64::from(count)) && (joins, leaves, unexplained) == (0, 0, before) {
            return Ok(false);
        }
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, member_count, unexplained_joins) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_id) DO UPDATE SET member_count = excluded.member_count,
                     unexplained_joins = excluded.unexplained_joins, joins_since_count = 0, leaves_since_count = 0",
            )?
            .execute([group.bare(), i64::from(count), unexplained])?;
        if unexplained > before {
            self.want_scan(group, ScanReason::MemberCount, now)?;
        }
        Ok(unexplained > before)
    }

    /// Records the answer of `channels.getFullChannel`: the class of the group.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_group_class(
        &self,
        group: ChannelId,
        class: GroupClass,
        full_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE ledger SET class = ?2 WHERE channel_id = ?1")?
            .execute(params![group.bare(), class.as_str()])?;
        if let Some(at) = full_at {
            self.db
                .prepare_cached(
                    "INSERT INTO member_scans (group_id, full_at) VALUES (?1, ?2)
                     ON CONFLICT (group_id) DO UPDATE SET full_at = excluded.full_at, full_wanted = 0",
                )?
                .execute([group.bare(), at.get()])?;
        }
        Ok(())
    }

    /// Records the end of a scan. The reasons from before its [beginning](Self::begin_scan) are settled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_scan(&self, group: ChannelId, scan: ScanRecord) -> Result<(), StoreError> {
        let at_if = |condition: bool| condition.then_some(scan.at.get());
        self.db
            .prepare_cached(
                "INSERT INTO member_scans
                     (group_id, scanned_at, gap_scanned_at, first_message_scanned_at, period, unseen_join_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (group_id) DO UPDATE SET scanned_at = excluded.scanned_at,
                     gap_scanned_at = COALESCE(excluded.gap_scanned_at, gap_scanned_at),
                     first_message_scanned_at =
                         COALESCE(excluded.first_message_scanned_at, first_message_scanned_at),
                     period = excluded.period, unseen_join_at = COALESCE(excluded.unseen_join_at, unseen_join_at),
                     wanted_for = CASE WHEN wanted_at = ?7 THEN NULL ELSE wanted_for END,
                     wanted_at = NULLIF(wanted_at, ?7)",
            )?
            .execute(params![
                group.bare(),
                scan.at.get(),
                at_if(scan.reason == Some(ScanReason::Gap)),
                at_if(scan.reason == Some(ScanReason::FirstMessage)),
                scan.period,
                at_if(scan.found_unseen_join),
                UNDER_WAY,
            ])?;
        Ok(())
    }

    /// Records that the senders of a group are learned from now on, unless that began before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begin_learning(&self, group: ChannelId, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, learning_since) VALUES (?1, ?2)
                 ON CONFLICT (group_id) DO UPDATE SET
                     learning_since = COALESCE(learning_since, excluded.learning_since)",
            )?
            .execute([group.bare(), now.get()])?;
        Ok(())
    }

    /// Records that Telegram refuses the dates of a group's members, and since when its senders are learned.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_dates_refused(&self, group: ChannelId, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO member_scans (group_id, dates_refused_at, learning_since) VALUES (?1, ?2, ?2)
                 ON CONFLICT (group_id) DO UPDATE SET dates_refused_at = excluded.dates_refused_at,
                     learning_since = COALESCE(learning_since, excluded.learning_since)",
            )?
            .execute([group.bare(), now.get()])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<GroupScan> {
    let at = |column: &str| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::new))
    };
    let (class, reason): (String, Option<String>) = (row.get("class")?, row.get("wanted_for")?);
    let reason = reason.and_then(|word| word.parse().ok());
    Ok(GroupScan {
        group: ChannelId::from_bare(row.get("channel_id")?),
        access_hash: AccessHash::new(row.get("access_hash")?),
        class: GroupClass::from_word(&class),
        since: Timestamp::new(row.get("since")?),
        watched_from: Timestamp::new(row.get("watched_from")?),
        administrators_known: row.get("administrators_known")?,
        has_seen_join: row.get("has_seen_join")?,
        full_at: at("full_at")?,
        full_wanted: row.get("full_wanted")?,
        member_count: row.get("member_count")?,
        unexplained_joins: row.get("unexplained_joins")?,
        wanted: reason.zip(at("wanted_at")?),
        scanned_at: at("scanned_at")?,
        gap_scanned_at: at("gap_scanned_at")?,
        first_message_scanned_at: at("first_message_scanned_at")?,
        period: row.get("period")?,
        unseen_join_at: at("unseen_join_at")?,
        dates_refused_at: at("dates_refused_at")?,
        learning_since: at("learning_since")?,
    })
}
