//! The account of a run: each photo has to be in HIDE once.

use std::collections::HashSet;

use crate::arrivals::{Arrivals, Join, Joins, print};

/// The joins whose photos did not arrive exactly once, and the photos that belong to no join.
pub(crate) struct Account<'a> {
    lost: Vec<&'a Join>,
    joins: usize,
    twice: usize,
    foreign: usize,
}

impl<'a> Account<'a> {
    pub(crate) fn new(joins: &'a Joins, arrivals: &Arrivals) -> Self {
        let lost = joins
            .joins
            .iter()
            .filter(|join| !arrivals.contains_key(&join.key()))
            .collect();
        let expected: HashSet<(i64, i64)> = joins.joins.iter().map(Join::key).collect();
        Self {
            lost,
            joins: joins.joins.len(),
            twice: arrivals.values().filter(|times| times.len() > 1).count(),
            foreign: arrivals
                .keys()
                .filter(|key| !expected.contains(key))
                .count(),
        }
    }

    /// Returns true if each photo arrived once, and no other one.
    pub(crate) const fn is_settled(&self) -> bool {
        self.lost.is_empty() && self.twice == 0 && self.foreign == 0
    }

    pub(crate) fn print(&self) {
        for join in &self.lost {
            let (group, user) = join.key();
            print(&format!(
                "lost: user {user} in {group}, joined at {:?}",
                join.at
            ));
        }
        print(&format!(
            "joins {}, delivered {}, lost {}, twice {}, not expected {}",
            self.joins,
            self.joins - self.lost.len(),
            self.lost.len(),
            self.twice,
            self.foreign
        ));
    }
}
