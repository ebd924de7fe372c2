//! Runs the command line and exits with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    scp_079_avatar::cli::main()
}
