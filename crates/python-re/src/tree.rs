//! The syntax tree of a pattern, between the parser and the writer.
//!
//! The tree knows neither Python's syntax nor the engine's. Every leaf carries the flags that hold at its place, so
//! that a node keeps its meaning wherever it is used.

/// The flags that hold at one place of a pattern. All are off by default, as in Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `re.I`: case does not matter.
    pub ignore_case: bool,
    /// `re.M`: `^` and `$` match at line breaks.
    pub multi_line: bool,
    /// `re.S`: `.` matches a line break.
    pub dot_all: bool,
    /// `re.X`: white space and comments in the pattern are skipped.
    pub verbose: bool,
    /// `re.A`: `\w`, `\d`, `\s`, `\b` and case know ASCII only.
    pub ascii: bool,
}

/// Nodes that match one after the other.
pub(crate) type Sequence = Vec<Node>;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// One code point. A lone surrogate is possible here, and matches no text.
    Literal(u32, Flags),
    /// `.`
    Any(Flags),
    /// `[…]`, `\d`, `\s`, `\w` and their complements.
    Class(Class),
    /// An assertion about a position.
    At(At, Flags),
    /// `(…)` with its number, or `(?:…)`. Each alternative is a sequence.
    Group(Option<usize>, Vec<Sequence>),
    /// `(?>…)`
    Atomic(Vec<Sequence>),
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`
    Look {
        kind: LookKind,
        alternatives: Vec<Sequence>,
    },
    /// `\1`, `(?P=name)`
    Backreference(usize, Flags),
    /// `(?(1)yes|no)`
    Conditional {
        group: usize,
        yes: Sequence,
        no: Sequence,
    },
    /// `body*`, `body+`, `body?`, `body{min,max}`
    Repeat {
        min: u32,
        /// `None` means no upper bound.
        max: Option<u32>,
        kind: RepeatKind,
        body: Box<Self>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookKind {
    Ahead,
    NotAhead,
    Behind,
    NotBehind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepeatKind {
    Greedy,
    Lazy,
    Possessive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `\A`
    TextStart,
    /// `\Z`
    TextEnd,
    /// `\b`
    WordBoundary,
    /// `\B`
    NoWordBoundary,
}

/// A set of characters.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) negated: bool,
    pub(crate) members: Vec<Member>,
    pub(crate) flags: Flags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// The code points from the first to the second, both included.
    Range(u32, u32),
    /// A category, or all characters outside of it.
    Category { category: Category, negated: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// `\d`
    Digit,
    /// `\s`
    Space,
    /// `\w`
    Word,
}
