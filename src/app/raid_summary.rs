//! Logs one line a minute while a raid is on, at the level `warn`.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::decide::{MinuteLoad, RaidSummary};
use crate::store::statistics::LoadFigures;
use crate::store::{Store, StoreError};

/// The time between two looks at the figures.
const INTERVAL: Duration = Duration::from_secs(5);
/// The seconds that the figures cover.
const MINUTE: i64 = 60;

/// Logs the summaries until the returned task is dropped.
pub(super) fn keep(store: &Store, clock: &Clock) -> JoinSet<()> {
    let (store, clock) = (store.clone(), clock.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut summary = RaidSummary::default();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = clock.now();
            let figures: Result<LoadFigures, StoreError> =
                store.read(|tx| tx.load_figures(now.plus(-MINUTE)));
            // The loops log errors of the disk.
            let Ok(figures) = figures else { continue };
            let minute = MinuteLoad {
                joins: figures.joins,
                forwarded: figures.forwarded,
                waiting: figures.photos_waiting,
            };
            if summary.is_due(minute, now) {
                tracing::warn!(
                    joins = minute.joins,
                    forwarded = minute.forwarded,
                    waiting = minute.waiting,
                    "raid: the joins and photos of the last minute"
                );
            }
        }
    });
    task
}
