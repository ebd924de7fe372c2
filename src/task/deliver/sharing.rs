//! Posting beside other instances (docs/several-accounts.md): own members first, another instance's only while it is
//! silent, and HIDE is read before it shows that the photo is not there already.

use std::time::Duration;

use crate::decide::channel_tracker::{PullEnd, PullStep};
use crate::decide::share::{HideReading, Poster, old_enough_at};
use crate::model::{ChannelId, Payload, Timestamp};
use crate::store::{Members, OutboxRow, ReadTx, SharedMembers, StoreError};
use crate::task::{ChannelPuller, Cover, Runtime, TaskError};

/// How many events one call asks for.
const LARGEST_PAGE: i32 = 100;
/// How long an own photo waits after HIDE could not be read, until it is selected again.
const OWN_PAUSE: Duration = Duration::from_secs(2);

/// The parts that an instance needs to post beside others.
pub struct Sharing {
    cover: Cover,
    puller: ChannelPuller,
    hide: ChannelId,
    runtime: Runtime,
    /// How well HIDE is known.
    reading: HideReading,
    /// How many events the next call asks for.
    page: i32,
}

impl Sharing {
    #[must_use]
    pub fn new(cover: Cover, puller: ChannelPuller, hide: ChannelId, runtime: Runtime) -> Self {
        Self {
            cover,
            puller,
            hide,
            runtime,
            reading: HideReading::default(),
            page: LARGEST_PAGE,
        }
    }

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
        if self.reading.paused_until(self.cover.elapsed()).is_some() {
            self.runtime.pause(OWN_PAUSE).await?;
            return Ok(true);
        }
        let step = PullStep::Differences { limit: self.page };
        let end = self.puller.pull(self.hide, step).await?;
        let now = self.cover.elapsed();
        match end {
            PullEnd::UpToDate(_) => {
                self.reading.read(now);
                self.page = LARGEST_PAGE;
            }
            // There is more, or the watcher was faster.
            PullEnd::PageApplied(_) => {}
            end => {
                tracing::debug!(?end, "HIDE cannot be read before a post");
                self.reading.failed(now);
                // A page that cannot be read, or that ends the connection, is left to the watcher.
                if matches!(end, PullEnd::Unreadable | PullEnd::Cut) {
                    self.page = (self.page / 2).max(1);
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
    let ready_from = tx.next_others_ready_from(members)?;
    Ok(ready_from.map(old_enough_at))
}
