//! Decisions on names and bios.

mod budget;

use std::collections::BTreeMap;

use python_re::CompileError;

use super::{Hit, RuleId, Rules, SearchResult, WordList};

fn rules(lists: &[(WordList, &[&str])], zh_cn: bool) -> Rules {
    let (rules, invalid) = Rules::compile(&owned(lists), zh_cn);
    assert_eq!(invalid, []);
    rules
}

fn owned(lists: &[(WordList, &[&str])]) -> BTreeMap<WordList, Vec<String>> {
    lists
        .iter()
        .map(|(list, patterns)| (*list, patterns.iter().map(|&p| p.to_owned()).collect()))
        .collect()
}

fn single(list: WordList, index: usize) -> SearchResult {
    SearchResult {
        hit: Some(Hit::Single(RuleId { list, index })),
        over_limit: Vec::new(),
    }
}

#[test]
fn the_first_rule_that_matches_is_the_hit() {
    let rules = rules(
        &[
            (WordList::Ban, &["c"]),
            (WordList::Bio, &["b", "bb"]),
            (WordList::Nm, &["x", "a+", "a"]),
        ],
        false,
    );
    assert_eq!(rules.search("abc", None), single(WordList::Nm, 1));
    assert_eq!(rules.search("bbc", None), single(WordList::Bio, 0));
    assert_eq!(rules.search("c", None), single(WordList::Ban, 0));
    assert_eq!(rules.search("z", None), SearchResult::default());
}

#[test]
fn ad_and_con_hit_only_together() {
    let rules = rules(
        &[
            (WordList::Ad, &["cheap", "sale"]),
            (WordList::Con, &["call me", "t\\.me/"]),
        ],
        false,
    );
    assert_eq!(rules.search("sale", None), SearchResult::default());
    assert_eq!(rules.search("t.me/x", None), SearchResult::default());
    let hit = rules.search("t.me/x SALE", None).hit.unwrap();
    let counted: Vec<String> = hit.rules().map(|rule| rule.to_string()).collect();
    assert_eq!(counted, ["ad_words, rule 2", "con_words, rule 2"]);
}

#[test]
fn nm_words_do_not_apply_to_bios() {
    let rules = rules(
        &[
            (WordList::Nm, &["^.{5,}$"]),
            (WordList::Bio, &["invest"]),
            (WordList::Ad, &["ad"]),
            (WordList::Con, &["con"]),
        ],
        false,
    );
    assert_eq!(
        rules.search("abc", Some("a long bio")),
        SearchResult::default()
    );
    assert_eq!(
        rules.search("abc", Some("Invest now")),
        single(WordList::Bio, 0)
    );
    // One half of a pair in the name and the other in the bio do not count.
    assert_eq!(rules.search("ad", Some("con")), SearchResult::default());
    assert!(rules.search("x", Some("con ad")).hit.is_some());
}

#[test]
fn white_space_counts_as_one_blank_and_as_none() {
    let rules = rules(
        &[(WordList::Nm, &["^a b$", "^ab$", "^second$", "^x$"])],
        false,
    );
    for name in ["a b", "a   b", "a \t\u{3000}\n b", "A\u{a0}B"] {
        assert_eq!(
            rules.search(name, None),
            single(WordList::Nm, 0),
            "{name:?}"
        );
    }
    assert_eq!(rules.search(" a  b ", None), single(WordList::Nm, 1));
    // A line break counts as a blank and also as the end of a line.
    assert_eq!(rules.search("first\nsecond", None), single(WordList::Nm, 2));
    assert_eq!(rules.search(" x", None), single(WordList::Nm, 3));
    for name in ["", "  ", "\u{1f}"] {
        assert_eq!(rules.search(name, None), SearchResult::default());
    }
}

#[test]
fn names_are_normalised() {
    let rules = rules(&[(WordList::Nm, &["^vx12caf\u{e9}$"])], false);
    let name = "\u{ff36}\u{ff38}\u{2460}\u{ff12}cafe\u{301}";
    assert_eq!(rules.search(name, None), single(WordList::Nm, 0));
}

#[test]
fn traditional_counts_as_simplified_on_both_sides() {
    let patterns: &[&str] = &["^代開發票$", "^[幣錢]$", "^[\u{8a8d}-\u{8a8f}]$", "^[^後]$"];
    let folded = rules(&[(WordList::Nm, patterns)], true);
    for name in ["代开发票", "代開發票"] {
        assert_eq!(folded.search(name, None), single(WordList::Nm, 0), "{name}");
    }
    for name in ["币", "幣", "钱", "錢"] {
        assert_eq!(folded.search(name, None), single(WordList::Nm, 1), "{name}");
    }
    assert_eq!(folded.search("认", None), single(WordList::Nm, 2));
    for name in ["后", "後"] {
        assert_eq!(folded.search(name, None), SearchResult::default(), "{name}");
    }
    // A character has the same form by itself and within a phrase.
    let phrase = rules(&[(WordList::Nm, &["乾."])], true);
    assert!(phrase.search("乾坤", None).hit.is_some());

    let exact = rules(&[(WordList::Nm, patterns)], false);
    assert_eq!(exact.search("代开发票", None), SearchResult::default());
    assert_eq!(exact.search("后", None), single(WordList::Nm, 3));
}

#[test]
fn an_invalid_rule_is_named_without_its_text() {
    let deep = "(".repeat(500);
    let long = "a".repeat(9000);
    let lists = owned(&[(
        WordList::Con,
        &[
            "ok",
            "secret(",
            "(?:secret{0,200}){0,200}",
            &deep,
            &long,
            "fine",
        ],
    )]);
    let (rules, invalid) = Rules::compile(&lists, false);
    let messages: Vec<String> = invalid.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "con_words, rule 2: missing ), unterminated subpattern, at character 7",
            "con_words, rule 3: the compiled pattern is too large: shorten its repetitions",
            "con_words, rule 4: groups nested more than 40 deep, at character 42",
            "con_words, rule 5: pattern longer than 8192 characters, at character 8193",
        ]
    );
    assert_eq!(invalid[1].reason, CompileError::TooLarge);
    assert_eq!(rules.search("fine", None), SearchResult::default());
}
