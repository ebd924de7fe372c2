//! Which loops of the program hang.

use std::time::Duration;

/// The last sign of life of a loop. Times count from any origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub name: &'static str,
    /// How long the loop waits at most before it looks at its work again.
    pub longest_wait: Duration,
    /// The loop is in the middle of a step, so it does not wait.
    pub is_in_step: bool,
    pub last_beat: Duration,
}

impl Heartbeat {
    /// Returns true if the loop hangs: its last beat is older than the longest step, and, between two steps, than its
    /// longest wait on top.
    #[must_use]
    pub fn is_overdue(&self, longest_step: Duration, now: Duration) -> bool {
        let wait = match self.is_in_step {
            true => Duration::ZERO,
            false => self.longest_wait,
        };
        now.saturating_sub(self.last_beat) > longest_step + wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loop_has_a_deadline_of_its_own() {
        const SECOND: Duration = Duration::from_secs(1);
        for (longest_wait, is_in_step, now, expected) in [
            (60, false, 0, false),
            (60, false, 340, false),
            (60, false, 341, true),
            (60, true, 280, false),
            (60, true, 281, true),
            (20, false, 300, false),
            (20, false, 301, true),
            (20, true, 281, true),
        ] {
            let beat = Heartbeat {
                name: "loop",
                longest_wait: SECOND * longest_wait,
                is_in_step,
                last_beat: SECOND * 100,
            };
            let is_overdue = beat.is_overdue(SECOND * 180, SECOND * now);
            assert_eq!(is_overdue, expected, "{beat:?} at {now}");
        }
    }
}
