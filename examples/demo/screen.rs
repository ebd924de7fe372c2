//! Prints aligned rows within 80 columns, with colours on a terminal.
//!
//! Pauses are here too, because Ctrl-C must end them.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use thiserror::Error;

/// The user pressed Ctrl-C.
#[derive(Debug, Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// The style of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A member or a heading.
    Bold,
    /// A step of the daemon.
    Step,
    /// A success.
    Good,
    /// A skip reason.
    Skip,
    /// A failure.
    Bad,
    /// A detail.
    Faint,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Step => "36",
            Self::Good => "32",
            Self::Skip => "33",
            Self::Bad => "31",
            Self::Faint => "2",
        }
    }
}

/// Standard output.
pub(crate) struct Screen {
    /// True if standard output is a terminal: with a progress bar and pauses.
    pub(crate) terminal: bool,
    pub(crate) coloured: bool,
    interrupts: Receiver<()>,
}

impl Screen {
    pub(crate) fn new(interrupts: Receiver<()>) -> Self {
        let terminal = io::stdout().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            terminal,
            coloured: terminal && !no_color,
            interrupts,
        }
    }

    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Writes a heading between empty lines.
    pub(crate) fn heading(&self, text: &str) -> io::Result<()> {
        self.line(&format!("\n{}\n", self.styled(Style::Bold, text)))
    }

    /// Writes a row: the time, a word of at most ten characters, and a text of at most 58.
    pub(crate) fn row(
        &self,
        at: Option<Duration>,
        style: Style,
        word: &str,
        text: &str,
    ) -> io::Result<()> {
        let at = at.map_or_else(String::new, |at| format!("{:.1} s", at.as_secs_f64()));
        let at = self.styled(Style::Faint, &format!("{at:>8}"));
        let word = self.styled(style, &format!("{word:<10}"));
        self.line(format!("{at}  {word}  {text}").trim_end())
    }

    /// Returns the text with the style's colour, if colours are on.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("\x1b[{}m{text}\x1b[0m", style.code())
        } else {
            text.to_owned()
        }
    }

    /// On a terminal, gives the user time to read.
    pub(crate) fn pause_to_read(&self) -> Result<(), Interrupted> {
        const READING_TIME: Duration = Duration::from_millis(900);
        self.pause(if self.terminal {
            READING_TIME
        } else {
            Duration::ZERO
        })
    }

    /// Waits, unless the user presses Ctrl-C.
    pub(crate) fn pause(&self, pause: Duration) -> Result<(), Interrupted> {
        match self.interrupts.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Interrupted),
        }
    }
}

/// Prints an error.
pub(crate) fn print_error(text: &str) {
    // If standard error is gone, the exit code still reports the failure.
    let _ = writeln!(io::stderr(), "demo: {text}");
}

/// Formats a size to the byte, because a sealed file is only a little larger than its photo.
pub(crate) fn size(bytes: usize) -> String {
    match bytes / 1000 {
        0 => format!("{bytes} bytes"),
        thousands => format!("{thousands},{:03} bytes", bytes % 1000),
    }
}
