//! The characters that a set matches, once case and the folding of texts are taken into account.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::pattern::TextFolding;
use super::tree::{Flags, Member};

/// Python treats these four as one letter if case does not matter. Unicode's simple folding makes them two.
const LETTERS_I: [char; 4] = ['I', 'i', 'İ', 'ı'];

/// Returns the characters that the ranges among `members` match.
///
/// Lone surrogates are left out because no Rust text contains one. As in Python, case does not widen categories.
pub(crate) fn of(members: &[Member], flags: Flags, folding: Option<TextFolding>) -> ClassUnicode {
    let mut set = ClassUnicode::new(members.iter().flat_map(|member| {
        match *member {
            Member::Range(low, high) => without_surrogates(low, high),
            Member::Category { .. } => [None, None],
        }
        .into_iter()
        .flatten()
    }));
    if let Some(fold) = folding {
        let folded: Vec<_> = set
            .ranges()
            .iter()
            .flat_map(|range| fold(range.start()..=range.end()))
            .collect();
        push_all(&mut set, folded);
    }
    match (flags.ignore_case, flags.ascii) {
        (true, true) => ignore_ascii_case(&mut set),
        (true, false) => ignore_case(&mut set),
        (false, _) => {}
    }
    set
}

fn without_surrogates(low: u32, high: u32) -> [Option<ClassUnicodeRange>; 2] {
    let range = |low: u32, high: u32| {
        (low <= high)
            .then(|| char::from_u32(low).zip(char::from_u32(high)))
            .flatten()
            .map(|(low, high)| ClassUnicodeRange::new(low, high))
    };
    [
        range(low, high.min(0xd7ff)),
        range(low.max(0xe000), high.min(char::MAX.into())),
    ]
}

fn ignore_case(set: &mut ClassUnicode) {
    set.case_fold_simple();
    if LETTERS_I.iter().any(|&c| contains(set, c)) {
        push_all(set, LETTERS_I);
    }
}

fn ignore_ascii_case(set: &mut ClassUnicode) {
    let other_case: Vec<char> = ('A'..='Z')
        .flat_map(|upper| {
            [
                (upper, upper.to_ascii_lowercase()),
                (upper.to_ascii_lowercase(), upper),
            ]
        })
        .filter(|&(c, _)| contains(set, c))
        .map(|(_, other)| other)
        .collect();
    push_all(set, other_case);
}

fn contains(set: &ClassUnicode, c: char) -> bool {
    set.ranges()
        .iter()
        .any(|range| (range.start()..=range.end()).contains(&c))
}

fn push_all(set: &mut ClassUnicode, chars: impl IntoIterator<Item = char>) {
    set.union(&ClassUnicode::new(
        chars.into_iter().map(|c| ClassUnicodeRange::new(c, c)),
    ));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Recorded {
        /// Each cased letter with all letters that it matches.
        case: BTreeMap<char, String>,
    }

    #[test]
    fn case_makes_the_same_letters_equal_as_in_python() {
        let recorded = include_str!("../../../tests/fixtures/rules/python.json");
        let Recorded { case } = serde_json::from_str(recorded).unwrap();
        let cased: Vec<char> = case.values().flat_map(|equal| equal.chars()).collect();
        let flags = Flags {
            ignore_case: true,
            ..Flags::default()
        };
        for (&letter, equal) in &case {
            let code_point = u32::from(letter);
            let set = of(&[Member::Range(code_point, code_point)], flags, None);
            let here: Vec<char> = set
                .ranges()
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .filter(|c| cased.contains(c))
                .collect();
            let mut python: Vec<char> = equal.chars().collect();
            python.sort_unstable();
            assert_eq!(here, python, "{letter}");
        }
    }
}
