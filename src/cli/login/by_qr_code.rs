//! Login by QR code: draws the code, and draws another one when it expires.
//!
//! Telegram pushes a hint when another device has scanned the code. A lost hint costs the time until the code expires.

mod drawing;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use rustix::termios::tcgetwinsize;

use super::answers::print_line;
use super::retries::repeated;
use super::{Application, failure};
use crate::cli::Failure;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::telegram::{Hint, Hints, QrStep, SignedIn, Telegram};
use drawing::{Drawing, Size};

/// How long a code is shown at most, also if this machine's clock is behind. Telegram's codes are valid for 30 s.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a code is shown at least, also if this machine's clock is ahead.
const SHORTEST: Duration = Duration::from_secs(5);

/// Shows codes until another device of the account has accepted one.
pub(super) async fn sign_in(
    telegram: &Telegram,
    hints: &mut Hints,
    application: &Application<'_>,
    clock: &Clock,
) -> Result<SignedIn, Failure> {
    print_line(
        "Scan the code with a Telegram app of the account:\n\
         Settings > Devices > Link Desktop Device. Ctrl-C ends the login.",
    )?;
    let mut shown = String::new();
    loop {
        let step = async || telegram.qr_login(application.id, application.hash).await;
        match repeated(telegram, step).await.map_err(failure)? {
            QrStep::Accepted(signed_in) => return Ok(signed_in),
            QrStep::Show { link, expires } => {
                if link != shown {
                    show(&link)?;
                    shown = link;
                }
                scanned_or_expired(hints, clock, expires).await;
            }
        }
    }
}

/// Prints a link, and its code below it, so that a small terminal shows the whole code.
fn show(link: &str) -> Result<(), Failure> {
    print_line(&format!(
        "\nOr open this link on that device. After it has expired, the next one is shown.\n{link}"
    ))?;
    let drawing = Drawing::new(link)
        .ok_or_else(|| Failure::new(1, "Telegram's link does not fit into a QR code"))?;
    let Some(terminal) = terminal_size() else {
        return print_line(&drawing.text(io::stdout().is_terminal()));
    };
    match drawing.fit(terminal) {
        Ok(drawing) => print_line(&drawing.text(true)),
        Err(smallest) => print_line(&format!(
            "This terminal is too small for the code: {} columns and {} lines; it needs\n\
             {} columns and {} lines. Open the link, or end this and enlarge the terminal.",
            terminal.columns,
            terminal.lines,
            smallest.columns,
            smallest.lines + 1
        )),
    }
}

/// Returns the size of the terminal that shows the output. Returns `None` if the output goes elsewhere, or if the
/// terminal has no known size.
fn terminal_size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| Size {
        columns: size.ws_col.into(),
        lines: size.ws_row.into(),
    })
}

async fn scanned_or_expired(hints: &mut Hints, clock: &Clock, expires: Timestamp) {
    let left = clock.until(expires).clamp(SHORTEST, LONGEST);
    tokio::select! {
        () = tokio::time::sleep(left) => {}
        () = scanned(hints) => {}
    }
}

/// Waits for the hint that a device has scanned the code, or that such a hint may be lost.
async fn scanned(hints: &mut Hints) {
    let mut batch = Vec::new();
    while hints.recv_many(&mut batch, 1).await {
        let mut new = batch.drain(..);
        if new.any(|hint| matches!(hint, Hint::QrCodeScanned | Hint::Disconnected)) {
            return;
        }
    }
    std::future::pending().await
}
