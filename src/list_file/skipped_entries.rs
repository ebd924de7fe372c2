//! What a file holds that has no meaning here, in words: so that nobody believes it to be restored.

use std::collections::BTreeMap;
use std::fmt;

/// How many entries of a kind are shown.
const SHOWN: usize = 3;
/// How much of an entry is shown.
const LONGEST: usize = 40;

/// The entries that were left out, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<&'static str, Kind>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kind {
    count: usize,
    shown: Vec<String>,
}

impl LeftOut {
    /// Notes one entry. `kind` is said behind a number: "group ids that Telegram gives to nobody".
    pub(super) fn note(&mut self, kind: &'static str, entry: impl fmt::Display) {
        let of_kind = self.0.entry(kind).or_default();
        of_kind.count += 1;
        if of_kind.shown.len() < SHOWN {
            of_kind.shown.push(shortened(&entry.to_string()));
        }
    }

    /// Returns whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says each kind and how many there are, and no entry: for the log.
    #[must_use]
    pub fn by_kind(&self) -> String {
        let kinds: Vec<String> = self
            .0
            .iter()
            .map(|(kind, of_kind)| format!("{} {kind}", of_kind.count))
            .collect();
        kinds.join("; ")
    }
}

/// Says each kind, how many there are, and the first of them.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (kind, Kind { count, shown })) in self.0.iter().enumerate() {
            let between = if number == 0 { "" } else { "; " };
            let more = if *count > shown.len() { ", …" } else { "" };
            write!(f, "{between}{count} {kind} ({}{more})", shown.join(", "))?;
        }
        Ok(())
    }
}

/// An entry's beginning, with nothing in it that a terminal would obey.
fn shortened(entry: &str) -> String {
    let mut plain: String = entry
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    if entry.chars().count() > LONGEST {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_by_kind_with_the_first_entries() {
        let mut left_out = LeftOut::default();
        assert!(left_out.is_empty());
        for number in 1..=5 {
            left_out.note("numbers", number);
        }
        left_out.note("texts", format!("\u{1b}[2J{}", "x".repeat(50)));
        let words = left_out.to_string();
        assert!(
            words.starts_with("5 numbers (1, 2, 3, …); 1 texts ( [2Jxxx"),
            "{words}"
        );
        assert!(words.ends_with("x…)"), "{words}");
        assert_eq!(left_out.by_kind(), "5 numbers; 1 texts");
    }
}
