//! A pattern as Python's `re` understands it: the tree between reading and writing.
//!
//! Owns the vocabulary, and how wide a piece may match, which decides what a lookbehind may hold.
//! Refuses to know either syntax. Every leaf carries the flags that hold where it stands, so that a
//! piece means the same wherever it is looked at.

/// The flags that hold at one place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
    pub(super) ascii: bool,
}

impl Flags {
    /// What the fleet hands to `re.search`: `re.I | re.S | re.M`.
    pub(super) const FLEET: Self = Self {
        ignore_case: true,
        multi_line: true,
        dot_all: true,
        verbose: false,
        ascii: false,
    };
}

/// What is matched one after the other.
pub(super) type Sequence = Vec<Node>;

/// One piece of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One code point; lone surrogates too, which no text of ours can hold.
    Literal(u32, Flags),
    /// `.`
    Any(Flags),
    /// `[…]`, `\d` and their like.
    Class(Class),
    /// A place, not a character.
    At(At, Flags),
    /// `(…)` with its number, or `(?:…)`; one sequence for each alternative.
    Group(Option<usize>, Vec<Sequence>),
    /// `(?>…)`
    Atomic(Vec<Sequence>),
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`
    Look {
        behind: bool,
        negative: bool,
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
    /// A quantifier and what it stands behind.
    Repeat {
        min: u32,
        /// `None`: as often as can be.
        max: Option<u32>,
        kind: RepeatKind,
        body: Box<Self>,
    },
}

/// How a quantifier takes what it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RepeatKind {
    Greedy,
    Lazy,
    Possessive,
}

/// Where an assertion holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
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
pub(super) struct Class {
    pub(super) negated: bool,
    pub(super) members: Vec<Member>,
    pub(super) flags: Flags,
}

/// What a set of characters holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// From this code point to that one, both included.
    Range(u32, u32),
    /// A category, or all but that category.
    Category { category: Category, negated: bool },
}

/// The categories that have an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// `\d`
    Digit,
    /// `\s`
    Space,
    /// `\w`
    Word,
}

/// How many characters a piece matches: at least, and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Width {
    const ZERO: Self = Self { least: 0, most: 0 };
    const ONE: Self = Self { least: 1, most: 1 };

    fn then(self, next: Self) -> Self {
        Self {
            least: self.least.saturating_add(next.least),
            most: self.most.saturating_add(next.most),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// Measures alternatives; `groups` tells the width of each closed group by its number.
pub(super) fn width_of_any(alternatives: &[Sequence], groups: &[Option<Width>]) -> Width {
    alternatives
        .iter()
        .map(|sequence| width_of_all(sequence, groups))
        .reduce(Width::or)
        .unwrap_or(Width::ZERO)
}

/// Measures a sequence.
pub(super) fn width_of_all(sequence: &[Node], groups: &[Option<Width>]) -> Width {
    sequence
        .iter()
        .map(|node| width(node, groups))
        .fold(Width::ZERO, Width::then)
}

/// Measures one piece.
pub(super) fn width(node: &Node, groups: &[Option<Width>]) -> Width {
    match node {
        Node::Literal(..) | Node::Any(_) | Node::Class(_) => Width::ONE,
        Node::At(..) | Node::Look { .. } => Width::ZERO,
        Node::Group(_, alternatives) | Node::Atomic(alternatives) => {
            width_of_any(alternatives, groups)
        }
        Node::Backreference(group, _) => {
            groups.get(*group).copied().flatten().unwrap_or(Width::ZERO)
        }
        Node::Conditional { yes, no, .. } => width_of_all(yes, groups).or(width_of_all(no, groups)),
        Node::Repeat { min, max, body, .. } => {
            let once = width(body, groups);
            let most = match max {
                Some(max) => once.most.saturating_mul(u64::from(*max)),
                None if once.most == 0 => 0,
                None => u64::MAX,
            };
            Width {
                least: once.least.saturating_mul(u64::from(*min)),
                most,
            }
        }
    }
}
