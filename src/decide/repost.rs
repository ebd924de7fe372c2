//! The next step after Telegram refused to post a document again, or to show the post that has it.
//!
//! A document is named by a reference that expires. The message of the document shows a fresh one; a reference is
//! renewed once for each post. Every other refusal of the document leads back to the upload of the file, under the same
//! `random_id`. A refusal of the channel, the account or the text would meet an upload as well, and is treated as that of
//! any other post; but if it repeats, the document may be its reason after all.

use super::DUPLICATE;

/// The beginnings of refusals that an upload of the file does not avoid.
const OTHER_NAMES: [&str; 7] = [
    "CHANNEL_", "CHAT_", "PEER_", "USER_", "MESSAGE_", "ENTIT", "CAPTION_",
];
/// The refusal of the document of a channel whose content is protected.
const PROTECTED: &str = "CHAT_FORWARDS_RESTRICTED";

/// The earlier attempts at a post that named a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepostHistory {
    /// The reference was renewed.
    pub is_renewed: bool,
    /// Telegram refused an attempt for a reason that did not seem to concern the document.
    pub is_refused: bool,
}

/// The next step after a refused repost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepostDecision {
    /// Fetch the message of the document, which has a fresh reference, and post the document.
    Renew,
    /// Forget the document, and upload the file.
    Upload,
    /// The refusal does not seem to concern the document: treat it as one of any other post.
    Unrelated,
}

/// Decides on a repost that Telegram refused with this code and name.
#[must_use]
pub fn repost_refused(code: i32, name: &str, history: RepostHistory) -> RepostDecision {
    // Also the numbered forms, such as FILE_REFERENCE_0_EXPIRED.
    if name.starts_with("FILE_REFERENCE_") && !history.is_renewed {
        return RepostDecision::Renew;
    }
    let seems_unrelated = code != 400 || OTHER_NAMES.iter().any(|begin| name.starts_with(begin));
    if matches!(name, DUPLICATE | "PEER_FLOOD")
        || name != PROTECTED && seems_unrelated && !history.is_refused
    {
        RepostDecision::Unrelated
    } else {
        RepostDecision::Upload
    }
}

/// The result of fetching the message of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalResult<'a> {
    /// The message has the document, with this reference.
    Found(&'a [u8]),
    /// The message is gone, or it has another document.
    Gone,
    /// Telegram refuses or limits the call, or its answer cannot be read.
    Refused,
    /// Telegram did not answer, or it limits the call for a short time and there is no file to upload.
    Unanswered,
}

/// The next step after the message of a document was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalDecision {
    /// Store the reference, and post the document.
    Repost,
    /// Forget the document, and upload the file.
    Upload,
    /// Retry the post later.
    Later,
}

/// Decides on a fetched message. `refused` is the reference that Telegram did not accept.
#[must_use]
pub fn renewed(result: RenewalResult<'_>, refused: &[u8]) -> RenewalDecision {
    match result {
        RenewalResult::Found(reference) if reference != refused => RenewalDecision::Repost,
        RenewalResult::Found(_) | RenewalResult::Gone | RenewalResult::Refused => {
            RenewalDecision::Upload
        }
        RenewalResult::Unanswered => RenewalDecision::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RepostDecision::{Renew, Unrelated, Upload};

    #[test]
    fn a_refused_document_is_renewed_once_or_uploaded_and_other_refusals_are_those_of_any_post() {
        let history = |is_renewed, is_refused| RepostHistory {
            is_renewed,
            is_refused,
        };
        for (code, name, first, after_renewal, after_refusal) in [
            (400, "FILE_REFERENCE_EXPIRED", Renew, Upload, Renew),
            (400, "FILE_REFERENCE_INVALID", Renew, Upload, Renew),
            (400, "FILE_REFERENCE_EMPTY", Renew, Upload, Renew),
            (400, "FILE_REFERENCE_0_EXPIRED", Renew, Upload, Renew),
            (400, "MEDIA_EMPTY", Upload, Upload, Upload),
            (400, "MEDIA_INVALID", Upload, Upload, Upload),
            (400, "DOCUMENT_INVALID", Upload, Upload, Upload),
            (400, "FILE_ID_INVALID", Upload, Upload, Upload),
            (400, "SOMETHING_NEW", Upload, Upload, Upload),
            (400, "CHAT_FORWARDS_RESTRICTED", Upload, Upload, Upload),
            (403, "CHAT_FORWARDS_RESTRICTED", Upload, Upload, Upload),
            (500, "RANDOM_ID_DUPLICATE", Unrelated, Unrelated, Unrelated),
            (400, "PEER_FLOOD", Unrelated, Unrelated, Unrelated),
            (400, "CHAT_ADMIN_REQUIRED", Unrelated, Unrelated, Upload),
            (400, "CHANNEL_INVALID", Unrelated, Unrelated, Upload),
            (
                403,
                "CHAT_SEND_DOCS_FORBIDDEN",
                Unrelated,
                Unrelated,
                Upload,
            ),
            (406, "CHANNEL_PRIVATE", Unrelated, Unrelated, Upload),
            (400, "MESSAGE_TOO_LONG", Unrelated, Unrelated, Upload),
        ] {
            let decisions = [
                history(false, false),
                history(true, false),
                history(false, true),
            ]
            .map(|history| repost_refused(code, name, history));
            assert_eq!(decisions, [first, after_renewal, after_refusal], "{name}");
        }
    }

    #[test]
    fn a_message_gives_a_fresh_reference_or_the_file_is_uploaded() {
        let refused = b"old";
        for (result, decision) in [
            (RenewalResult::Found(b"new"), RenewalDecision::Repost),
            (RenewalResult::Found(b"old"), RenewalDecision::Upload),
            (RenewalResult::Gone, RenewalDecision::Upload),
            (RenewalResult::Refused, RenewalDecision::Upload),
            (RenewalResult::Unanswered, RenewalDecision::Later),
        ] {
            assert_eq!(renewed(result, refused), decision, "{result:?}");
        }
    }
}
