//! Files: the check of a photo, the derivation of a key, and a photo and a list in both formats.

use std::hint::black_box;

use criterion::Criterion;
use fleet_files::sealed::Sealer;
use scp_079_avatar::config::FileKind;
use scp_079_avatar::file_codec::{Decoder, Encoder};
use scp_079_avatar::photo;

/// A photo of 160 × 160 pixels. Telegram's have 640 × 640, which takes sixteen times as long where pixels count.
const PHOTO: &[u8] = include_bytes!("../../tests/fixtures/avatar.jpg");

pub(crate) fn measure(criterion: &mut Criterion) {
    let password = "correct horse 電池".into();
    criterion.bench_function("files/derive a key", |bench| {
        bench.iter(|| Sealer::new(black_box(&password)));
    });
    criterion.bench_function("files/check a photo", |bench| {
        bench.iter(|| photo::check(black_box(PHOTO)));
    });
    // The key of the samples is derived before the measurement.
    let decoder = Decoder::new(&password);
    for (name, kind) in [("sealed", FileKind::Sealed), ("python", FileKind::Python)] {
        let encoder = Encoder::new(kind, &password).expect("a key");
        let file = encoder.encode_photo(PHOTO).expect("a photo");
        decoder.decode(&file).expect("a photo");
        criterion.bench_function(&format!("files/encode a photo, {name}"), |bench| {
            bench.iter(|| encoder.encode_photo(black_box(PHOTO)));
        });
        criterion.bench_function(&format!("files/decode a photo, {name}"), |bench| {
            bench.iter(|| decoder.decode(black_box(&file)));
        });
    }
}
