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
use std::sync::Arc;

use self::answers::{ask_secret, print_line};
use self::retries::{repeated, repeated_unless_done};
use super::channels::{print_after_login, print_connecting};
use super::terminal::{replace_harmful, sanitize};
use super::{Failure, print};
use crate::app::{self, AppError, account_channels};
use crate::clock::Clock;
use crate::config::Account;
use crate::model::User;
use crate::shutdown::{EndSignal, EndSignals};
use crate::store::DirectoryLock;
use crate::telegram::{
    AccountError, AccountSession, CallError, Hints, LastContact, LoginError, SignedIn, Telegram,
    explain_session,
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
    let running = Cell::new(LOGIN);
    tokio::select! {
        ended = log_in_with_any_session(account, arguments, &running) => ended,
        signal = signals.first() => Err(ended_by(signal, running.get())),
    }
}

/// Logs in with the session file, or with a new one if Telegram has ended that session.
async fn log_in_with_any_session(
    account: &Account,
    arguments: &Arguments,
    running: &Cell<&str>,
) -> Result<(), Failure> {
    let Outcome::SessionEnded(ended) = log_in_with_session(account, arguments, running).await?
    else {
        return Ok(());
    };
    let path = account.telegram.session_file();
    let aside = AccountSession::set_aside(&path)
        .map_err(|error| Failure::new(77, explain_session(&error)))?;
    print_line(&format!(
        "{ended}. Its file was moved to {}, and the login begins with a new one.",
        aside.display()
    ))?;
    match log_in_with_session(account, arguments, running).await? {
        Outcome::Done => Ok(()),
        Outcome::SessionEnded(ended) => Err(failure(CallError::Account(ended).into())),
    }
}

/// The outcome of a login with one session file.
enum Outcome {
    Done,
    /// The account cannot be logged in with the key in this file any more.
    SessionEnded(AccountError),
}

async fn log_in_with_session(
    account: &Account,
    arguments: &Arguments,
    running: &Cell<&str>,
) -> Result<Outcome, Failure> {
    let session = AccountSession::open_for_login(&account.telegram.session_file())
        .map_err(|error| Failure::new(77, explain_session(&error)))?;
    let (telegram, hints) = Telegram::new(
        session,
        app::identity(&account.telegram, account.proxy.as_ref()),
        Clock::system(),
        BTreeSet::new(),
        &account_channels::rate_limits(&account.telegram, &Clock::system()),
        Box::new(|_, _| {}),
        LastContact::new(Arc::new(Clock::system())),
    );
    let ended = tokio::select! {
        ended = log_in_with(account, arguments, &telegram, hints, running) => ended,
        ahead = telegram.monitor() => Err(AppError::from(ahead).into()),
    };
    telegram.close();
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
) -> Result<Outcome, Failure> {
    print_connecting(account)?;
    let known = match repeated(telegram, async || telegram.logged_in().await).await {
        Err(LoginError::Call(CallError::Account(ended))) if ended.ends_session() => {
            return Ok(Outcome::SessionEnded(ended));
        }
        answer => answer.map_err(failure)?,
    };
    if let Some(user) = known {
        running.set(AFTER_LOGIN);
        print(&format!(
            "Already logged in, as {}. Nothing was changed.\n",
            shown(&user)
        ))?;
        print_after_login(telegram).await?;
        return Ok(Outcome::Done);
    }
    let user = sign_in(account, arguments, telegram, hints).await?;
    running.set(AFTER_LOGIN);
    print(&format!(
        "Logged in as {}. The session is in {}: anyone with this file controls the account.\n",
        shown(&user),
        account.telegram.session_file().display()
    ))?;
    print_after_login(telegram).await?;
    print("Next: complete the configuration, and start `run` with it.\n")?;
    Ok(Outcome::Done)
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
        SignedIn::PasswordWanted => password(telegram).await,
    }
}

async fn password(telegram: &Telegram) -> Result<Box<User>, Failure> {
    let hint = repeated(telegram, async || telegram.password_hint().await).await;
    let hint = hint.map_err(failure)?.map_or_else(String::new, |hint| {
        format!(" (hint: {})", replace_harmful(&hint))
    });
    for _ in 0..ATTEMPTS {
        let typed = ask_secret(&format!("Two-step password{hint}: ")).await?;
        if typed.is_empty() {
            print_line("the password is empty; try again.")?;
            continue;
        }
        let done = async || match telegram.signed_in_meanwhile().await? {
            Some(SignedIn::Done(user)) => Ok(Some(user)),
            Some(SignedIn::PasswordWanted) | None => Ok(None),
        };
        let check = async || telegram.check_password(&typed).await;
        match repeated_unless_done(telegram, check, done).await {
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
        LoginError::Call(CallError::Network { .. } | CallError::ServerError { .. })
        | LoginError::NoAddress(_) => 69,
        LoginError::Application(_) => 78,
        _ => 1,
    };
    Failure::new(code, error)
}
