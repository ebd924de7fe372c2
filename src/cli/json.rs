//! Prints JSON for programs in a form that a terminal can show, too.

use std::fmt::Write as _;

use serde::Serialize;

use super::Failure;
use super::terminal::is_harmful;

/// Formats a value as indented JSON. Characters of foreign texts that control a terminal are escaped; to a reader of JSON
/// the text is the same.
pub(super) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::new(1, error))?;
    Ok(escape(&json) + "\n")
}

/// Escapes the harmful characters of a JSON document. They occur within its strings only, except for line feeds, which
/// occur between its tokens only.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_harmful(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        let text = "a\u{7f}\u{80}\u{9f}\u{a0}\u{202e}\u{e0041}\n\"群";
        let json = pretty(&[text]).expect("JSON");
        let expected = "[\n  \"a\\u007f\\u0080\\u009f\u{a0}\\u202e\\udb40\\udc41\\n\\\"群\"\n]\n";
        assert_eq!(json, expected);
        let read: Vec<String> = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read, [text]);
    }
}
