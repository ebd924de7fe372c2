//! Traditional Chinese characters and their simplified forms, character by character.
//!
//! The table is OpenCC's. This module does not convert whole phrases: there a character's form depends on its
//! neighbours, so a rule that is a part of a phrase would no longer match a name with that phrase.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use zhconv::{Variant, zhconv};

/// The Unicode blocks whose characters may have a simplified form.
const BLOCKS: [RangeInclusive<char>; 4] = [
    '\u{2e80}'..='\u{2fdf}',
    '\u{3400}'..='\u{4dbf}',
    '\u{4e00}'..='\u{9fff}',
    '\u{20000}'..='\u{323af}',
];

/// Each character that differs from its simplified form, with that form, sorted by the first.
static SIMPLIFIED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    BLOCKS
        .into_iter()
        .flatten()
        .filter_map(|c| {
            let simplified = zhconv(c.encode_utf8(&mut [0; 4]), Variant::ZhHans);
            let mut chars = simplified.chars();
            let first = chars.next()?;
            (first != c && chars.next().is_none()).then_some((c, first))
        })
        .collect()
});

/// Returns the simplified form of a character, or the character if it has none.
pub(super) fn simplify(c: char) -> char {
    SIMPLIFIED
        .binary_search_by_key(&c, |&(traditional, _)| traditional)
        .map_or(c, |at| SIMPLIFIED[at].1)
}

/// Returns the simplified forms of the characters of a range that have one.
pub(super) fn simplified_forms(range: RangeInclusive<char>) -> Vec<char> {
    let from = SIMPLIFIED.partition_point(|(traditional, _)| traditional < range.start());
    SIMPLIFIED[from..]
        .iter()
        .take_while(|(traditional, _)| traditional <= range.end())
        .map(|&(_, simplified)| simplified)
        .collect()
}
