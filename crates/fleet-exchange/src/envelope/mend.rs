//! What Python's `json` writes beyond JSON, put into words that JSON has.
//!
//! `json.dumps` prints NaN and the infinities as bare words, and half a surrogate pair as the escape of that half;
//! `serde_json` refuses both, and with them a whole envelope in which nobody asked for that value.

use std::borrow::Cow;

/// The words that are no JSON, each of which becomes null.
const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
/// U+FFFD, which stands for what cannot be shown.
const REPLACEMENT: &str = r"\ufffd";

/// Replaces NaN and the infinities by null, and each half of a surrogate pair that stands alone by U+FFFD.
///
/// `text` begins outside a string. One pass; what is no JSON otherwise stays as it is, for the parser to refuse.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut in_string = false;
    while let Some(&byte) = bytes.get(at) {
        let (length, replacement) = match byte {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' if in_string => escape(&bytes[at..]),
            b'N' | b'I' | b'-' if !in_string => word(&bytes[at..]),
            _ => (1, None),
        };
        if let Some(replacement) = replacement {
            mended.push_str(&text[copied..at]);
            mended.push_str(replacement);
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// How long the word at the head is, and what to write for it.
fn word(bytes: &[u8]) -> (usize, Option<&'static str>) {
    let word = WORDS.iter().find(|word| bytes.starts_with(word));
    word.map_or((1, None), |word| (word.len(), Some("null")))
}

/// How long the escape at the head is, and what to write for it.
fn escape(bytes: &[u8]) -> (usize, Option<&'static str>) {
    match unit(bytes) {
        None => (2, None),
        Some(0xD800..=0xDBFF) if matches!(unit(&bytes[6..]), Some(0xDC00..=0xDFFF)) => (12, None),
        Some(0xD800..=0xDFFF) => (6, Some(REPLACEMENT)),
        Some(_) => (6, None),
    }
}

/// The UTF-16 unit of the `\uXXXX` at the head, if there is one.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_python_writes_beyond_json_is_replaced() {
        for (text, mended) in [
            (
                r#"{"a": NaN, "b": [Infinity,-Infinity]}"#,
                r#"{"a": null, "b": [null,null]}"#,
            ),
            (
                r#"{"NaN": "-Infinity", "\"NaN": -1}"#,
                r#"{"NaN": "-Infinity", "\"NaN": -1}"#,
            ),
            (
                r#"["\ud83d\ude00", "\uD83D"]"#,
                r#"["\ud83d\ude00", "\ufffd"]"#,
            ),
            (
                r#"["\ude00\ud83d", "\ud83d\ud83d\ude00"]"#,
                r#"["\ufffd\ufffd", "\ufffd\ud83d\ude00"]"#,
            ),
            (
                r#"["\\ud83d", "\ud83", "\ud83é"]"#,
                r#"["\\ud83d", "\ud83", "\ud83é"]"#,
            ),
            (r#"["\é", "\"#, r#"["\é", "\"#),
            (r#"{"a": Nan, "é": -}"#, r#"{"a": Nan, "é": -}"#),
        ] {
            assert_eq!(mend(text), mended, "{text}");
        }
    }
}
