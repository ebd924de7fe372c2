//! The groups as `status` shows them: how far each was read, its administrators, its joins, and the signs of its
//! coverage.

use std::collections::BTreeMap;

use rusqlite::params;

use super::count;
use crate::model::{GroupSigns, MessageId, Timestamp, UserId};
use crate::store::{ReadTx, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    pub signs: GroupSigns,
    pub title: String,
    /// When the account joined the group.
    pub since: Option<Timestamp>,
    /// When the program found that the account is not in the group any more.
    pub left_at: Option<Timestamp>,
    /// The newest message that was read.
    pub read_up_to: MessageId,
    pub administrators: u64,
    /// When the administrators were last fetched.
    pub administrators_at: Option<Timestamp>,
    /// True if NOSPAM is an administrator.
    pub has_nospam: bool,
    /// The number of joins since midnight, UTC.
    pub joins_today: u64,
    pub last_join_at: Option<Timestamp>,
}

/// Reads an index over groups and times: the joins of today, and the last one.
pub(in crate::store) const GROUPS: &str = "
SELECT channel_id, title, since, last_message_id, admins_at,
    (SELECT COUNT(*) FROM admins WHERE group_id = channel_id),
    EXISTS (SELECT 1 FROM admins WHERE group_id = channel_id AND user_id = ?1),
    (SELECT COUNT(*) FROM joins WHERE group_id = channel_id AND joined_at >= ?2),
    (SELECT MAX(joined_at) FROM joins WHERE group_id = channel_id), left_at
FROM ledger WHERE kind = 'group' ORDER BY present DESC, channel_id";

impl ReadTx<'_> {
    /// Returns all groups; those that the account is in come first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn group_records(
        &self,
        nospam: Option<UserId>,
        now: Timestamp,
    ) -> Result<Vec<GroupRecord>, StoreError> {
        let signs = self.group_signs()?;
        let signs: BTreeMap<i64, GroupSigns> = signs
            .into_iter()
            .map(|signs| (signs.group.bare(), signs))
            .collect();
        let mut statement = self.db.prepare(GROUPS)?;
        let midnight = now.midnight().get();
        let rows = statement.query_map(params![nospam.map(UserId::get), midnight], |row| {
            Ok(GroupRecord {
                // Both queries belong to one transaction.
                signs: signs[&row.get(0)?],
                title: row.get(1)?,
                // An older version wrote 0.
                since: Some(row.get(2)?)
                    .filter(|since| *since > 0)
                    .map(Timestamp::new),
                read_up_to: MessageId::new(row.get(3)?),
                administrators_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::new),
                administrators: count(row.get(5)?),
                has_nospam: row.get(6)?,
                joins_today: count(row.get(7)?),
                last_join_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::new),
                left_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::new),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, with_store};
    use super::*;
    use crate::model::{
        AccessHash, AddedBy, Channel, ChannelId, ChannelKind, FoundBy, GroupClass, Join,
        JoinOutcome,
    };

    #[test]
    fn a_group_is_counted_with_its_joins_and_administrators() {
        with_store(|tx| {
            let group = ChannelId::from_bare(5);
            let (nospam, message) = (UserId::new(450), MessageId::new);
            tx.record_channel(&Channel {
                id: group,
                access_hash: AccessHash::new(1),
                kind: ChannelKind::Group,
                title: "A group".into(),
                can_post: true,
                since: Timestamp::new(0),
                pts: 1,
                top_message: message(40),
                member_count: None,
            })?;
            let midnight = NOW.midnight();
            // The last join of yesterday, the first of today, and one without a message.
            for (index, date) in [(1, midnight.plus(-1)), (2, midnight), (0, NOW)] {
                let join = Join {
                    group,
                    message: message(index),
                    user: UserId::new(7),
                    added_by: AddedBy::Themselves,
                    date,
                };
                tx.record_join(&join, JoinOutcome::Held, FoundBy::Push, NOW)?;
            }
            let seen = tx.group_records(Some(nospam), NOW)?.remove(0);
            assert_eq!((seen.joins_today, seen.last_join_at), (2, Some(NOW)));
            assert_eq!((seen.since, seen.administrators_at), (None, None));
            assert!(!seen.has_nospam);
            assert_eq!(
                tx.joins_today(NOW)?,
                BTreeMap::from([(JoinOutcome::Held, 2)])
            );
            assert_eq!(tx.count_joins(JoinOutcome::Held)?, 3);

            tx.replace_admins(group, &[nospam, UserId::new(8)], NOW)?;
            let seen = tx.group_records(Some(nospam), NOW)?.remove(0);
            assert_eq!((seen.administrators, seen.has_nospam), (2, true));
            assert!(!tx.group_records(None, NOW)?.remove(0).has_nospam);

            tx.count_deleted_unread(group, 2)?;
            tx.count_deleted_unread(group, 1)?;
            tx.compare_member_count(group, 10, NOW)?;
            tx.compare_member_count(group, 14, NOW)?;
            tx.set_dates_refused(group, NOW)?;
            tx.set_group_class(group, GroupClass::Hidden, Some(NOW))?;
            let signs = tx.group_records(None, NOW)?.remove(0).signs;
            let expected = GroupSigns {
                group,
                present: true,
                class: GroupClass::Hidden,
                unreadable_messages: 0,
                deleted_unread: 3,
                unexplained_joins: 4,
                scanned_at: None,
                dates_refused_at: Some(NOW),
            };
            assert_eq!(signs, expected);

            tx.set_absent(group, NOW)?;
            tx.set_absent(group, NOW.plus(60))?;
            assert_eq!(tx.group_records(None, NOW)?.remove(0).left_at, Some(NOW));
            Ok(())
        });
    }
}
