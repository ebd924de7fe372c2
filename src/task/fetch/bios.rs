//! The joins that wait for the bio of their user, one after the other.
//!
//! `state.db` has them as joins to look up: after a crash the program looks their users up again.

use std::collections::{BTreeSet, VecDeque};

use super::user_lookup::{BioDue, JoinKey};
use crate::model::Join;

/// The joins whose bio is asked for.
#[derive(Debug, Default)]
pub(super) struct BioQueue {
    waiting: VecDeque<BioDue>,
    /// The joins that wait, and the one whose bio is being asked for.
    keys: BTreeSet<JoinKey>,
    runs: bool,
}

impl BioQueue {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn contains(&self, join: &Join) -> bool {
        self.keys.contains(&JoinKey::of(join))
    }

    pub(super) fn extend(&mut self, due: Vec<BioDue>) {
        for due in due {
            if self.keys.insert(due.key()) {
                self.waiting.push_back(due);
            }
        }
    }

    /// Returns the next join, unless a bio is being asked for.
    pub(super) fn start(&mut self) -> Option<BioDue> {
        if self.runs {
            return None;
        }
        let next = self.waiting.pop_front();
        self.runs = next.is_some();
        next
    }

    /// Removes a join whose bio was asked for.
    pub(super) fn finish(&mut self, key: &JoinKey) {
        self.keys.remove(key);
        self.runs = false;
    }
}
