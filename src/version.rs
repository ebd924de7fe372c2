//! Which program this is: baked in when it is built (`build.rs`).

/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, or "unknown".
pub const COMMIT: &str = env!("SCP079_COMMIT");
/// That commit's date, or "unknown".
pub const COMMIT_DATE: &str = env!("SCP079_COMMIT_DATE");
