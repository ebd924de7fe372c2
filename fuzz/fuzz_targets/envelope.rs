//! Any text in HIDE or EXCHANGE: read, judged, and written again, it must do no harm and mean the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scp_079_avatar::exchange::envelope::{self, LONGEST};
use scp_079_avatar::exchange::{format_data, orders};

fuzz_target!(|text: &str| {
    let Ok(envelope) = envelope::read(text) else {
        return;
    };
    let heard = orders::understand(&envelope, "AVATAR");
    let to: Vec<_> = envelope.to.iter().map(String::as_str).collect();
    let written = format_data(
        &envelope.from,
        &to,
        &envelope.action,
        &envelope.kind,
        &envelope.data,
    );
    if written.len() <= LONGEST {
        let again = envelope::read(&written).expect("what was read can be written");
        assert_eq!(again, envelope);
        assert_eq!(orders::understand(&again, "AVATAR"), heard);
    }
});
