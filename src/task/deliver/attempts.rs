//! The loop's memory of posts that were not confirmed. A restart forgets it: the file is then uploaded once more.

use std::collections::BTreeMap;

use crate::decide::{DUPLICATE, RefusalRun, RepostHistory};
use crate::model::Timestamp;
use crate::telegram::{CallError, PostError, Uploaded};

/// How many answers in a row that name no message make the program look for the post in the channel.
const MANY_UNPROVEN: u32 = 3;

/// The attempts at rows that are not settled.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// The files that Telegram holds, by row.
    uploads: BTreeMap<i64, Uploaded>,
    /// How often in succession Telegram accepted the post of a row, or knew it already, and named no message.
    unproven: BTreeMap<i64, u32>,
    /// The attempts that named the document of an earlier post.
    reposts: BTreeMap<i64, RepostHistory>,
    refusals: RefusalRun<i64>,
    /// Until when no photo is posted, because Telegram refuses all of them.
    outage_until: Option<Timestamp>,
}

impl Attempts {
    /// Returns the file of a row that an earlier attempt uploaded.
    pub(super) fn upload(&self, row: i64) -> Option<&Uploaded> {
        self.uploads.get(&row)
    }

    pub(super) fn set_upload(&mut self, row: i64, uploaded: Uploaded) {
        self.uploads.insert(row, uploaded);
    }

    pub(super) fn repost_history(&mut self, row: i64) -> &mut RepostHistory {
        self.reposts.entry(row).or_default()
    }

    pub(super) const fn outage_until(&self) -> Option<Timestamp> {
        self.outage_until
    }

    pub(super) const fn begin_outage(&mut self, until: Timestamp) {
        self.outage_until = Some(until);
    }

    /// Notes that a row was posted.
    pub(super) fn posted(&mut self, row: i64) {
        self.settled(row);
        self.refusals.end();
        self.outage_until = None;
    }

    /// Forgets a row that is settled.
    pub(super) fn settled(&mut self, row: i64) {
        self.forget_upload(row);
        self.reposts.remove(&row);
    }

    fn forget_upload(&mut self, row: i64) {
        self.uploads.remove(&row);
        self.unproven.remove(&row);
    }

    /// Notes a failed attempt. Returns true if the refusal is an outage.
    pub(super) fn failed(&mut self, row: i64, error: &PostError) -> bool {
        let name = match error {
            PostError::Call(CallError::Refused { name, .. }) if name != DUPLICATE => name,
            PostError::Call(CallError::Refused { .. } | CallError::Unusable { .. })
            | PostError::Unproven => {
                *self.unproven.entry(row).or_default() += 1;
                return false;
            }
            PostError::Call(_) | PostError::Size(_) | PostError::Read(_) => {
                // The earlier upload may be used up.
                self.forget_upload(row);
                return false;
            }
        };
        self.unproven.remove(&row);
        if ["FILE_", "MEDIA_", "MD5_"]
            .iter()
            .any(|begin| name.starts_with(begin))
        {
            self.uploads.remove(&row);
        }
        self.refusals.add(row, name)
    }

    /// Returns how often in succession Telegram named no message for a row, if that is often.
    pub(super) fn many_unproven(&self, row: i64) -> Option<u32> {
        let count = self.unproven.get(&row).copied();
        count.filter(|count| *count >= MANY_UNPROVEN)
    }

    /// Returns true if this is the first time that those answers are many.
    pub(super) fn are_just_many(&self, row: i64) -> bool {
        self.many_unproven(row) == Some(MANY_UNPROVEN)
    }
}
