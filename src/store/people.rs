//! The users: the hashes that name them in calls, and the photo that they last showed.

use rusqlite::{OptionalExtension as _, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::{
    AccessHash, ChannelId, MessageId, PhotoId, ProfilePhoto, User, UserId, UserRef,
};

impl ReadTx<'_> {
    /// Returns the photo that a user was last seen with.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_photo(&self, user: UserId) -> Result<Option<PhotoId>, StoreError> {
        let photo = self
            .db
            .prepare_cached("SELECT photo_id FROM people WHERE user_id = ?1")?
            .query_row([user.get()], |row| row.get::<_, Option<i64>>(0))
            .optional()?;
        Ok(photo.flatten().map(PhotoId::new))
    }

    /// Returns the ways to name a user in a call. The message that shows the user is `seen_in`, if it is given and not
    /// 0, otherwise the last one that was recorded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn user_ref(
        &self,
        user: UserId,
        seen_in: Option<(ChannelId, MessageId)>,
    ) -> Result<UserRef, StoreError> {
        let known = self
            .db
            .prepare_cached(
                "SELECT full_hash, min_hash, seen_in_group, seen_in_message FROM people WHERE user_id = ?1",
            )?
            .query_row([user.get()], |row| {
                let group: Option<i64> = row.get(2)?;
                let message: Option<i32> = row.get(3)?;
                Ok((
                    row.get::<_, Option<i64>>(0)?.map(AccessHash::new),
                    row.get::<_, Option<i64>>(1)?.map(AccessHash::new),
                    group.map(ChannelId::from_bare).zip(message.map(MessageId::new)),
                ))
            })
            .optional()?;
        let (full_hash, min_hash, last_seen) = known.unwrap_or_default();
        let place = seen_in
            .filter(|(_, message)| message.get() > 0)
            .or(last_seen);
        let seen_in = match place {
            Some((group, message)) => self
                .channel(group)?
                .map(|known| (group, known.channel.access_hash, message)),
            None => None,
        };
        Ok(UserRef {
            user,
            full_hash,
            min_hash,
            seen_in,
        })
    }
}

impl Tx<'_> {
    /// Records the full access hash of a user, and nothing else. Nothing is written if it is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_access_hash(&self, user: &User) -> Result<(), StoreError> {
        let Some(hash) = user.access_hash.filter(|_| !user.min) else {
            return Ok(());
        };
        let is_known = self
            .db
            .prepare_cached("SELECT 1 FROM people WHERE user_id = ?1 AND full_hash = ?2")?
            .exists([user.id.get(), hash.get()])?;
        if !is_known {
            self.db
                .prepare_cached(
                    "INSERT INTO people (user_id, full_hash) VALUES (?1, ?2)
                     ON CONFLICT (user_id) DO UPDATE SET full_hash = excluded.full_hash",
                )?
                .execute([user.id.get(), hash.get()])?;
        }
        Ok(())
    }

    /// Records that a message of a group shows a user of whom nothing else is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_seen_in(
        &self,
        user: UserId,
        group: ChannelId,
        message: MessageId,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO people (user_id, seen_in_group, seen_in_message) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user_id) DO UPDATE SET
                     seen_in_group = excluded.seen_in_group, seen_in_message = excluded.seen_in_message",
            )?
            .execute([user.get(), group.bare(), message.get().into()])?;
        Ok(())
    }

    /// Records a user as a message of a group showed them; message 0 counts as none. A user object without a hash or a
    /// photo does not erase a stored one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_user(
        &self,
        user: &User,
        seen_in: Option<(ChannelId, MessageId)>,
    ) -> Result<(), StoreError> {
        let hash = user.access_hash.map(AccessHash::get);
        let (full, min) = if user.min { (None, hash) } else { (hash, None) };
        let photo = match user.photo {
            ProfilePhoto::Present(photo) => Some(photo),
            _ => None,
        };
        let seen_in = seen_in.filter(|(_, message)| message.get() > 0);
        self.db
            .prepare_cached(
                "INSERT INTO people VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (user_id) DO UPDATE SET
                     full_hash = COALESCE(excluded.full_hash, full_hash),
                     min_hash = COALESCE(excluded.min_hash, min_hash),
                     seen_in_group = COALESCE(excluded.seen_in_group, seen_in_group),
                     seen_in_message = COALESCE(excluded.seen_in_message, seen_in_message),
                     photo_id = COALESCE(excluded.photo_id, photo_id),
                     photo_dc = COALESCE(excluded.photo_dc, photo_dc)",
            )?
            .execute(params![
                user.id.get(),
                full,
                min,
                seen_in.map(|(group, _)| group.bare()),
                seen_in.map(|(_, message)| message.get()),
                photo.map(|photo| photo.id.get()),
                photo.map(|photo| photo.dc),
            ])?;
        Ok(())
    }
}
