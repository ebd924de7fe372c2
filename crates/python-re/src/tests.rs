//! What Python finds, we find: the frozen answers of CPython's `re` (tests/interop/rules.py).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engine::{Allowance, Engine, Haystack, Outcome};

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<String>,
    patterns: Vec<Answer>,
    sets: BTreeMap<String, Vec<u32>>,
    unassigned: Vec<u32>,
    case: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Answer {
    pattern: String,
    /// The numbers of the texts; `None` where Python refuses the pattern.
    finds: Option<Vec<usize>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/rules/python.json")).unwrap()
}

fn compile(pattern: &str) -> Option<Engine> {
    Engine::compile(pattern, None).ok()
}

fn finds(engine: &Engine, text: &str) -> bool {
    let mut allowance = Allowance::for_one_decision();
    let haystack = Haystack::new(text.to_owned());
    match engine.glance(&haystack, &mut allowance) {
        Outcome::Overran => panic!("{engine:?} overran on {text:?}"),
        outcome => outcome == Outcome::Hit,
    }
}

/// Patterns that Python takes and this program refuses; the room's documentation gives the reasons.
const NOT_SUPPORTED: [&str; 4] = [
    r"\N{DIGIT ONE}",
    r"[\N{DIGIT ONE}]",
    "(?t)a",
    "(a(?(1)b|c))",
];

#[test]
fn every_pattern_finds_what_python_finds() {
    let fixture = fixture();
    let mut differing = Vec::new();
    for Answer { pattern, finds } in &fixture.patterns {
        let expected = finds
            .clone()
            .filter(|_| !NOT_SUPPORTED.contains(&pattern.as_str()));
        let found: Option<Vec<usize>> = compile(pattern).map(|engine| {
            (0..fixture.texts.len())
                .filter(|&n| self::finds(&engine, &fixture.texts[n]))
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
                Engine::compile(pattern, None).err()
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
fn the_categories_hold_pythons_characters() {
    let fixture = fixture();
    let within = |ranges: &[u32], c: char| {
        // firsts and lasts in turn: inside, if an odd number of bounds lies before
        let c = u32::from(c);
        ranges.partition_point(|&bound| bound < c) % 2 == 1 || ranges.contains(&c)
    };
    // the planes between hold nothing, or what is private
    for (pattern, ranges) in &fixture.sets {
        let engine = compile(pattern).unwrap();
        let differing: Vec<char> = ('\0'..='\u{323af}')
            .chain('\u{e0000}'..='\u{e01ff}')
            .filter(|&c| {
                finds(&engine, c.encode_utf8(&mut [0; 4])) != within(ranges, c)
                    && !within(&fixture.unassigned, c)
            })
            .collect();
        assert!(differing.is_empty(), "{pattern}: {differing:?}");
    }
}

#[test]
fn letters_are_one_where_python_makes_them_one() {
    let fixture = fixture();
    let all: Vec<char> = fixture
        .case
        .values()
        .flat_map(|same| same.chars())
        .collect();
    for (letter, same) in &fixture.case {
        let set = super::charset::of(
            &[super::tree::Member::Range(
                u32::from(letter.chars().next().unwrap()),
                u32::from(letter.chars().next().unwrap()),
            )],
            super::tree::Flags::FLEET,
            None,
        );
        let here: Vec<char> = set
            .ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .filter(|c| all.contains(c))
            .collect();
        let mut python: Vec<char> = same.chars().collect();
        python.sort_unstable();
        assert_eq!(here, python, "{letter}");
    }
}

#[test]
fn global_flags_are_taken_anywhere_and_hold_for_all() {
    let engine = compile("^\u{e9}\\w(?a)").unwrap();
    assert!(finds(&engine, "\u{e9}a"));
    assert!(!finds(&engine, "\u{e9}\u{e9}"));
    assert!(!finds(&engine, "\u{c9}a"));
    assert!(finds(&compile("a b(?x)").unwrap(), "AB"));
    assert!(finds(&compile("abc(?i)|x").unwrap(), "ABC"));
}
