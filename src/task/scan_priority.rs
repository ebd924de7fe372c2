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

    #[tokio::test]
    async fn a_loop_waits_until_no_scan_is_due() {
        let priority = ScanPriority::default();
        priority.wait_for_scans().await;
        priority.set_due(true);
        let mut waiting = std::pin::pin!(priority.wait_for_scans());
        tokio::select! {
            biased;
            () = &mut waiting => panic!("a scan is due"),
            () = tokio::task::yield_now() => {}
        }
        priority.set_due(false);
        waiting.await;
    }
}
