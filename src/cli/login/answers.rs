//! The operator's answers: lines of standard input, or of the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{LOGIN, ended_by};
use crate::cli::Failure;
use crate::shutdown::EndSignal;

/// Asks a question and shows the answer while it is typed.
pub(super) async fn ask(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    read_line(move || read_shown(&question)).await
}

/// Asks a question and shows nothing while the answer is typed at a terminal.
pub(super) async fn ask_secret(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    let _restored = TerminalMode::save();
    read_line(move || {
        if io::stdin().is_terminal() {
            rpassword::prompt_password(question).map(Some)
        } else {
            read_shown(&question)
        }
    })
    .await
}

pub(super) fn print_line(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::new(1, error))
}

/// Reads a line on a thread of its own, so that Ctrl-C ends the command meanwhile.
async fn read_line(
    read: impl FnOnce() -> io::Result<Option<String>> + Send + 'static,
) -> Result<String, Failure> {
    let typed = tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| match error.kind() {
            // While a password is read, Ctrl-C is a character and no signal.
            io::ErrorKind::Interrupted => ended_by(EndSignal::Interrupt, LOGIN),
            _ => Failure::new(1, format!("the answer could not be read: {error}")),
        })?;
    let typed =
        typed.ok_or_else(|| Failure::new(1, "the input ended before the login was done"))?;
    Ok(typed.trim_end_matches(['\r', '\n']).to_owned())
}

/// The mode of the terminal, which is restored when this is dropped. After Ctrl-C the thread that reads a password does
/// not restore it.
struct TerminalMode(Option<Termios>);

impl TerminalMode {
    /// Saves the mode of standard input, if that is a terminal.
    fn save() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }
}

impl Drop for TerminalMode {
    fn drop(&mut self) {
        if let Some(mode) = &self.0 {
            // The terminal may be gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, mode);
        }
    }
}

/// Returns `None` at the end of the input.
fn read_shown(question: &str) -> io::Result<Option<String>> {
    let mut out = io::stdout().lock();
    out.write_all(question.as_bytes())?;
    out.flush()?;
    drop(out);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}
