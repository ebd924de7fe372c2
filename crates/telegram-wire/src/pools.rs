//! The connections: one sender pool per data centre, made when first needed, made anew when dead.
//!
//! Owns the pools and their supervision. grammers connects inside the pool's own loop, so an
//! unreachable data centre would block every call of its pool: each data centre has a pool of its
//! own, and [`Pools::reset`] drops one that no longer answers. Nothing here outlives the process but
//! what the session file keeps.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use grammers_mtsender::{ConnectionParams, NoRetries, SenderPool, SenderPoolHandle};
use grammers_session::Session as _;
use grammers_session::updates::UpdatesLike;
use grammers_tl_types::enums;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::session::{AccountSession, SessionError};

/// How many updates may wait for us before the pool drops some. Dropped ones are found again by
/// asking who moved.
const UPDATES_KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// What the account shows of its device, and how it reaches Telegram.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `api_id` from my.telegram.org.
    pub api_id: i32,
    /// The device's model, in the account's list of devices.
    pub device_model: String,
    /// The operating system's version there.
    pub system_version: String,
    /// The app's version there.
    pub app_version: String,
    /// The language.
    pub lang_code: String,
    /// `socks5://…`, if a proxy is to be used.
    pub proxy_url: Option<String>,
}

/// What came over the home connection by itself.
#[derive(Debug)]
pub enum Push {
    /// Updates.
    Updates(enums::Updates),
    /// Updates that could not be read.
    Malformed,
    /// The connection was lost.
    Disconnected,
}

/// The connections to Telegram.
pub(crate) struct Pools {
    session: Arc<AccountSession>,
    identity: Identity,
    pushes: mpsc::Sender<Push>,
    pools: Mutex<BTreeMap<i32, Pool>>,
}

struct Pool {
    handle: SenderPoolHandle,
    runner: JoinHandle<()>,
}

impl Pools {
    /// Prepares the connections; nothing is connected before the first call. What Telegram pushes
    /// goes to `pushes`.
    pub(crate) fn new(
        session: Arc<AccountSession>,
        identity: Identity,
        pushes: mpsc::Sender<Push>,
    ) -> Self {
        Self {
            session,
            identity,
            pushes,
            pools: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns the home data centre.
    pub(crate) fn home(&self) -> i32 {
        self.session.home()
    }

    /// Returns the session file.
    pub(crate) fn session(&self) -> &AccountSession {
        &self.session
    }

    /// Returns a handle to the pool of `dc`, started if there is none or it has died.
    pub(crate) fn handle(&self, dc: i32) -> SenderPoolHandle {
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&dc) {
            if !pool.runner.is_finished() {
                return pool.handle.clone();
            }
            tracing::error!(dc, "the connection's task has died and is started again");
        }
        let pool = self.start(dc);
        let handle = pool.handle.clone();
        pools.insert(dc, pool);
        handle
    }

    /// Makes another data centre the account's home, as a login may ask for.
    pub(crate) async fn move_home(&self, dc: i32) -> Result<(), SessionError> {
        self.reset(self.home());
        self.session.set_home_dc_id(dc).await
    }

    /// Drops the pool of `dc`, and every call that waits in it.
    pub(crate) fn reset(&self, dc: i32) {
        if let Some(pool) = self.pools().remove(&dc) {
            pool.runner.abort();
        }
    }

    /// Closes every connection.
    pub(crate) fn close(&self) {
        for pool in std::mem::take(&mut *self.pools()).into_values() {
            pool.handle.quit();
        }
    }

    fn start(&self, dc: i32) -> Pool {
        let SenderPool {
            runner,
            handle,
            mut updates,
        } = SenderPool::with_configuration(
            Arc::clone(&self.session),
            self.identity.api_id,
            self.parameters(),
        );
        let runner = tokio::spawn(runner.run());
        if dc == self.home() {
            let pushes = self.pushes.clone();
            tokio::spawn(async move {
                while let Some(update) = updates.recv().await {
                    let Some(push) = push_of(update) else {
                        continue;
                    };
                    if pushes.send(push).await.is_err() {
                        return;
                    }
                }
            });
        }
        Pool {
            handle: handle.thin,
            runner,
        }
    }

    fn parameters(&self) -> ConnectionParams {
        let identity = &self.identity;
        ConnectionParams {
            device_model: identity.device_model.clone(),
            system_version: identity.system_version.clone(),
            app_version: identity.app_version.clone(),
            system_lang_code: identity.lang_code.clone(),
            lang_code: identity.lang_code.clone(),
            proxy_url: identity.proxy_url.clone(),
            retry_policy: Box::new(NoRetries),
            updates_channel_capacity: UPDATES_KEPT,
            ..ConnectionParams::default()
        }
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<i32, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push_of(update: UpdatesLike) -> Option<Push> {
    match update {
        UpdatesLike::Updates(updates) => Some(Push::Updates(updates)),
        UpdatesLike::ConnectionClosed => Some(Push::Disconnected),
        UpdatesLike::MalformedUpdates => Some(Push::Malformed),
        // Answers to calls that this program does not make.
        UpdatesLike::ShortSentMessage { .. }
        | UpdatesLike::AffectedMessages(_)
        | UpdatesLike::AffectedChannelMessages { .. }
        | UpdatesLike::InvitedUsers(_)
        | UpdatesLike::ChatInviteJoinResult(_) => None,
    }
}
