//! Decides whether memory and files stay flat. The measurements come from outside.
//!
//! The memory of a process grows until its caches are full, so it is compared within the last process, after a time of
//! warming up. `state.db` may grow with its rows only: SQLite keeps the pages of deleted rows for new ones, so the most
//! rows up to a moment bound the size at that moment.

use std::time::Duration;

/// The first part of the last process, which is not compared.
const WARM_UP: f64 = 0.2;
/// The fewest measurements after it.
const FEWEST_SAMPLES: usize = 12;
/// By how much a figure may be larger in the last third than in the first one.
const MEMORY_KIB: u64 = 4096;
const THREADS: u64 = 2;
const DESCRIPTORS: u64 = 4;
const SESSION_BYTES: u64 = 16 * 1024;
/// SQLite's journal of the session comes and goes.
const FILES: u64 = 1;
const LOG_BYTES: u64 = 4 * 1024 * 1024;
/// The size of `state.db` without rows, and with each row and its indexes.
const EMPTY_DATABASE_BYTES: u64 = 256 * 1024;
const ROW_BYTES: u64 = 256;

/// The process and its files at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The time since the beginning.
    pub(crate) at: Duration,
    /// How many processes there were until then.
    pub(crate) process: usize,
    pub(crate) memory_kib: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
    /// The size of `state.db`, of its write-ahead log, and of `account.session`.
    pub(crate) database_bytes: u64,
    pub(crate) log_bytes: u64,
    pub(crate) session_bytes: u64,
    /// The files in the data directory, without those of the spool.
    pub(crate) files: u64,
    pub(crate) spool_files: u64,
    pub(crate) spool_bytes: u64,
    /// The rows of all tables.
    pub(crate) rows: u64,
}

/// Returns a description of each figure that grew. Without any, memory and files are flat.
pub(crate) fn growth(samples: &[Sample]) -> Vec<String> {
    let Some(last) = samples.last() else {
        return vec!["there are no measurements".to_owned()];
    };
    let of_process: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.process == last.process)
        .collect();
    let warm = &of_process[(of_process.len() as f64 * WARM_UP).ceil() as usize..];
    if warm.len() < FEWEST_SAMPLES {
        return vec![format!(
            "there are {} measurements after the warm-up, fewer than {FEWEST_SAMPLES}",
            warm.len()
        )];
    }
    let all: Vec<&Sample> = samples.iter().collect();
    let comparisons = [
        Comparison::new("memory (KiB)", MEMORY_KIB, median, warm, |s| s.memory_kib),
        Comparison::new("threads", THREADS, most, warm, |s| s.threads),
        Comparison::new("open files", DESCRIPTORS, most, warm, |s| s.descriptors),
        Comparison::new("session (bytes)", SESSION_BYTES, most, &all, |s| {
            s.session_bytes
        }),
        Comparison::new("write-ahead log (bytes)", LOG_BYTES, most, &all, |s| {
            s.log_bytes
        }),
        Comparison::new("files", FILES, most, &all, |s| s.files),
    ];
    let mut grown: Vec<String> = comparisons.iter().filter_map(Comparison::growth).collect();
    grown.extend(database_growth(samples));
    grown
}

/// A figure in the first and in the last third of some measurements.
struct Comparison {
    name: &'static str,
    first: u64,
    last: u64,
    allowed: u64,
}

impl Comparison {
    fn new(
        name: &'static str,
        allowed: u64,
        summary: fn(Vec<u64>) -> u64,
        samples: &[&Sample],
        figure: fn(&Sample) -> u64,
    ) -> Self {
        let third = samples.len() / 3;
        let summarize =
            |part: &[&Sample]| summary(part.iter().map(|sample| figure(sample)).collect());
        Self {
            name,
            first: summarize(&samples[..third]),
            last: summarize(&samples[samples.len() - third..]),
            allowed,
        }
    }

    fn growth(&self) -> Option<String> {
        let Self {
            name,
            first,
            last,
            allowed,
        } = self;
        (*last > first + allowed).then(|| {
            format!("{name}: {first} in the first third, {last} in the last one, more than {allowed} above")
        })
    }
}

