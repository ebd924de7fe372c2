//! The meaning of a refusal: it concerns one row, or it is an outage.
//!
//! A refusal may pass. A row is given up only after a refusal that names this very row was repeated for ten minutes.
//! The same refusal of several rows, one after the other, is an outage, and gives no row up.

use std::collections::BTreeSet;

use crate::model::Timestamp;

/// How long Telegram has to refuse a row before the program gives it up, in seconds.
const FINAL_AFTER: i64 = 600;
/// How many rows in a row have to meet the same refusal for an outage.
const ROWS_OF_OUTAGE: usize = 3;

/// The rows that met the same refusal since the last success.
#[derive(Debug)]
pub struct RefusalRun<K> {
    name: String,
    rows: BTreeSet<K>,
}

impl<K> Default for RefusalRun<K> {
    fn default() -> Self {
        Self {
            name: String::new(),
            rows: BTreeSet::new(),
        }
    }
}

impl<K: Ord> RefusalRun<K> {
    /// Adds a refusal of a row. Returns true if the refusals are an outage.
    pub fn add(&mut self, row: K, name: &str) -> bool {
        if self.name != name {
            name.clone_into(&mut self.name);
            self.rows.clear();
        }
        self.rows.insert(row);
        self.rows.len() >= ROWS_OF_OUTAGE
    }

    /// Ends the run after a success.
    pub fn end(&mut self) {
        self.rows.clear();
    }
}

/// Returns true if a refusal is final: the first one that named this very row was at `first`.
#[must_use]
pub fn is_refusal_final(first: Option<Timestamp>, now: Timestamp) -> bool {
    first.is_some_and(|first| now >= first.plus(FINAL_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_of_three_rows_in_a_row_is_an_outage() {
        let mut run = RefusalRun::default();
        let outages = [1, 1, 2, 3, 1].map(|row| run.add(row, "LOCATION_INVALID"));
        assert_eq!(outages, [false, false, false, true, true]);
        assert!(!run.add(4, "FILE_ID_INVALID"), "another refusal");
        for row in [5, 6] {
            run.add(row, "FILE_ID_INVALID");
        }
        run.end();
        assert!(!run.add(7, "FILE_ID_INVALID"), "after a success");
    }

    #[test]
    fn a_refusal_is_final_after_ten_minutes() {
        let first = Timestamp::new(1_000);
        assert!(!is_refusal_final(None, Timestamp::new(9_000)));
        assert!(!is_refusal_final(Some(first), Timestamp::new(1_599)));
        assert!(is_refusal_final(Some(first), Timestamp::new(1_600)));
    }
}
