//! Normalizes phone numbers and codes as an operator types or pastes them.

use unicode_normalization::UnicodeNormalization as _;

/// The zeros of other decimal digits, which NFKC keeps: Arabic, Persian, Devanagari and Bengali.
const ZEROS: [char; 4] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'];

/// Returns a phone number as Telegram takes it: digits with a plus sign if one was typed. The prefix 00 of calls to
/// another country becomes a plus sign.
pub(super) fn phone_number(typed: &str) -> String {
    let number = without_separators(typed);
    match number.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => number,
    }
}

/// Returns a code of digits or letters as Telegram takes it.
pub(super) fn code(typed: &str) -> String {
    without_separators(typed)
}

/// Returns a code of words, whose blanks and dashes count.
pub(super) fn words(typed: &str) -> String {
    let shown: String = typed.chars().filter(|c| !is_invisible(*c)).collect();
    shown.trim().to_owned()
}

/// Reduces a text to plain digits and to what is not a separator of digits.
fn without_separators(typed: &str) -> String {
    let digits = typed.nfkc().map(ascii_digit);
    digits.filter(|c| !is_separator(*c)).collect()
}

fn ascii_digit(c: char) -> char {
    let value = ZEROS
        .iter()
        .map(|zero| u32::from(c).wrapping_sub(u32::from(*zero)))
        .find(|value| *value < 10);
    value
        .and_then(|value| char::from_digit(value, 10))
        .unwrap_or(c)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || is_invisible(c)
        || matches!(
            c,
            '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}'
        )
}

/// Reports whether a character is a mark of the writing direction, or another one that is pasted along unseen.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_reduced_to_its_digits_and_the_plus_sign() {
        for (typed, number) in [
            ("+86 138 0013 8000", "+8613800138000"),
            ("8613800138000", "8613800138000"),
            (" +1 (555) 010-0199 ", "+15550100199"),
            ("+49.151.0000\t", "+491510000"),
            ("0086-138-0013-8000", "+8613800138000"),
            ("(00) 86 138 0013 8000", "+8613800138000"),
            (
                "\u{202a}+86\u{a0}138\u{2011}0013\u{2011}8000\u{202c}",
                "+8613800138000",
            ),
            ("\u{200e}+8613800138000\u{200f}", "+8613800138000"),
            ("＋８６　１３８００１３８０００", "+8613800138000"),
            ("＋８６（１３８）００１３－８０００", "+8613800138000"),
            ("+٨٦ ١٣٨ ٠٠١٣ ٨٠٠٠", "+8613800138000"),
            ("۰۰۸۶ ۱۳۸ ۰۰۱۳ ۸۰۰۰", "+8613800138000"),
            ("0138", "0138"),
            // Telegram refuses the rest.
            ("", ""),
            ("+", "+"),
            ("+86 avatar", "+86avatar"),
            ("tel:+86", "tel:+86"),
        ] {
            assert_eq!(phone_number(typed), number, "{typed:?}");
        }
    }

    #[test]
    fn a_code_is_reduced_to_its_characters_without_separators() {
        for (typed, expected) in [
            ("27182", "27182"),
            (" 27 182 ", "27182"),
            ("271-82", "27182"),
            ("2\u{2011}7\u{2013}1\u{a0}82", "27182"),
            ("2.7.1.8.2", "27182"),
            ("\u{200e}27182\u{200f}", "27182"),
            ("２７１８２", "27182"),
            ("٢٧١٨٢", "27182"),
            ("२७१८२", "27182"),
            ("২৭১৮২", "27182"),
            // Another prefix than that of a phone number.
            ("00182", "00182"),
            ("aB3-9", "aB39"),
            ("\u{200e} ", ""),
        ] {
            assert_eq!(code(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_code_of_words_keeps_its_blanks_and_dashes() {
        for (typed, expected) in [
            (" stone bridge-keeper\u{a0}", "stone bridge-keeper"),
            ("\u{200e}stone\u{feff}", "stone"),
            ("\u{200e} \u{200f}", ""),
        ] {
            assert_eq!(words(typed), expected, "{typed:?}");
        }
    }
}
