//! What is known of users: by which hashes they can be named, and which photo they showed.

use rusqlite::{OptionalExtension as _, params};

use super::{StoreError, Tx};
use crate::model::{AccessHash, ChannelId, MessageId, PhotoId, User, UserId, UserRef};

impl Tx<'_> {
    /// Notes a user as a message of `group` showed them; `message` 0 for none. A hash that is known
    /// is never lost to an object that lacks it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_user(
        &self,
        user: &User,
        seen_in: Option<(ChannelId, MessageId)>,
    ) -> Result<(), StoreError> {
        let hash = user.access_hash.map(AccessHash::get);
        let (full, min) = if user.min { (None, hash) } else { (hash, None) };
        let photo = match user.photo {
            crate::model::ProfilePhoto::Present(photo) => Some(photo),
            _ => None,
        };
        let seen_in = seen_in.filter(|(_, message)| message.get() > 0);
        self.0
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

    /// Returns the photo that a user was last seen with.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_photo(&self, user: UserId) -> Result<Option<PhotoId>, StoreError> {
        let photo = self
            .0
            .prepare_cached("SELECT photo_id FROM people WHERE user_id = ?1")?
            .query_row([user.get()], |row| row.get::<_, Option<i64>>(0))
            .optional()?;
        Ok(photo.flatten().map(PhotoId::new))
    }

    /// Returns how a user can be named in a call, from all that was seen of them. The message to
    /// name them by is `seen_in`, where it is given and real, else the last one that showed them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn user_ref(
        &self,
        user: UserId,
        seen_in: Option<(ChannelId, MessageId)>,
    ) -> Result<UserRef, StoreError> {
        let known = self
            .0
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
