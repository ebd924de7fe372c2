//! The reasons for which a pattern cannot be compiled. No text quotes the pattern.

/// The reason for which a pattern cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Python refuses the pattern as well, or the pattern uses syntax that this crate does not support.
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    /// The compiled pattern needs too much memory, or too many steps for a single search.
    #[error("the compiled pattern is too large: shorten its repetitions")]
    TooLarge,
    /// The engine rejects the pattern although Python accepts it.
    #[error("the regex engine does not support this pattern")]
    Unsupported,
}

/// The syntax error of a pattern and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {}", position + 1)]
pub struct SyntaxError {
    /// The error, in Python's words where Python has the same one.
    pub message: &'static str,
    /// The number of characters in front of the error.
    pub position: usize,
}

impl SyntaxError {
    pub(crate) const fn new(message: &'static str, position: usize) -> Self {
        Self { message, position }
    }
}
