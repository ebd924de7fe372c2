//! `telegram-sim`: the simulator as a program, for clients that are not started by a test.

use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            cli::say(&format!("telegram-sim: {error}"));
            ExitCode::FAILURE
        }
    }
}
