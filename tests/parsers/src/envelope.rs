//! Texts of posts: envelopes of the fleet, and the orders in them.

use fleet_exchange::{Envelope, EnvelopeError, MAX_TEXT_LEN, format_data};
use scp_079_avatar::exchange::OWN_NAME;
use scp_079_avatar::exchange::orders::{Classified, Order, classify};
use serde_json::Value;

use super::Parser;
use super::order_data;
use super::samples;

/// The text of a post as an envelope and an order.
pub const ENVELOPE: Parser = Parser {
    name: "envelope",
    samples: || {
        let fixture = include_str!("../../../crates/fleet-exchange/tests/fixtures/exchange.json");
        let calls: Vec<Value> = serde_json::from_str(fixture).expect("the fixture is JSON");
        calls
            .iter()
            .map(|call| call["text"].as_str().expect("a text").into())
            .chain(order_data::envelopes())
            .collect()
    },
    pieces: samples::JSON_PIECES,
    check: |input| check(&String::from_utf8_lossy(input)),
};

/// An envelope is written and read as the same, and an order is accepted only from its addressee's post.
fn check(text: &str) -> bool {
    let envelope = match Envelope::parse(text) {
        Ok(envelope) => envelope,
        Err(error) => {
            let is_too_long = matches!(error, EnvelopeError::TooLong(_));
            assert_eq!(is_too_long, text.len() > MAX_TEXT_LEN, "{error}");
            return false;
        }
    };
    let classified = classify(&envelope, OWN_NAME);
    let receivers: Vec<_> = envelope.to.iter().map(String::as_str).collect();
    let written = format_data(
        &envelope.from,
        &receivers,
        &envelope.action,
        &envelope.kind,
        &envelope.data,
    );
    assert!(written.is_ascii());
    if written.len() <= MAX_TEXT_LEN {
        let again = Envelope::parse(&written).expect("a written envelope can be parsed");
        assert_eq!(again, envelope);
        assert_eq!(classify(&again, OWN_NAME), classified);
    }
    match classified {
        Classified::Order(order) => {
            let addressee = match order {
                Order::SetRoute { .. } => "EMERGENCY",
                Order::EndRecheck { .. } => "USER",
                _ => OWN_NAME,
            };
            assert!(receivers.contains(&addressee), "{order:?}");
            assert_ne!(envelope.from, OWN_NAME);
            true
        }
        Classified::Refused(refused) => {
            assert!(refused.to_string().len() < 200, "{refused}");
            false
        }
        Classified::NotForUs | Classified::UnknownWords => false,
    }
}
