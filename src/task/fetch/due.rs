//! The work that is due, read from one moment of the database. The cost of reading it does not depend on how much waits.

use super::{FEW_ROWS, USERS_PER_CALL};
use crate::model::{Join, Share, Timestamp};
use crate::store::{ExceptionDue, OutboxRow, ReadTx, StoreError};

/// The work that may begin.
pub(super) struct DueFilter<'a> {
    /// How many joins to look up; `None` if no look-up can begin now.
    pub(super) joins: Option<usize>,
    pub(super) exceptions: bool,
    pub(super) lists: bool,
    pub(super) photos: PhotoFilter<'a>,
}

/// The photos whose download may begin.
pub(super) struct PhotoFilter<'a> {
    pub(super) share: Share,
    pub(super) max_spooled: u64,
    /// The data centres that have no slot.
    pub(super) closed_dcs: &'a [i32],
}

/// The work that is due.
pub(super) struct Due {
    /// `None` if no look-up can begin now.
    pub(super) joins: Option<Vec<Join>>,
    pub(super) exceptions: Vec<ExceptionDue>,
    pub(super) has_lists: bool,
    /// How many bytes of photos are in the spool.
    pub(super) spooled: u64,
    pub(super) photos: Vec<OutboxRow>,
    /// True if photos that were postponed are due.
    pub(super) is_postponed_due: bool,
    /// When the next row falls due.
    pub(super) next: Option<Timestamp>,
}

impl DueFilter<'_> {
    pub(super) fn read(&self, tx: &ReadTx<'_>, now: Timestamp) -> Result<Due, StoreError> {
        let spooled = tx.spooled_bytes()?;
        Ok(Due {
            joins: self
                .joins
                .map(|limit| tx.joins_to_look_up(limit))
                .transpose()?,
            exceptions: if self.exceptions {
                tx.exceptions_due(USERS_PER_CALL)?
            } else {
                Vec::new()
            },
            has_lists: self.lists && !tx.lists_to_make(Some(now))?.is_empty(),
            spooled,
            photos: if spooled < self.photos.max_spooled {
                self.photos.read(tx, now, FEW_ROWS)?
            } else {
                Vec::new()
            },
            is_postponed_due: tx.is_postponed_due(now)?,
            next: tx.next_fetch_due(now)?,
        })
    }
}

impl PhotoFilter<'_> {
    /// Returns the photos that are due. Other instances' photos leave half of the spool to own ones.
    pub(super) fn read(
        &self,
        tx: &ReadTx<'_>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        if self.share.is_whole() {
            return tx.avatars_to_fetch_without(self.closed_dcs, now, limit);
        }
        let only_own = tx.spooled_bytes()? >= self.max_spooled / 2;
        tx.shared_avatars_to_fetch(self.share, only_own, self.closed_dcs, now, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::NOW;
    use crate::task::queue_cost::assert_flat;

    #[test]
    fn a_turn_costs_the_same_however_many_photos_wait() {
        for closed_dcs in [&[][..], &[2], &[2, 4]] {
            let filter = DueFilter {
                joins: Some(USERS_PER_CALL),
                exceptions: true,
                lists: true,
                photos: PhotoFilter {
                    share: Share::WHOLE,
                    max_spooled: u64::MAX,
                    closed_dcs,
                },
            };
            assert_flat(|fixture| {
                fixture.write(|tx| {
                    let due = filter.read(tx, NOW)?;
                    assert_eq!(due.photos.is_empty(), closed_dcs.len() == 2);
                    Ok(())
                });
            });
        }
    }
}
