//! The binary: parses, runs, and exits with what came of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    scp_079_avatar::cli::main()
}
