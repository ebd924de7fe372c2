//! What can be told of a rule before it is run: that a text cannot hit it, and how heavy it is.
//!
//! Most rules name characters that a given name does not have. Looking for those first costs
//! nanoseconds, and spares the engine nearly all of its runs.

use std::collections::HashSet;

use super::charset;
use super::engine::{Fold, LONGEST};
use super::tree::{Member, Node, Sequence};

/// A set of more characters is no help.
const LARGEST_SET: usize = 64;
/// Nor is the choice between more than these.
const MOST_CHOICES: usize = 64;
/// How many repetitions of a piece the weight counts; any more are too heavy anyway.
const HEAVIEST: u64 = 1 << 20;

/// The characters of a text, in order and sorted.
#[derive(Debug)]
pub(super) struct Characters {
    in_order: Vec<char>,
    all: HashSet<char>,
}

impl Characters {
    /// Collects them.
    pub(super) fn of(text: &str) -> Self {
        Self {
            in_order: text.chars().collect(),
            all: text.chars().collect(),
        }
    }

    fn hold(&self, run: &Run) -> bool {
        let there = |set: &Vec<char>| set.iter().any(|c| self.all.contains(c));
        let fits = |window: &[char]| window.iter().zip(run).all(|(c, set)| set.contains(c));
        run.iter().all(there) && (run.len() == 1 || self.in_order.windows(run.len()).any(fits))
    }
}

/// Neighbours in a text: one character of each set.
type Run = Vec<Vec<char>>;

/// What a text must have for a rule to hit it: of each choice at least one run.
#[derive(Debug)]
pub(super) struct Needs(Vec<Vec<Run>>);

impl Needs {
    /// Finds out what a pattern needs.
    pub(super) fn of(alternatives: &[Sequence], fold: Option<Fold>) -> Self {
        Self(needs_of_any(alternatives, fold))
    }

    /// Whether a text with these characters can be hit.
    pub(super) fn met_by(&self, characters: &Characters) -> bool {
        self.0
            .iter()
            .all(|choice| choice.iter().any(|run| characters.hold(run)))
    }
}

fn needs_of_any(alternatives: &[Sequence], fold: Option<Fold>) -> Vec<Vec<Run>> {
    if let [alone] = alternatives {
        return needs_of_all(alone, fold);
    }
    // each alternative gives the need that is hardest to meet; one of them has to be met
    let mut choice = Vec::new();
    for sequence in alternatives {
        let needs = needs_of_all(sequence, fold);
        let hardest = needs
            .into_iter()
            .max_by_key(|choice| choice.iter().map(Vec::len).min());
        match hardest {
            Some(runs) => choice.extend(runs),
            None => return Vec::new(),
        }
    }
    if choice.len() > MOST_CHOICES {
        return Vec::new();
    }
    vec![choice]
}

fn needs_of_all(sequence: &[Node], fold: Option<Fold>) -> Vec<Vec<Run>> {
    let mut needs = Vec::new();
    let mut run = Run::new();
    for node in sequence {
        if let Some(set) = set(node, fold) {
            run.push(set);
            continue;
        }
        if matches!(node, Node::At(..) | Node::Look { .. }) {
            // takes up no place between its neighbours
            continue;
        }
        if !run.is_empty() {
            needs.push(vec![std::mem::take(&mut run)]);
        }
        match node {
            Node::Group(_, alternatives) | Node::Atomic(alternatives) => {
                needs.extend(needs_of_any(alternatives, fold));
            }
            Node::Repeat { min, body, .. } if *min > 0 => {
                needs.extend(needs_of_all(std::slice::from_ref(body), fold));
            }
            _ => {}
        }
    }
    if !run.is_empty() {
        needs.push(vec![run]);
    }
    needs
}

/// The characters of a piece that matches exactly one, if they are few.
fn set(node: &Node, fold: Option<Fold>) -> Option<Vec<char>> {
    let literal;
    let (members, flags): (&[Member], _) = match node {
        Node::Literal(code_point, flags) => {
            literal = [Member::Range(*code_point, *code_point)];
            (&literal, flags)
        }
        Node::Class(class) if !class.negated => (&class.members, &class.flags),
        _ => return None,
    };
    if members
        .iter()
        .any(|member| matches!(member, Member::Category { .. }))
    {
        return None;
    }
    let set = charset::of(members, *flags, fold);
    let size: usize = set.ranges().iter().map(|range| range.len()).sum();
    (size <= LARGEST_SET).then(|| {
        set.ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .collect()
    })
}

/// How many pieces a pattern has once its repetitions are written out, and so how much the engine
/// may have to carry along for each character of a text.
pub(super) fn weight(alternatives: &[Sequence]) -> u32 {
    let weight: u64 = alternatives
        .iter()
        .map(|sequence| weight_of_all(sequence))
        .sum();
    u32::try_from(weight.min(HEAVIEST)).unwrap_or(u32::MAX)
}

fn weight_of_all(sequence: &[Node]) -> u64 {
    sequence
        .iter()
        .map(|node| match node {
            Node::Literal(..)
            | Node::Any(_)
            | Node::Class(_)
            | Node::At(..)
            | Node::Backreference(..) => 1,
            Node::Group(_, alternatives)
            | Node::Atomic(alternatives)
            | Node::Look { alternatives, .. } => weight(alternatives).into(),
            Node::Conditional { yes, no, .. } => weight_of_all(yes) + weight_of_all(no),
            Node::Repeat { min, max, body, .. } => {
                // beyond the longest text a repetition has no end (`write`)
                let bounded = max.filter(|max| (*max as usize) < LONGEST);
                let times = bounded.unwrap_or(*min).max(1) as usize;
                (times.min(LONGEST) as u64)
                    .saturating_mul(weight_of_all(std::slice::from_ref(body)))
                    .min(HEAVIEST)
            }
        })
        .sum::<u64>()
        .min(HEAVIEST)
}
