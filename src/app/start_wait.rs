//! Waits before a start connects, if the starts before it did not get ready.
//!
//! A start counts from when it connects until it is ready, also if it is killed in between. A start that a person has to
//! mend or ends with a signal does not count. Without a disk to write to, nothing is counted.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use super::service_manager::ServiceManager;
use crate::clock::Clock;
use crate::decide;
use crate::store::{Store, StoreError, UnreadyStarts};

/// A start that counts as unready until it is ready.
pub(super) struct CountedStart<'a> {
    store: &'a Store,
    before: UnreadyStarts,
}

/// Waits, and counts this start. Returns `None` if the program shuts down first.
pub(super) async fn wait_and_count<'a>(
    store: &'a Store,
    clock: &Clock,
    shutdown: &CancellationToken,
    manager: &ServiceManager,
) -> Option<CountedStart<'a>> {
    let before = store
        .read(|tx| tx.unready_starts())
        .unwrap_or_else(|error: StoreError| {
            tracing::warn!(%error, "the starts that did not get ready could not be read");
            UnreadyStarts::default()
        });
    let since_last = before
        .last
        .map_or(i64::MAX, |last| clock.now().get() - last.get());
    let since_last = Duration::from_secs(u64::try_from(since_last).unwrap_or(0));
    let pause = decide::start_pause(before.count, since_last);
    if !pause.is_zero() {
        tracing::warn!(
            unready_starts = before.count,
            seconds = pause.as_secs(),
            "waiting before connecting, because the last starts did not get ready"
        );
        manager.status(&format!(
            "waiting {} s before connecting, because the last starts did not get ready",
            pause.as_secs()
        ));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(pause) => {}
        }
    }
    let start = CountedStart { store, before };
    start.record(UnreadyStarts {
        count: before.count.saturating_add(1),
        last: Some(clock.now()),
    });
    Some(start)
}

impl CountedStart<'_> {
    /// The program is ready.
    pub(super) fn set_ready(&self) {
        self.record(UnreadyStarts::default());
    }

    /// The program ends before it was ready.
    pub(super) fn end(&self, cause: Option<&AppError>) {
        match cause {
            // A signal is no failure.
            None => self.record(self.before),
            // The start after a person's mend does not wait.
            Some(error) if matches!(error.exit_code(), 77 | 78) => self.set_ready(),
            Some(_) => {}
        }
    }

    fn record(&self, starts: UnreadyStarts) {
        let recorded: Result<(), StoreError> = self.store.write(|tx| tx.set_unready_starts(starts));
        if let Err(error) = recorded {
            tracing::warn!(%error, "the starts that did not get ready could not be counted");
        }
    }
}
