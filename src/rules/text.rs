//! A name or a bio, made ready to be matched.

use python_re::LONGEST;
use unicode_normalization::UnicodeNormalization as _;

use super::hanzi;

/// The forms of a text in which rules are looked for, in this order, each but once; none if the text
/// is blank.
///
/// - every run of white space one blank;
/// - if there are line breaks: the runs that hold one a line break, so that `^` and `$` find lines;
/// - if there is white space: without any.
pub(super) fn forms(text: &str, zh_cn: bool) -> Vec<String> {
    let normal: String = text
        .nfkc()
        .map(|c| if zh_cn { hanzi::simplify(c) } else { c })
        .take(LONGEST)
        .collect();
    let bare: String = normal.chars().filter(|c| !is_space(*c)).collect();
    if bare.is_empty() {
        return Vec::new();
    }
    let blanks = spaced(&normal, |_| ' ');
    let lines = spaced(&normal, |run| if run.contains('\n') { '\n' } else { ' ' });
    let mut forms = vec![blanks];
    for form in [lines, bare] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// Puts one character in the place of each run of white space.
fn spaced(text: &str, instead: impl Fn(&str) -> char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_space) {
        let (before, from) = rest.split_at(start);
        let run = from.find(|c| !is_space(c)).unwrap_or(from.len());
        out.push_str(before);
        out.push(instead(&from[..run]));
        rest = &from[run..];
    }
    out.push_str(rest);
    out
}

/// Python's `str.isspace`, which is what its `\s` means.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}
