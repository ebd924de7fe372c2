//! The operator's answers: lines of standard input, or of the terminal.

use std::fmt::Display;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

/// Asks a question and shows the answer while it is typed.
pub(super) async fn ask(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    read_line(move || read_shown(&question)).await
}

/// Asks a question and shows nothing while the answer is typed at a terminal. Ctrl-Z stops the command there, and the
/// terminal shows what is typed until it goes on.
pub(super) async fn ask_secret(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return ask(question).await;
    }
    let failed = |error| Failure::new(1, error);
    let stop = Signal::TSTP.as_raw();
    let mut stops = signal(SignalKind::from_raw(stop)).map_err(failed)?;
    let hidden = HiddenInput::begin().map_err(failed)?;
    let mut typed = std::pin::pin!(ask(question));
    let typed = loop {
        tokio::select! {
            typed = &mut typed => break typed,
            _ = stops.recv() => {
                hidden.suspend().map_err(failed)?;
                print(question)?;
            }
        }
    };
    print_line("")?;
    typed
}

/// Prints a line that the operator has to see.
pub(super) fn print_line(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}

/// Reads a line on a thread of its own, so that Ctrl-C ends the command meanwhile.
async fn read_line(
    read: impl FnOnce() -> Result<Option<String>, Failure> + Send + 'static,
) -> Result<String, Failure> {
    let typed = tokio::task::spawn_blocking(read)
        .await
        .map_err(unreadable)
        .flatten()?;
    let typed =
        typed.ok_or_else(|| Failure::new(1, "the input ended before the login was done"))?;
    Ok(typed.trim_end_matches(['\r', '\n']).to_owned())
}

/// The mode of a terminal that does not show what is typed. The earlier mode is restored when this is dropped, which
/// also a signal that ends the command brings about.
struct HiddenInput {
    earlier: Termios,
    hidden: Termios,
}

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let earlier = tcgetattr(io::stdin())?;
        let mut hidden = earlier.clone();
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL);
        // SIGQUIT would end the process without restoring the mode.
        hidden.special_codes[SpecialCodeIndex::VQUIT] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self { earlier, hidden })
    }

    /// Stops this process in the earlier mode, until the shell continues it.
    fn suspend(&self) -> io::Result<()> {
        tcsetattr(io::stdin(), OptionalActions::Now, &self.earlier)?;
        kill_process(getpid(), Signal::STOP)?;
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.hidden)?;
        Ok(())
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.earlier);
    }
}

/// Returns `None` at the end of the input.
fn read_shown(question: &str) -> Result<Option<String>, Failure> {
    print(question)?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    Ok((read.map_err(unreadable)? > 0).then_some(line))
}

fn unreadable(error: impl Display) -> Failure {
    Failure::new(1, format!("the answer could not be read: {error}"))
}

/// Prints to the operator. A login whose questions and codes nobody can see does not go on.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => {
                Failure::new(1, "standard output was closed before the login was done")
            }
            _ => Failure::new(1, format!("standard output cannot be written: {error}")),
        })
}
