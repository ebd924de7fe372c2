//! Handles failed downloads: the rows wait and keep the reason, or are given up.
//!
//! A refusal may pass. Only a refusal that names this very photo, and is repeated for ten minutes, is final; during an
//! outage none is.

use std::time::Duration;

use super::avatar_download::{AvatarDownload, DownloadEnd, avatar_of};
use super::slots::Refused;
use crate::decide;
use crate::model::{JoinOutcome, SkipReason, Timestamp};
use crate::store::{FailedDownload, OutboxRow, PhotoOf, StoreError, Tx};
use crate::task::TaskError;
use crate::telegram::CallError;

/// How often a photo that is damaged is tried before its joins count as failed.
const MAX_ATTEMPTS: u32 = 3;

/// A refused download.
#[derive(Debug)]
pub(super) struct PhotoRefusal {
    /// The name of the error, unless it concerns only the owner of the photo.
    pub(super) name: Option<String>,
    /// The error in words.
    pub(super) why: String,
    /// The subject of the refusal.
    pub(super) concerns: Concern,
}

/// The subject of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// The call, the connection or the account.
    Call,
    /// This photo, although its owner still shows it.
    Photo,
    /// This photo; no reference names its owner.
    Owner,
}

impl AvatarDownload {
    /// Puts a damaged photo off, or, after the last attempt, records its joins as failed.
    pub(super) async fn damaged(&self, of: PhotoOf, why: &str) -> Result<DownloadEnd, TaskError> {
        tracing::info!(user = %of.user, photo = %of.photo, why, "a photo is damaged");
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                for row in tx.rows_wanting(of)? {
                    if row.attempts + 1 < MAX_ATTEMPTS {
                        let later = now.plus(i64::from(row.attempts) * 2);
                        tx.postpone_failed(row.id, later, why, None)?;
                    } else {
                        give_up(tx, &row, JoinOutcome::Failed, why, now)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(DownloadEnd::Damaged)
    }

    /// Postpones the rows that want a photo, because its data centre did not answer.
    pub(super) async fn wait_for_answer(
        &self,
        of: PhotoOf,
        pause: Duration,
        why: &str,
    ) -> Result<(), TaskError> {
        let pause_s = pause.as_secs();
        tracing::debug!(user = %of.user, photo = %of.photo, why, pause_s, "a photo is downloaded again");
        let due_at = later(self.runtime.clock.now(), pause);
        let failed = FailedDownload {
            due_at,
            reason: why,
            refused_at: None,
        };
        self.database
            .write(|tx| tx.download_failed(of, failed))
            .await
    }

    /// Postpones the rows that want a photo that was refused. A row whose photo was refused for long is given up,
    /// unless there is an outage.
    pub(super) async fn wait_after_refusal(
        &self,
        of: PhotoOf,
        refusal: &PhotoRefusal,
        Refused { pause, is_outage }: Refused,
    ) -> Result<(), TaskError> {
        let (why, pause_s) = (refusal.why.as_str(), pause.as_secs());
        tracing::info!(user = %of.user, photo = %of.photo, why, pause_s, is_outage, "a photo is refused");
        let now = self.runtime.clock.now();
        let counts = !is_outage && refusal.concerns != Concern::Call;
        let failed = FailedDownload {
            due_at: later(now, pause),
            reason: why,
            refused_at: counts.then_some(now),
        };
        let outcome = match refusal.concerns {
            Concern::Owner => JoinOutcome::Skipped(SkipReason::Unreadable),
            Concern::Call | Concern::Photo => JoinOutcome::Failed,
        };
        self.database
            .write(|tx| {
                for row in tx.rows_wanting(of)? {
                    if counts && decide::is_refusal_final(row.refused_at, now) {
                        give_up(tx, &row, outcome, why, now)?;
                    }
                }
                tx.download_failed(of, failed)
            })
            .await
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.plus(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX))
}

pub(super) fn refusal(error: &CallError, concerns: Concern) -> DownloadEnd {
    let name = match error {
        _ if concerns == Concern::Owner => None,
        CallError::Refused { name, .. } => Some(name.clone()),
        other => Some(other.to_string()),
    };
    DownloadEnd::Refused(PhotoRefusal {
        name,
        why: error.to_string(),
        concerns,
    })
}

/// Drops a row whose photo cannot be downloaded, and settles its join. If an order cancelled the photo during the
/// download, the order's outcome stays: a join that is held is decided again later.
fn give_up(
    tx: &Tx<'_>,
    row: &OutboxRow,
    outcome: JoinOutcome,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(avatar) = avatar_of(row)
        && tx.is_wanted(row.id)?
    {
        tracing::warn!(user = %avatar.user, group = %avatar.group, why, "photo given up");
        tx.set_dropped(row.id, why, now)?;
        tx.settle_row(row.id, outcome)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, GROUP, JOINER, NOW, avatar, join};

    #[test]
    fn a_failed_download_keeps_the_outcome_of_an_order_that_cancelled_the_photo() {
        for (is_flooded, outcome) in [(false, "failed"), (true, "held")] {
            let fixture = Fixture::new();
            fixture.write(|tx| {
                tx.record_join(
                    &join(1, JOINER),
                    JoinOutcome::Queued,
                    crate::model::FoundBy::Push,
                    NOW,
                )?;
                tx.enqueue_avatar(&avatar(1, 7), NOW)?;
                let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
                if is_flooded {
                    tx.begin_group_flood(GROUP, NOW)?;
                }
                give_up(tx, &row, JoinOutcome::Failed, "refused", NOW)
            });
            assert_eq!(fixture.outcome(1), outcome);
        }
    }
}
