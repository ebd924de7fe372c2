//! Login by QR code: draws the code, and draws another one when it expires.
//!
//! Telegram pushes a hint when another device has scanned the code. A lost hint costs the time until the code expires.

mod drawing;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::answers::print_line;
use super::retries::repeated;
use super::{Application, failure};
use crate::cli::Failure;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::telegram::{Hint, Hints, QrStep, SignedIn, Telegram};
use drawing::draw;

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
        "Scan this code with a Telegram app of the account: Settings > Devices > Link Desktop Device.\n\
         Ctrl-C ends the login.",
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

fn show(link: &str) -> Result<(), Failure> {
    let drawing = draw(link, io::stdout().is_terminal())
        .ok_or_else(|| Failure::new(1, "Telegram's link does not fit into a QR code"))?;
    print_line(&format!(
        "\n{drawing}\nOr open this link on that device. It expires soon, and then the next one is shown.\n{link}"
    ))
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
