//! Builds the parts and joins them: the only room that knows every other.
//!
//! Owns the order of starting and ending, and what each failure means for the process: its exit
//! code (SPEC §11) and its one plain sentence. It keeps nothing itself.

mod channels;
pub mod instance_overview;
pub mod manual;
pub mod member_history;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::file_codec::{Decoder, EncodeError, Encoder};
use crate::model::{Channel, ChannelId};
use crate::schedule::Timetable;
use crate::spool::Spool;
use crate::store::{DirectoryLock, LockError, Start, Store, StoreError, Tx};
use crate::task::{self, Accounts, Settings, Shared, TaskError, Wakes};
use crate::telegram::{
    AccountError, AccountSession, CallError, FloodMemory, Hint, Identity, SessionError, Telegram,
    explain_account, explain_session,
};
use crate::version;

/// How long the loops may take to end.
const END_WITHIN: Duration = Duration::from_secs(8);

/// Why the program ended otherwise than by being told to.
#[derive(Debug, Error)]
pub enum AppError {
    /// The data directory cannot be made.
    #[error("{}: {cause}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process has the data directory, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The session file does not serve.
    #[error("{}", explain_session(.0))]
    Session(#[from] SessionError),
    /// The database does not serve.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account is unusable.
    #[error("{}", explain_account(.0))]
    Account(#[from] AccountError),
    /// Telegram could not be reached at start.
    #[error(
        "Telegram could not be reached for {minutes} minutes: {0}; check the network and [proxy]",
        minutes = channels::REACHABLE_WITHIN.as_secs() / 60
    )]
    Unreachable(String),
    /// Telegram refused something that nothing works without.
    #[error("Telegram refused what nothing works without: {0}")]
    Refused(CallError),
    /// A configured channel is not the account's.
    #[error(
        "{key} = {channel}: the account is in no such channel; have a maintainer add it there, or correct {key} in [channels]"
    )]
    NotInChannel {
        /// The key of `[channels]`.
        key: &'static str,
        /// Its value.
        channel: ChannelId,
    },
    /// The account may not post in a configured channel.
    #[error(
        "{key} = {channel}: the account may not post there; make it an administrator with the right to post messages"
    )]
    CannotPost {
        /// The key of `[channels]`.
        key: &'static str,
        /// Its value.
        channel: ChannelId,
    },
    /// The files' key cannot be derived.
    #[error("the key for sealing files: {0}")]
    Sealing(#[from] EncodeError),
    /// The operating system fails us, or a loop ended by itself.
    #[error("{0}")]
    Internal(String),
}

impl AppError {
    /// Returns the exit code of SPEC §11.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(_) | Self::DataDir { .. } => 1,
            Self::Store(StoreError::Newer { .. } | StoreError::Damaged(_))
            | Self::NotInChannel { .. }
            | Self::CannotPost { .. } => 78,
            Self::Store(_) => 1,
            Self::Session(_) | Self::Account(_) => 77,
            Self::Unreachable(_) => 69,
            Self::Refused(_) | Self::Sealing(_) | Self::Internal(_) => 70,
        }
    }
}

impl From<TaskError> for AppError {
    fn from(stop: TaskError) -> Self {
        match stop {
            TaskError::Account(trouble) => Self::Account(trouble),
            TaskError::Store(error) => Self::Store(error),
            TaskError::System(what) => Self::Internal(what),
            TaskError::ShuttingDown => Self::Internal("a loop ended by itself".into()),
        }
    }
}

/// Runs until `shutdown` is cancelled.
///
/// # Errors
/// See [`AppError`].
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<(), AppError> {
    let started = clock.instant();
    let _lock = prepare_data_dir(&config)?;
    let session = AccountSession::open(&config.telegram.session_file())?;
    let store = Store::open(&config.telegram.state_file())?;
    note_start(&config, &store, &clock);
    let ended = run_with(config, session, &store, &clock, shutdown, started).await;
    note_end(&store, &clock, ended.as_ref().err());
    ended
}

/// Notes that this process runs, so that `state.db` alone tells of it. What is worth waiting for a disk
/// comes later.
fn note_start(config: &Config, store: &Store, clock: &Clock) {
    let start = Start {
        pid: std::process::id(),
        version: version::VERSION,
        commit: version::COMMIT,
        hide: config.channels.hide,
        exchange: config.channels.exchange,
    };
    let noted: Result<(), StoreError> = store.transaction(|tx| tx.note_start(&start, clock.now()));
    if let Err(error) = noted {
        tracing::warn!("that it started could not be noted: {error}");
    }
}

/// Notes that it ends, and because of what. The end goes on if the disk refuses.
fn note_end(store: &Store, clock: &Clock, because: Option<&AppError>) {
    let because = because.map(ToString::to_string);
    let noted: Result<(), StoreError> =
        store.transaction(|tx| tx.note_end(because.as_deref(), clock.now()));
    if let Err(error) = noted {
        tracing::warn!("that it ended could not be noted: {error}");
    }
}

