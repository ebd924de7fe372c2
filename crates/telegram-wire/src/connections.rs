//! The connections: one sender pool and one client for each data centre.
//!
//! A sender pool connects inside its own loop, so one shared pool would block the calls to every data
//! centre. A connection is created on first use, and re-created on the next use after its task has
//! ended or [`Connections::drop_connection`] was called. A task that panics on unexpected input ends
//! only its own connection, unless the program is built with `panic = "abort"`.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use grammers_client::client::ClientConfiguration;
use grammers_client::sender::{ConnectionParams, NoRetries, SenderPool};
use grammers_client::session::Session as _;
use grammers_client::session::updates::UpdatesLike;
use grammers_client::{Client, tl};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::session::{AccountSession, SessionError};

/// How many updates a sender pool buffers before it drops further ones.
const UPDATE_CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("the literal is not zero");

/// How the program presents itself to Telegram in `initConnection`, and the proxy that it uses.
#[derive(Clone)]
pub struct Identity {
    /// The application's id from my.telegram.org.
    pub api_id: i32,
    /// The model of the device, as the account's list of devices shows it.
    pub device_model: String,
    /// The version of the operating system, as the list of devices shows it.
    pub system_version: String,
    /// The version of the application, as the list of devices shows it.
    pub app_version: String,
    /// The language of application and system, ISO 639-1.
    pub lang_code: String,
    /// The SOCKS5 proxy: `socks5://[USERNAME:PASSWORD@]HOST:PORT`, without escapes.
    pub proxy_url: Option<SecretString>,
}

/// A message that Telegram sent over the home connection without being asked.
#[derive(Debug)]
pub enum Push {
    /// The message holds updates.
    Updates(Box<tl::enums::Updates>),
    /// The message could not be parsed.
    Malformed,
    /// The connection was lost. Telegram never pushes what happens before the next one.
    Disconnected,
}

/// The connections to all data centres.
pub(crate) struct Connections {
    session: Arc<AccountSession>,
    identity: Identity,
    pushes: mpsc::Sender<Push>,
    open: Mutex<BTreeMap<i32, Connection>>,
}

struct Connection {
    client: Client,
    runner: JoinHandle<()>,
}

impl Connections {
    /// Prepares the connections. `pushes` gets what the home data centre pushes.
    pub(crate) fn new(
        session: AccountSession,
        identity: Identity,
        pushes: mpsc::Sender<Push>,
    ) -> Self {
        Self {
            session: Arc::new(session),
            identity,
            pushes,
            open: Mutex::default(),
        }
    }

    pub(crate) fn home(&self) -> i32 {
        self.session.home()
    }

    pub(crate) fn session(&self) -> &AccountSession {
        &self.session
    }

    /// Returns the client of `dc`, with a new connection if there is none or its task has ended.
    pub(crate) fn client(&self, dc: i32) -> Client {
        let mut open = self.lock();
        if let Some(connection) = open.get(&dc) {
            if !connection.runner.is_finished() {
                return connection.client.clone();
            }
            tracing::error!(dc, "the connection's task has ended and is started again");
        }
        let connection = self.connect(dc);
        let client = connection.client.clone();
        open.insert(dc, connection);
        client
    }

    /// Makes `dc` the account's home data centre.
    pub(crate) async fn move_home(&self, dc: i32) -> Result<(), SessionError> {
        self.drop_connection(self.home());
        self.session.set_home_dc_id(dc).await
    }

    /// Drops the connection to `dc` and fails every call that waits on it.
    pub(crate) fn drop_connection(&self, dc: i32) {
        if let Some(connection) = self.lock().remove(&dc) {
            connection.runner.abort();
        }
    }

    /// Drops the connection to `dc`, which the server refuses. At home this is a loss of the connection: Telegram does
    /// not push what happens until the next one asks for updates.
    pub(crate) fn drop_refused(&self, dc: i32) {
        self.drop_connection(dc);
        if dc == self.home() {
            // If the buffer is full, the program compares the list of dialogs later all the same.
            let _ = self.pushes.try_send(Push::Disconnected);
        }
    }

    /// Closes every connection.
    pub(crate) fn quit(&self) {
        for connection in std::mem::take(&mut *self.lock()).into_values() {
            connection.client.disconnect();
        }
    }

    fn connect(&self, dc: i32) -> Connection {
        let pool = SenderPool::with_configuration(
            Arc::clone(&self.session),
            self.identity.api_id,
            self.identity.parameters(),
        );
        let configuration = ClientConfiguration {
            // The session file keeps no peers.
            auto_cache_peers: false,
        };
        let client = Client::with_configuration(pool.handle, configuration);
        let runner = tokio::spawn(pool.runner.run());
        if dc == self.home() {
            tokio::spawn(forward(pool.updates, self.pushes.clone()));
        }
        Connection { client, runner }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    fn parameters(&self) -> ConnectionParams {
        ConnectionParams {
            device_model: self.device_model.clone(),
            system_version: self.system_version.clone(),
            app_version: self.app_version.clone(),
            system_lang_code: self.lang_code.clone(),
            lang_code: self.lang_code.clone(),
            proxy_url: self
                .proxy_url
                .as_ref()
                .map(|url| url.expose_secret().to_owned()),
            // The rate limiter and the caller decide on retries.
            retry_policy: Box::new(NoRetries),
            updates_channel_capacity: UPDATE_CAPACITY,
            ..ConnectionParams::default()
        }
    }
}

// The proxy's URL may hold a password, and the program treats `api_id` as a secret.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("device_model", &self.device_model)
            .field("system_version", &self.system_version)
            .field("app_version", &self.app_version)
            .field("lang_code", &self.lang_code)
            .field("has_proxy", &self.proxy_url.is_some())
            .finish_non_exhaustive()
    }
}

/// Passes on what a pool's data centre pushes, until the pool or the receiver is gone.
async fn forward(mut updates: mpsc::Receiver<UpdatesLike>, pushes: mpsc::Sender<Push>) {
    while let Some(update) = updates.recv().await {
        let push = match update {
            UpdatesLike::Updates(updates) => Push::Updates(Box::new(updates)),
            UpdatesLike::MalformedUpdates => Push::Malformed,
            UpdatesLike::ConnectionClosed => Push::Disconnected,
            // The pool repeats the answers to some calls here. The caller of each has its answer already.
            UpdatesLike::ShortSentMessage { .. }
            | UpdatesLike::AffectedMessages(_)
            | UpdatesLike::AffectedChannelMessages { .. }
            | UpdatesLike::InvitedUsers(_)
            | UpdatesLike::ChatInviteJoinResult(_) => continue,
        };
        if pushes.send(push).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Identity {
        pub(crate) fn example() -> Self {
            Self {
                api_id: 12_345_678,
                device_model: "PC".into(),
                system_version: "Debian 13".into(),
                app_version: "1.0".into(),
                lang_code: "en".into(),
                proxy_url: Some("socks5://user:hunter22@127.0.0.1:1080".into()),
            }
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", Identity::example());
        assert!(shown.contains("Debian 13"), "{shown}");
        for secret in ["hunter22", "12345678"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
