//! Finds the date from which on a list of dialogs can be read further, where no dialog names the next offset.
//!
//! The answers decide: at a date the list is *stuck* if it shows the same obstacle, and *beyond* if everything shown is
//! new. The search steps down in growing steps and then halves the interval, so that no dialog in between is skipped
//! but those of the very second of the obstacle.

/// By how much the steps grow.
const GROWTH: i32 = 4;

#[derive(Debug)]
pub(super) struct DateSearch {
    /// The lowest date at which the list is stuck.
    stuck: i32,
    /// The highest date known to be beyond the obstacle.
    beyond: Option<i32>,
    step: i32,
    /// A date that was beyond the obstacle in an earlier list, tried first.
    hint: Option<i32>,
    /// True while the date right above the hint is to be tried.
    confirms: bool,
}

impl DateSearch {
    pub(super) fn new(stuck: i32, hint: Option<i32>) -> Self {
        Self {
            stuck,
            beyond: None,
            step: 1,
            hint: hint.filter(|hint| *hint < stuck),
            confirms: false,
        }
    }

    /// Makes a search that begins with larger steps.
    pub(super) fn with_step(stuck: i32, step: i32) -> Self {
        Self {
            step,
            ..Self::new(stuck, None)
        }
    }

    pub(super) const fn step(&self) -> i32 {
        self.step
    }

    pub(super) const fn next_step(&self) -> i32 {
        self.step.saturating_mul(GROWTH)
    }

    /// Returns the date to try next.
    pub(super) fn probe(&self) -> i32 {
        match (self.beyond, self.hint) {
            (None, Some(hint)) => hint,
            (None, None) => self.stuck.saturating_sub(self.step).max(1),
            (Some(beyond), _) if self.confirms => beyond + 1,
            (Some(beyond), _) => beyond + (self.stuck - beyond) / 2,
        }
    }

    /// The list is stuck at the date that was tried.
    pub(super) fn set_stuck(&mut self) {
        self.stuck = self.probe();
        self.confirms = false;
        if self.beyond.is_none() && self.hint.take().is_none() {
            self.step = self.next_step();
        }
    }

    /// The date that was tried is beyond the obstacle.
    pub(super) fn set_beyond(&mut self) {
        let probe = self.probe();
        self.confirms = self.beyond.is_none() && self.hint.is_some();
        self.beyond = Some(probe);
    }

    /// Returns the date to continue from, once it is found.
    pub(super) fn found(&self) -> Option<i32> {
        self.beyond.filter(|beyond| beyond + 1 >= self.stuck)
    }

    /// Reports whether every date was tried without success.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.beyond.is_none() && self.stuck <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches for the obstacle at `obstacle`; returns the date that was found and the number of tries.
    fn search(from: i32, obstacle: i32, hint: Option<i32>) -> (Option<i32>, u32) {
        let mut search = DateSearch::new(from, hint);
        let mut tries = 0;
        while search.found().is_none() && !search.is_exhausted() {
            tries += 1;
            if search.probe() >= obstacle {
                search.set_stuck();
            } else {
                search.set_beyond();
            }
        }
        (search.found(), tries)
    }

    #[test]
    fn the_date_right_below_the_obstacle_is_found() {
        const NOW: i32 = 1_800_000_000;
        for age in [1, 2, 3, 60, 3_599, 86_400, 40_000_000] {
            let (found, tries) = search(NOW, NOW - age, None);
            assert_eq!(found, Some(NOW - age - 1), "{age}");
            assert!(tries <= 45, "{age}: {tries}");
        }
    }

    #[test]
    fn an_obstacle_that_is_where_it_was_costs_two_tries() {
        assert_eq!(search(1_000, 500, Some(499)), (Some(499), 2));
        // An obstacle that moved is found all the same.
        assert_eq!(search(1_000, 700, Some(499)).0, Some(699));
        assert_eq!(search(1_000, 300, Some(499)).0, Some(299));
    }

    #[test]
    fn a_list_that_is_stuck_at_every_date_ends() {
        assert_eq!(search(1_800_000_000, 0, None).0, None);
    }
}
