//! Hostile rules: each stops and is named, and the other rules still run.
//!
//! No test measures time. Without a step limit none of these tests would end.

use std::collections::BTreeMap;

use super::super::{Hit, RuleId, Rules, SearchResult, WordList};

/// Rules that take exponential time in a backtracking engine. [`name`] has all characters that they require.
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

fn search(patterns: Vec<String>, name: &str) -> SearchResult {
    let lists = BTreeMap::from([(WordList::Nm, patterns)]);
    let (rules, invalid) = Rules::compile(&lists, false);
    assert_eq!(invalid, []);
    rules.search(name, None)
}

#[test]
fn a_hostile_rule_stops_and_is_named() {
    for pattern in [r"(.)*?(.)*?(.)*?(.)*?\4\1!x", r"(?:(a|aa)+)+\1;c"] {
        let result = search(vec![pattern.to_owned()], &name());
        assert_eq!(result.hit, None);
        let rule = RuleId {
            list: WordList::Nm,
            index: 0,
        };
        assert_eq!(result.over_limit, [rule], "{pattern}");
    }
}

#[test]
fn a_plain_rule_matches_behind_hundreds_of_hostile_ones() {
    let mut patterns: Vec<String> = (0..200)
        .map(|n| HOSTILE[n % HOSTILE.len()].to_owned())
        .collect();
    let without = search(patterns.clone(), &name());
    assert_eq!(without.hit, None);
    assert!(
        without.over_limit.len() > 100,
        "{}",
        without.over_limit.len()
    );
    assert!(without.over_limit.is_sorted());

    patterns.push("aab?!".to_owned());
    let with = search(patterns, &name());
    let last = RuleId {
        list: WordList::Nm,
        index: 200,
    };
    assert_eq!(with.hit, Some(Hit::Single(last)));
}

#[test]
fn a_rule_that_needs_more_than_a_quick_match_gets_it() {
    // The engine compares each of the first 100 characters with all that follow.
    let distinct: String = ('\u{4e00}'..).take(100).collect();
    let result = search(vec![r"(.).*\1".to_owned()], &format!("{distinct}zz"));
    assert!(result.hit.is_some());
}

#[test]
fn heavy_rules_without_backtracking_use_up_the_budget() {
    let heavy = vec![r"(?:.{0,200}x){2}(?:y|.{0,9}z)?.*[^\w]!!".to_owned(); 200];
    let result = search(heavy, "\u{4e00}\u{9fa5}xx!!\u{4e01}");
    assert_eq!(result.hit, None);
    assert!(!result.over_limit.is_empty());
}

#[test]
fn long_texts_are_cut() {
    let long = format!("{}b", "a".repeat(100_000));
    assert_eq!(search(vec!["b".to_owned()], &long), SearchResult::default());
}
