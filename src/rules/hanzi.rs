//! Traditional Chinese characters and their simplified forms, one for one.
//!
//! The table is OpenCC's, asked character by character. Its conversion of whole phrases is not used:
//! there the same character may turn out differently by its neighbours, and a rule that is a piece of
//! a phrase would no longer find itself in the name.

use std::sync::LazyLock;

use zhconv::{Variant, zhconv};

/// Where the characters lie that have a simplified form.
const BLOCKS: [std::ops::RangeInclusive<char>; 4] = [
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

/// Whether Traditional Chinese counts as Simplified (`custom.zh_cn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folding {
    /// Characters stay as they are.
    Off,
    /// Traditional characters become simplified ones, in names and in rules.
    Simplified,
}

impl Folding {
    /// What a character of a text becomes.
    pub(super) fn fold(self, c: char) -> char {
        match self {
            Self::Off => c,
            Self::Simplified => SIMPLIFIED
                .binary_search_by_key(&c, |&(traditional, _)| traditional)
                .map_or(c, |at| SIMPLIFIED[at].1),
        }
    }

    /// What the characters of a range become, where that is not themselves.
    pub(super) fn images(self, first: char, last: char) -> impl Iterator<Item = char> {
        let table: &[(char, char)] = match self {
            Self::Off => &[],
            Self::Simplified => SIMPLIFIED.as_slice(),
        };
        let from = table.partition_point(|&(traditional, _)| traditional < first);
        table[from..]
            .iter()
            .take_while(move |&&(traditional, _)| traditional <= last)
            .map(|&(_, simplified)| simplified)
    }
}
