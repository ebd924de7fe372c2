//! A text to search, with an index of its characters.

use std::collections::HashSet;

/// A text to search.
#[derive(Debug)]
pub struct Text {
    text: String,
    in_order: Vec<char>,
    distinct: HashSet<char>,
}

impl Text {
    /// The longest text that is searched. `Text::new` cuts off the rest.
    pub const MAX_CHARS: usize = 256;

    /// Takes the first [`MAX_CHARS`](Self::MAX_CHARS) characters of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let in_order: Vec<char> = text.chars().take(Self::MAX_CHARS).collect();
        Self {
            text: in_order.iter().collect(),
            distinct: in_order.iter().copied().collect(),
            in_order,
        }
    }

    /// Returns the text that is searched.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if the text contains consecutive characters of which each is in the set at its place.
    pub(crate) fn contains_run(&self, run: &[Vec<char>]) -> bool {
        let occurs = |set: &Vec<char>| set.iter().any(|c| self.distinct.contains(c));
        let fits = |window: &[char]| window.iter().zip(run).all(|(c, set)| set.contains(c));
        run.iter().all(occurs) && (run.len() == 1 || self.in_order.windows(run.len()).any(fits))
    }
}
