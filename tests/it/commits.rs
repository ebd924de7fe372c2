//! How much a join writes to `state.db`, read from its write-ahead log while the program runs.

use std::fs;

use crate::harness::Scene;

/// The transactions of one join that comes alone: the push, the file in the spool, the begin of the post, its end, and the
/// push of the post itself.
const COMMITS_PER_JOIN: usize = 5;
/// The pages that those transactions write, 4 KiB each.
const PAGES_PER_JOIN: usize = 70;
const JOINS: usize = 8;

#[test]
fn a_join_costs_few_commits_and_pages() {
    let mut scene = Scene::new();
    scene.start();
    scene.join_user();
    scene.wait_for_photos(1);
    let before = Log::of(&scene);
    for number in 0..JOINS {
        scene.join_user();
        scene.wait_for_photos(2 + number);
    }
    let after = Log::of(&scene);
    assert_eq!(before.salts, after.salts, "the log was begun again");
    let commits = after.commits - before.commits;
    let pages = after.pages - before.pages;
    // Work that no join causes, such as that of the schedule, may fall into the same seconds.
    let other = 3;
    assert!(
        commits <= JOINS * COMMITS_PER_JOIN + other,
        "{commits} commits"
    );
    assert!(pages <= JOINS * PAGES_PER_JOIN, "{pages} pages");
    scene.finish();
}

/// The contents of a write-ahead log (SQLite, "WAL-mode File Format").
struct Log {
    /// They change when the log is begun again.
    salts: Vec<u8>,
    commits: usize,
    pages: usize,
}

impl Log {
    fn of(scene: &Scene) -> Self {
        const HEADER: usize = 32;
        const FRAME_HEADER: usize = 24;
        let bytes = fs::read(scene.state().with_extension("db-wal")).expect("a log");
        let word =
            |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let salts = bytes[16..24].to_vec();
        let frame = FRAME_HEADER + word(8) as usize;
        let mut log = Self {
            salts,
            commits: 0,
            pages: 0,
        };
        let mut at = HEADER;
        while at + frame <= bytes.len() && bytes[at + 8..at + 16] == log.salts {
            log.pages += 1;
            // The size of the database in pages, in the last frame of a transaction.
            log.commits += usize::from(word(at + 4) > 0);
            at += frame;
        }
        log
    }
}
