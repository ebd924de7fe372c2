//! Shows the program at work, without an account or a network: `cargo run --example demo`.
//!
//! The demo starts a Telegram data centre on loopback and the real daemon against it, lets members
//! join, and shows the result of each join; then a raid. Stand-ins for the other bots ask for the version,
//! and order a backup and a rollback. At last the demo opens the posted files and compares
//! them with the original photos. It exits with 0 only if no photo was lost, posted twice or altered. All
//! files are in a temporary directory, which the demo removes, also when it is interrupted.

mod daemon;
mod fleet;
mod raid;
mod screen;
mod single_joins;
mod state;
mod summary;

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::screen::{Interrupted, Screen};
use crate::state::Demo;

/// The shell's exit code for a process that SIGINT ended: 128 + 2.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // `cargo run --example` does not build the program's binary. The daemon is therefore this
    // executable, started under the binary's name, with the same entry point.
    if std::env::args_os()
        .next()
        .is_some_and(|name| name == daemon::NAME)
    {
        return daemon::main();
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            screen::print_error("interrupted");
            INTERRUPTED.into()
        }
        Err(error) => {
            screen::print_error(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let screen = Screen::new(interrupts().context("cannot listen for signals")?);
    let mut demo = Demo::start(screen)?;
    let result = run_parts(&mut demo);
    if let Err(error) = &result
        && !error.is::<Interrupted>()
    {
        for line in demo.log_tail() {
            screen::print_error(&format!("daemon: {line}"));
        }
    }
    match (result, demo.clean_up()) {
        (Err(error), Err(clean_up_error)) => {
            screen::print_error(&format!("{clean_up_error:#}"));
            Err(error)
        }
        (result, cleaned_up) => result.and(cleaned_up),
    }
}

fn run_parts(demo: &mut Demo) -> anyhow::Result<()> {
    demo.introduce()?;
    fleet::ask(demo)?;
    single_joins::run(demo)?;
    raid::run(demo)?;
    fleet::roll_back(demo)?;
    demo.wait_until_settled()?;
    summary::open_first(demo)?;
    let exit = demo.stop_daemon()?;
    summary::print(demo, &exit)
}

/// Returns a channel that receives a message at the first SIGINT, SIGTERM or SIGHUP.
fn interrupts() -> anyhow::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        // Sending fails only if the demo is over.
        let _ = sender.send(());
    });
    Ok(receiver)
}
