//! `channels`: lists the account's channels and groups with their ids and rights.
//!
//! `login` prints the channels of the same list. Titles and names go to the operator's terminal only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::login::{ended_by, failure, shown};
use super::terminal::{sanitize, table};
use crate::app::account_channels::{self, StoredChannels};
use crate::app::{self, AppError};
use crate::clock::Clock;
use crate::config::Account;
use crate::model::{Channel, ChannelKind};
use crate::shutdown::EndSignals;
use crate::telegram::{
    AccountSession, CallError, LastContact, LoginError, Telegram, explain_session,
};

/// Prints the list from Telegram, or from `state.db` while the program runs.
pub(super) fn run(account: &Account) -> Result<(), Failure> {
    if let Some(stored) = account_channels::stored(&account.telegram)? {
        return super::print(&from_state(account, &stored));
    }
    let session = account.telegram.session_file();
    if !session.exists() {
        // This names the missing file, and nothing is made for it.
        AccountSession::open(&session)
            .map_err(|error| Failure::new(77, explain_session(&error)))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(1, error))?;
    let result = runtime.block_on(from_telegram(account));
    runtime.shutdown_background();
    result
}

/// Prints that the program connects, before it waits for Telegram or the proxy.
pub(super) fn print_connecting(account: &Account) -> Result<(), Failure> {
    super::print(&match &account.proxy {
        Some(proxy) => format!(
            "Connecting to Telegram through the proxy {}…\n",
            proxy.address()
        ),
        None => "Connecting to Telegram…\n".into(),
    })
}

/// Formats the line about a wait for the end of a rate limit.
pub(super) fn rate_limit_line(pause: Duration) -> String {
    let seconds = pause.as_millis().div_ceil(1000);
    format!("Telegram wants a pause (FLOOD_WAIT); trying again in {seconds} s.")
}

fn print_rate_limit(pause: Duration) {
    // The command goes on if nobody reads this.
    let _ = super::print(&(rate_limit_line(pause) + "\n"));
}

/// Prints how many groups the account is in, and its channels. A failure does not undo the login.
pub(super) async fn print_after_login(telegram: &Telegram) -> Result<(), Failure> {
    let text = match account_channels::listed(telegram, &Clock::system(), print_rate_limit).await {
        Ok(channels) => {
            let is_channel = |channel: &&Channel| channel.kind == ChannelKind::Broadcast;
            let broadcast: Vec<Channel> = channels.iter().filter(is_channel).cloned().collect();
            counts(&channels) + &rows(broadcast)
        }
        Err(error) => format!(
            "The list of channels could not be read: {}. `scp-079-avatar channels` reads it again.\n",
            LoginError::from(error)
        ),
    };
    super::print(&text)
}

async fn from_telegram(account: &Account) -> Result<(), Failure> {
    let signals = EndSignals::install().map_err(|error| Failure::new(1, error))?;
    let lock = app::prepare_data_dir(&account.telegram);
    let _lock = lock?;
    let clock = Clock::system();
    let session = AccountSession::open(&account.telegram.session_file()).map_err(AppError::from)?;
    let (telegram, _hints) = Telegram::new(
        session,
        app::identity(&account.telegram, account.proxy.as_ref()),
        clock.clone(),
        BTreeSet::new(),
        &account_channels::rate_limits(&account.telegram, &clock),
        Box::new(|_, _| {}),
        LastContact::new(Arc::new(clock.clone())),
    );
    print_connecting(account)?;
    let read = async {
        let own = telegram.own_user().await?;
        let channels = account_channels::listed(&telegram, &clock, print_rate_limit).await?;
        Ok((own, channels))
    };
    let read = tokio::select! {
        read = read => read,
        ahead = telegram.monitor() => return Err(AppError::from(ahead).into()),
        signal = signals.first() => return Err(ended_by(signal, "the list of channels")),
    };
    // The calls that fail because of the clock may end the reading before the monitor does.
    if let Some(ahead) = telegram.clock_ahead() {
        return Err(AppError::from(ahead).into());
    }
    let (own, channels) = read.map_err(|error: CallError| failure(error.into()))?;
    telegram.close();
    let account = format!("Logged in as {}.\n", shown(&own));
    super::print(&(account + &counts(&channels) + &rows(channels)))
}

fn from_state(account: &Account, stored: &StoredChannels) -> String {
    let pid = stored
        .pid
        .map_or_else(String::new, |pid| format!(" (pid {pid})"));
    format!(
        "scp-079-avatar{pid} runs on {}, so this list is from state.db: it has the groups, HIDE and EXCHANGE.\n\
         Stop that process to list the other channels too.\n{}",
        account.telegram.data_dir.display(),
        rows(stored.channels.clone())
    )
}

fn counts(channels: &[Channel]) -> String {
    let count = |kind| {
        channels
            .iter()
            .filter(|channel| channel.kind == kind)
            .count()
    };
    let of = |count: usize, word: &str| match count {
        0 => format!("no {word}"),
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    format!(
        "The account is in {} and {}.\n",
        of(count(ChannelKind::Group), "group"),
        of(count(ChannelKind::Broadcast), "channel")
    )
}

/// Formats the table: channels before groups, those where the account may post first. The titles are last, because
/// characters of other scripts are wider than one column.
fn rows(mut channels: Vec<Channel>) -> String {
    if channels.is_empty() {
        return String::new();
    }
    channels.sort_by_cached_key(|channel| {
        let is_group = channel.kind != ChannelKind::Broadcast;
        (
            is_group,
            !channel.can_post,
            channel.title.clone(),
            channel.id,
        )
    });
    let mut rows = vec![
        ["ID", "KIND", "MAY POST", "TITLE"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for channel in &channels {
        let kind = match channel.kind {
            ChannelKind::Broadcast => "channel",
            ChannelKind::Group => "group",
            ChannelKind::Unsupported => "group, not watched",
        };
        // The program never posts in groups.
        let may_post = match (channel.kind, channel.can_post) {
            (ChannelKind::Broadcast, true) => "yes",
            (ChannelKind::Broadcast, false) => "no",
            _ => "-",
        };
        rows.push(vec![
            channel.id.bot_api().to_string(),
            kind.into(),
            may_post.into(),
            sanitize(&channel.title),
        ]);
    }
    table(&rows).join("\n") + "\n"
}
