//! The number of characters that a node can match, which decides whether a lookbehind is allowed and how a repetition
//! is written.

use super::tree::{Node, Sequence};

/// The least and the most characters that a node matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Width {
    const ZERO: Self = Self { least: 0, most: 0 };
    const ONE: Self = Self { least: 1, most: 1 };

    /// Measures alternatives. `groups` has the width of each closed group at the group's number.
    pub(crate) fn of_alternatives(alternatives: &[Sequence], groups: &[Option<Self>]) -> Self {
        alternatives
            .iter()
            .map(|sequence| Self::of_sequence(sequence, groups))
            .reduce(Self::or)
            .unwrap_or(Self::ZERO)
    }

    fn of_sequence(sequence: &[Node], groups: &[Option<Self>]) -> Self {
        sequence
            .iter()
            .map(|node| Self::of(node, groups))
            .fold(Self::ZERO, Self::then)
    }

    pub(crate) fn of(node: &Node, groups: &[Option<Self>]) -> Self {
        match node {
            Node::Literal(..) | Node::Any(_) | Node::Class(_) => Self::ONE,
            Node::At(..) | Node::Look { .. } => Self::ZERO,
            Node::Group(_, alternatives) | Node::Atomic(alternatives) => {
                Self::of_alternatives(alternatives, groups)
            }
            Node::Backreference(group, _) => {
                groups.get(*group).copied().flatten().unwrap_or(Self::ZERO)
            }
            Node::Conditional { yes, no, .. } => {
                Self::of_sequence(yes, groups).or(Self::of_sequence(no, groups))
            }
            Node::Repeat { min, max, body, .. } => Self::of(body, groups).times(*min, *max),
        }
    }

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

    fn times(self, min: u32, max: Option<u32>) -> Self {
        let most = match max {
            Some(max) => self.most.saturating_mul(u64::from(max)),
            None if self.most == 0 => 0,
            None => u64::MAX,
        };
        Self {
            least: self.least.saturating_mul(u64::from(min)),
            most,
        }
    }
}
