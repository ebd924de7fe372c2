//! The longest texts that a hostile post can have. `tests/parsers` checks mutated envelopes.

use fleet_exchange::MAX_TEXT_LEN;

use super::*;

/// Pieces of JSON, each of which fills a text.
const PIECES: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ":",
    ",",
    "\\u",
    "\\ud83d",
    "-",
    "é",
    "{ ",
    "{\"",
    "{\"a\":[",
    "{\"a\":{},",
    "[[],",
    "\"a\":1,",
    "\\\"",
    "加",
];

#[test]
fn the_longest_hostile_texts_are_no_orders() {
    let head =
        r#"{"from": "MANAGE", "to": ["AVATAR"], "action": "remove", "type": "score", "data": "#;
    for piece in PIECES {
        let times = (MAX_TEXT_LEN - head.len()) / piece.len();
        let filling = piece.repeat(times);
        for text in [
            filling.clone(),
            format!("{head}{filling}"),
            format!("{head}\"{filling}"),
        ] {
            let classified = Envelope::parse(&text).map(|envelope| classify(&envelope, AVATAR));
            assert!(!matches!(classified, Ok(Classified::Order(_))), "{piece}");
        }
    }
}
