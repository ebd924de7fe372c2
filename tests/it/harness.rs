//! The shared fixture of all integration tests: a simulator, a data directory, and the real binary in them.
//!
//! A test makes a [`Scene`], lets things happen in the simulator, waits for their effects, and ends with
//! [`Scene::finish`]. Helpers panic where they cannot do their work, so that a renamed table or a missing file never
//! looks like "nothing found".

mod assertions;
mod database;
mod members;
mod orders;
mod posts;
mod process;
mod scene;
mod terminal;
mod time;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use assertions::{assert_contains, assert_in_order};
pub(crate) use database::execute_batch;
pub(crate) use members::{NOSPAM, user_with_photo};
pub(crate) use orders::sealed_list;
pub(crate) use posts::{Envelope, PostedPhoto, open_file, open_list};
pub(crate) use process::{built_program, output_of, wait_for_output};
pub(crate) use scene::Scene;
pub(crate) use terminal::{COLUMNS, LINES, Terminal};
pub(crate) use time::{DAY, daily, now, utc};

/// The time after which a test gives up waiting. No test measures speed by it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The encryption password of every scene.
pub(crate) const PASSWORD: &str = "correct horse 電池";

/// Reads a whole file.
pub(crate) fn read_file(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the path of a file below `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Returns the paths of a directory's entries whose names begin with `prefix`.
pub(crate) fn entries(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a directory entry"))
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}
