//! A hundred thousand envelopes that nobody would write, the bounded sister of the target in `fuzz/`.

use super::*;
use fleet_exchange::MAX_TEXT_LEN;

/// Marsaglia's xorshift: the same numbers in every run.
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

    fn of<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.below(things.len())]
    }
}

/// What mutations put in.
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

/// Everything that bots say: the documents' examples and every order there is.
fn seeds() -> Vec<String> {
    let vectors: Vec<Value> = serde_json::from_str(include_str!(
        "../../../../crates/fleet-exchange/tests/fixtures/exchange.json"
    ))
    .unwrap();
    let texts = vectors
        .iter()
        .map(|vector| vector["text"].as_str().unwrap().to_owned());
    let mut seeds: Vec<_> = texts.collect();
    each(|row, (action, kind)| {
        for data in row.data.iter().chain(&row.broken) {
            seeds.push(format_data(&row.senders[0], &[&row.to], action, kind, data));
        }
    });
    seeds
}

/// Changes a text in one or two places; some lose their beginning or get a part of another.
fn mutate(random: &mut Random, text: &str, other: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below(bytes.len() - at + 1).min(random.below(40));
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..end, random.of(&PIECES).bytes())),
            2 => drop(bytes.splice(at..at, random.of(&PIECES).bytes())),
            3 => drop(bytes.splice(at..at, random.of(&PIECES).repeat(random.below(200)).bytes())),
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

/// Reads and judges one text; what can be read can be written and reads the same again.
fn judge(text: &str) -> Option<Heard> {
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
    let heard = understand(&envelope, AVATAR);
    if let Heard::Obey(order) = heard {
        let wanted = match order {
            Order::Hide(_) => "EMERGENCY",
            Order::Kicked { .. } => "USER",
            _ => AVATAR,
        };
        assert!(to.contains(&wanted), "{text}");
    }
    Some(heard)
}

#[test]
fn a_hundred_thousand_random_and_mutated_envelopes_do_no_harm() {
    let mut random = Random(0x5EED_0079);
    let seeds = seeds();
    let (mut read, mut obeyed, mut refused) = (0, 0, 0);
    for _ in 0..80_000 {
        let text = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())];
        let heard = judge(&mutate(&mut random, text, other));
        read += usize::from(heard.is_some());
        obeyed += usize::from(matches!(heard, Some(Heard::Obey(_))));
        refused += usize::from(matches!(heard, Some(Heard::Refused(_))));
    }
    for _ in 0..20_000 {
        let pieces = (0..random.below(60)).map(|_| random.of(&PIECES));
        let text: String = pieces.collect();
        assert_eq!(judge(&text), None, "{text}");
    }
    // Without a good part that is still understood, the run would show little.
    assert!(
        read > 10_000 && obeyed > 1_000 && refused > 5_000,
        "{read} {obeyed} {refused}"
    );
}

#[test]
fn the_longest_hostile_texts_are_done_with_in_one_pass() {
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
            let heard = judge(&text);
            assert!(!matches!(heard, Some(Heard::Obey(_))), "{piece}");
        }
    }
}
