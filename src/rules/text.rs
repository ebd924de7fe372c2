//! The forms of a name or bio that the rules are matched against.

use python_re::Text;
use unicode_normalization::UnicodeNormalization as _;

use super::hanzi;

/// Returns the distinct forms of a text in the order in which the rules are matched, or nothing if the text is blank.
///
/// - every run of white space becomes one blank;
/// - with line breaks: a run that contains one becomes a line break, so that `^` and `$` match at lines;
/// - with white space: all of it is removed.
pub(super) fn forms(text: &str, zh_cn: bool) -> Vec<Text> {
    // Telegram allows names of 64 + 64 and bios of 140 characters, but NFKC turns one character into up to 18.
    let normal: String = text
        .nfkc()
        .map(|c| if zh_cn { hanzi::simplify(c) } else { c })
        .take(Text::MAX_CHARS)
        .collect();
    let without_space: String = normal.chars().filter(|c| !is_space(*c)).collect();
    if without_space.is_empty() {
        return Vec::new();
    }
    let blanks = replace_space_runs(&normal, |_| ' ');
    let lines = replace_space_runs(&normal, |run| if run.contains('\n') { '\n' } else { ' ' });
    let mut forms = vec![blanks];
    for form in [lines, without_space] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms.iter().map(|form| Text::new(form)).collect()
}

fn replace_space_runs(text: &str, replacement: impl Fn(&str) -> char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_space) {
        let (before, from) = rest.split_at(start);
        let run = from.find(|c| !is_space(c)).unwrap_or(from.len());
        out.push_str(before);
        out.push(replacement(&from[..run]));
        rest = &from[run..];
    }
    out.push_str(rest);
    out
}

/// Returns true for the white space of Python's `str.isspace`, which `\s` matches too.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}