async fn run_with(
    config: Config,
    session: AccountSession,
    store: &Store,
    clock: &Clock,
    shutdown: CancellationToken,
    started: tokio::time::Instant,
) -> Result<(), AppError> {
    let (store, clock) = (store.clone(), clock.clone());
    let password = SecretString::from(config.encrypt.password.expose());
    let encoder = Encoder::new(config.exchange.files, &password)?;

    let (telegram, hints) = connect_with(&config, session, &store, &clock)?;
    let Some((own, channels, delivery)) =
        channels::learn_channels(&config, &telegram, &clock, &shutdown).await?
    else {
        return Ok(());
    };
    let data_dir = &config.telegram.data_dir;
    let spool = Spool::open(data_dir).map_err(|cause| AppError::DataDir {
        path: data_dir.clone(),
        cause,
    })?;
    let shared = Arc::new(Shared {
        telegram,
        store,
        spool,
        encoder,
        decoder: Decoder::new(&password),
        rules: RwLock::default(),
        settings: Settings {
            dialect: config.exchange.dialect,
            backup: config.mode.backup,
            debug: config.channels.debug,
            time_new: i64::try_from(config.custom.time_new.as_secs()).unwrap_or(i64::MAX),
            data_dir: data_dir.clone(),
            zh_cn: config.custom.zh_cn,
            check_bio: config.custom.check_bio,
        },
        clock,
        shutdown,
        accounts: Accounts {
            own,
            nospam: config.bots.nospam,
            fleet: config.bots.fleet().collect(),
        },
        delivery,
        wakes: Wakes::default(),
        unlearnable: Mutex::default(),
        tried: Mutex::default(),
    });
    let timetable = Timetable::new(config.schedule, config.custom.reset_day);
    match work(&shared, timetable, hints, channels, started).await {
        Err(TaskError::ShuttingDown) if shared.shutdown.is_cancelled() => Ok(()),
        ended => ended.map_err(AppError::from),
    }
}

/// Starts every loop, and ends them together.
async fn work(
    shared: &Arc<Shared>,
    timetable: Timetable,
    hints: mpsc::Receiver<Hint>,
    channels: Vec<Channel>,
    started: tokio::time::Instant,
) -> Result<(), TaskError> {
    task::reconcile(shared).await?;
    shared.reload_rules().await?;
    note_channels(shared, &channels).await?;
    task::enqueue_online(shared).await?;
    tracing::info!(
        account = %shared.accounts.own,
        channels = channels.len(),
        posts_to = %shared.delivery.exchange.unwrap_or(shared.delivery.hide),
        after_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "watching"
    );
    let mut loops = JoinSet::new();
    loops.spawn(task::watch(shared.clone(), hints, channels));
    loops.spawn(task::fetch(shared.clone()));
    loops.spawn(task::deliver(shared.clone()));
    loops.spawn(task::recheck(shared.clone()));
    loops.spawn(task::admins(shared.clone()));
    loops.spawn(task::cron(shared.clone(), timetable));

    let mut result = Ok(());
    tokio::select! {
        () = shared.shutdown.cancelled() => {}
        Some(ended) = loops.join_next() => result = ended_first(ended),
    }
    shared.shutdown.cancel();
    let rest = async { while loops.join_next().await.is_some() {} };
    if tokio::time::timeout(END_WITHIN, rest).await.is_err() {
        tracing::warn!(
            "a loop did not end within {} s and is cut off; what it had begun is done again at the next start",
            END_WITHIN.as_secs()
        );
    }
    shared.telegram.close();
    tracing::info!("ended");
    result
}

/// The ledger must know the private channels before the first post.
async fn note_channels(shared: &Shared, channels: &[Channel]) -> Result<(), TaskError> {
    shared
        .commit(|tx: &Tx<'_>| {
            tx.note_account(shared.accounts.own)?;
            for channel in channels {
                if shared.delivery.private.contains(&channel.id) {
                    tx.note_channel(channel)?;
                }
            }
            Ok(())
        })
        .await
}

fn ended_first(
    ended: Result<Result<(), TaskError>, tokio::task::JoinError>,
) -> Result<(), TaskError> {
    match ended {
        Ok(Ok(())) => Err(TaskError::ShuttingDown),
        Ok(stopped) => stopped,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(TaskError::System(error.to_string())),
        },
    }
}

/// Makes the data directory, private, and locks it for this process.
///
/// # Errors
/// The directory cannot be made, or another process has it.
pub fn prepare_data_dir(config: &Config) -> Result<DirectoryLock, AppError> {
    let path = &config.telegram.data_dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| make_private(path))
        .map_err(|cause| AppError::DataDir {
            path: path.clone(),
            cause,
        })?;
    Ok(DirectoryLock::take(path)?)
}

/// Makes the data directory its owner's alone; not one that holds other things, such as /tmp.
fn make_private(path: &Path) -> std::io::Result<()> {
    const OURS: [&str; 4] = ["account.session", "state.db", "spool", "lock"];
    let is_ours = OURS.iter().any(|name| path.join(name).exists());
    if is_ours || fs::read_dir(path)?.next().is_none() {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn connect_with(
    config: &Config,
    session: AccountSession,
    store: &Store,
    clock: &Clock,
) -> Result<(Telegram, mpsc::Receiver<Hint>), AppError> {
    let now = clock.now();
    let floods = store.transaction(|tx| tx.floods(now))?;
    let keeper = store.clone();
    let memory: FloodMemory = Box::new(move |method, until| {
        let kept: Result<(), StoreError> =
            keeper.transaction(|tx| tx.remember_flood(method, until));
        if let Err(error) = kept {
            tracing::error!("a flood limit could not be kept for the next start: {error}");
        }
    });
    let may_write = [Some(config.channels.hide), config.channels.exchange]
        .into_iter()
        .flatten()
        .collect::<BTreeSet<_>>();
    Ok(Telegram::new(
        session,
        identity(config),
        clock.clone(),
        may_write,
        &floods,
        memory,
    ))
}

/// What the account shows of its device.
#[must_use]
pub fn identity(config: &Config) -> Identity {
    Identity {
        api_id: *config.telegram.api_id.expose(),
        device_model: config.telegram.device_model.clone(),
        system_version: config.telegram.system_version.clone(),
        app_version: config.telegram.app_version.clone(),
        lang_code: config.telegram.lang_code.clone(),
        proxy_url: config.proxy.as_ref().map(config::Proxy::url),
    }
}
