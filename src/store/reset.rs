//! Deleting records of users: of one, of all or of the new ones, and at the monthly reset.
//!
//! A join that is not settled is work, not a record: it stays, with everything that is needed to settle it.

use rusqlite::OptionalExtension as _;

use super::outcome_words::WAITING;
use super::{ReadTx, StoreError, Tx};
use crate::model::{Timestamp, UserId};

/// The setting with the time at which the joins of all users were last deleted.
const USERS_CLEARED_AT: &str = "users_cleared_at";

impl ReadTx<'_> {
    /// Returns when the joins of a user were last deleted; 0 if that is long ago. A member who joined before that time is
    /// not new any more, whatever a list of members shows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cleared_at(&self, user: UserId) -> Result<Timestamp, StoreError> {
        let all = self.setting(USERS_CLEARED_AT)?;
        let all = all.and_then(|at| at.parse().ok()).unwrap_or(0);
        let one: Option<i64> = self
            .db
            .prepare_cached("SELECT at FROM cleared_users WHERE user_id = ?1")?
            .query_row([user.get()], |row| row.get(0))
            .optional()?;
        Ok(Timestamp::new(one.unwrap_or(0).max(all)))
    }
}

impl Tx<'_> {
    /// Deletes the settled joins and the forwarded photos of a user.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_user(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT OR REPLACE INTO cleared_users VALUES (?1, ?2)",
            [user.get(), now.get()],
        )?;
        let sql = format!(
            "DELETE FROM joins WHERE user_id = ?1 AND outcome NOT IN ({})",
            *WAITING
        );
        self.db.execute(&sql, [user.get()])?;
        self.db
            .execute("DELETE FROM forwarded WHERE user_id = ?1", [user.get()])?;
        self.forget_settled_photos(Some(user))
    }

    /// Deletes the settled joins and the forwarded photos of all users.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_all_users(&self, now: Timestamp) -> Result<(), StoreError> {
        self.set_all_users_cleared(now)?;
        self.forget_settled_joins(Timestamp::new(i64::MIN))?;
        self.db.execute("DELETE FROM forwarded", [])?;
        self.forget_settled_photos(None)
    }

    /// Deletes the settled joins since `since`, and keeps the forwarded photos.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_new_joins(&self, since: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.set_all_users_cleared(now)?;
        self.forget_settled_joins(since)
    }

    /// Performs the monthly reset: deletes users, settled joins and bad users. Bad channels, rules and exceptions stay
    /// (docs/schedule.md).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reset(&self, now: Timestamp) -> Result<(), StoreError> {
        self.forget_all_users(now)?;
        // Hidden groups show no other sign of a new member than a first message.
        self.db.execute(
            "DELETE FROM senders WHERE group_id NOT IN (SELECT channel_id FROM ledger WHERE class = 'hidden')",
            [],
        )?;
        self.db.execute(
            "DELETE FROM people WHERE user_id NOT IN (SELECT user_id FROM joins)
             AND user_id NOT IN (SELECT user_id FROM exceptions_due)",
            [],
        )?;
        self.clear_bad_users()
    }

    /// Deletes the records of clears before `oldest`: members who joined before that time are not new anyway.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_clears(&self, oldest: Timestamp) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM cleared_users WHERE at < ?1", [oldest.get()])?;
        Ok(())
    }

    pub(super) fn set_all_users_cleared(&self, now: Timestamp) -> Result<(), StoreError> {
        self.set_setting(USERS_CLEARED_AT, &now.get().to_string())
    }

    pub(super) fn forget_settled_joins(&self, since: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM joins WHERE outcome NOT IN ({}) AND joined_at >= ?1",
            *WAITING
        );
        self.db.execute(&sql, [since.get()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AccessHash, BadEntry, BadIds, Channel, ChannelId, ChannelKind, GroupClass, List, ListData,
        MessageId, PhotoId, Sender, WordList,
    };
    use crate::store::{SenderState, Store};

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn with_tx(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.write(check).expect("done");
    }

    #[test]
    fn the_latest_clear_of_a_user_counts() {
        with_tx(|tx| {
            let (one, other) = (UserId::new(6), UserId::new(7));
            assert_eq!(tx.cleared_at(one)?, Timestamp::new(0));
            tx.forget_user(one, NOW)?;
            assert_eq!(tx.cleared_at(one)?, NOW);
            assert_eq!(tx.cleared_at(other)?, Timestamp::new(0));
            tx.forget_user(one, NOW.plus(1))?;
            assert_eq!(tx.cleared_at(one)?, NOW.plus(1));
            tx.forget_new_joins(NOW, NOW.plus(2))?;
            assert_eq!(tx.cleared_at(one)?, NOW.plus(2));
            assert_eq!(tx.cleared_at(other)?, NOW.plus(2));
            tx.forget_user(one, NOW.plus(3))?;
            assert_eq!(tx.cleared_at(one)?, NOW.plus(3));
            tx.reset(NOW.plus(4))?;
            assert_eq!(tx.cleared_at(one)?, NOW.plus(4));
            assert_eq!(tx.cleared_at(other)?, NOW.plus(4));
            Ok(())
        });
    }

    #[test]
    fn clears_of_single_users_are_forgotten_after_their_time() {
        with_tx(|tx| {
            let (early, late) = (UserId::new(6), UserId::new(7));
            tx.forget_user(early, NOW)?;
            tx.forget_user(late, NOW.plus(1))?;
            tx.forget_clears(NOW.plus(1))?;
            assert_eq!(tx.cleared_at(early)?, Timestamp::new(0));
            assert_eq!(tx.cleared_at(late)?, NOW.plus(1));
            Ok(())
        });
    }

    #[test]
    fn a_reset_keeps_only_the_senders_of_groups_that_hide_their_members() {
        with_tx(|tx| {
            for (group, class) in [(1, GroupClass::Announced), (2, GroupClass::Hidden)] {
                let id = ChannelId::from_bare(group);
                tx.record_channel(&Channel {
                    id,
                    access_hash: AccessHash::new(1),
                    kind: ChannelKind::Group,
                    title: String::new(),
                    can_post: false,
                    since: Timestamp::new(1),
                    pts: 1,
                    top_message: MessageId::new(1),
                    member_count: None,
                })?;
                tx.set_group_class(id, class, None)?;
                let sender = Sender {
                    user: UserId::new(6),
                    message: MessageId::new(2),
                    date: NOW,
                };
                tx.note_sender(id, sender, SenderState::Known)?;
            }
            tx.reset(NOW)?;
            let counts = [1, 2].map(|group| tx.count_senders(ChannelId::from_bare(group), 9));
            assert!(matches!(counts, [Ok(0), Ok(1)]), "{counts:?}");
            Ok(())
        });
    }

    #[test]
    fn a_reset_keeps_bad_channels_exceptions_and_rules() {
        with_tx(|tx| {
            let channel = ChannelId::from_bare(5);
            tx.set_bad(BadEntry::User(UserId::new(6)), true, NOW)?;
            tx.set_bad(BadEntry::Channel(channel), true, NOW)?;
            tx.set_excepted(PhotoId::new(7), true, NOW)?;
            tx.replace_rules(WordList::Nm, &[("a".into(), 3)], false)?;
            tx.reset(NOW)?;
            let bad = BadIds {
                channels: [channel].into(),
                ..BadIds::default()
            };
            assert_eq!(tx.list(List::BadIds)?, ListData::Bad(bad));
            assert!(tx.is_excepted(PhotoId::new(7))?);
            assert_eq!(tx.rules(WordList::Nm)?, [("a".to_owned(), 3)]);
            Ok(())
        });
    }
}
