//! The size of a pattern once its repetitions are written out, which bounds the engine's work for each character.

use super::text::Text;
use super::tree::{Node, Sequence};

/// The compiler refuses every pattern of this weight, so larger weights count as this one.
const MAX_WEIGHT: u64 = 1 << 20;

/// Returns the number of nodes of a pattern whose repetitions are written out.
pub(crate) fn weight(alternatives: &[Sequence]) -> u32 {
    let weight: u64 = alternatives
        .iter()
        .map(|sequence| of_sequence(sequence))
        .sum();
    u32::try_from(weight.min(MAX_WEIGHT)).unwrap_or(u32::MAX)
}

fn of_sequence(sequence: &[Node]) -> u64 {
    let weight: u64 = sequence.iter().map(of_node).sum();
    weight.min(MAX_WEIGHT)
}

fn of_node(node: &Node) -> u64 {
    match node {
        Node::Literal(..)
        | Node::Any(_)
        | Node::Class(_)
        | Node::At(..)
        | Node::Backreference(..) => 1,
        Node::Group(_, alternatives)
        | Node::Atomic(alternatives)
        | Node::Look { alternatives, .. } => weight(alternatives).into(),
        Node::Conditional { yes, no, .. } => of_sequence(yes) + of_sequence(no),
        Node::Repeat { min, max, body, .. } => {
            // The writer writes a bound beyond the longest text as no bound.
            let bounded = max.filter(|max| (*max as usize) < Text::MAX_CHARS);
            let times = bounded.unwrap_or(*min).max(1) as usize;
            (times.min(Text::MAX_CHARS) as u64)
                .saturating_mul(of_node(body))
                .min(MAX_WEIGHT)
        }
    }
}
