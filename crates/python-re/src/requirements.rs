//! The characters that a text must contain for a pattern to match it.
//!
//! Most patterns name characters that a given text does not have. Looking for those first takes nanoseconds and
//! saves nearly all runs of the engine.

use super::charset;
use super::pattern::TextFolding;
use super::text::Text;
use super::tree::{Member, Node, Sequence};

/// A larger set of characters rules out too few texts.
const MAX_SET_CHARS: usize = 64;
/// A choice between more runs costs more than it saves.
const MAX_CHOICES: usize = 64;

/// Consecutive characters of a text: one of each set.
type Run = Vec<Vec<char>>;
/// Runs of which a text must contain at least one.
type Choice = Vec<Run>;

/// The choices that a text must all satisfy for a pattern to match it.
#[derive(Debug)]
pub(crate) struct Requirements(Vec<Choice>);

impl Requirements {
    pub(crate) fn of(alternatives: &[Sequence], folding: Option<TextFolding>) -> Self {
        Self(of_alternatives(alternatives, folding))
    }

    /// Returns false if the pattern cannot match the text.
    pub(crate) fn are_met_by(&self, text: &Text) -> bool {
        self.0
            .iter()
            .all(|choice| choice.iter().any(|run| text.contains_run(run)))
    }
}

fn of_alternatives(alternatives: &[Sequence], folding: Option<TextFolding>) -> Vec<Choice> {
    if let [only] = alternatives {
        return of_sequence(only, folding);
    }
    // A text must meet the requirements of one alternative. Each contributes the one that is hardest to meet.
    let mut combined = Choice::new();
    for sequence in alternatives {
        let hardest = of_sequence(sequence, folding)
            .into_iter()
            .max_by_key(|choice| choice.iter().map(Vec::len).min());
        match hardest {
            Some(runs) => combined.extend(runs),
            None => return Vec::new(),
        }
    }
    if combined.len() > MAX_CHOICES {
        return Vec::new();
    }
    vec![combined]
}

fn of_sequence(sequence: &[Node], folding: Option<TextFolding>) -> Vec<Choice> {
    let mut required = Vec::new();
    let mut run = Run::new();
    for node in sequence {
        if let Some(set) = small_set(node, folding) {
            run.push(set);
            continue;
        }
        let has_no_width = matches!(node, Node::At(..) | Node::Look { .. });
        if has_no_width {
            continue;
        }
        if !run.is_empty() {
            required.push(vec![std::mem::take(&mut run)]);
        }
        match node {
            Node::Group(_, alternatives) | Node::Atomic(alternatives) => {
                required.extend(of_alternatives(alternatives, folding));
            }
            Node::Repeat { min, body, .. } if *min > 0 => {
                required.extend(of_sequence(std::slice::from_ref(body), folding));
            }
            _ => {}
        }
    }
    if !run.is_empty() {
        required.push(vec![run]);
    }
    required
}

/// Returns the characters of a node that matches exactly one character, if they are few.
fn small_set(node: &Node, folding: Option<TextFolding>) -> Option<Vec<char>> {
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
    let set = charset::of(members, *flags, folding);
    let size: usize = set.ranges().iter().map(|range| range.len()).sum();
    (size <= MAX_SET_CHARS).then(|| {
        set.ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .collect()
    })
}
