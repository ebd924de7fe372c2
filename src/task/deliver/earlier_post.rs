//! Finds the message that an earlier attempt at a row has made, when Telegram does not return it.
//!
//! RANDOM_ID_DUPLICATE means that Telegram knows the post, as does an answer that cannot be read. If it stays, an own
//! message of that channel is the proof: with the same caption, and with the file name of the upload or the document that
//! the row was begun with, newer than what was read before the first attempt, and not the post of another row.

use super::{Deliverer, Target};
use crate::model::{ChannelPost, Document, MessageId};
use crate::store::{OutboxRow, PostedAs};
use crate::task::TaskError;
use crate::telegram::{CallError, Posted};

/// How many messages one call fetches.
const MESSAGES_PER_CALL: i32 = 50;
/// How many calls one search makes.
const MAX_CALLS: usize = 10;
/// How many ids after the first attempt are searched, also if fewer messages are known.
const LOOK_AHEAD: i32 = 100;

/// The post that is searched for.
pub(super) struct Sought<'a> {
    pub(super) text: &'a str,
    pub(super) file: Option<SoughtFile<'a>>,
}

/// The file of that post: one attempt may have uploaded it, and another one may have named a document, which has the name
/// of another upload.
pub(super) struct SoughtFile<'a> {
    /// The name of the upload, if it is known.
    pub(super) name: Option<&'a str>,
    /// The document of the last attempt that named one.
    pub(super) document: Option<i64>,
}

impl Deliverer {
    /// Searches a channel for the post of a row.
    pub(super) async fn find_post(
        &self,
        row: &OutboxRow,
        target: Target,
        sought: &Sought<'_>,
    ) -> Result<Option<Posted>, TaskError> {
        let (Some(begun_after), Some(access_hash)) = (row.begun_after, target.access_hash) else {
            return Ok(None);
        };
        let channel = target.channel;
        let known = self.database.read(|tx| tx.channel(channel)).await?;
        let newest = known.map_or(begun_after, |known| known.channel.top_message);
        let top = newest.max(MessageId::new(begun_after.get().saturating_add(LOOK_AHEAD)));
        let mut after = begun_after;
        for _ in 0..MAX_CALLS {
            let call = self
                .telegram
                .messages(channel, access_hash, after, top, MESSAGES_PER_CALL);
            let page = match self.runtime.or_shutdown(call).await? {
                Ok(page) => page,
                Err(CallError::Account(trouble)) => return Err(trouble.into()),
                Err(error) => {
                    tracing::debug!(row = %row, %error, "the channel cannot be searched for the post");
                    return Ok(None);
                }
            };
            for found in page.posts.into_iter().filter(|post| sought.is(post)) {
                let message = found.message;
                let post = PostedAs { channel, message };
                let is_taken = self
                    .database
                    .read(|tx| tx.is_post_of_another_row(row.id, post))
                    .await?;
                if !is_taken {
                    let document = found.document;
                    return Ok(Some(Posted { message, document }));
                }
            }
            match page.last_message {
                Some(last) if last < top && last > after => after = last,
                _ => break,
            }
        }
        Ok(None)
    }
}

impl Sought<'_> {
    fn is(&self, post: &ChannelPost) -> bool {
        let has_file = match (&self.file, &post.document) {
            (None, None) => true,
            (Some(file), Some(document)) => file.is(document),
            _ => false,
        };
        post.own && has_file && post.text == self.text
    }
}

impl SoughtFile<'_> {
    fn is(&self, found: &Document) -> bool {
        let has_name = |name| found.name.as_deref().is_none_or(|found| found == name);
        self.document == Some(found.id) || self.name.is_some_and(has_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccessHash;
    use crate::task::fixture::post;

    #[test]
    fn only_an_own_post_with_the_same_caption_and_file_name_is_the_one() {
        let own = ChannelPost {
            own: true,
            ..post(5, "caption")
        };
        let with_file = |name: &str| ChannelPost {
            document: Some(Document {
                id: 1,
                access_hash: AccessHash::new(2),
                file_reference: Vec::new(),
                dc: 2,
                size: 3,
                name: Some(name.into()),
            }),
            ..own.clone()
        };
        let text = "caption";
        let sought = Sought {
            text,
            file: Some(SoughtFile {
                name: Some("abcdefgh"),
                document: None,
            }),
        };
        assert!(sought.is(&with_file("abcdefgh")));
        assert!(!sought.is(&with_file("ijklmnop")));
        assert!(!sought.is(&own));
        let of_another = ChannelPost {
            own: false,
            ..with_file("abcdefgh")
        };
        assert!(!sought.is(&of_another));
        let by_document = |document| Sought {
            text,
            file: Some(SoughtFile {
                name: None,
                document,
            }),
        };
        assert!(by_document(Some(1)).is(&with_file("ijklmnop")));
        assert!(!by_document(Some(7)).is(&with_file("ijklmnop")));
        assert!(!by_document(None).is(&with_file("ijklmnop")));
        assert!(!by_document(Some(1)).is(&own));
        let plain = Sought { text, file: None };
        assert!(plain.is(&own));
        assert!(!plain.is(&with_file("abcdefgh")));
        let other_text = Sought {
            text: "another",
            file: None,
        };
        assert!(!other_text.is(&own));
    }
}
