//! Python's `re` syntax on fancy-regex, with a bound on the work of a search.

mod charset;
mod cost;
mod engine;
mod parse;
mod tree;
mod write;

#[cfg(test)]
mod tests;

pub use self::engine::{Allowance, Engine, Fold, Haystack, LONGEST, Outcome, RefusalReason};
pub use self::parse::SyntaxError;
