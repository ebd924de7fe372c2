//! One rule, compiled, and the bounds on what it may cost.
//!
//! Work is counted in steps, one for each time that the engine backtracks: 40 to 160 ns. All runs of one
//! decision share an allowance. A rule whose characters are not there is not run at all. A light rule
//! without backtracking runs for nothing, in a time that is linear in the text; a heavy one pays by
//! its weight. A rule that backtracks gets a glance of few steps first, for a small fee; only if that
//! does not do, and the others of its list had their glance, a longer search. What is stopped at its
//! limit pays that limit. Once the allowance is used up, only what is free is run. So one
//! decision ends after a bounded amount of work, whatever the rules.

use fancy_regex::{CompileError, Error, Regex, RegexOptionsBuilder};

use super::cost::{Characters, Needs, weight};
use super::parse::{SyntaxError, parse};
use super::write::write;

/// How many characters of a text are matched.
pub const LONGEST: usize = 256;

/// Gives the characters that texts have instead of those of a range, where they are folded.
pub type Fold = fn(std::ops::RangeInclusive<char>) -> Vec<char>;

/// The steps that one decision may take: 5 to 20 ms.
const ALLOWANCE: u32 = 120_000;
/// The steps of a glance. A harmless rule needs about as many as the name has characters.
const GLANCE: u32 = 1_000;
/// The steps of a search: the square of the longest name, 129 characters, and some.
const SEARCH: u32 = 20_000;
/// What a glance costs that came to an end: how many steps it took is not known.
const GLANCE_FEE: u32 = 250;
/// The weight up to which a rule without backtracking is free.
const LIGHT: u32 = 40;
/// What it costs above, in steps for each piece.
const FEE_PER_PIECE: u32 = 25;
/// A step of a rule that backtracks counts once more for so many pieces: it may look at them all.
const PIECES_PER_STEP: u32 = 8;

/// Bytes that a compiled rule, or a piece of it, may take.
const LARGEST: usize = 1 << 20;
/// Bytes that a rule may use to remember what it saw in names.
const LARGEST_CACHE: usize = 1 << 18;
/// Instructions of a rule that backtracks.
const LONGEST_PROGRAM: usize = 10_000;

/// The steps that are left in one decision.
#[derive(Debug)]
pub struct Allowance(u32);

impl Allowance {
    /// A fresh one.
    pub const fn for_one_decision() -> Self {
        Self(ALLOWANCE)
    }
}

/// Why a rule cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// Python would not take it either, or it uses what is not supported.
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    /// It would take too much memory, or too long to search for.
    #[error("too large once compiled")]
    TooLarge,
    /// The engine cannot run it, although Python might.
    #[error("not supported by the engine")]
    Unsupported,
}

/// What a run of a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Hit,
    Missed,
    /// It was stopped at its limit, or not begun, since too little is left of the allowance.
    Overran,
}

/// A text to be searched.
#[derive(Debug)]
pub struct Haystack {
    text: String,
    characters: Characters,
}

impl Haystack {
    /// Takes a text as it is.
    pub fn new(text: String) -> Self {
        Self {
            characters: Characters::of(&text),
            text,
        }
    }
}

/// A compiled rule.
#[derive(Debug)]
pub struct Engine {
    needs: Needs,
    program: Program,
}

#[derive(Debug)]
enum Program {
    /// Runs in linear time, for this fee.
    Linear { regex: Regex, fee: u32 },
    /// Backtracks; the same twice, under two limits, since a limit is part of it. Each step has its
    /// price.
    Backtracking {
        glance: Regex,
        search: Regex,
        price: u32,
    },
}

impl Engine {
    /// Compiles a pattern in Python's syntax.
    pub fn compile(pattern: &str, fold: Option<Fold>) -> Result<Self, RefusalReason> {
        let parsed = parse(pattern)?;
        let written = write(&parsed, fold, LONGEST);
        let build = |steps: u32| {
            RegexOptionsBuilder::new()
                // The rewriting of patterns is not sound: it makes `a{2}a??a{2}` greedy in 0.20.2.
                .optimize(false)
                .multi_line(true)
                .dot_matches_new_line(true)
                .backtrack_limit(steps as usize)
                .delegate_size_limit(LARGEST)
                .delegate_dfa_size_limit(LARGEST_CACHE)
                .max_prog_size(LONGEST_PROGRAM)
                .build(written.pattern.clone())
                .map_err(|error| refusal(&error))
        };
        let weight = weight(&parsed.alternatives);
        let program = if written.backtracks {
            Program::Backtracking {
                glance: build(GLANCE)?,
                search: build(SEARCH)?,
                price: 1 + weight / PIECES_PER_STEP,
            }
        } else {
            Program::Linear {
                regex: build(GLANCE)?,
                fee: if weight > LIGHT {
                    weight.saturating_mul(FEE_PER_PIECE)
                } else {
                    0
                },
            }
        };
        let least = match &program {
            Program::Linear { fee, .. } => *fee,
            Program::Backtracking { price, .. } => price.saturating_mul(GLANCE),
        };
        if least > ALLOWANCE {
            return Err(RefusalReason::TooLarge);
        }
        Ok(Self {
            needs: Needs::of(&parsed.alternatives, fold),
            program,
        })
    }

    /// Looks for the rule in a text, with few steps.
    pub fn glance(&self, haystack: &Haystack, allowance: &mut Allowance) -> Outcome {
        if !self.needs.met_by(&haystack.characters) {
            return Outcome::Missed;
        }
        match &self.program {
            Program::Linear { regex, fee } => run(regex, haystack, *fee, *fee, allowance),
            Program::Backtracking { glance, price, .. } => {
                let (fee, limit) = (
                    price.saturating_mul(GLANCE_FEE),
                    price.saturating_mul(GLANCE),
                );
                run(glance, haystack, fee, limit, allowance)
            }
        }
    }

    /// Looks again, where a glance was not enough, with as many steps as one rule may have.
    pub fn search(&self, haystack: &Haystack, allowance: &mut Allowance) -> Outcome {
        match &self.program {
            Program::Linear { regex, fee } => run(regex, haystack, *fee, *fee, allowance),
            Program::Backtracking { search, price, .. } => {
                let limit = price.saturating_mul(SEARCH);
                run(search, haystack, limit, limit, allowance)
            }
        }
    }
}

/// Runs for a fee, or for the whole limit if it is reached; not at all where that cannot be paid.
fn run(
    regex: &Regex,
    haystack: &Haystack,
    fee: u32,
    limit: u32,
    allowance: &mut Allowance,
) -> Outcome {
    let Some(rest) = allowance.0.checked_sub(limit) else {
        return Outcome::Overran;
    };
    match regex.is_match(haystack.text.as_str()) {
        Ok(hit) => {
            allowance.0 -= fee;
            if hit { Outcome::Hit } else { Outcome::Missed }
        }
        Err(_) => {
            allowance.0 = rest;
            Outcome::Overran
        }
    }
}

fn refusal(error: &Error) -> RefusalReason {
    match error {
        Error::CompileError(error) => match error.as_ref() {
            CompileError::InnerError(_)
            | CompileError::PatternTooComplex
            | CompileError::DfaBuildError(..) => RefusalReason::TooLarge,
            _ => RefusalReason::Unsupported,
        },
        _ => RefusalReason::Unsupported,
    }
}
