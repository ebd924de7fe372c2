//! The documents of posted photos, by which the same photo is posted for further groups.
//!
//! Only a row in state `sent` lends its document, so that the document is that of a proven post, and only while the
//! account is in the channel of that post. A row that is being posted keeps the id of the document that it was begun
//! with: a search of the channel recognizes the post by it.

use rusqlite::{OptionalExtension as _, params};

use super::PhotoOf;
use crate::model::{AccessHash, ChannelId, DocumentRef, MessageId, Timestamp, UserId};
use crate::store::{PostedAs, ReadTx, StoreError, Tx};

/// A post whose document can be posted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierPost {
    pub posted_as: PostedAs,
    pub document: DocumentRef,
}

/// The rows that lend a document of a photo.
pub(in crate::store) const LENDERS: &str =
    "FROM outbox WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state = 'sent'
     AND document_reference IS NOT NULL
     AND EXISTS (SELECT 1 FROM ledger WHERE ledger.channel_id = outbox.channel_id AND present)";

impl ReadTx<'_> {
    /// Returns the latest post of a photo that has a document.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn earlier_post(&self, of: PhotoOf) -> Result<Option<EarlierPost>, StoreError> {
        let sql = format!(
            "SELECT channel_id, message_id, document_id, document_hash, document_reference {LENDERS}
             ORDER BY settled_at DESC, id DESC LIMIT 1"
        );
        Ok(self
            .db
            .prepare_cached(&sql)?
            .query_row([of.user.get(), of.photo.get()], |row| {
                Ok(EarlierPost {
                    posted_as: PostedAs {
                        channel: ChannelId::from_bare(row.get(0)?),
                        message: MessageId::new(row.get(1)?),
                    },
                    document: DocumentRef {
                        id: row.get(2)?,
                        access_hash: AccessHash::new(row.get(3)?),
                        file_reference: row.get(4)?,
                    },
                })
            })
            .optional()?)
    }

    /// Returns the id of the document that the post of a row was last begun with.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begun_document(&self, row: i64) -> Result<Option<i64>, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT document_id FROM outbox WHERE id = ?1")?
            .query_row([row], |row| row.get(0))
            .optional()?
            .flatten())
    }
}

impl Tx<'_> {
    /// Makes the rows that want a photo ready to be posted without a file, if a post from `since` on has a document.
    /// Returns how many rows are ready.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_fetched_by_document(
        &self,
        of: PhotoOf,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE outbox SET state = 'fetched', due_at = MIN(created_at, ?3), attempts = 0, reason = NULL, refused_at = NULL
             WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state = 'wanted'
               AND EXISTS (SELECT 1 {LENDERS} AND settled_at >= ?4)"
        );
        let parameters = [of.user.get(), of.photo.get(), now.get(), since.get()];
        Ok(self.db.prepare_cached(&sql)?.execute(parameters)?)
    }

    /// Records the document of a row that was posted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_document(&self, row: i64, document: &DocumentRef) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET document_id = ?2, document_hash = ?3, document_reference = ?4 WHERE id = ?1",
            )?
            .execute(params![
                row,
                document.id,
                document.access_hash.get(),
                document.file_reference
            ])?;
        Ok(())
    }

    /// Records that the post of a row is begun with this document.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_begun_document(&self, row: i64, document: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET document_id = ?2 WHERE id = ?1 AND document_id IS NOT ?2",
            )?
            .execute([row, document])?;
        Ok(())
    }

    /// Stores a fresh reference to a document of a photo.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn renew_document(&self, of: PhotoOf, document: &DocumentRef) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET document_hash = ?4, document_reference = ?5
                 WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND document_id = ?3
                   AND document_reference IS NOT NULL",
            )?
            .execute(params![
                of.user.get(),
                of.photo.get(),
                document.id,
                document.access_hash.get(),
                document.file_reference
            ])?;
        Ok(())
    }

    /// Forgets how to post a document of a photo again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_document(&self, of: PhotoOf, document: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET document_reference = NULL
                 WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND document_id = ?3",
            )?
            .execute([of.user.get(), of.photo.get(), document])?;
        self.want_missing_files(Some(of.user))
    }

    /// Forgets how to post any document again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_documents(&self) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE outbox SET document_reference = NULL WHERE document_reference IS NOT NULL",
            [],
        )?;
        self.want_missing_files(None)
    }

    /// Makes the photos of one user, or of all, wanted that waited for a post by a document. The program downloads them
    /// at once, unless another document serves: the user may remove the photo before its turn comes.
    pub(super) fn want_missing_files(&self, user: Option<UserId>) -> Result<(), StoreError> {
        match user {
            Some(user) => self
                .db
                .prepare_cached(
                    "UPDATE outbox SET state = 'wanted', attempts = 0
                     WHERE kind = 'avatar' AND user_id = ?1 AND +state IN ('fetched', 'sending') AND spool IS NULL",
                )?
                .execute([user.get()])?,
            None => self.db.execute(
                "UPDATE outbox SET state = 'wanted', attempts = 0
                 WHERE kind = 'avatar' AND state IN ('fetched', 'sending') AND spool IS NULL",
                [],
            )?,
        };
        Ok(())
    }

    /// Makes the photos wanted again whose files wait in the spool, because nobody opens files of that kind any more. A
    /// post that was begun keeps its file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_spooled_photos(&self) -> Result<usize, StoreError> {
        Ok(self.db.execute(
            "UPDATE outbox SET state = 'wanted', spool = NULL, spool_bytes = 0, attempts = 0
             WHERE kind = 'avatar' AND state = 'fetched' AND channel_id IS NULL AND spool IS NOT NULL",
            [],
        )?)
    }
}
