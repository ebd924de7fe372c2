//! Rules in Python's pattern syntax, and the names that they are matched against.

use std::collections::BTreeMap;

use python_re::{CompileError, Flags, Options, Pattern, StepBudget, Text};
use scp_079_avatar::model::WordList;
use scp_079_avatar::rules::{Hit, RuleId, Rules};
use serde_json::Value;

use super::Parser;
use super::samples;

const OPTIONS: Options = Options {
    flags: Flags {
        ignore_case: true,
        multi_line: true,
        dot_all: true,
        verbose: false,
        ascii: false,
    },
    text_folding: None,
};

/// The number of characters of a name that are matched as a literal pattern.
const MAX_LITERAL: usize = 100;

/// A pattern and, behind a NUL, a name.
pub const RULE: Parser = Parser {
    name: "rule",
    samples: || {
        let fixture: Value = serde_json::from_slice(&samples::fixture("rules/python.json"))
            .expect("the fixture is JSON");
        let texts = |key: &str| fixture[key].as_array().expect("a list").iter();
        let names: Vec<_> = texts("texts").filter_map(Value::as_str).collect();
        texts("patterns")
            .filter_map(|pattern| pattern["pattern"].as_str())
            .zip(names.iter().cycle())
            .map(|(pattern, name)| format!("{pattern}\0{name}").into_bytes())
            .collect()
    },
    pieces: &[
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b"*",
        b"+",
        b"?",
        b"*+",
        b"|",
        b".",
        b"^",
        b"$",
        b"\\",
        b"(?:",
        b"(?=",
        b"(?!",
        b"(?<=",
        b"(?<!",
        b"(?>",
        b"(?P<a>",
        b"(?P=a)",
        b"(?(1)",
        b"(?i)",
        b"(?x)",
        b"(?-i:",
        b"(?#",
        b"\\1",
        b"\\b",
        b"\\W",
        b"\\x",
        b"\\u4e00",
        b"{0,200}",
        b"{,3}",
        b"[^",
        b"[a-",
        b"(a+)+",
        b"aaaaaaaa",
        b"\0",
        b"\n",
        "微信".as_bytes(),
        "İ".as_bytes(),
        "ſ".as_bytes(),
    ],
    check: |input| check(&String::from_utf8_lossy(input)),
};

fn check(input: &str) -> bool {
    let (pattern, name) = input.split_once('\0').unwrap_or((input, ""));
    check_literal(name);
    check_rules(pattern, name);
    match Pattern::compile(pattern, OPTIONS) {
        Ok(compiled) => {
            check_searches(pattern, &compiled, &Text::new(name));
            true
        }
        Err(CompileError::Syntax(error)) => {
            assert!(error.position <= pattern.chars().count(), "{error}");
            assert!(error.to_string().len() < 200, "{error}");
            false
        }
        Err(CompileError::TooLarge | CompileError::Unsupported) => false,
    }
}

/// A quick search, a full search and a search for the pattern in a group do not contradict each other. A search that no
/// budget pays for has no answer, or the same one.
fn check_searches(pattern: &str, compiled: &Pattern, text: &Text) {
    let quick = compiled.quick_match(text, &mut StepBudget::default());
    let full = compiled.is_match(text, &mut StepBudget::default());
    let mut answers = vec![
        quick,
        full,
        compiled.quick_match(text, &mut StepBudget::default()),
        compiled.is_match(text, &mut StepBudget::new(0)),
    ];
    assert_eq!(answers[2], quick, "the same search has two answers");
    // A verbose pattern may end in a comment, which would hide the end of the group.
    if !pattern.contains('#')
        && let Ok(grouped) = Pattern::compile(&format!("(?:{pattern})"), OPTIONS)
    {
        answers.push(grouped.quick_match(text, &mut StepBudget::default()));
    }
    let decided: Vec<bool> = answers.into_iter().flatten().collect();
    assert!(
        decided.windows(2).all(|pair| pair[0] == pair[1]),
        "{pattern:?} on {:?}: {decided:?}",
        text.as_str()
    );
}

/// A pattern of escaped characters matches the text that has them.
fn check_literal(name: &str) {
    let literal: String = name.chars().take(MAX_LITERAL).collect();
    let mut pattern = String::new();
    for c in literal.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    let compiled = Pattern::compile(&pattern, OPTIONS).expect("a literal pattern is valid");
    let found = compiled.quick_match(&Text::new(&literal), &mut StepBudget::default());
    assert_eq!(found, Ok(true), "{literal:?} does not match itself");
}

/// A hit names rules that exist, and is the same in a second search.
fn check_rules(pattern: &str, name: &str) {
    // Names and bios are searched with this list.
    let lists = BTreeMap::from([(WordList::Ban, vec![pattern.to_owned()])]);
    let (rules, invalid) = Rules::compile(&lists, true);
    let result = rules.search(name, Some(name));
    assert_eq!(rules.search(name, Some(name)), result);
    let named = result.hit.into_iter().flat_map(Hit::rules);
    for rule in named.chain(result.over_limit) {
        let expected = RuleId {
            list: WordList::Ban,
            index: 0,
        };
        assert!(rule == expected && invalid.is_empty(), "{rule}");
    }
}
