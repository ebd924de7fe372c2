//! The account of a run: each photo has to be in HIDE once.

use std::collections::HashSet;
use std::time::Duration;

use crate::arrivals::{Arrivals, Join, Joins, print};

/// The joins whose photos did not arrive exactly once, and the photos that belong to no join.
pub(crate) struct Account<'a> {
    lost: Vec<&'a Join>,
    joins: usize,
    twice: Vec<(&'a (i64, i64), &'a [Duration])>,
    foreign: usize,
}

impl<'a> Account<'a> {
    pub(crate) fn new(joins: &'a Joins, arrivals: &'a Arrivals) -> Self {
        let lost = joins
            .joins
            .iter()
            .filter(|join| !arrivals.contains_key(&join.key()))
            .collect();
        let expected: HashSet<(i64, i64)> = joins.joins.iter().map(Join::key).collect();
        Self {
            lost,
            joins: joins.joins.len(),
            twice: arrivals
                .iter()
                .filter(|(_, times)| times.len() > 1)
                .map(|(key, times)| (key, times.as_slice()))
                .collect(),
            foreign: arrivals
                .keys()
                .filter(|key| !expected.contains(key))
                .count(),
        }
    }

    /// Returns true if each photo arrived once, and no other one.
    pub(crate) fn is_settled(&self) -> bool {
        self.lost.is_empty() && self.twice.is_empty() && self.foreign == 0
    }

    pub(crate) fn print(&self) {
        for join in &self.lost {
            let (group, user) = join.key();
            print(&format!(
                "lost: user {user} in {group}, joined at {:?}",
                join.at
            ));
        }
        for ((group, user), times) in &self.twice {
            print(&format!(
                "twice: user {user} in {group}, posted at {times:?}"
            ));
        }
        print(&format!(
            "joins {}, delivered {}, lost {}, twice {}, not expected {}",
            self.joins,
            self.joins - self.lost.len(),
            self.lost.len(),
            self.twice.len(),
            self.foreign
        ));
    }
}
