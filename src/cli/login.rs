//! `login`: asks for phone, code and two-step password, and logs the account in.
//!
//! Code and password are typed without an echo. If standard input is not a terminal, its lines are
//! the answers, in the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::Failure;
use super::terminal::replace_harmful;
use crate::app::{self, AppError};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::User;
use crate::store::DirectoryLock;
use crate::telegram::{AccountSession, LoginError, SignedIn, Telegram, explain_session};

/// The number of attempts at each answer.
const ATTEMPTS: usize = 3;

/// Logs the account in, unless it is logged in already.
pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(1, error))?;
    let result = runtime.block_on(log_in(config));
    runtime.shutdown_background();
    result
}

async fn log_in(config: &Config) -> Result<(), Failure> {
    let lock = app::prepare_data_dir(config);
    let _lock: DirectoryLock = lock?;
    let session = AccountSession::open_for_login(&config.telegram.session_file())
        .map_err(|error| Failure::new(77, explain_session(&error)))?;
    let (telegram, _hints) = Telegram::new(
        session,
        app::identity(config),
        Clock::system(),
        BTreeSet::new(),
        &BTreeMap::new(),
        Box::new(|_, _| {}),
    );
    let ended = tokio::select! {
        ended = log_in_with(config, &telegram) => ended,
        ahead = telegram.monitor() => Err(AppError::from(ahead).into()),
    };
    // The calls that fail because of the clock may end the login before the monitor does.
    match telegram.clock_ahead() {
        Some(ahead) => Err(AppError::from(ahead).into()),
        None => ended,
    }
}

async fn log_in_with(config: &Config, telegram: &Telegram) -> Result<(), Failure> {
    let logged_in = telegram.logged_in().await.map_err(failure)?;
    if let Some(user) = logged_in {
        print_line(&format!(
            "Already logged in, as the account {}. Nothing was changed.",
            user.id
        ))?;
        return Ok(());
    }
    let user = sign_in(config, telegram).await?;
    telegram.close();
    print_line(&format!(
        "Logged in as the account {}. The session is in {}: anyone with this file controls the account.\n\
         Next: start `run` with the same configuration.",
        user.id,
        config.telegram.session_file().display()
    ))
}

async fn sign_in(config: &Config, telegram: &Telegram) -> Result<Box<User>, Failure> {
    let phone = ask("Phone number, with country code: ", false)?;
    for _ in 0..ATTEMPTS {
        let api_id = *config.telegram.api_id.expose();
        let api_hash = config.telegram.api_hash.expose();
        let sent = telegram
            .send_code(api_id, api_hash, &phone)
            .await
            .map_err(failure)?;
        print_line(&format!("A code was sent to {}.", sent.sent_to))?;
        for _ in 0..ATTEMPTS {
            let code = ask("Code: ", true)?;
            match telegram.sign_in(&sent, &code).await {
                Ok(SignedIn::Done(user)) => return Ok(user),
                Ok(SignedIn::PasswordWanted { hint }) => return password(telegram, hint).await,
                Err(error @ LoginError::CodeWrong) => print_line(&format!("{error}; try again."))?,
                Err(error @ LoginError::CodeExpired) => {
                    print_line(&format!("{error}; another one is on its way."))?;
                    break;
                }
                Err(error) => return Err(failure(error)),
            }
        }
    }
    Err(Failure::new(
        1,
        "no code was accepted; wait some minutes, then start `login` again",
    ))
}

async fn password(telegram: &Telegram, hint: Option<String>) -> Result<Box<User>, Failure> {
    let hint = hint.map_or_else(String::new, |hint| {
        format!(" (hint: {})", replace_harmful(&hint))
    });
    for _ in 0..ATTEMPTS {
        let typed = ask(&format!("Two-step password{hint}: "), true)?;
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

fn ask(question: &str, secret: bool) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(1, format!("the answer could not be read: {error}"));
    let typed = if secret && std::io::stdin().is_terminal() {
        rpassword::prompt_password(question).map_err(failed)?
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(question.as_bytes())
            .and_then(|()| out.flush())
            .map_err(failed)?;
        let mut line = String::new();
        let read = std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(failed)?;
        if read == 0 {
            return Err(Failure::new(1, "the input ended before the login was done"));
        }
        line
    };
    Ok(typed.trim_end_matches(['\r', '\n']).to_owned())
}

fn print_line(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure::new(1, error))
}

fn failure(error: LoginError) -> Failure {
    use crate::telegram::CallError;
    let code = match &error {
        LoginError::Call(CallError::Account(_)) | LoginError::Session(_) => 77,
        LoginError::Call(CallError::Network { .. } | CallError::ServerError { .. }) => 69,
        LoginError::ApiInvalid => 78,
        _ => 1,
    };
    Failure::new(code, error)
}
