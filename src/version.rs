//! The program's version and commit, compiled in by `build.rs`.

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The abbreviated commit, or "unknown".
pub const COMMIT: &str = env!("SCP079_COMMIT");
/// The date of that commit, or "unknown".
pub const COMMIT_DATE: &str = env!("SCP079_COMMIT_DATE");
