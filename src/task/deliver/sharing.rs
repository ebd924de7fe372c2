//! Posting beside other instances (docs/several-accounts.md): own members first, another instance's only while it is
//! silent, and HIDE is read before it shows that the photo is not there already.

use std::time::Duration;

use crate::decide::channel_tracker::{PullEnd, PullStep};
use crate::decide::share::{HideReading, Poster, old_enough_at};
use crate::model::{ChannelId, Payload, Timestamp};
use crate::store::{Members, OutboxRow, ReadTx, SharedMembers, StoreError};
use crate::task::{ChannelPuller, Cover, Runtime, TaskError};

/// How many events one call asks for.
const PAGE: i32 = 100;
/// The pause after HIDE could not be read, before an own photo.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// What an instance needs that is not the only one.
pub struct Sharing {
    pub cover: Cover,
    pub puller: ChannelPuller,
    pub hide: ChannelId,
    pub runtime: Runtime,
    /// How well HIDE is known.
    pub reading: HideReading,
}

impl Sharing {
    /// Returns the members whose photos may be posted now.
    pub(super) fn members(&self, now: Timestamp) -> SharedMembers {
        let paused_until = self.reading.paused_until(self.cover.elapsed());
        self.cover.members(paused_until.is_none(), now)
    }

    /// Returns when the photos of more members may be posted, apart from the ages of the photos.
    pub(super) fn next_change_at(&self, now: Timestamp) -> Option<Timestamp> {
        let paused_until = self.reading.paused_until(self.cover.elapsed());
        self.cover.next_change_at(paused_until, now)
    }

    /// Reads a page of HIDE, if that is needed before the post of this row. Returns true if the row has to be selected
    /// again: the page may have dropped it.
    pub(super) async fn reads_first(&mut self, row: &OutboxRow) -> Result<bool, TaskError> {
        let Some(poster) = self.poster(row) else {
            return Ok(false);
        };
        if !self.reading.is_needed(poster, self.cover.elapsed()) {
            return Ok(false);
        }
        let step = PullStep::Differences { limit: PAGE };
        let end = self.puller.pull(self.hide, step).await?;
        let now = self.cover.elapsed();
        match end {
            PullEnd::UpToDate(_) => self.reading.read(now),
            // There is more, or the watcher was faster.
            PullEnd::PageApplied(_) => {}
            end => {
                tracing::debug!(?end, "HIDE cannot be read before a post");
                self.reading.failed(now);
                if poster == Poster::Own && self.reading.is_needed(poster, now) {
                    self.runtime.pause(RETRY_PAUSE).await?;
                }
            }
        }
        Ok(true)
    }

    /// Records a post of this instance.
    pub(super) fn posted(&mut self) {
        self.reading.posted();
    }

    /// Returns whose photo a row holds; `None` for a report.
    fn poster(&self, row: &OutboxRow) -> Option<Poster> {
        let Payload::Avatar(avatar) = &row.payload else {
            return None;
        };
        Some(if row.begun_in.is_some() {
            Poster::Begun
        } else if self.cover.share().is_own(avatar.user) {
            Poster::Own
        } else {
            Poster::Other
        })
    }
}

/// Returns when the next photo of another instance's member is old enough, if one waits that is not.
pub(super) fn next_old_enough_at(
    tx: &ReadTx<'_>,
    members: Members,
) -> Result<Option<Timestamp>, StoreError> {
    let Members::Shared(members) = members else {
        return Ok(None);
    };
    let made_at = tx.next_others_made_at(members.share, members.made_until)?;
    Ok(made_at.map(old_enough_at))
}
