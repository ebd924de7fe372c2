//! The data of orders: JSON values of other bots.

use std::sync::LazyLock;

use fleet_exchange::{Envelope, format_data};
use scp_079_avatar::exchange::OWN_NAME;
use scp_079_avatar::exchange::orders::{Classified, classify};
use serde_json::{Map, Value};

use super::Parser;
use super::samples;

/// A JSON value as the data of every order that AVATAR obeys.
pub const ORDER_DATA: Parser = Parser {
    name: "order_data",
    samples: || {
        let mut samples: Vec<Vec<u8>> = LINES.iter().flat_map(Line::data).collect();
        samples.sort();
        samples.dedup();
        samples
    },
    pieces: samples::JSON_PIECES,
    check: |input| serde_json::from_slice(input).is_ok_and(|data| check(&data)),
};

/// One line of the fixture of orders.
#[derive(serde::Deserialize)]
struct Line {
    senders: Vec<String>,
    to: String,
    orders: Vec<(String, String)>,
    data: Vec<Value>,
    invalid: Vec<Value>,
}

impl Line {
    fn data(&self) -> impl Iterator<Item = Vec<u8>> {
        let all = self.data.iter().chain(&self.invalid);
        all.map(|data| data.to_string().into_bytes())
    }
}

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    serde_json::from_slice(&samples::fixture("orders.json")).expect("the fixture is JSON")
});

/// Returns an envelope for every order and spelling of its data.
pub(crate) fn envelopes() -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for line in &*LINES {
        for (action, kind) in &line.orders {
            for data in line.data.iter().chain(&line.invalid) {
                let text = format_data(&line.senders[0], &[&line.to], action, kind, data);
                texts.push(text.into_bytes());
            }
        }
    }
    texts
}

/// A key means the same with and without `the_`, and a refusal quotes no data.
fn check(data: &Value) -> bool {
    let mut is_accepted = false;
    for line in &*LINES {
        for (action, kind) in &line.orders {
            let mut envelope = Envelope {
                from: line.senders[0].clone(),
                to: vec![line.to.clone()],
                action: action.clone(),
                kind: kind.clone(),
                data: data.clone(),
            };
            let classified = classify(&envelope, OWN_NAME);
            match &classified {
                Classified::Order(_) => is_accepted = true,
                Classified::Refused(refused) => {
                    assert!(refused.to_string().len() < 200, "{refused}");
                }
                Classified::NotForUs | Classified::UnknownWords => {
                    panic!("{action}/{kind} is an order for AVATAR")
                }
            }
            if let Some(data) = with_long_keys(data) {
                envelope.data = data;
                assert_eq!(classify(&envelope, OWN_NAME), classified);
            }
        }
    }
    is_accepted
}

/// Returns the data with `the_` before each key, unless a key has it.
fn with_long_keys(data: &Value) -> Option<Value> {
    let fields = data.as_object()?;
    if fields.keys().any(|key| key.starts_with("the_")) {
        return None;
    }
    let long = fields
        .iter()
        .map(|(key, value)| (format!("the_{key}"), value.clone()));
    Some(Value::Object(long.collect::<Map<_, _>>()))
}
