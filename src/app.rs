//! Starts the program, runs it and ends it: wires all modules below it.
//!
//! The module holds the order of the steps, and `error` holds what each failure means for the process. The module keeps
//! no state, so a crash loses none.

pub mod account_channels;
mod channels;
mod data_dir;
mod error;
pub mod import;
pub mod instance_overview;
mod life_record;
pub mod list_commands;
mod loops;
mod lost_state;
pub mod member_history;
mod other_user;
mod raid_summary;
mod random_numbers;
pub mod recorded_joins;
mod service_manager;
mod service_status;
mod start_wait;
mod unfinished_import;
mod unwritable;
mod watchdog;
pub mod whole_backup;

use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use self::data_dir::prepare_data_dir;
pub use self::error::AppError;
pub use self::other_user::{FileUse, refuse_denied, refuse_other_user};
pub use self::random_numbers::try_random_numbers;
pub use self::unwritable::unusable_data_dir;

use self::channels::Account;
use self::loops::{Loops, Resources};
use self::service_manager::ServiceManager;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::model::{ChannelId, Timestamp};
use crate::spool::Spool;
use crate::store::{Start, Store, StoreError};
use crate::task::{self, FileSample, PostingChannels, RestoredPosts, Runtime, TaskError};
use crate::telegram::{AccountSession, Hints, Identity, LastContact, RateLimitMemory, Telegram};
use crate::version;

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
    let manager = ServiceManager::of_process();
    let ending = service_manager::announce_end(&manager, &shutdown);
    let _lock = prepare_data_dir(&config.telegram)?;
    let session = AccountSession::open(&config.telegram.session_file())?;
    lost_state::warn_if_lost(&config.telegram);
    let store = Store::open(&config.telegram.state_file())?;
    record_start(&config, &store, &clock);
    let last_contact = LastContact::new(Arc::new(clock.clone()));
    let life_record = life_record::keep(&store, &clock, &last_contact);
    let connection = Connection {
        session,
        last_contact: last_contact.clone(),
    };
    let ended = random_numbers::watched(shutdown, |shutdown| {
        let process = Process {
            started,
            manager: &manager,
            last_contact: &last_contact,
        };
        run_with(config, connection, &store, &clock, shutdown, process)
    })
    .await;
    manager.stopping();
    drop((life_record, ending));
    record_end(&store, &clock, &last_contact, ended.as_ref().err());
    ended
}

/// The session of the connection to Telegram, and the record of its answers.
struct Connection {
    session: AccountSession,
    last_contact: LastContact,
}

/// This process, as others see it.
struct Process<'a> {
    started: tokio::time::Instant,
    manager: &'a ServiceManager,
    last_contact: &'a LastContact,
}

/// Records in `state.db` that this process runs. The start goes on if the disk refuses.
fn record_start(config: &Config, store: &Store, clock: &Clock) {
    let start = Start {
        pid: std::process::id(),
        version: version::VERSION,
        commit: version::COMMIT,
        hide: config.channels.hide,
        exchange: config.channels.exchange,
    };
    let recorded: Result<(), StoreError> = store.write(|tx| tx.record_start(&start, clock.now()));
    if let Err(error) = recorded {
        tracing::warn!(%error, "the start could not be recorded");
    }
}

/// Records in `state.db` that this process ends, and why. The end goes on if the disk refuses.
fn record_end(store: &Store, clock: &Clock, last_contact: &LastContact, cause: Option<&AppError>) {
    let cause = cause.map(ToString::to_string);
    let last_contact = last_contact.at().map(Timestamp::new);
    let recorded: Result<(), StoreError> = store.write(|tx| {
        let now = clock.now();
        tx.record_life(last_contact, now)?;
        tx.record_end(cause.as_deref(), now)
    });
    if let Err(error) = recorded {
        tracing::warn!(%error, "the end could not be recorded");
    }
}

