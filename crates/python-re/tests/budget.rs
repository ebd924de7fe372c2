//! The step limits: a hostile pattern stops, and a search pays from the shared budget.

use python_re::{CompileError, Options, Pattern, StepBudget, StepLimitExceeded, Text};

fn compile(pattern: &str) -> Result<Pattern, CompileError> {
    Pattern::compile(pattern, Options::default())
}

#[test]
fn a_hostile_pattern_stops_at_its_limit() {
    let text = Text::new(&format!("b!x,;c{}!", "a".repeat(120)));
    for pattern in [r"(.)*?(.)*?(.)*?(.)*?\4\1!x", r"(?:(a|aa)+)+\1;c"] {
        let compiled = compile(pattern).unwrap();
        let mut budget = StepBudget::default();
        let exceeded = Err(StepLimitExceeded);
        assert_eq!(
            compiled.quick_match(&text, &mut budget),
            exceeded,
            "{pattern}"
        );
        assert_eq!(compiled.is_match(&text, &mut budget), exceeded, "{pattern}");
    }
}

#[test]
fn a_full_match_takes_more_steps_than_a_quick_match() {
    // The engine compares each of the first 100 characters with all that follow.
    let distinct: String = ('\u{4e00}'..).take(100).collect();
    let text = Text::new(&format!("{distinct}zz"));
    let pattern = compile(r"(.).*\1").unwrap();
    let mut budget = StepBudget::default();
    assert_eq!(
        pattern.quick_match(&text, &mut budget),
        Err(StepLimitExceeded)
    );
    assert_eq!(pattern.is_match(&text, &mut budget), Ok(true));
}

#[test]
fn a_spent_budget_stops_backtracking_and_leaves_cheap_patterns() {
    let mut budget = StepBudget::new(0);
    let text = Text::new("aa");
    let backtracking = compile(r"(a)\1").unwrap();
    assert_eq!(
        backtracking.is_match(&text, &mut budget),
        Err(StepLimitExceeded)
    );
    assert_eq!(compile("a").unwrap().is_match(&text, &mut budget), Ok(true));
    // The text lacks the "b", so the engine does not run.
    let impossible = compile(r"(a)\1b").unwrap();
    assert_eq!(impossible.is_match(&text, &mut budget), Ok(false));
}

#[test]
fn patterns_that_are_too_large_are_refused() {
    let error = compile("(?:secret{0,200}){0,200}").unwrap_err();
    assert_eq!(error, CompileError::TooLarge);
    let deep = compile(&"(".repeat(500)).unwrap_err();
    assert_eq!(
        deep.to_string(),
        "groups nested more than 40 deep, at character 42"
    );
    let long = compile(&"a".repeat(9000)).unwrap_err();
    assert_eq!(
        long.to_string(),
        "pattern longer than 8192 characters, at character 8193"
    );
}

#[test]
fn long_texts_are_cut() {
    let text = Text::new(&format!("{}b", "a".repeat(Text::MAX_CHARS)));
    let pattern = compile("b").unwrap();
    assert_eq!(
        pattern.is_match(&text, &mut StepBudget::default()),
        Ok(false)
    );
}
