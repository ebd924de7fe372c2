//! The decision whether a name hits a rule (docs/rules.md, "Cost").

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::Criterion;
use scp_079_avatar::model::WordList;
use scp_079_avatar::rules::Rules;

/// Rules as the fleet has them. None of them hits [`NAME`].
const PLAIN: [&str; 5] = [
    "加.{0,3}微信",
    r"(?:v|V)x.{0,2}号",
    r"[a-z]{3,}\d{4,}",
    "(?=.*代)(?=.*理)",
    r"t\.me/\w+",
];
/// Rules that take exponential time in a backtracking engine without a limit.
const HOSTILE: [&str; 4] = [
    r"(a+)+\1\1b\Z",
    r"(.)*?(.)*?(.)*?(.)*?\4\1!x",
    r"(?:(?=(\w+))a*)+\1b!x",
    r"(?:(?<=(?:a|b|\w){20})[a-z]?)*(?=!)b\b",
];
const NAME: &str = "Ivan 伊万 Petrov";

pub(crate) fn measure(criterion: &mut Criterion) {
    let compile = |rules: &[&str], count: usize| {
        let rules = rules.iter().cycle().take(count);
        let rules: Vec<String> = rules.map(|&rule| rule.to_owned()).collect();
        let lists = BTreeMap::from([(WordList::Nm, rules)]);
        let (rules, invalid) = Rules::compile(&lists, false);
        assert_eq!(invalid, []);
        rules
    };
    let plain = compile(&PLAIN, 500);
    criterion.bench_function("rules/a name against 500 rules", |bench| {
        bench.iter(|| plain.search(black_box(NAME), None));
    });
    let hostile_name = format!("b!x,;c{}!", "a".repeat(120));
    for rule in HOSTILE {
        let hostile = compile(&[rule], 500);
        criterion.bench_function(&format!("rules/500 hostile rules {rule}"), |bench| {
            bench.iter(|| hostile.search(black_box(&hostile_name), None));
        });
    }
}
