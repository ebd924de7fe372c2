//! The entries of a file that have no meaning in this program, counted by kind.

use std::collections::BTreeMap;
use std::fmt;

/// The number of entries of a kind that are shown.
const MAX_EXAMPLES: usize = 3;
/// The number of characters of an entry that are shown.
const MAX_LENGTH: usize = 40;

/// The skipped entries. Displayed, each kind has its count and its first entries: `2 invalid user ids (0, -1)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedEntries(BTreeMap<&'static str, SkippedKind>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SkippedKind {
    count: usize,
    examples: Vec<String>,
}

impl SkippedEntries {
    /// Records one entry. The plural noun `kind` is displayed behind the count.
    pub(super) fn record(&mut self, kind: &'static str, entry: impl fmt::Display) {
        let skipped = self.0.entry(kind).or_default();
        skipped.count += 1;
        if skipped.examples.len() < MAX_EXAMPLES {
            skipped.examples.push(shortened(&entry.to_string()));
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of skipped entries of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().map(|skipped| skipped.count).sum()
    }

    /// Returns the count of each kind without any entry: the log must not hold ids and texts of others.
    #[must_use]
    pub fn counts_by_kind(&self) -> String {
        let kinds: Vec<String> = self
            .0
            .iter()
            .map(|(kind, skipped)| format!("{} {kind}", skipped.count))
            .collect();
        kinds.join("; ")
    }
}

impl fmt::Display for SkippedEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (kind, SkippedKind { count, examples })) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            let more = if *count > examples.len() { ", …" } else { "" };
            write!(
                f,
                "{separator}{count} {kind} ({}{more})",
                examples.join(", ")
            )?;
        }
        Ok(())
    }
}

/// Returns the beginning of an entry, without characters that control a terminal.
fn shortened(entry: &str) -> String {
    let mut plain: String = entry
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_LENGTH)
        .collect();
    if entry.chars().count() > MAX_LENGTH {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_entries_are_displayed_by_kind_with_the_first_of_them() {
        let mut skipped = SkippedEntries::default();
        assert!(skipped.is_empty());
        for number in 1..=5 {
            skipped.record("numbers", number);
        }
        skipped.record("texts", format!("\u{1b}[2J{}", "x".repeat(50)));
        let text = skipped.to_string();
        assert!(
            text.starts_with("5 numbers (1, 2, 3, …); 1 texts ( [2Jxxx"),
            "{text}"
        );
        assert!(text.ends_with("x…)"), "{text}");
        assert_eq!(skipped.counts_by_kind(), "5 numbers; 1 texts");
        assert_eq!(skipped.total(), 6);
    }
}
