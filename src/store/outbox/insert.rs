//! Enqueueing: new rows of the outbox, each with its `random_id`.

use rusqlite::params;
use sha2::{Digest as _, Sha256};

use crate::model::{Avatar, Content, List, Purpose, Timestamp};
use crate::store::{StoreError, Tx};

/// The columns of a report; those that its kind does not have stay empty.
#[derive(Default)]
struct Report<'a> {
    kind: &'static str,
    purpose: Option<Purpose>,
    text: &'a str,
    content: Option<String>,
    list: Option<List>,
    expires_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Enqueues an envelope without a file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_text(
        &self,
        purpose: Purpose,
        text: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report = Report {
            kind: "text",
            purpose: Some(purpose),
            text,
            ..Report::default()
        };
        self.insert_report(report, now)
    }

    /// Enqueues an envelope that must not be posted from `expires_at` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_expiring_text(
        &self,
        purpose: Purpose,
        text: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report = Report {
            kind: "text",
            purpose: Some(purpose),
            text,
            expires_at: Some(expires_at),
            ..Report::default()
        };
        self.insert_report(report, now)
    }

    /// Enqueues an envelope with a small file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_file(
        &self,
        purpose: Purpose,
        caption: &str,
        content: &Content,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let content = serde_json::to_string(content).map_err(|error| {
            StoreError::Encode(format!(
                "the content of a report cannot be encoded: {error}"
            ))
        })?;
        let report = Report {
            kind: "file",
            purpose: Some(purpose),
            text: caption,
            content: Some(content),
            ..Report::default()
        };
        self.insert_report(report, now)
    }

    /// Enqueues a whole list. Its file is made later, from the list as it is then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_list(
        &self,
        list: List,
        caption: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report = Report {
            kind: "list",
            text: caption,
            list: Some(list),
            ..Report::default()
        };
        self.insert_report(report, now)
    }

    /// Enqueues a photo. Returns `false`, and changes nothing, if the same photo of the same user was enqueued for the
    /// same group before and was not dropped.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_avatar(&self, avatar: &Avatar, now: Timestamp) -> Result<bool, StoreError> {
        let (group, user, photo) = (
            avatar.group.bare(),
            avatar.user.get(),
            avatar.photo.id.get(),
        );
        self.db
            .prepare_cached(
                "DELETE FROM outbox WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND photo_id = ?3
                     AND state = 'dropped'",
            )?
            .execute([group, user, photo])?;
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO outbox (kind, group_id, user_id, photo_id, photo_dc, join_message_id, is_recheck,
                     random_id, created_at, due_at, state)
                 VALUES ('avatar', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 'wanted')
                 ON CONFLICT (group_id, user_id, photo_id) WHERE kind = 'avatar' DO NOTHING",
            )?
            .execute(params![
                group,
                user,
                photo,
                avatar.photo.dc,
                avatar.message.get(),
                avatar.recheck,
                random_id(&format!("avatar/{group}/{user}/{photo}"), now)?,
                now.get(),
            ])?;
        Ok(inserted == 1)
    }

    fn insert_report(&self, report: Report<'_>, now: Timestamp) -> Result<(), StoreError> {
        // The file of a list is still to be made.
        let state = if report.list.is_some() {
            "wanted"
        } else {
            "fetched"
        };
        let list = report.list.map(List::as_str);
        let purpose = report.purpose.map(Purpose::as_str);
        let name = purpose.or(list).unwrap_or_default();
        self.db
            .prepare_cached(
                "INSERT INTO outbox (kind, purpose, text, content, list, random_id, created_at, due_at, state, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)",
            )?
            .execute(params![
                report.kind,
                purpose,
                report.text,
                report.content,
                list,
                random_id(name, now)?,
                now.get(),
                state,
                report.expires_at.map(Timestamp::get),
            ])?;
        Ok(())
    }
}

/// Returns the first eight bytes of SHA-256 over a row's name, its creation and a nonce; never 0, which Telegram
/// refuses. Without the nonce, a row that is deleted and enqueued again within a second would be the same post.
fn random_id(name: &str, created_at: Timestamp) -> Result<i64, StoreError> {
    let nonce = getrandom::u64().map_err(StoreError::NoRandomNumbers)?;
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update(created_at.get().to_le_bytes())
        .chain_update(nonce.to_le_bytes())
        .finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    Ok(match i64::from_le_bytes(head) {
        0 => 1,
        id => id,
    })
}
