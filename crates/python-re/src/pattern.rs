//! Compiling a pattern for fancy-regex, and searching with it within the step limits.

use std::ops::RangeInclusive;

use fancy_regex::{Error, Regex, RegexOptionsBuilder};

use super::budget::{StepBudget, StepLimitExceeded};
use super::error::CompileError;
use super::parse::parse;
use super::requirements::Requirements;
use super::text::Text;
use super::tree::Flags;
use super::weight::weight;
use super::writer::write;

/// The limit of [`Pattern::quick_match`]. A harmless pattern needs about one step for each character of the text.
const QUICK_STEPS: u32 = 1_000;
/// The price of a quick match that ends before its limit. The engine does not tell how many steps it took.
const QUICK_FEE: u32 = 250;
/// The limit of [`Pattern::is_match`]: enough to compare each of 129 characters with each other, and some more.
const FULL_STEPS: u32 = 20_000;
/// The weight up to which a pattern without backtracking is free.
const FREE_WEIGHT: u32 = 40;
/// The price in steps of each node of a heavier pattern without backtracking.
const STEPS_PER_NODE: u32 = 25;
/// A step of a backtracking pattern may visit all its nodes: so many of them double its price.
const NODES_PER_STEP: u32 = 8;

/// Bytes of a compiled pattern, or of a part that is compiled by itself.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// Bytes that a pattern may use to cache the states it visited.
const MAX_CACHE_BYTES: usize = 1 << 18;
/// Instructions of a backtracking pattern.
const MAX_INSTRUCTIONS: usize = 10_000;

/// Returns the characters that texts show in place of the characters of a range.
pub type TextFolding = fn(RangeInclusive<char>) -> Vec<char>;

/// The settings of [`Pattern::compile`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The flags that Python's caller passes to `re.compile`.
    pub flags: Flags,
    /// How the caller folded the texts before they are searched, for example to one script. Literals and sets then
    /// match the folded characters as well.
    pub text_folding: Option<TextFolding>,
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    requirements: Requirements,
    program: Program,
}

#[derive(Debug)]
enum Program {
    /// Runs in linear time for this fee.
    Linear { regex: Regex, fee: u32 },
    /// Backtracks. The step limit is a part of a compiled regex, so there are two of them.
    Backtracking {
        quick: Regex,
        full: Regex,
        /// The price of each step.
        price: u32,
    },
}

impl Pattern {
    /// Compiles a pattern in Python's syntax.
    ///
    /// # Errors
    ///
    /// Fails if Python refuses the pattern, and for the few patterns that the crate's first page lists.
    pub fn compile(pattern: &str, options: Options) -> Result<Self, CompileError> {
        let parsed = parse(pattern, options.flags)?;
        let written = write(&parsed, options.text_folding);
        let build = |steps: u32| {
            RegexOptionsBuilder::new()
                // The optimizer changes the meaning of patterns: it makes `a{2}a??a{2}` greedy in 0.20.2.
                .optimize(false)
                .multi_line(true)
                .dot_matches_new_line(true)
                .backtrack_limit(steps as usize)
                .delegate_size_limit(MAX_COMPILED_BYTES)
                .delegate_dfa_size_limit(MAX_CACHE_BYTES)
                .max_prog_size(MAX_INSTRUCTIONS)
                .build(written.pattern.clone())
                .map_err(|error| compile_error(&error))
        };
        let weight = weight(&parsed.alternatives);
        let program = if written.backtracks {
            Program::Backtracking {
                quick: build(QUICK_STEPS)?,
                full: build(FULL_STEPS)?,
                price: 1 + weight / NODES_PER_STEP,
            }
        } else {
            let is_free = weight <= FREE_WEIGHT;
            Program::Linear {
                regex: build(QUICK_STEPS)?,
                fee: if is_free {
                    0
                } else {
                    weight.saturating_mul(STEPS_PER_NODE)
                },
            }
        };
        let least_steps = match &program {
            Program::Linear { fee, .. } => *fee,
            Program::Backtracking { price, .. } => price.saturating_mul(QUICK_STEPS),
        };
        if least_steps > StepBudget::DEFAULT_STEPS {
            return Err(CompileError::TooLarge);
        }
        Ok(Self {
            requirements: Requirements::of(&parsed.alternatives, options.text_folding),
            program,
        })
    }

    /// Returns true if the pattern matches somewhere in the text. The search stops after few steps.
    ///
    /// # Errors
    ///
    /// Fails if the search would need more steps; [`is_match`](Self::is_match) may still find the answer.
    pub fn quick_match(
        &self,
        text: &Text,
        budget: &mut StepBudget,
    ) -> Result<bool, StepLimitExceeded> {
        if !self.requirements.are_met_by(text) {
            return Ok(false);
        }
        match &self.program {
            Program::Linear { regex, fee } => {
                budget.run(*fee, *fee, || regex.is_match(text.as_str()))
            }
            Program::Backtracking { quick, price, .. } => budget.run(
                price.saturating_mul(QUICK_STEPS),
                price.saturating_mul(QUICK_FEE),
                || quick.is_match(text.as_str()),
            ),
        }
    }

    /// Returns true if the pattern matches somewhere in the text, like `re.search`.
    ///
    /// A backtracking search costs its whole limit, at least a sixth of a default budget.
    ///
    /// # Errors
    ///
    /// Fails if the search reaches its step limit, or if the budget cannot pay that limit.
    pub fn is_match(
        &self,
        text: &Text,
        budget: &mut StepBudget,
    ) -> Result<bool, StepLimitExceeded> {
        let Program::Backtracking { full, price, .. } = &self.program else {
            return self.quick_match(text, budget);
        };
        if !self.requirements.are_met_by(text) {
            return Ok(false);
        }
        let limit = price.saturating_mul(FULL_STEPS);
        budget.run(limit, limit, || full.is_match(text.as_str()))
    }
}

fn compile_error(error: &Error) -> CompileError {
    use fancy_regex::CompileError as Engine;

    match error {
        Error::CompileError(error) => match error.as_ref() {
            Engine::InnerError(_) | Engine::PatternTooComplex | Engine::DfaBuildError(..) => {
                CompileError::TooLarge
            }
            _ => CompileError::Unsupported,
        },
        _ => CompileError::Unsupported,
    }
}
