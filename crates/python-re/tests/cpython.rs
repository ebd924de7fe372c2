//! Compares the crate with the answers of CPython's `re`, which tests/interop/rules.py records.

use std::collections::BTreeMap;

use serde::Deserialize;

use python_re::{CompileError, Flags, Options, Pattern, StepBudget, Text};

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<String>,
    patterns: Vec<Answer>,
    sets: BTreeMap<String, Vec<u32>>,
    unassigned: Vec<u32>,
}

#[derive(Deserialize)]
struct Answer {
    pattern: String,
    /// The numbers of the texts that match, or `None` if Python refuses the pattern.
    finds: Option<Vec<usize>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/rules/python.json"))
        .expect("the fixture is valid JSON")
}

/// Compiles under the flags of the recorded answers: `re.I | re.S | re.M`.
fn compile(pattern: &str) -> Result<Pattern, CompileError> {
    let flags = Flags {
        ignore_case: true,
        dot_all: true,
        multi_line: true,
        ..Flags::default()
    };
    Pattern::compile(
        pattern,
        Options {
            flags,
            text_folding: None,
        },
    )
}

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern
        .quick_match(&Text::new(text), &mut StepBudget::default())
        .unwrap_or_else(|error| panic!("{pattern:?} on {text:?}: {error}"))
}

/// Patterns that Python accepts and this crate refuses. The README gives the reasons.
const NOT_SUPPORTED: [&str; 4] = [
    r"\N{DIGIT ONE}",
    r"[\N{DIGIT ONE}]",
    "(?t)a",
    "(a(?(1)b|c))",
];

#[test]
fn every_pattern_matches_the_same_texts_as_in_python() {
    let fixture = fixture();
    let mut differing = Vec::new();
    for Answer { pattern, finds } in &fixture.patterns {
        let expected = finds
            .clone()
            .filter(|_| !NOT_SUPPORTED.contains(&pattern.as_str()));
        let found: Option<Vec<usize>> = compile(pattern).ok().map(|compiled| {
            (0..fixture.texts.len())
                .filter(|&n| matches(&compiled, &fixture.texts[n]))
                .collect()
        });
        if found != expected {
            let names = |finds: &Option<Vec<usize>>| {
                finds.as_ref().map(|finds| {
                    finds
                        .iter()
                        .map(|&n| fixture.texts[n].clone())
                        .collect::<Vec<_>>()
                })
            };
            differing.push(format!(
                "{pattern:?}\n  Python {:?}\n  here   {:?} {:?}",
                names(&expected),
                names(&found),
                compile(pattern).err()
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {}:\n{}",
        differing.len(),
        fixture.patterns.len(),
        differing.join("\n")
    );
}

#[test]
fn the_categories_have_the_same_characters_as_in_python() {
    let fixture = fixture();
    let within = |ranges: &[u32], c: char| {
        // The bounds are first and last characters in turn, so an odd number of lower bounds means inside.
        let c = u32::from(c);
        ranges.partition_point(|&bound| bound < c) % 2 == 1 || ranges.contains(&c)
    };
    // The planes in between are unassigned or for private use.
    for (pattern, ranges) in &fixture.sets {
        let compiled = compile(pattern).unwrap();
        let differing: Vec<char> = ('\0'..='\u{323af}')
            .chain('\u{e0000}'..='\u{e01ff}')
            .filter(|&c| {
                matches(&compiled, c.encode_utf8(&mut [0; 4])) != within(ranges, c)
                    && !within(&fixture.unassigned, c)
            })
            .collect();
        assert!(differing.is_empty(), "{pattern}: {differing:?}");
    }
}

#[test]
fn global_flags_are_accepted_anywhere_and_hold_for_the_whole_pattern() {
    let compiled = compile("^\u{e9}\\w(?a)").unwrap();
    assert!(matches(&compiled, "\u{e9}a"));
    assert!(!matches(&compiled, "\u{e9}\u{e9}"));
    assert!(!matches(&compiled, "\u{c9}a"));
    assert!(matches(&compile("a b(?x)").unwrap(), "AB"));
    assert!(matches(&compile("abc(?i)|x").unwrap(), "ABC"));
}
