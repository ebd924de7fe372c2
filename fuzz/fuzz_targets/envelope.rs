//! Parses, classifies and writes any text of HIDE or EXCHANGE: nothing may panic, and a written envelope has to
//! read back as the same envelope.

#![no_main]

use fleet_exchange::{Envelope, MAX_TEXT_LEN, format_data};
use libfuzzer_sys::fuzz_target;
use scp_079_avatar::exchange::orders;

fuzz_target!(|text: &str| {
    let Ok(envelope) = Envelope::parse(text) else {
        return;
    };
    let classified = orders::classify(&envelope, "AVATAR");
    let to: Vec<_> = envelope.to.iter().map(String::as_str).collect();
    let written = format_data(
        &envelope.from,
        &to,
        &envelope.action,
        &envelope.kind,
        &envelope.data,
    );
    if written.len() <= MAX_TEXT_LEN {
        let again = Envelope::parse(&written).expect("the text of an envelope can be parsed");
        assert_eq!(again, envelope);
        assert_eq!(orders::classify(&again, "AVATAR"), classified);
    }
});
