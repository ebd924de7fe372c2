//! The steps that the searches of one decision may take together.

/// The steps that are left to the searches of one decision.
///
/// The engine counts one step each time that it backtracks. A step takes 40 to 160 ns.
#[derive(Debug)]
pub struct StepBudget {
    left: u32,
}

impl StepBudget {
    /// The steps of a default budget: 5 to 20 ms.
    pub const DEFAULT_STEPS: u32 = 120_000;

    /// Returns a budget of that many steps.
    #[must_use]
    pub const fn new(steps: u32) -> Self {
        Self { left: steps }
    }

    /// Runs a search that takes at most `limit` steps; a search that ends before the limit costs `fee`.
    ///
    /// The search does not run if the budget cannot pay the limit. A search that reaches the limit pays all of it.
    pub(crate) fn run<E>(
        &mut self,
        limit: u32,
        fee: u32,
        search: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, StepLimitExceeded> {
        if self.left < limit {
            return Err(StepLimitExceeded);
        }
        let found = search().map_err(|_| StepLimitExceeded);
        self.left -= if found.is_ok() { fee } else { limit };
        found
    }
}

impl Default for StepBudget {
    fn default() -> Self {
        Self::new(Self::DEFAULT_STEPS)
    }
}

/// The search was stopped at its limit, or did not start because the budget cannot pay for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the search exceeds its step limit")]
pub struct StepLimitExceeded;
