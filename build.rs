//! Compiles the commit and its date into the program, for the version report and `--version`.
//!
//! The variables `SCP079_COMMIT` and `SCP079_COMMIT_DATE`, which a packager can set, win over the git
//! checkout. Without either, both values are "unknown", and `--version` prints only the version.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT");
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT_DATE");
    // Cargo compiles the program again on each call if a named file does not exist.
    println!("cargo:rerun-if-changed=build.rs");
    let is_checkout = is_checkout();
    if is_checkout {
        // In a linked working tree these files are in different directories. The branch's file changes with each
        // commit on it, also if there is no log.
        let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
        for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
            let path = git(&["rev-parse", "--git-path", name]);
            if let Some(path) = path.filter(|path| Path::new(path).exists()) {
                println!("cargo:rerun-if-changed={path}");
            }
        }
    }
    let value = |name: &str, format: &str| {
        let log = || git(&["log", "-1", &format!("--format={format}")]).filter(|_| is_checkout);
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        let value = value.or_else(log);
        let shown = value.as_deref().unwrap_or("unknown");
        println!("cargo:rustc-env={name}={shown}");
        value
    };
    let commit = value("SCP079_COMMIT", "%h");
    let date = value("SCP079_COMMIT_DATE", "%cs");
    let version = std::env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let long = match (commit, date) {
        (None, _) => version,
        (Some(commit), None) => format!("{version} ({commit})"),
        (Some(commit), Some(date)) => format!("{version} ({commit} {date})"),
    };
    println!("cargo:rustc-env=SCP079_LONG_VERSION={long}");
}

/// Returns true if this directory is the top of a git checkout. A source archive may be unpacked within another one,
/// whose commit is not the program's.
fn is_checkout() -> bool {
    let top = git(&["rev-parse", "--show-toplevel"]);
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let top = top.and_then(|top| Path::new(&top).canonicalize().ok());
    top.is_some() && top == here.ok()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
