//! Hostile rules: they end, they are named, and they leave the others their turn.
//!
//! Nothing here looks at a clock: that a test ends at all is what shows that steps are bounded, since each
//! of these takes longer than anyone waits where they are not.

use std::collections::BTreeMap;

use python_re::{Allowance, Engine, Haystack, Outcome};

use super::super::{Hit, RuleId, Rules, Verdict, WordList};

/// Rules that a backtracking engine does not survive, all of whose characters [`name`] has.
const HOSTILE: [&str; 12] = [
    r"(a+)+\1\1b\Z",
    r"(?=(a+)+a!\Z)x",
    r"(.+)*\1\1x",
    r"(a|a)*(?=b)\1c",
    r"(?:(\w+)\s?)+\1\1!x",
    r"((.+),)*\2;",
    r"(\w+)+\1\1\1\1(?!!)\W;",
    r"(?>a*)*(?:a*)*a(\b);",
    r"(.)*?(.)*?(.)*?(.)*?\4\1!x",
    r"(?:(?=(\w+))a*)+\1b!x",
    r"(?:(?<=(?:a|b|\w){20})[a-z]?)*(?=!)b\b",
    r"(?i:(.+)+)\1\1\1!x",
];

fn name() -> String {
    format!("b!x,;c{}!", "a".repeat(120))
}

fn hit(patterns: Vec<String>, name: &str) -> Verdict {
    let lists = BTreeMap::from([(WordList::Nm, patterns)]);
    let (rules, refused) = Rules::compile(&lists, false);
    assert_eq!(refused, []);
    rules.hit(name, None)
}

#[test]
fn a_hostile_rule_is_stopped_and_named() {
    for pattern in [r"(.)*?(.)*?(.)*?(.)*?\4\1!x", r"(?:(a|aa)+)+\1;c"] {
        let verdict = hit(vec![pattern.to_owned()], &name());
        assert_eq!(verdict.hit, None);
        let rule = RuleId {
            list: WordList::Nm,
            index: 0,
        };
        assert_eq!(verdict.overran, [rule], "{pattern}");
    }
}

#[test]
fn hundreds_of_hostile_rules_leave_a_plain_one_its_turn() {
    let mut patterns: Vec<String> = (0..200)
        .map(|n| HOSTILE[n % HOSTILE.len()].to_owned())
        .collect();
    let without = hit(patterns.clone(), &name());
    assert_eq!(without.hit, None);
    assert!(without.overran.len() > 100, "{}", without.overran.len());
    assert!(without.overran.is_sorted());

    patterns.push("aab?!".to_owned());
    let with = hit(patterns, &name());
    let last = RuleId {
        list: WordList::Nm,
        index: 200,
    };
    assert_eq!(with.hit, Some(Hit::Alone(last)));
}

#[test]
fn a_rule_that_needs_more_than_a_glance_gets_it() {
    // each of 100 places is tried with each of those behind it, to no avail but the last
    let distinct: String = ('\u{4e00}'..).take(100).collect();
    let name = format!("{distinct}zz");
    let pattern = r"(.).*\1";
    let engine = Engine::compile(pattern, None).unwrap();
    let haystack = Haystack::new(name.clone());
    let mut allowance = Allowance::for_one_decision();
    assert_eq!(engine.glance(&haystack, &mut allowance), Outcome::Overran);
    assert!(hit(vec![pattern.to_owned()], &name).hit.is_some());
}

#[test]
fn heavy_rules_are_paid_for_too() {
    let heavy = vec![r"(?:.{0,200}x){2}(?:y|.{0,9}z)?.*[^\w]!!".to_owned(); 200];
    let verdict = hit(heavy, "\u{4e00}\u{9fa5}xx!!\u{4e01}");
    assert_eq!(verdict.hit, None);
    assert!(!verdict.overran.is_empty());
}

#[test]
fn long_texts_are_cut() {
    let long = format!("{}b", "a".repeat(100_000));
    assert_eq!(hit(vec!["b".to_owned()], &long), Verdict::default());
}
