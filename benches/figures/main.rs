//! Measures the work for which the documents give times: `cargo bench -p benchmarks`, with a word to select.
//!
//! The benchmarks check nothing. `tests/interop/backup.sh` measures the memory for a list of 200,000 users.

mod exchange;
mod files;
mod rules;

criterion::criterion_group!(figures, exchange::measure, files::measure, rules::measure);
criterion::criterion_main!(figures);
