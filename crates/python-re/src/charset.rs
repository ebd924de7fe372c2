//! Which characters a member of a set stands for, once case and script do not matter.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::engine::Fold;
use super::tree::{Flags, Member};

/// The four letters that are one to Python when case does not matter, and two to Unicode's simple
/// folding.
const LETTERS_I: [char; 4] = ['I', 'i', 'İ', 'ı'];

/// The ranges among `members`, widened to all that a text may show in their stead.
///
/// Lone surrogates are left out: no text holds one. Categories are not widened, as in Python.
pub(super) fn of(members: &[Member], flags: Flags, fold: Option<Fold>) -> ClassUnicode {
    let mut set = ClassUnicode::new(members.iter().flat_map(|member| {
        match *member {
            Member::Range(low, high) => without_surrogates(low, high),
            Member::Category { .. } => [None, None],
        }
        .into_iter()
        .flatten()
    }));
    if let Some(fold) = fold {
        let folded: Vec<_> = set
            .ranges()
            .iter()
            .flat_map(|range| fold(range.start()..=range.end()))
            .collect();
        for c in folded {
            set.push(ClassUnicodeRange::new(c, c));
        }
    }
    if flags.ignore_case {
        ignore_case(&mut set, flags.ascii);
    }
    set
}

fn without_surrogates(low: u32, high: u32) -> [Option<ClassUnicodeRange>; 2] {
    let range = |low: u32, high: u32| {
        (low <= high)
            .then(|| char::from_u32(low).zip(char::from_u32(high)))
            .flatten()
            .map(|(low, high)| ClassUnicodeRange::new(low, high))
    };
    [
        range(low, high.min(0xd7ff)),
        range(low.max(0xe000), high.min(char::MAX.into())),
    ]
}

fn ignore_case(set: &mut ClassUnicode, ascii: bool) {
    if !ascii {
        set.case_fold_simple();
        let holds = |c: &char| {
            set.ranges()
                .iter()
                .any(|range| (range.start()..=range.end()).contains(c))
        };
        if LETTERS_I.iter().any(holds) {
            set.union(&ClassUnicode::new(
                LETTERS_I.map(|c| ClassUnicodeRange::new(c, c)),
            ));
        }
        return;
    }
    let turned: Vec<_> = set
        .ranges()
        .iter()
        .flat_map(|range| {
            ('A'..='Z')
                .chain('a'..='z')
                .filter(|c| (range.start()..=range.end()).contains(c))
        })
        .map(|c| {
            if c.is_ascii_uppercase() {
                c.to_ascii_lowercase()
            } else {
                c.to_ascii_uppercase()
            }
        })
        .collect();
    for c in turned {
        set.push(ClassUnicodeRange::new(c, c));
    }
}
