//! `login`: logs the account in, by phone number and code or by a QR code, and by the two-step password.
//!
//! Only the password is typed without an echo. If standard input is not a terminal, its lines are the answers, in the
//! same order.

mod answers;
mod by_code;
mod by_qr_code;
mod retries;

use std::cell::Cell;
use std::collections::BTreeSet;

use self::answers::{ask_secret, print_line};
use self::retries::repeated;
use super::Failure;
use super::channels::{print_after_login, print_connecting};
use super::terminal::{replace_harmful, sanitize};
use crate::app::{self, AppError, account_channels};
use crate::clock::Clock;
use crate::config::Account;
use crate::model::User;
use crate::shutdown::{EndSignal, EndSignals};
use crate::store::DirectoryLock;
use crate::telegram::{
    AccountSession, CallError, Hints, LoginError, SignedIn, Telegram, explain_session,
};

/// The number of attempts at each answer.
const ATTEMPTS: usize = 3;

/// The part of the command that a signal ends before the account is logged in.
const LOGIN: &str = "the login";

/// The part of the command that a signal ends after that.
const AFTER_LOGIN: &str = "the account is logged in; the list of its channels";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Show a QR code, which a Telegram app of the account scans, and ask for no code
    #[arg(long)]
    qr: bool,
}

/// The application as which the program logs in.
struct Application<'a> {
    id: i32,
    hash: &'a str,
}

/// Logs the account in, unless it is logged in already.
pub(super) fn run(account: &Account, arguments: &Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(1, error))?;
    let result = runtime.block_on(log_in(account, arguments));
    runtime.shutdown_background();
    result
}

async fn log_in(account: &Account, arguments: &Arguments) -> Result<(), Failure> {
    let signals = EndSignals::install().map_err(|error| Failure::new(1, error))?;
    let lock = app::prepare_data_dir(&account.telegram);
    let _lock: DirectoryLock = lock?;
    let session = AccountSession::open_for_login(&account.telegram.session_file())
        .map_err(|error| Failure::new(77, explain_session(&error)))?;
    let (telegram, hints) = Telegram::new(
        session,
        app::identity(&account.telegram, account.proxy.as_ref()),
        Clock::system(),
        BTreeSet::new(),
        &account_channels::rate_limits(&account.telegram, &Clock::system()),
        Box::new(|_, _| {}),
    );
    let running = Cell::new(LOGIN);
    let ended = tokio::select! {
        ended = log_in_with(account, arguments, &telegram, hints, &running) => ended,
        ahead = telegram.monitor() => Err(AppError::from(ahead).into()),
        signal = signals.first() => return Err(ended_by(signal, running.get())),
    };
    // The calls that fail because of the clock may end the login before the monitor does.
    match telegram.clock_ahead() {
        Some(ahead) => Err(AppError::from(ahead).into()),
        None => ended,
    }
}

/// Returns the failure of a command that a signal ends. `running` is the part of the command that is not done.
pub(super) fn ended_by(signal: EndSignal, running: &str) -> Failure {
    // The question that was open is on the last line. The terminal may be gone.
    let _ = print_line("");
    let message = format!("{running} was ended by {}", signal.as_str());
    Failure::new(signal.exit_code(), message)
}

async fn log_in_with(
    account: &Account,
    arguments: &Arguments,
    telegram: &Telegram,
    hints: Hints,
    running: &Cell<&str>,
) -> Result<(), Failure> {
    print_connecting(account)?;
    let answer = repeated(telegram, async || telegram.logged_in().await).await;
    if let Some(user) = answer.map_err(failure)? {
        running.set(AFTER_LOGIN);
        print_line(&format!(
            "Already logged in, as {}. Nothing was changed.",
            shown(&user)
        ))?;
        return print_after_login(telegram).await;
    }
    let user = sign_in(account, arguments, telegram, hints).await?;
    running.set(AFTER_LOGIN);
    print_line(&format!(
        "Logged in as {}. The session is in {}: anyone with this file controls the account.",
        shown(&user),
        account.telegram.session_file().display()
    ))?;
    print_after_login(telegram).await?;
    telegram.close();
    print_line("Next: complete the configuration, and start `run` with it.")
}

/// Formats the account for the operator's terminal.
pub(super) fn shown(user: &User) -> String {
    format!("{} (id {})", sanitize(&user.name), user.id)
}

async fn sign_in(
    account: &Account,
    arguments: &Arguments,
    telegram: &Telegram,
    mut hints: Hints,
) -> Result<Box<User>, Failure> {
    let clock = Clock::system();
    let application = Application {
        id: *account.telegram.api_id.expose(),
        hash: account.telegram.api_hash.expose(),
    };
    let signed_in = if arguments.qr {
        by_qr_code::sign_in(telegram, &mut hints, &application, &clock).await?
    } else {
        by_code::sign_in(telegram, &application, &clock).await?
    };
    match signed_in {
        SignedIn::Done(user) => Ok(user),
        SignedIn::PasswordWanted { hint } => password(telegram, hint).await,
    }
}

async fn password(telegram: &Telegram, hint: Option<String>) -> Result<Box<User>, Failure> {
    let hint = hint.map_or_else(String::new, |hint| {
        format!(" (hint: {})", replace_harmful(&hint))
    });
    for _ in 0..ATTEMPTS {
        let typed = ask_secret(&format!("Two-step password{hint}: ")).await?;
        match telegram.check_password(&typed).await {
            Ok(user) => return Ok(user),
            Err(error @ LoginError::PasswordWrong) => print_line(&format!("{error}; try again."))?,
            Err(error) => return Err(failure(error)),
        }
    }
    Err(Failure::new(
        1,
        "no password was accepted; start `login` again when you have it",
    ))
}

pub(super) fn failure(error: LoginError) -> Failure {
    let code = match &error {
        LoginError::Call(CallError::Account(_)) | LoginError::Session(_) => 77,
        LoginError::Call(CallError::Network { .. } | CallError::ServerError { .. }) => 69,
        LoginError::Application(_) => 78,
        _ => 1,
    };
    Failure::new(code, error)
}
