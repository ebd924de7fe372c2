//! Assertions on texts that show the whole text when they fail.

/// Fails unless `text` contains each of `words`.
#[track_caller]
pub(crate) fn assert_contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

/// Fails unless `text` contains `words` in this order.
#[track_caller]
pub(crate) fn assert_in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some(at) = rest.find(word) else {
            panic!("{word:?} does not follow in\n{text}");
        };
        rest = &rest[at + word.len()..];
    }
}
