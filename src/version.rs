//! The program's version and commit, compiled in by `build.rs`.

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The abbreviated commit, or "unknown".
pub const COMMIT: &str = env!("SCP079_COMMIT");
/// The date of that commit, or "unknown".
pub const COMMIT_DATE: &str = env!("SCP079_COMMIT_DATE");
/// The version, with commit and date if they are known: "0.1.0 (635a0ca 2026-11-27)".
pub const LONG: &str = env!("SCP079_LONG_VERSION");
