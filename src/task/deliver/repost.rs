//! Posts a photo by the document of an earlier post, and finds another way if Telegram refuses the document.
//!
//! Each step is stored before the next turn of the loop, which posts the row under the same `random_id` in the same
//! channel: a fresh reference, or that the document is not usable, so that the file is uploaded. If the spool lacks the
//! file, it is downloaded again.

use super::Deliverer;
use super::attempts::Attempts;
use crate::decide::{
    DUPLICATE, RenewalDecision, RenewalResult, RepostDecision, RepostHistory, renewed,
    repost_refused,
};
use crate::model::{DocumentRef, MessageId, Payload};
use crate::store::{EarlierPost, OutboxRow, PhotoOf, ReadTx, StoreError};
use crate::task::TaskError;
use crate::telegram::{CallError, PostError};

/// The longest rate limit, in seconds, for which a photo without a file waits. It would be downloaded again otherwise,
/// and the user may have removed it.
const SHORT_LIMIT: i64 = 60;

/// Returns the earlier post whose document the row's post can name. An upload of an earlier attempt comes first.
pub(super) fn earlier_post(
    tx: &ReadTx<'_>,
    row: &OutboxRow,
    attempts: &Attempts,
) -> Result<Option<EarlierPost>, StoreError> {
    match photo_of(row) {
        Some(of) if attempts.upload(row.id).is_none() => tx.earlier_post(of),
        _ => Ok(None),
    }
}

impl Deliverer {
    /// Handles a failed post that named the document of `earlier`. Returns the error if the row has to wait because of
    /// it, and `None` if the next turn posts the row in another way.
    pub(super) async fn not_reposted(
        &self,
        row: &OutboxRow,
        earlier: &EarlierPost,
        error: PostError,
        attempts: &mut Attempts,
    ) -> Result<Option<PostError>, TaskError> {
        let (Some(of), PostError::Call(CallError::Refused { code, name, .. })) =
            (photo_of(row), &error)
        else {
            return Ok(Some(error));
        };
        let history = attempts.repost_history(row.id);
        match repost_refused(*code, name, *history) {
            RepostDecision::Unrelated => {
                history.is_refused |= name != DUPLICATE;
                Ok(Some(error))
            }
            RepostDecision::Upload => {
                tracing::debug!(row = %row, %error, "Telegram refuses the document of an earlier post");
                self.forget(of, earlier).await?;
                Ok(None)
            }
            RepostDecision::Renew => self.renew(row, of, earlier, history).await,
        }
    }

    /// Fetches a fresh reference to the document of `earlier`.
    async fn renew(
        &self,
        row: &OutboxRow,
        of: PhotoOf,
        earlier: &EarlierPost,
        history: &mut RepostHistory,
    ) -> Result<Option<PostError>, TaskError> {
        let refused = &earlier.document;
        let fetched = self.fetch_document(earlier).await?;
        let now = self.runtime.clock.now();
        let result = match &fetched {
            Ok(Some(found)) if found.id == refused.id => {
                RenewalResult::Found(&found.file_reference)
            }
            Ok(_) => RenewalResult::Gone,
            Err(CallError::RateLimited { until, .. })
                if row.spool.is_none() && *until <= now.plus(SHORT_LIMIT).get() =>
            {
                RenewalResult::Unanswered
            }
            Err(
                CallError::Network { .. }
                | CallError::ServerError { .. }
                | CallError::NotSent { .. },
            ) => RenewalResult::Unanswered,
            Err(_) => RenewalResult::Refused,
        };
        match (renewed(result, &refused.file_reference), fetched) {
            (RenewalDecision::Repost, Ok(Some(fresh))) => {
                self.database
                    .write(|tx| tx.renew_document(of, &fresh))
                    .await?;
                history.is_renewed = true;
                Ok(None)
            }
            (RenewalDecision::Later, Err(error)) => Ok(Some(error.into())),
            _ => {
                tracing::debug!(row = %row, message_id = %earlier.posted_as.message, "an earlier post shows no fresh document");
                self.forget(of, earlier).await?;
                Ok(None)
            }
        }
    }

    /// Fetches the document that the message of `earlier` has now.
    async fn fetch_document(
        &self,
        earlier: &EarlierPost,
    ) -> Result<Result<Option<DocumentRef>, CallError>, TaskError> {
        let (channel, message) = (earlier.posted_as.channel, earlier.posted_as.message);
        let Some(known) = self.database.read(|tx| tx.channel(channel)).await? else {
            return Ok(Ok(None));
        };
        let before = MessageId::new(message.get() - 1);
        let access_hash = known.channel.access_hash;
        let call = self
            .telegram
            .messages(channel, access_hash, before, message, 1);
        Ok(match self.runtime.or_shutdown(call).await? {
            Ok(page) => {
                let mut posts = page.posts.into_iter();
                let post = posts.find(|post| post.message == message);
                Ok(post.and_then(|post| post.document).map(DocumentRef::from))
            }
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(error) => Err(error),
        })
    }

    async fn forget(&self, of: PhotoOf, earlier: &EarlierPost) -> Result<(), TaskError> {
        self.database
            .write(|tx| tx.forget_document(of, earlier.document.id))
            .await?;
        self.wakers.fetch.notify_one();
        Ok(())
    }
}

/// Returns the photo of a row.
fn photo_of(row: &OutboxRow) -> Option<PhotoOf> {
    match row.payload {
        Payload::Avatar(avatar) => Some(PhotoOf {
            user: avatar.user,
            photo: avatar.photo.id,
        }),
        _ => None,
    }
}
