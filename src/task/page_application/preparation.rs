//! Prepares the order that destroys lists, and applies its segment if the preparation is still valid.
//!
//! The files are written outside of the write transaction, which then checks that no backup list waits and that a
//! rollback replaces what was kept. If joins change the list faster than it is sealed, a later attempt keeps the list
//! within the transaction: a raid must not postpone an order indefinitely.

use super::{Applied, PageTransactions, Segment};
use crate::exchange::orders::Order;
use crate::model::{List, Timestamp};
use crate::store::{AdvanceOutcome, ReadTx, StoreError, Tx};
use crate::task::backup_files::{self, BackupError};
use crate::task::list_replacement::{KeepError, KeptList};
use crate::task::order_execution::{Attachments, Preparation, data_of};
use crate::task::order_files::AttachedLists;
use crate::task::{TaskError, order_copy};

/// How often a list is kept outside of the transaction.
const OPTIMISTIC_ATTEMPTS: u32 = 3;

/// A segment that was applied.
pub(super) struct AppliedSegment {
    applied: Applied,
    /// The list that was kept within the transaction.
    pub(super) kept: Option<KeptList>,
}

impl PageTransactions {
    /// Applies a segment, after the preparation for the order that it begins with.
    pub(super) async fn apply_segment(
        &self,
        segment: &Segment<'_>,
        lists: &AttachedLists,
    ) -> Result<AdvanceOutcome, TaskError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let preparation = self.prepare(segment, lists).await?;
            let now = self.runtime.clock.now();
            let apply = |tx: &Tx<'_>| {
                if is_still_valid(&preparation, tx)? {
                    let kept = None;
                    let preparation = &preparation;
                    let attachments = Attachments { lists, preparation };
                    let applied = self.apply(tx, segment, attachments, now)?;
                    return Ok(Some(AppliedSegment { applied, kept }));
                }
                if attempts <= OPTIMISTIC_ATTEMPTS {
                    return Ok(None);
                }
                self.apply_keeping(tx, segment, lists, now)
            };
            // `apply_keeping` writes a file, so a transaction that fails starts from a new preparation.
            let done = self.database.write_once(apply).await?.flatten();
            let Some(AppliedSegment { applied, kept }) = done else {
                continue;
            };
            // The list that was kept last is the one that was replaced.
            if applied.is_applied
                && let Some(kept) = kept.or_else(|| preparation.into_kept())
            {
                kept.commit();
            }
            self.post_commit.run(applied.post_commit).await?;
            return Ok(applied.advance_outcome);
        }
    }

    /// Makes the files that have to be there before the first order of a segment.
    pub(super) async fn prepare(
        &self,
        segment: &Segment<'_>,
        lists: &AttachedLists,
    ) -> Result<Preparation, TaskError> {
        let Some(first) = segment.posts().first().filter(|post| post.is_destructive()) else {
            return Ok(Preparation::Nothing);
        };
        let (channel, message) = (segment.page.channel, first.post.message);
        let channels = &self.channels;
        let replaced = segment.replaced_list();
        let is_usable = replaced.is_none_or(|list| data_of(list, lists.get(&message)).is_ok());
        let is_settled =
            |tx: &ReadTx<'_>| order_copy::is_settled(tx, channels, channel, &[], first);
        if !is_usable || self.database.read(is_settled).await? {
            return Ok(Preparation::Nothing);
        }
        match self.backup_files.make_all().await {
            Ok(()) => {}
            Err(BackupError::Task(error)) => return Err(error),
            Err(BackupError::Spool(error)) => {
                let why = format!("cannot write a pending backup: {error}");
                return Ok(Preparation::Failed(why));
            }
        }
        let Some(list) = replaced else {
            return Ok(Preparation::Files { kept: None });
        };
        let now = self.runtime.clock.now();
        self.database.read(|tx| self.keep(tx, list, now)).await
    }

    /// Applies a segment that begins with a rollback, and keeps the replaced list within the same transaction. Returns
    /// `None` if a backup list waits.
    pub(super) fn apply_keeping(
        &self,
        tx: &Tx<'_>,
        segment: &Segment<'_>,
        lists: &AttachedLists,
        now: Timestamp,
    ) -> Result<Option<AppliedSegment>, StoreError> {
        let Some(list) = segment.replaced_list() else {
            return Ok(None);
        };
        if backup_files::has_pending_lists(tx)? {
            return Ok(None);
        }
        let preparation = self.keep(tx, list, now)?;
        let attachments = Attachments {
            lists,
            preparation: &preparation,
        };
        let applied = self.apply(tx, segment, attachments, now)?;
        let kept = preparation.into_kept();
        Ok(Some(AppliedSegment { applied, kept }))
    }

    fn keep(&self, tx: &ReadTx<'_>, list: List, now: Timestamp) -> Result<Preparation, StoreError> {
        match self.list_keeper.keep(list, tx.list(list)?, now) {
            Ok(kept) => Ok(Preparation::Files { kept: Some(kept) }),
            Err(error @ KeepError::Seal { .. }) => Ok(Preparation::Failed(error.to_string())),
            // The transaction is retried until the disk takes the file.
            Err(error @ KeepError::Write(_)) => Err(error.into()),
        }
    }
}

impl Segment<'_> {
    /// Returns the list that the first order replaces.
    fn replaced_list(&self) -> Option<List> {
        match self.posts().first()?.order()? {
            Order::Rollback { list, .. } => Some(*list),
            _ => None,
        }
    }
}

/// Reports whether a preparation still fits the state of the store.
pub(super) fn is_still_valid(
    preparation: &Preparation,
    tx: &ReadTx<'_>,
) -> Result<bool, StoreError> {
    let Preparation::Files { kept } = preparation else {
        return Ok(true);
    };
    if backup_files::has_pending_lists(tx)? {
        return Ok(false);
    }
    match kept {
        Some(kept) => kept.is_current(tx),
        None => Ok(true),
    }
}
