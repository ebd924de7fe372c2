//! Turns signals into the end of the program.
//!
//! The first SIGTERM, SIGINT or SIGHUP cancels a token, and the program ends cleanly. A later SIGTERM or SIGINT asks for
//! an end at once: every commit is durable, so the next start repeats what was interrupted. SIGHUP stays ignored where
//! it is ignored at the start, as under `nohup`.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals that end the program.
pub struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl EndSignals {
    /// Installs the handlers. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn install() -> std::io::Result<Self> {
        let hangup = if is_hangup_ignored() {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    /// Cancels `shutdown` at the first signal. When a later signal asks for an
    /// end at once, completes with the exit code that a shell reports for a process that this signal ended.
    pub async fn watch(mut self, shutdown: CancellationToken) -> u8 {
        match self.next().await {
            EndSignal::Terminate => tracing::info!("SIGTERM: ending"),
            EndSignal::Interrupt => tracing::info!("SIGINT: ending"),
            EndSignal::HangUp => tracing::info!("SIGHUP: ending"),
        }
        shutdown.cancel();
        let code = loop {
            match self.next().await {
                // A terminal that is closed sends the signal more than once.
                EndSignal::HangUp => {}
                signal => break signal.exit_code(),
            }
        };
        tracing::warn!(
            "a second signal: ending at once; the next start repeats what was interrupted"
        );
        code
    }

    /// Waits for the first signal, for a command that ends at once.
    pub async fn first(mut self) -> EndSignal {
        self.next().await
    }

    async fn next(&mut self) -> EndSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => EndSignal::Terminate,
            _ = self.interrupt.recv() => EndSignal::Interrupt,
            _ = hangup => EndSignal::HangUp,
        }
    }
}

/// A signal that ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSignal {
    Terminate,
    Interrupt,
    HangUp,
}

impl EndSignal {
    /// Returns the exit code that a shell reports for a process that this signal ended.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 128 + 1,
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }

    /// Returns the name by which the operator of a terminal knows the signal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HangUp => "SIGHUP",
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Reports whether SIGHUP is ignored: Linux shows the ignored signals of a process as a mask.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}
