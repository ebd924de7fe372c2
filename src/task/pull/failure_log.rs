//! Remembers which error of each channel was logged last, so that an error that repeats for hours is logged once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::ChannelId;

/// The last error of each channel that fails. Clones share the memory, which a restart forgets.
#[derive(Clone, Debug, Default)]
pub struct FailureLog(Arc<Mutex<BTreeMap<ChannelId, String>>>);

impl FailureLog {
    /// Records a failure. Returns true if it differs from the channel's last one.
    pub(super) fn is_new(&self, channel: ChannelId, error: &str) -> bool {
        let last = self.lock().insert(channel, error.to_owned());
        last.is_none_or(|last| last != error)
    }

    /// Records a success, after which the same error is a new one.
    pub(super) fn clear(&self, channel: ChannelId) {
        self.lock().remove(&channel);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChannelId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_new_until_it_repeats_and_again_after_a_success() {
        let log = FailureLog::default();
        let (one, other) = (ChannelId::from_bare(1), ChannelId::from_bare(2));
        for (channel, error, is_new) in [
            (one, "a", true),
            (one, "a", false),
            (other, "a", true),
            (one, "b", true),
            (one, "a", true),
        ] {
            assert_eq!(log.is_new(channel, error), is_new, "{channel} {error}");
        }
        log.clear(one);
        assert!(log.is_new(one, "a"));
        assert!(!log.is_new(other, "a"));
    }
}
