//! Traditional Chinese characters and their simplified forms, one for one.
//!
//! The table is OpenCC's, asked character by character. Its conversion of whole phrases is not used:
//! there the same character may turn out differently by its neighbours, and a rule that is a piece of
//! a phrase would no longer find itself in the name.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use zhconv::{Variant, zhconv};

/// Where the characters lie that have a simplified form.
const BLOCKS: [RangeInclusive<char>; 4] = [
    '\u{2e80}'..='\u{2fdf}',
    '\u{3400}'..='\u{4dbf}',
    '\u{4e00}'..='\u{9fff}',
    '\u{20000}'..='\u{323af}',
];

/// The simplified form of each character that has another one, in the order of the first.
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
