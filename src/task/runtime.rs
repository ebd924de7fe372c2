//! The clock and the shutdown signal that every loop gets, and the waits that respect both.

use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::TaskError;
use crate::clock::Clock;
use crate::model::Timestamp;

/// How long a loop sleeps at most before it polls.
pub const SLOW_POLL: Duration = Duration::from_secs(60);

/// The time, and the signal to shut down. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub clock: Clock,
    pub shutdown: CancellationToken,
}

impl Runtime {
    /// Sleeps, unless the program shuts down first. A loop that sleeps through a rate limit wakes once a minute, which
    /// shows that it does not hang.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`].
    pub(super) async fn pause(&self, pause: Duration) -> Result<(), TaskError> {
        let mut left = pause;
        loop {
            let part = left.min(SLOW_POLL);
            self.or_shutdown(tokio::time::sleep(part)).await?;
            left -= part;
            if left.is_zero() {
                return Ok(());
            }
        }
    }

    /// Waits for a notification, unless the program shuts down first. The loop wakes once a minute, which shows that it
    /// does not hang.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`].
    pub(super) async fn until_woken<T>(
        &self,
        notified: impl Future<Output = T> + Send,
    ) -> Result<T, TaskError> {
        let mut notified = pin!(notified);
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(TaskError::ShuttingDown),
                woken = &mut notified => return Ok(woken),
                () = tokio::time::sleep(SLOW_POLL) => {}
            }
        }
    }

    /// Waits for `work`, unless the program shuts down first. `work` is a call, which ends by its own timeout.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`].
    pub(super) async fn or_shutdown<T>(
        &self,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, TaskError> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Err(TaskError::ShuttingDown),
            done = work => Ok(done),
        }
    }

    /// Returns how long a loop sleeps until `moment`: at most a minute, so that it polls slowly as a fallback.
    pub(super) fn poll_delay(&self, moment: Option<Timestamp>) -> Duration {
        moment.map_or(SLOW_POLL, |moment| self.clock.until(moment).min(SLOW_POLL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> Runtime {
        Runtime {
            clock: Clock::from_fn(|| Duration::from_secs(100)),
            shutdown: CancellationToken::new(),
        }
    }

    #[test]
    fn a_loop_polls_at_least_once_a_minute() {
        let runtime = runtime();
        for (moment, seconds) in [(None, 60), (Some(130), 30), (Some(1_000), 60), (Some(7), 0)] {
            let delay = runtime.poll_delay(moment.map(Timestamp::new));
            assert_eq!(delay, Duration::from_secs(seconds), "{moment:?}");
        }
    }

    #[tokio::test]
    async fn shutdown_ends_every_wait() {
        let runtime = runtime();
        assert_eq!(runtime.or_shutdown(async { 7 }).await.ok(), Some(7));
        runtime.shutdown.cancel();
        let ended = runtime.pause(Duration::from_secs(3600)).await;
        assert!(matches!(ended, Err(TaskError::ShuttingDown)));
        // The signal wins over work that is ready.
        let ended = runtime.or_shutdown(async {}).await;
        assert!(matches!(ended, Err(TaskError::ShuttingDown)));
    }
}
