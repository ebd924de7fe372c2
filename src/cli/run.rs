//! `run`: starts the log and the runtime, and runs the program until a signal.

use tokio_util::sync::CancellationToken;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{self, JsonFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Failure;
use super::journal::{self, Prefixed};
use crate::app;
use crate::clock::Clock;
use crate::config::{Loaded, Log, LogFormat};
use crate::shutdown::EndSignals;

/// The crates of this workspace: `[log] level` sets their level.
const OWN_CRATES: [&str; 5] = [
    "scp_079_avatar",
    "fleet_exchange",
    "fleet_files",
    "python_re",
    "telegram_wire",
];

/// The loops wait most of the time. A thread for each core would cost memory: the allocator keeps an arena for each thread
/// that allocates.
const WORKER_THREADS: usize = 2;
/// The threads that take the place of a worker while it waits for the disk. With more of them the arenas of the
/// allocator, one for each thread, take most of the memory in a raid.
const SPARE_THREADS: usize = 2;

/// Runs until a signal asks the program to end.
pub(super) fn run(loaded: Loaded) -> Result<(), Failure> {
    start_log(loaded.config.log).map_err(|error| Failure::new(1, error))?;
    log_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .max_blocking_threads(SPARE_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(1, error))?;
    let result = runtime.block_on(async {
        let signals = EndSignals::install().map_err(|error| Failure::new(1, error))?;
        let shutdown = CancellationToken::new();
        // The program has a task of its own, so that a second signal ends the process also while that task is blocked.
        let program = app::run(loaded.config, Clock::system(), shutdown.clone());
        tokio::select! {
            ended = tokio::spawn(program) => match ended {
                Ok(ended) => ended.map_err(|error| {
                    tracing::error!("{error}");
                    Failure::logged(error.exit_code())
                }),
                // The caller reports the panic, and ends with its exit code.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            code = signals.watch(shutdown) => Err(Failure::logged(code)),
        }
    });
    // A thread that is blocked on a disk or a name server must not delay the exit.
    runtime.shutdown_background();
    result
}

/// Logs to standard error.
///
/// Lines of other crates are logged from `warn` on only, because their lower levels may hold secrets or
/// names. The journal of systemd gets priorities instead of time stamps.
fn start_log(log: Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let level: LevelFilter = log.level.to_string().parse()?;
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(OWN_CRATES.map(|own| (own, level)));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // Reporting a failed write to the same stream would end the process.
        .log_internal_errors(false)
        .with_ansi(false)
        .with_target(false);
    // The format of the journal, if it is used.
    let format = format::format()
        .with_ansi(false)
        .with_target(false)
        .without_time();
    let lines = match (log.format, journal::reads_standard_error()) {
        (LogFormat::Text, false) => lines.boxed(),
        (LogFormat::Json, false) => lines.json().boxed(),
        (LogFormat::Text, true) => lines.event_format(Prefixed(format)).boxed(),
        (LogFormat::Json, true) => lines
            .fmt_fields(JsonFields::new())
            .event_format(Prefixed(format.json()))
            .boxed(),
    };
    let log = tracing_subscriber::registry().with(filter).with(lines);
    log.try_init()?;
    Ok(())
}

/// Logs the place of each panic. Its message may hold a text of Telegram, so it appears at the level debug only.
///
/// A panic for want of random numbers can hit a thread of the runtime, which would then abort the process, so it ends the
/// process here.
#[expect(
    clippy::exit,
    reason = "the runtime aborts the process before an error could be returned"
)]
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a task panicked");
        tracing::debug!(message = panic.payload_as_str(), "the message of the panic");
        if let Err(error) = app::try_random_numbers() {
            tracing::error!("{error}");
            std::process::exit(error.exit_code().into());
        }
    }));
}
