//! Names and bios, as they are decided on.

mod budget;

use std::collections::BTreeMap;

use python_re::RefusalReason;

use super::{Hit, RuleId, Rules, Verdict, WordList};

fn rules(lists: &[(WordList, &[&str])], zh_cn: bool) -> Rules {
    let (rules, refused) = Rules::compile(&owned(lists), zh_cn);
    assert_eq!(refused, []);
    rules
}

fn owned(lists: &[(WordList, &[&str])]) -> BTreeMap<WordList, Vec<String>> {
    lists
        .iter()
        .map(|(list, patterns)| (*list, patterns.iter().map(|&p| p.to_owned()).collect()))
        .collect()
}

fn alone(list: WordList, index: usize) -> Verdict {
    Verdict {
        hit: Some(Hit::Alone(RuleId { list, index })),
        overran: Vec::new(),
    }
}

#[test]
fn the_first_rule_that_hits_counts() {
    let rules = rules(
        &[
            (WordList::Ban, &["c"]),
            (WordList::Bio, &["b", "bb"]),
            (WordList::Nm, &["x", "a+", "a"]),
        ],
        false,
    );
    assert_eq!(rules.hit("abc", None), alone(WordList::Nm, 1));
    assert_eq!(rules.hit("bbc", None), alone(WordList::Bio, 0));
    assert_eq!(rules.hit("c", None), alone(WordList::Ban, 0));
    assert_eq!(rules.hit("z", None), Verdict::default());
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
    assert_eq!(rules.hit("sale", None), Verdict::default());
    assert_eq!(rules.hit("t.me/x", None), Verdict::default());
    let hit = rules.hit("t.me/x SALE", None).hit.unwrap();
    let counted: Vec<String> = hit.rules().map(|rule| rule.to_string()).collect();
    assert_eq!(counted, ["ad_words, rule 2", "con_words, rule 2"]);
}

#[test]
fn a_bio_hits_by_all_but_the_rules_for_names() {
    let rules = rules(
        &[
            (WordList::Nm, &["^.{5,}$"]),
            (WordList::Bio, &["invest"]),
            (WordList::Ad, &["ad"]),
            (WordList::Con, &["con"]),
        ],
        false,
    );
    assert_eq!(rules.hit("abc", Some("a long bio")), Verdict::default());
    assert_eq!(
        rules.hit("abc", Some("Invest now")),
        alone(WordList::Bio, 0)
    );
    // half of a pair in the name and half in the bio are no pair
    assert_eq!(rules.hit("ad", Some("con")), Verdict::default());
    assert!(rules.hit("x", Some("con ad")).hit.is_some());
}

#[test]
fn white_space_is_one_blank_then_none_at_all() {
    let rules = rules(
        &[(WordList::Nm, &["^a b$", "^ab$", "^second$", "^x$"])],
        false,
    );
    for name in ["a b", "a   b", "a \t\u{3000}\n b", "A\u{a0}B"] {
        assert_eq!(rules.hit(name, None), alone(WordList::Nm, 0), "{name:?}");
    }
    assert_eq!(rules.hit(" a  b ", None), alone(WordList::Nm, 1));
    // multi-line: a line break is a blank, and the end of a line as well
    assert_eq!(rules.hit("first\nsecond", None), alone(WordList::Nm, 2));
    assert_eq!(rules.hit(" x", None), alone(WordList::Nm, 3));
    for name in ["", "  ", "\u{1f}"] {
        assert_eq!(rules.hit(name, None), Verdict::default());
    }
}

#[test]
fn names_are_normalised() {
    let rules = rules(&[(WordList::Nm, &["^vx12caf\u{e9}$"])], false);
    let name = "\u{ff36}\u{ff38}\u{2460}\u{ff12}cafe\u{301}";
    assert_eq!(rules.hit(name, None), alone(WordList::Nm, 0));
}

#[test]
fn traditional_counts_as_simplified_on_both_sides() {
    let patterns: &[&str] = &["^代開發票$", "^[幣錢]$", "^[\u{8a8d}-\u{8a8f}]$", "^[^後]$"];
    let folded = rules(&[(WordList::Nm, patterns)], true);
    for name in ["代开发票", "代開發票"] {
        assert_eq!(folded.hit(name, None), alone(WordList::Nm, 0), "{name}");
    }
    for name in ["币", "幣", "钱", "錢"] {
        assert_eq!(folded.hit(name, None), alone(WordList::Nm, 1), "{name}");
    }
    assert_eq!(folded.hit("认", None), alone(WordList::Nm, 2));
    for name in ["后", "後"] {
        assert_eq!(folded.hit(name, None), Verdict::default(), "{name}");
    }
    // a character means the same alone and within a phrase
    let phrase = rules(&[(WordList::Nm, &["乾."])], true);
    assert!(phrase.hit("乾坤", None).hit.is_some());

    let exact = rules(&[(WordList::Nm, patterns)], false);
    assert_eq!(exact.hit("代开发票", None), Verdict::default());
    assert_eq!(exact.hit("后", None), alone(WordList::Nm, 3));
}

#[test]
fn what_cannot_be_used_is_named_without_its_text() {
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
    let (rules, refused) = Rules::compile(&lists, false);
    let said: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "con_words, rule 2: missing ), unterminated subpattern, at character 7",
            "con_words, rule 3: too large once compiled",
            "con_words, rule 4: groups nested more than 40 deep, at character 42",
            "con_words, rule 5: pattern longer than 8192 characters, at character 8193",
        ]
    );
    assert_eq!(refused[1].reason, RefusalReason::TooLarge);
    assert_eq!(rules.hit("fine", None), Verdict::default());
}
