//! Compiles the commit and its date into the program, for the version report.
//!
//! The variables `SCP079_COMMIT` and `SCP079_COMMIT_DATE`, which a packager can set, win over the git
//! checkout. Without either, both values are "unknown".

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT");
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT_DATE");
    // Cargo compiles the program again on each call if a named file does not exist.
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name]);
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    for (name, format) in [("SCP079_COMMIT", "%h"), ("SCP079_COMMIT_DATE", "%cs")] {
        let log = || git(&["log", "-1", &format!("--format={format}")]);
        let value = std::env::var(name).ok().or_else(log);
        println!(
            "cargo:rustc-env={name}={}",
            value.as_deref().unwrap_or("unknown")
        );
    }
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
