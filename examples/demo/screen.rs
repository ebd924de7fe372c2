//! What the reader sees: aligned rows within 80 columns, in colour only on a terminal.
//!
//! Also owns waiting, because whatever waits must end when the reader presses Ctrl-C.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use thiserror::Error;

/// The reader does not want to see the rest.
#[derive(Debug, Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// What a word is about, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Somebody, or a heading.
    Bold,
    /// A step on the way.
    Step,
    /// A good end.
    Good,
    /// A reason why not.
    Skip,
    /// A bad end.
    Bad,
    /// What can be overlooked.
    Faint,
}

impl Ink {
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

/// The reader's terminal, or the file that stands for it.
pub(crate) struct Screen {
    /// Whether somebody watches, for whom a bar may move and pauses are made.
    pub(crate) terminal: bool,
    /// Whether that somebody wants colours.
    pub(crate) coloured: bool,
    interrupts: Receiver<()>,
}

impl Screen {
    pub(crate) fn new(interrupts: Receiver<()>) -> Self {
        let terminal = io::stdout().is_terminal();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            terminal,
            coloured: terminal && !unwanted,
            interrupts,
        }
    }

    /// Writes a line as it is.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Writes a heading, set off from what was before.
    pub(crate) fn heading(&self, text: &str) -> io::Result<()> {
        self.line(&format!("\n{}\n", self.painted(Ink::Bold, text)))
    }

    /// Writes a row: when, a word of at most ten letters, and at most 58 more.
    pub(crate) fn row(
        &self,
        at: Option<Duration>,
        ink: Ink,
        word: &str,
        text: &str,
    ) -> io::Result<()> {
        let at = at.map_or_else(String::new, |at| format!("{:.1} s", at.as_secs_f64()));
        let at = self.painted(Ink::Faint, &format!("{at:>8}"));
        let word = self.painted(ink, &format!("{word:<10}"));
        self.line(format!("{at}  {word}  {text}").trim_end())
    }

    /// Returns the text in that colour, where colours are wanted.
    pub(crate) fn painted(&self, ink: Ink, text: &str) -> String {
        if self.coloured {
            format!("\x1b[{}m{text}\x1b[0m", ink.code())
        } else {
            text.to_owned()
        }
    }

    /// Waits until what was shown can have been read; where nobody watches, not at all.
    pub(crate) fn leave_time_to_read(&self) -> Result<(), Interrupted> {
        const READING: Duration = Duration::from_millis(900);
        self.pause(if self.terminal {
            READING
        } else {
            Duration::ZERO
        })
    }

    /// Waits that long, unless the reader interrupts.
    pub(crate) fn pause(&self, pause: Duration) -> Result<(), Interrupted> {
        match self.interrupts.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Interrupted),
        }
    }
}

/// Says on standard error what went wrong.
pub(crate) fn complain(text: &str) {
    // Nobody is left to be told if the terminal is gone.
    let _ = writeln!(io::stderr(), "demo: {text}");
}

/// Returns a size in words, to the byte: a sealed file is only a little larger than what is in it.
pub(crate) fn size(bytes: usize) -> String {
    match bytes / 1000 {
        0 => format!("{bytes} bytes"),
        thousands => format!("{thousands},{:03} bytes", bytes % 1000),
    }
}
