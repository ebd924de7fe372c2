//! Stores while the program runs that its process lives, and when Telegram last answered. `status` reads both.
//!
//! The record has a task of its own, so it says nothing about single loops. If the process is frozen or the disk refuses
//! the record, the stored one grows old, which `status` reports.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::decide::LifeRecord;
use crate::model::Timestamp;
use crate::store::{Store, StoreError};
use crate::telegram::LastContact;

/// The time between two looks at the last contact.
const INTERVAL: Duration = Duration::from_secs(1);

/// Stores the record until the returned task is dropped. The start itself is recorded already.
pub(super) fn keep(store: &Store, clock: &Clock, last_contact: &LastContact) -> JoinSet<()> {
    let (store, clock, last_contact) = (store.clone(), clock.clone(), last_contact.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut record = LifeRecord::of_start(clock.now());
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = clock.now();
            let last_contact_at = last_contact.at().map(Timestamp::new);
            if let Some(next) = record.next(last_contact_at, now) {
                let stored: Result<(), StoreError> =
                    store.write(|tx| tx.record_life(last_contact_at, now));
                if let Err(error) = stored {
                    // The loops log errors of the disk.
                    tracing::debug!(%error, "the sign of life could not be stored");
                }
                record = next;
            }
        }
    });
    task
}
