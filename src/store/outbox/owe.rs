//! What comes into the outbox: each row once, under a key that says what it is for.

use std::ops::Range;

use rusqlite::params;
use sha2::{Digest as _, Sha256};

use crate::model::{Avatar, ChannelId, Payload, PhotoId, Timestamp, UserId};
use crate::store::{StoreError, Tx};

impl Tx<'_> {
    /// Owes a report whose contents are at hand. Returns `false` if it was owed before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_report(
        &self,
        key: &str,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.owe(key, "report", "fetched", payload, now)
    }

    /// Owes a report that is not to be posted from `expires_at` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_report_until(
        &self,
        key: &str,
        payload: &Payload,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.enqueue_report(key, payload, now)?;
        self.0.execute(
            "UPDATE outbox SET expires_at = ?2 WHERE key = ?1",
            params![key, expires_at.get()],
        )?;
        Ok(())
    }

    /// Owes a report whose file is yet to be made. Returns `false` if it was owed before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_wanted_report(
        &self,
        key: &str,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.owe(key, "report", "wanted", payload, now)
    }

    /// Owes a photo. Returns `false` if it was owed before and was not given up.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_avatar(&self, avatar: &Avatar, now: Timestamp) -> Result<bool, StoreError> {
        let key = avatar_key(avatar);
        self.0
            .prepare_cached("DELETE FROM outbox WHERE key = ?1 AND state = 'dropped'")?
            .execute([&key])?;
        self.owe(&key, "avatar", "wanted", &Payload::Avatar(*avatar), now)
    }

    fn owe(
        &self,
        key: &str,
        class: &str,
        state: &str,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let payload = serde_json::to_string(payload)
            .map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let nonce = getrandom::u64().map_err(|error| StoreError::DiskFails(error.to_string()))?;
        let inserted = self
            .0
            .prepare_cached(
                "INSERT OR IGNORE INTO outbox (key, random_id, class, created_at, due_at, state, payload)
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
            )?
            .execute(params![
                key,
                random_id(key, now, nonce),
                class,
                now.get(),
                state,
                payload
            ])?;
        Ok(inserted == 1)
    }
}

/// The first eight bytes of SHA-256 over the key, the row's creation and a nonce, never 0, which Telegram
/// refuses. Without the nonce a row that is forgotten and owed anew within a second would be the same post.
fn random_id(key: &str, created_at: Timestamp, nonce: u64) -> i64 {
    let digest = Sha256::new()
        .chain_update(key)
        .chain_update(created_at.get().to_le_bytes())
        .chain_update(nonce.to_le_bytes())
        .finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    match i64::from_le_bytes(head) {
        0 => 1,
        id => id,
    }
}

/// The key of a photo's row.
pub(in crate::store) fn avatar_key(avatar: &Avatar) -> String {
    let (group, user, photo) = (avatar.group, avatar.user, avatar.photo.id);
    format!("avatar/{group}/{user}/{photo}")
}

/// Between which two keys those of a user's photos for a group lie.
pub(in crate::store) fn avatar_keys(user: UserId, group: ChannelId) -> Range<String> {
    // "0" is what follows "/".
    format!("avatar/{group}/{user}/")..format!("avatar/{group}/{user}0")
}

/// Between which two keys those of a group's photos lie.
pub(in crate::store) fn group_keys(group: ChannelId) -> Range<String> {
    format!("avatar/{group}/")..format!("avatar/{group}0")
}

/// The photo that a row's key names.
pub(in crate::store) fn photo_of(key: &str) -> Option<PhotoId> {
    let (_, photo) = key.rsplit_once('/')?;
    photo.parse().ok().map(PhotoId::new)
}
