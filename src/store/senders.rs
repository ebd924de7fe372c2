//! The users who wrote in groups. In a group that hides its members, a first message is the only sign of a new one.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::{ChannelId, MessageId, PendingSender, Sender, Timestamp, UserId};

/// How long a commenter is remembered as one: the user may become a member later. In seconds.
const COMMENTER_PERIOD: i64 = 24 * 3600;

/// How a sender of a group is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SenderState {
    /// The sender is no news.
    Known,
    /// The sender may be a new member.
    Pending,
    /// The sender is not a member of the group: a commenter of a linked channel.
    Commenter,
}

/// One row of the index for each group, however many senders are pending. SQLite does not reorder a CROSS JOIN.
pub(super) const PENDING: &str = "
SELECT group_id, user_id, message_id, sent_at FROM ledger CROSS JOIN senders
WHERE present AND group_id = channel_id AND user_id = (SELECT user_id FROM senders INDEXED BY senders_pending
    WHERE state = 'pending' AND group_id = channel_id ORDER BY sent_at, user_id LIMIT 1)";

impl ReadTx<'_> {
    /// Returns the oldest pending sender of each group that the account is in.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pending_senders(&self) -> Result<Vec<PendingSender>, StoreError> {
        let mut statement = self.db.prepare_cached(PENDING)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the oldest pending senders of a group, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pending_senders_of(
        &self,
        group: ChannelId,
        limit: usize,
    ) -> Result<Vec<PendingSender>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT group_id, user_id, message_id, sent_at FROM senders INDEXED BY senders_pending
             WHERE state = 'pending' AND group_id = ?1 ORDER BY sent_at, user_id LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([group.bare(), limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how many senders of a group are known, or `most` if there are more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_senders(&self, group: ChannelId, most: u32) -> Result<u32, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT COUNT(*) FROM (SELECT 1 FROM senders WHERE group_id = ?1 AND state <> 'pending' LIMIT ?2)",
            )?
            .query_row([group.bare(), most.into()], |row| row.get(0))?)
    }
}

impl Tx<'_> {
    /// Records that a user wrote in a group. Returns true if nothing was known of the sender: the state is then `state`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_sender(
        &self,
        group: ChannelId,
        sender: Sender,
        state: SenderState,
    ) -> Result<bool, StoreError> {
        let key = [group.bare(), sender.user.get()];
        let known = self
            .db
            .prepare_cached(
                "SELECT state, sent_at FROM senders WHERE group_id = ?1 AND user_id = ?2",
            )?
            .query_row(key, |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    Timestamp::new(row.get::<_, i64>(1)?),
                ))
            })
            .optional()?;
        let is_news = match known {
            None => true,
            Some((word, at)) => {
                word.parse() == Ok(SenderState::Commenter)
                    && at.plus(COMMENTER_PERIOD) <= sender.date
            }
        };
        if is_news {
            self.db
                .prepare_cached("INSERT OR REPLACE INTO senders VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    group.bare(),
                    sender.user.get(),
                    sender.message.get(),
                    sender.date.get(),
                    <&str>::from(state),
                ])?;
        }
        Ok(is_news)
    }

    /// Makes the senders pending whose first message in a group is not older than `since` and of whom no join is recorded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reconsider_senders(&self, group: ChannelId, since: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE senders SET state = 'pending'
                 WHERE group_id = ?1 AND state = 'known' AND sent_at >= ?2
                     AND NOT EXISTS (SELECT 1 FROM joins
                         WHERE joins.user_id = senders.user_id AND joins.group_id = senders.group_id)",
            )?
            .execute([group.bare(), since.get()])?;
        Ok(())
    }

    /// Sets the state of a sender.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_sender_state(
        &self,
        group: ChannelId,
        user: UserId,
        state: SenderState,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE senders SET state = ?3 WHERE group_id = ?1 AND user_id = ?2")?
            .execute(params![group.bare(), user.get(), <&str>::from(state)])?;
        Ok(())
    }
}

/// Reads `group_id, user_id, message_id, sent_at`.
fn read(row: &Row<'_>) -> rusqlite::Result<PendingSender> {
    Ok(PendingSender {
        group: ChannelId::from_bare(row.get(0)?),
        sender: Sender {
            user: UserId::new(row.get(1)?),
            message: MessageId::new(row.get(2)?),
            date: Timestamp::new(row.get(3)?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    const GROUP: ChannelId = ChannelId::from_bare(5);
    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn message(id: i32, date: Timestamp) -> Sender {
        Sender {
            user: UserId::new(6),
            message: MessageId::new(id),
            date,
        }
    }

    fn with_tx(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.write(check).expect("done");
    }

    /// Returns the state of the sender in a group, and the message that is kept.
    fn kept(tx: &Tx<'_>, group: ChannelId) -> Result<(String, i32), StoreError> {
        Ok(tx.db.query_row(
            "SELECT state, message_id FROM senders WHERE group_id = ?1 AND user_id = 6",
            [group.bare()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    #[test]
    fn only_the_first_message_of_a_sender_in_a_group_is_news() {
        with_tx(|tx| {
            assert!(tx.note_sender(GROUP, message(10, NOW), SenderState::Pending)?);
            for later in [message(11, NOW.plus(1)), message(12, NOW.plus(90 * 86_400))] {
                assert!(!tx.note_sender(GROUP, later, SenderState::Known)?);
            }
            assert_eq!(kept(tx, GROUP)?, ("pending".to_owned(), 10));
            let other = ChannelId::from_bare(7);
            assert!(tx.note_sender(other, message(13, NOW), SenderState::Known)?);
            assert_eq!(kept(tx, other)?, ("known".to_owned(), 13));
            Ok(())
        });
    }

    #[test]
    fn a_commenter_is_news_again_after_a_day() {
        with_tx(|tx| {
            tx.note_sender(GROUP, message(10, NOW), SenderState::Pending)?;
            tx.set_sender_state(GROUP, UserId::new(6), SenderState::Commenter)?;
            let day = NOW.plus(COMMENTER_PERIOD);
            assert!(!tx.note_sender(GROUP, message(11, day.plus(-1)), SenderState::Pending)?);
            assert_eq!(kept(tx, GROUP)?, ("commenter".to_owned(), 10));
            assert!(tx.note_sender(GROUP, message(12, day), SenderState::Pending)?);
            assert_eq!(kept(tx, GROUP)?, ("pending".to_owned(), 12));
            Ok(())
        });
    }
}
