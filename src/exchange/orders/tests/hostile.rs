//! A hundred thousand broken envelopes: a bounded run of the fuzz target in `fuzz/`.

use fleet_exchange::MAX_TEXT_LEN;

use super::*;

/// Marsaglia's xorshift; gives the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Texts that mutations insert.
const PIECES: [&str; 32] = [
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
    "\\udc00",
    "NaN",
    "-Infinity",
    "null",
    "true",
    "false",
    "-",
    "1e999",
    "0.5",
    "99999999999999999999",
    "-1001234567890",
    "9007199254740993",
    "\"AVATAR\"",
    "\"EMERGENCY\"",
    "\"MANAGE\"",
    "\"data\": {",
    "\"the_id\": ",
    "{\"a\":",
    "“",
    "é",
    "\u{feff}",
    "\0",
];

/// Returns the texts of all documented calls and of all orders of the table.
fn seeds() -> Vec<String> {
    let calls: Vec<Value> = serde_json::from_str(include_str!(
        "../../../../crates/fleet-exchange/tests/fixtures/exchange.json"
    ))
    .unwrap();
    let texts = calls
        .iter()
        .map(|call| call["text"].as_str().unwrap().to_owned());
    let mut seeds: Vec<_> = texts.collect();
    each(|row, (action, kind)| {
        for data in row.data.iter().chain(&row.invalid) {
            seeds.push(format_data(&row.senders[0], &[&row.to], action, kind, data));
        }
    });
    seeds
}

/// Changes a text in one or two places. Some texts lose their beginning or get a part of another one.
fn mutate(random: &mut Random, text: &str, other: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below(bytes.len() - at + 1).min(random.below(40));
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..end, random.pick(&PIECES).bytes())),
            2 => drop(bytes.splice(at..at, random.pick(&PIECES).bytes())),
            3 => {
                let piece = random.pick(&PIECES).repeat(random.below(200));
                drop(bytes.splice(at..at, piece.bytes()));
            }
            4 => drop(bytes.splice(at.., other.bytes().skip(at))),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Parses and classifies one text. Checks that an envelope can be written and then reads back as the same, and that
/// an accepted order was addressed to AVATAR.
fn check(text: &str) -> Option<Classified> {
    let envelope = Envelope::parse(text).ok()?;
    let to: Vec<_> = envelope.to.iter().map(String::as_str).collect();
    let written = format_data(
        &envelope.from,
        &to,
        &envelope.action,
        &envelope.kind,
        &envelope.data,
    );
    if written.len() <= MAX_TEXT_LEN {
        assert_eq!(Envelope::parse(&written).unwrap(), envelope, "{text}");
    }
    let classified = classify(&envelope, AVATAR);
    if let Classified::Order(order) = classified {
        let addressee = match order {
            Order::SetRoute { .. } => "EMERGENCY",
            Order::Kicked { .. } => "USER",
            _ => AVATAR,
        };
        assert!(to.contains(&addressee), "{text}");
    }
    Some(classified)
}

#[test]
fn a_hundred_thousand_random_and_mutated_envelopes_do_no_harm() {
    let mut random = Random(0x5EED_0079);
    let seeds = seeds();
    let (mut parsed, mut accepted, mut refused) = (0, 0, 0);
    for _ in 0..80_000 {
        let text = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())];
        let classified = check(&mutate(&mut random, text, other));
        parsed += usize::from(classified.is_some());
        accepted += usize::from(matches!(classified, Some(Classified::Order(_))));
        refused += usize::from(matches!(classified, Some(Classified::Refused(_))));
    }
    for _ in 0..20_000 {
        let pieces = (0..random.below(60)).map(|_| random.pick(&PIECES));
        let text: String = pieces.collect();
        assert_eq!(check(&text), None, "{text}");
    }
    // The run shows little unless a good part of the texts still is an envelope.
    assert!(
        parsed > 10_000 && accepted > 1_000 && refused > 5_000,
        "{parsed} {accepted} {refused}"
    );
}

#[test]
fn the_longest_hostile_texts_are_refused_in_one_pass() {
    let head =
        r#"{"from": "MANAGE", "to": ["AVATAR"], "action": "remove", "type": "score", "data": "#;
    for piece in PIECES.iter().chain(&[
        "{ ",
        "{\"",
        "{\"a\":[",
        "{\"a\":{},",
        "[[],",
        "\"a\":1,",
        "\\\"",
        "加",
    ]) {
        let times = (MAX_TEXT_LEN - head.len()) / piece.len();
        let filling = piece.repeat(times);
        for text in [
            filling.clone(),
            format!("{head}{filling}"),
            format!("{head}\"{filling}"),
        ] {
            let classified = check(&text);
            assert!(!matches!(classified, Some(Classified::Order(_))), "{piece}");
        }
    }
}