async fn run_with(
    config: Config,
    connection: Connection,
    store: &Store,
    clock: &Clock,
    shutdown: CancellationToken,
    process: Process<'_>,
) -> Result<(), AppError> {
    let manager = process.manager;
    let extension = manager.extend_start();
    let Some(start) = start_wait::wait_and_count(store, clock, &shutdown, manager).await else {
        return Ok(());
    };
    let restored: Result<_, StoreError> = store.read(|tx| tx.restored_from());
    manager.status(match restored {
        Ok(Some(_)) => {
            "connecting to Telegram; after the restore, the program reads its posts before it posts"
        }
        _ => "connecting to Telegram",
    });
    let posts_to = config.channels.exchange.unwrap_or(config.channels.hide);
    let ready = match get_ready(config, connection, store, clock, &shutdown).await {
        Ok(Some(ready)) => ready,
        Ok(None) => {
            start.end(None);
            return Ok(());
        }
        Err(error) => {
            start.end(Some(&error));
            return Err(error);
        }
    };
    start.set_ready();
    tracing::info!(
        account = %ready.account.own,
        channels = ready.account.channels.len(),
        %posts_to,
        after_ms = u64::try_from(process.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "watching"
    );
    drop(extension);
    manager.ready();
    let _raid_summary = raid_summary::keep(store, clock);
    let _service_status = service_status::keep(manager, store, clock, process.last_contact);
    let ended = ready.loops.run(ready.hints, ready.account, manager).await;
    ready.telegram.close();
    tracing::info!("ended");
    ended
}

/// Everything that runs once the start is done.
struct Ready {
    loops: Loops,
    hints: Hints,
    account: Account,
    telegram: Telegram,
}

/// Connects, and builds and prepares the loops. Returns `None` if the program shuts down first.
async fn get_ready(
    config: Config,
    connection: Connection,
    store: &Store,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<Ready>, AppError> {
    let password = SecretString::from(config.encrypt.password.expose());
    let sample = store.read(FileSample::read)?;
    let (encoder, are_files_same) = sample.encoder(config.exchange.files, &password)?;
    let (telegram, hints) = connect_with(&config, connection, store, clock)?;
    let account = tokio::select! {
        account = channels::learn_account(&config, store, &telegram, clock, shutdown) => account?,
        ahead = telegram.monitor() => return Err(ahead.into()),
    };
    let Some(account) = account else {
        return Ok(None);
    };
    let data_dir = &config.telegram.data_dir;
    let spool = Spool::open(data_dir).map_err(|cause| AppError::DataDir {
        path: data_dir.clone(),
        cause,
    })?;
    let channels = PostingChannels {
        hide: config.channels.hide,
        exchange: config.channels.exchange,
    };
    let resources = Resources {
        store: store.clone(),
        spool,
        encoder,
        password,
        telegram: telegram.clone(),
        runtime: Runtime {
            clock: clock.clone(),
            shutdown: shutdown.clone(),
        },
    };
    let loops = Loops::build(config, resources, &account);
    let kept = Kept {
        files: are_files_same || !sample.is_known(),
        documents: are_files_same && account.is_confirmed,
    };
    match prepare(&loops, &telegram, &account, channels, kept).await {
        Err(TaskError::ShuttingDown) if shutdown.is_cancelled() => return Ok(None),
        prepared => prepared?,
    }
    Ok(Some(Ready {
        loops,
        hints,
        account,
        telegram,
    }))
}

/// The parts of the earlier run that this run may post.
#[derive(Clone, Copy)]
struct Kept {
    /// The photos in the spool.
    files: bool,
    /// The documents of posts.
    documents: bool,
}

/// Brings the store, the spool and the rules into the state that the loops expect.
async fn prepare(
    loops: &Loops,
    telegram: &Telegram,
    account: &Account,
    channels: PostingChannels,
    kept: Kept,
) -> Result<(), TaskError> {
    let database = &loops.database;
    let restored = RestoredPosts {
        channels,
        database,
        runtime: &loops.runtime,
        telegram,
        spool: &loops.spool,
    };
    restored.read(&account.channels).await?;
    if !kept.files {
        task::forget_spooled_photos(database).await?;
    }
    task::check_spool(database, &loops.runtime, &loops.spool).await?;
    if !kept.documents {
        task::forget_documents(database, &loops.encoder).await?;
    }
    loops.rule_book.reload(database).await?;
    // The ledger must have the private channels before the first post.
    database
        .write(|tx| {
            tx.set_account(account.own)?;
            for channel in &account.channels {
                if channels.contains(channel.id) {
                    tx.record_channel(channel)?;
                }
            }
            Ok(())
        })
        .await?;
    loops.scheduler.enqueue_online().await
}

fn connect_with(
    config: &Config,
    connection: Connection,
    store: &Store,
    clock: &Clock,
) -> Result<(Telegram, Hints), AppError> {
    let now = clock.now();
    let rate_limits = store.read(|tx| tx.rate_limits(now))?;
    let memory_store = store.clone();
    let memory: RateLimitMemory = Box::new(move |method, until| {
        let stored: Result<(), StoreError> =
            memory_store.write(|tx| tx.set_rate_limit(method, until));
        if let Err(error) = stored {
            tracing::error!(method, %error, "a rate limit could not be stored for the next start");
        }
    });
    let may_write = private_channels(config).collect();
    match &config.proxy {
        Some(proxy) => tracing::info!(proxy = proxy.address(), "connecting to Telegram"),
        None => tracing::info!("connecting to Telegram"),
    }
    Ok(Telegram::new(
        connection.session,
        identity(&config.telegram, config.proxy.as_ref()),
        clock.clone(),
        may_write,
        &rate_limits,
        memory,
        connection.last_contact,
    ))
}

/// Returns HIDE and, where one is configured, EXCHANGE: the only channels that the program writes to.
fn private_channels(config: &Config) -> impl Iterator<Item = ChannelId> {
    std::iter::once(config.channels.hide).chain(config.channels.exchange)
}

/// Returns what the account shows of its device.
#[must_use]
pub fn identity(telegram: &config::Telegram, proxy: Option<&config::Proxy>) -> Identity {
    Identity {
        api_id: *telegram.api_id.expose(),
        device_model: telegram.device_model.clone(),
        system_version: telegram.system_version.clone(),
        app_version: telegram.app_version.clone(),
        lang_code: telegram.lang_code.clone(),
        proxy_url: proxy.map(config::Proxy::url),
    }
}
