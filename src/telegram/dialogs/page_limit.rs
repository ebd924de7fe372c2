//! How many dialogs are asked for at once.
//!
//! After a failure the limit is halved, until one dialog is left that may be to blame; after successes it grows again.

/// The most dialogs of a page. Larger answers may exceed what the client can read.
pub(super) const MAX_PER_PAGE: usize = 50;

#[derive(Debug)]
pub(super) struct PageLimit {
    limit: usize,
    /// After a failure: how many of the next dialogs may have caused it.
    suspects: usize,
}

impl Default for PageLimit {
    fn default() -> Self {
        Self {
            limit: MAX_PER_PAGE,
            suspects: 0,
        }
    }
}

impl PageLimit {
    pub(super) const fn get(&self) -> usize {
        self.limit
    }

    pub(super) const fn is_one(&self) -> bool {
        self.limit == 1
    }

    /// A page failed: the cause is among the dialogs that were asked for.
    pub(super) fn fail(&mut self) {
        self.suspects = self.limit;
        self.limit = (self.limit / 2).max(1);
    }

    /// A page of `read` dialogs was read.
    pub(super) fn succeed(&mut self, read: usize) {
        self.suspects = self.suspects.saturating_sub(read);
        self.limit = if self.suspects > 0 {
            (self.suspects / 2).max(1)
        } else {
            (self.limit * 2).min(MAX_PER_PAGE)
        };
    }

    /// The dialog that caused the failures is left out from here on.
    pub(super) const fn step_over(&mut self) {
        self.suspects = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a list whose dialog number `bad` cannot be read; returns how many pages failed before it was alone.
    fn failures_until_alone(bad: usize) -> usize {
        let (mut limit, mut position, mut failures) = (PageLimit::default(), 0, 0);
        loop {
            if (position..position + limit.get()).contains(&bad) {
                failures += 1;
                if limit.is_one() {
                    return failures;
                }
                limit.fail();
            } else {
                position += limit.get();
                limit.succeed(limit.get());
            }
        }
    }

    #[test]
    fn one_unreadable_dialog_is_found_by_halving() {
        for bad in 0..200 {
            let failures = failures_until_alone(bad);
            assert!((1..=7).contains(&failures), "{bad}: {failures}");
        }
    }

    #[test]
    fn the_limit_grows_again_after_the_cause_is_passed() {
        let mut limit = PageLimit::default();
        while !limit.is_one() {
            limit.fail();
        }
        limit.step_over();
        let limits: Vec<usize> = (0..7)
            .map(|_| {
                limit.succeed(limit.get());
                limit.get()
            })
            .collect();
        assert_eq!(limits, [2, 4, 8, 16, 32, 50, 50]);
    }
}
