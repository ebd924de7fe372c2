//! The main job, without an account and without a network: `cargo run --release --example demo`.
//!
//! Starts a Telegram data centre on loopback and the real daemon against it, lets members join, and
//! shows what becomes of each; then a raid; then it opens what was posted, compares it with the
//! originals, and sums up. It ends with 0 only if nothing was lost, nothing came twice and nothing
//! was altered. Everything it writes lies in a temporary directory that goes away with it, also when
//! it is interrupted.

mod daemon;
mod raid;
mod scenes;
mod screen;
mod stage;
mod summary;

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::screen::{Interrupted, Screen};
use crate::stage::Stage;

/// What a shell calls a process that an interrupt ended: 128 and SIGINT's number.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // `cargo run --example` builds no binary beside the example. So the daemon is this executable
    // once more, started under the binary's name: the same entry point, in a process of its own.
    if std::env::args_os()
        .next()
        .is_some_and(|name| name == daemon::NAME)
    {
        return daemon::main();
    }
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            screen::complain("interrupted");
            INTERRUPTED.into()
        }
        Err(error) => {
            screen::complain(&format!("it did not hold: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn play() -> anyhow::Result<()> {
    let screen = Screen::new(interrupts().context("cannot listen for signals")?);
    let mut stage = Stage::set(screen)?;
    let held = perform(&mut stage);
    if let Err(error) = &held
        && !error.is::<Interrupted>()
    {
        for line in stage.last_words() {
            screen::complain(&format!("daemon: {line}"));
        }
    }
    match (held, stage.strike()) {
        (Err(error), Err(left)) => {
            screen::complain(&format!("{left:#}"));
            Err(error)
        }
        (held, cleared) => held.and(cleared),
    }
}

fn perform(stage: &mut Stage) -> anyhow::Result<()> {
    stage.open()?;
    scenes::play(stage)?;
    raid::play(stage)?;
    stage.settle()?;
    summary::open_one(stage)?;
    let ending = stage.close()?;
    summary::sum_up(stage, &ending)
}

/// Returns where the first SIGINT, SIGTERM or SIGHUP is told.
fn interrupts() -> anyhow::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        // The demo is over if nobody listens.
        let _ = tell.send(());
    });
    Ok(told)
}
