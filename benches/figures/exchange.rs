//! Envelopes: writing, reading and classifying.

use std::hint::black_box;

use criterion::Criterion;
use fleet_exchange::{Envelope, format_data};
use scp_079_avatar::exchange::OWN_NAME;
use scp_079_avatar::exchange::orders::classify;
use serde_json::json;

pub(crate) fn measure(criterion: &mut Criterion) {
    let data = json!({"id": 12345678, "type": "user"});
    let write = || format_data("NOSPAM", &[OWN_NAME, "MANAGE"], "add", "bad", &data);
    let text = write();
    criterion.bench_function("exchange/write an envelope", |bench| bench.iter(write));
    criterion.bench_function("exchange/read and classify an envelope", |bench| {
        bench.iter(|| {
            let envelope = Envelope::parse(black_box(&text)).expect("a written envelope");
            classify(&envelope, OWN_NAME)
        });
    });
}
