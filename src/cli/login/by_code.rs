//! Login by phone number and code: says where the code arrives, and has it sent by the next way if the operator wants.

use super::answers::{ask, print_line};
use super::retries::{repeated, repeated_unless_done};
use super::{ATTEMPTS, Application, failure};
use crate::cli::Failure;
use crate::cli::terminal::{replace_harmful, time};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::telegram::{CodeKind, LoginError, NextWay, SentCode, SignedIn, Telegram};

const EXPIRED: &str = "that code has expired; another one is on its way.";

/// Asks for the phone number and the code, until Telegram accepts a code.
pub(super) async fn sign_in(
    telegram: &Telegram,
    application: &Application<'_>,
    clock: &Clock,
) -> Result<SignedIn, Failure> {
    let phone = ask("Phone number, with country code: ").await?;
    for _ in 0..ATTEMPTS {
        let send = async || {
            telegram
                .send_code(application.id, application.hash, &phone)
                .await
        };
        let sent = repeated(telegram, send).await.map_err(failure)?;
        let mut dialogue = CodeDialogue::new(telegram, clock, sent);
        if let Some(signed_in) = dialogue.run().await? {
            return Ok(signed_in);
        }
    }
    Err(Failure::new(
        1,
        "no code was accepted; wait some minutes, then start `login` again",
    ))
}

/// The questions about one code, and about the ones that replace it on request.
struct CodeDialogue<'a> {
    telegram: &'a Telegram,
    clock: &'a Clock,
    sent: SentCode,
    /// When the next way may be used.
    next_at: Timestamp,
}

impl<'a> CodeDialogue<'a> {
    fn new(telegram: &'a Telegram, clock: &'a Clock, sent: SentCode) -> Self {
        // The clock has whole seconds: one more, so that the time is not named before it has come.
        let next_at = match sent.next_after {
            0 => clock.now(),
            seconds => clock.now().plus(seconds).plus(1),
        };
        Self {
            telegram,
            clock,
            sent,
            next_at,
        }
    }

    /// Returns `None` if another code has to be requested.
    async fn run(&mut self) -> Result<Option<SignedIn>, Failure> {
        self.announce()?;
        let mut wrong = 0;
        while wrong < ATTEMPTS {
            let typed = ask("Code: ").await?;
            if self.sent.is_empty(&typed) {
                if self.next_code().await? {
                    continue;
                }
                return Ok(None);
            }
            let sign_in = async || self.telegram.sign_in(&self.sent, &typed).await;
            let look = async || self.telegram.signed_in_meanwhile().await;
            match repeated_unless_done(self.telegram, sign_in, look).await {
                Ok(signed_in) => return Ok(Some(signed_in)),
                Err(error @ LoginError::CodeWrong) => {
                    wrong += 1;
                    print_line(&format!("{error}; try again."))?;
                }
                Err(LoginError::CodeExpired) => {
                    print_line(EXPIRED)?;
                    return Ok(None);
                }
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(None)
    }

    /// Has the code sent in the next way, if there is one and its time has come. Returns false if the code has expired.
    async fn next_code(&mut self) -> Result<bool, Failure> {
        if self.sent.next.is_some() && self.clock.now() < self.next_at {
            print_line(&self.next_way())?;
            return Ok(true);
        }
        let answer = match self.sent.next {
            Some(_) => {
                let resend = async || self.telegram.resend_code(&self.sent).await;
                repeated(self.telegram, resend).await
            }
            None => Err(LoginError::NoOtherWay),
        };
        match answer {
            Ok(sent) => {
                *self = Self::new(self.telegram, self.clock, sent);
                self.announce()?;
            }
            Err(error @ LoginError::NoOtherWay) => {
                self.sent.next = None;
                print_line(&format!("{error}."))?;
            }
            Err(error @ LoginError::Flood(_)) => {
                print_line(&format!("{error}. The code that was sent stays valid."))?;
            }
            Err(LoginError::CodeExpired) => {
                print_line(EXPIRED)?;
                return Ok(false);
            }
            Err(error) => return Err(failure(error)),
        }
        Ok(true)
    }

    fn announce(&self) -> Result<(), Failure> {
        print_line(&replace_harmful(&description(&self.sent)))?;
        if self.sent.next.is_some() {
            print_line(&self.next_way())?;
        }
        print_line(
            "Type the code here only: a code that is typed into a Telegram chat expires at once.",
        )
    }

    /// Says how and when Telegram sends the code instead.
    fn next_way(&self) -> String {
        let way = match self.sent.next {
            Some(NextWay::Sms) => "by text message",
            Some(NextWay::Call) => "by a call that speaks it",
            Some(NextWay::FlashCall | NextWay::MissedCall) => "as the number of a missed call",
            Some(NextWay::Fragment) => "to fragment.com",
            None => "in no other way",
        };
        let now = self.clock.now();
        if now < self.next_at {
            let at = time(self.next_at, now);
            format!("If no code arrives, press Enter after {at}: Telegram then sends it {way}.")
        } else {
            format!("If no code arrives, press Enter: Telegram then sends it {way}.")
        }
    }
}

/// Says where a code arrives and how it looks.
fn description(sent: &SentCode) -> String {
    let digits = sent
        .length
        .map_or_else(String::new, |length| format!(" It has {length} digits."));
    match &sent.kind {
        CodeKind::App => {
            format!("A code was sent to the account's other Telegram apps.{digits}")
        }
        CodeKind::Sms => format!("A code was sent to the phone, as a text message.{digits}"),
        CodeKind::Words { beginning } => {
            let beginning = beginning.as_ref().map_or_else(String::new, |beginning| {
                format!(" The code begins with \"{beginning}\".")
            });
            format!("A code was sent to the phone, as words in a text message.{beginning}")
        }
        CodeKind::Call => format!("Telegram calls the phone and speaks the code.{digits}"),
        CodeKind::FlashCall { pattern } => {
            format!(
                "Telegram calls the phone and hangs up. The code is the number that calls: {pattern}."
            )
        }
        CodeKind::MissedCall { prefix } => {
            let length = sent.length.map_or_else(
                || "last digits".to_owned(),
                |length| format!("last {length} digits"),
            );
            format!(
                "Telegram calls the phone and hangs up. The code is the {length} of the number that calls, which \
                 begins with {prefix}."
            )
        }
        CodeKind::Email { pattern } => {
            format!("A code was sent to the account's login email, {pattern}.{digits}")
        }
        CodeKind::Fragment { url } => {
            format!("A code was sent to fragment.com: open {url}.{digits}")
        }
        CodeKind::Firebase => {
            let remedy = match sent.next {
                Some(_) => "have it sent in the next way",
                None => "end with Ctrl-C and try `login --qr`",
            };
            format!(
                "Telegram sends the code to official apps only (Firebase), so it cannot arrive: {remedy}."
            )
        }
    }
}
