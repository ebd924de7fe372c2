//! Drops the rows that wait for too long, and forgets those that were settled long ago.

use super::Deliverer;
use super::settlement::set_dropped;
use crate::model::{JoinOutcome, Payload, Timestamp};
use crate::store::{AgeLimits, OutboxRow, StoreError, Tx};
use crate::task::TaskError;

/// How long settled rows are kept, in seconds.
const KEEP_SETTLED: i64 = 7 * 24 * 3600;
/// How long a list waits for its post, in seconds: while a channel is closed, backups must not fill the disk.
const KEEP_WAITING_LISTS: i64 = 7 * 24 * 3600;
/// How long declarations and orders are remembered, in seconds.
const KEEP_ORDERS: i64 = 30 * 24 * 3600;

/// How many rows are dropped in one transaction, so that posts and joins need not wait for all of them.
const ROWS_PER_TRANSACTION: usize = 500;

/// The result of a search for old rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    Done,
    /// There may be more old rows.
    MoreRows,
}

impl Deliverer {
    /// Drops old rows, as many as one transaction takes.
    pub(super) async fn drop_old_rows(&self) -> Result<Sweep, TaskError> {
        let now = self.runtime.clock.now();
        let dropped = self
            .database
            .write(|tx| drop_old(tx, self.max_age, now))
            .await?;
        let mut photos = 0;
        for row in &dropped {
            if matches!(row.payload, Payload::List { .. }) {
                tracing::warn!(row = %row, "dropped: older than a week");
            } else {
                tracing::debug!(row = %row, "dropped");
                photos += 1;
            }
            self.remove_file(row);
        }
        if photos > 0 {
            tracing::warn!(photos, "dropped: older than delivery.max_age_hours");
        }
        Ok(if dropped.len() < ROWS_PER_TRANSACTION {
            Sweep::Done
        } else {
            Sweep::MoreRows
        })
    }
}

/// Returns the rows that were dropped.
fn drop_old(tx: &Tx<'_>, max_age: i64, now: Timestamp) -> Result<Vec<OutboxRow>, StoreError> {
    tx.forget_settled(now.plus(-KEEP_SETTLED))?;
    tx.forget_orders(now.plus(-KEEP_ORDERS))?;
    tx.forget_declarations(now.plus(-KEEP_ORDERS))?;
    tx.drop_unreadable(now)?;
    // A report also expires while a rate limit or a closed channel keeps the loop from posting.
    tx.drop_expired(now)?;
    let limits = AgeLimits {
        avatars: now.plus(-max_age),
        lists: now.plus(-KEEP_WAITING_LISTS),
    };
    let rows = tx.older_than(limits, ROWS_PER_TRANSACTION)?;
    for row in &rows {
        set_dropped(tx, row, JoinOutcome::Expired, "expired", now)?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Dialect;
    use crate::model::{BadEntry, Purpose, UserId};
    use crate::task::enqueue;
    use crate::task::fixture::{Fixture, JOINER, NOW, avatar, join};
    use crate::task::queue_cost::assert_flat;

    #[test]
    fn a_photo_expires_by_the_configuration_and_a_list_after_a_week() {
        const MAX_AGE: i64 = 48 * 3600;
        let fixture = Fixture::new();
        fixture.write(|tx| {
            tx.record_join(
                &join(1, JOINER),
                JoinOutcome::Queued,
                crate::model::FoundBy::Push,
                NOW,
            )?;
            tx.enqueue_avatar(&avatar(1, 7), NOW)?;
            tx.set_bad(BadEntry::User(UserId::new(1)), true, NOW)?;
            enqueue::backup(tx, Dialect::Classic, NOW)
        });
        let dropped_at = |seconds| {
            let dropped = fixture.write(|tx| drop_old(tx, MAX_AGE, NOW.plus(seconds)));
            dropped
                .into_iter()
                .map(|row| row.payload)
                .collect::<Vec<_>>()
        };
        assert_eq!(dropped_at(MAX_AGE), []);
        assert_eq!(dropped_at(MAX_AGE + 1), [Payload::Avatar(avatar(1, 7))]);
        assert_eq!(fixture.outcome(1), "expired");
        assert_eq!(dropped_at(KEEP_WAITING_LISTS), []);
        let lists = dropped_at(KEEP_WAITING_LISTS + 1);
        assert_eq!(lists.len(), 2, "user_ids and bad_ids");
        let are_lists = |payload: &Payload| matches!(payload, Payload::List { .. });
        assert!(lists.iter().all(are_lists), "{lists:?}");
    }

    #[test]
    fn many_old_photos_are_dropped_in_several_transactions() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            for id in 0..ROWS_PER_TRANSACTION + 1 {
                let id = i64::try_from(id).expect("small");
                tx.enqueue_avatar(&avatar(1, id), NOW)?;
            }
            Ok(())
        });
        let dropped = [(); 3].map(|()| fixture.write(|tx| drop_old(tx, 1, NOW.plus(9))).len());
        assert_eq!(dropped, [ROWS_PER_TRANSACTION, 1, 0]);
    }

    #[test]
    fn a_search_costs_the_same_however_many_photos_wait() {
        assert_flat(|fixture| {
            let dropped = fixture.write(|tx| drop_old(tx, 48 * 3600, NOW));
            assert!(dropped.is_empty());
        });
    }

    #[test]
    fn a_report_expires_while_nothing_can_be_posted() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            let expires_at = NOW.plus(150);
            tx.enqueue_expiring_text(Purpose::Awake, "a report", expires_at, NOW)?;
            drop_old(tx, 3600, NOW.plus(149))?;
            assert_eq!(tx.waiting_counts(NOW)?.len(), 1);
            drop_old(tx, 3600, expires_at)?;
            assert_eq!(tx.waiting_counts(NOW)?, []);
            Ok(())
        });
    }
}
