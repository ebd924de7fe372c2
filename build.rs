//! Compiles the commit and its date into the program, for the version report.
//!
//! The variables `SCP079_COMMIT` and `SCP079_COMMIT_DATE`, which a packager can set, win over the git
//! checkout. Without either, both values are "unknown".

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT");
    println!("cargo:rerun-if-env-changed=SCP079_COMMIT_DATE");
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    for (name, format) in [("SCP079_COMMIT", "%h"), ("SCP079_COMMIT_DATE", "%cs")] {
        let value = std::env::var(name).ok().or_else(|| git(format));
        println!(
            "cargo:rustc-env={name}={}",
            value.as_deref().unwrap_or("unknown")
        );
    }
}

fn git(format: &str) -> Option<String> {
    let output = Command::new("git")
        .args(["log", "-1", &format!("--format={format}")])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
