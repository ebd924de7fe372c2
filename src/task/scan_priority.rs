//! Lets the scans of lists of members go first where another loop uses the same method of Telegram.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long another loop waits at most before a call.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Says whether scans are due. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ScanPriority(Arc<watch::Sender<bool>>);

impl ScanPriority {
    pub(super) fn set_due(&self, is_due: bool) {
        self.0.send_replace(is_due);
    }

    /// Waits until no scan is due, but not for long.
    pub(super) async fn wait_for_scans(&self) {
        let mut due = self.0.subscribe();
        let idle = due.wait_for(|is_due| !is_due);
        // The sender lives as long as `self`, and a wait that is too long ends here.
        let _ = tokio::time::timeout(LONGEST_WAIT, idle).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_waits_for_scans_but_not_for_ever() {
        let priority = ScanPriority::default();
        priority.wait_for_scans().await;
        priority.set_due(true);
        let begun = tokio::time::Instant::now();
        priority.wait_for_scans().await;
        assert_eq!(begun.elapsed(), LONGEST_WAIT);
        let waiting = tokio::spawn({
            let priority = priority.clone();
            async move { priority.wait_for_scans().await }
        });
        tokio::task::yield_now().await;
        priority.set_due(false);
        waiting.await.expect("it ends");
        assert_eq!(begun.elapsed(), LONGEST_WAIT);
    }
}
