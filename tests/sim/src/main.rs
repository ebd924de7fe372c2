//! The `telegram-sim` binary: the simulator as a program, for clients that no test starts.

use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            cli::log(&format!("telegram-sim: {error}"));
            ExitCode::FAILURE
        }
    }
}