fn most(figures: Vec<u64>) -> u64 {
    figures.into_iter().max().unwrap_or(0)
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

/// Describes the first moment at which `state.db` is larger than its rows explain.
fn database_growth(samples: &[Sample]) -> Option<String> {
    let mut most_rows = 0;
    samples.iter().find_map(|sample| {
        most_rows = sample.rows.max(most_rows);
        let explained = EMPTY_DATABASE_BYTES + most_rows * ROW_BYTES;
        (sample.database_bytes > explained).then(|| {
            format!(
                "state.db (bytes): {} after {:.0} s, and {most_rows} rows explain {explained}",
                sample.database_bytes,
                sample.at.as_secs_f64()
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns measurements of a flat run: a first process, and a second one whose memory rises at its start and varies
    /// with the load.
    fn flat() -> Vec<Sample> {
        (0..120)
            .map(|nth| {
                let process = if nth < 40 { 1 } else { 2 };
                let rises = if nth == 40 { 8_000 } else { 0 };
                Sample {
                    at: Duration::from_secs(30 * nth),
                    process,
                    memory_kib: 22_000 + nth % 7 * 900 - rises,
                    threads: 6 + nth % 2,
                    descriptors: 14 + nth % 3,
                    database_bytes: 400_000,
                    log_bytes: 4_000_000 + nth % 5 * 10_000,
                    session_bytes: 28_672,
                    files: 4,
                    spool_files: nth % 9,
                    spool_bytes: nth % 9 * 1500,
                    rows: nth % 40 * 60 + 600,
                }
            })
            .collect()
    }

    /// Asserts that a change of each measurement, which gets its number, is found and named.
    fn assert_found(name: &str, change: impl Fn(u64, &mut Sample)) {
        let mut samples = flat();
        for (nth, sample) in (0..).zip(&mut samples) {
            change(nth, sample);
        }
        let grown = growth(&samples);
        assert!(
            grown.len() == 1 && grown[0].starts_with(name),
            "{name}: {grown:?}"
        );
    }

    #[test]
    fn a_flat_run_passes() {
        assert_eq!(growth(&flat()), Vec::<String>::new());
    }

    #[test]
    fn each_figure_that_grows_is_named() {
        assert_found("memory", |nth, sample| sample.memory_kib += nth * 100);
        assert_found("threads", |nth, sample| sample.threads += nth / 10);
        assert_found("open files", |nth, sample| sample.descriptors += nth / 5);
        assert_found("session", |nth, sample| sample.session_bytes += nth * 400);
        assert_found("write-ahead log", |nth, sample| {
            sample.log_bytes += nth * 80_000
        });
        assert_found("files", |nth, sample| sample.files += nth / 40);
        assert_found("state.db", |nth, sample| {
            sample.database_bytes += nth * 20_000
        });
    }

    #[test]
    fn the_memory_of_earlier_processes_and_of_the_warm_up_does_not_count() {
        let mut samples = flat();
        for sample in &mut samples[..56] {
            sample.memory_kib = 1_000;
        }
        assert_eq!(growth(&samples), Vec::<String>::new());
    }

    #[test]
    fn single_peaks_of_memory_do_not_count() {
        let mut samples = flat();
        for sample in &mut samples[100..105] {
            sample.memory_kib = 60_000;
        }
        assert_eq!(growth(&samples), Vec::<String>::new());
    }

    #[test]
    fn pages_of_deleted_rows_explain_the_size_of_the_database() {
        let mut samples = flat();
        samples[30].rows = 10_000;
        for sample in &mut samples[30..] {
            sample.database_bytes = 2_500_000;
        }
        assert_eq!(growth(&samples), Vec::<String>::new());
        samples[30].rows = 600;
        assert_eq!(growth(&samples).len(), 1);
    }

    #[test]
    fn a_run_without_enough_measurements_fails() {
        assert_eq!(growth(&[]).len(), 1);
        assert_eq!(growth(&flat()[..50]).len(), 1);
    }
}
