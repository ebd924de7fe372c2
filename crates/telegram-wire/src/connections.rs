//! The connections: one sender pool for each data centre.
//!
//! A sender pool connects inside its own loop, so one shared pool would block the calls to every data centre. A
//! connection is created on first use, and again on the next use after it failed, ended or was dropped. grammers panics
//! on some answers: such a panic ends the task of that pool, and thereby only that connection. Before the home
//! connection is opened, this machine's clock is compared with Telegram's. Nothing is kept beyond the process, except
//! keys in the session file.

mod failure;
mod monitor;
mod proxy;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_client::sender::{
    ConnectionParams, NoRetries, SenderPool, SenderPoolHandle, ServerAddr,
};
use grammers_client::session::Session as _;
use grammers_client::session::types::DcOption;
use grammers_client::tl::{Deserializable as _, RemoteCall};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Clock;
use crate::activity::Activity;
use crate::clock_guard::{ClockAhead, ClockGuard, Reason};
use crate::last_contact::LastContact;
use crate::probe;
use crate::pushes::{PushStream, Pushes};
use crate::session::{AccountSession, MoveError};

/// How many updates a sender pool buffers before it drops further ones.
const UPDATE_CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("the literal is not zero");

/// How long the program waits for the answer to a call.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

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

/// The connections to all data centres.
pub(crate) struct Connections {
    session: Arc<AccountSession>,
    identity: Identity,
    clock: Arc<dyn Clock>,
    clock_guard: ClockGuard,
    last_contact: LastContact,
    push_streams: mpsc::UnboundedSender<PushStream>,
    open: Mutex<BTreeMap<i32, Arc<Connection>>>,
}

struct Connection {
    pool: SenderPoolHandle,
    activity: Arc<Activity>,
    runner: JoinHandle<()>,
}

/// The reason why a call got no answer that it can use.
pub(crate) enum InvokeError {
    /// grammers or Telegram reports this error.
    Reported(InvocationError),
    /// The connection failed, or there was no answer in time.
    Network {
        /// The cause, for the log.
        cause: String,
        /// True if the connection ended while the call was under way.
        is_cut: bool,
    },
    /// The server refused the connection by a transport error whose number could not be read.
    UnreadTransportError,
}

impl Connections {
    /// Prepares the connections. The receiver gets what the home data centre pushes.
    pub(crate) fn new(
        session: AccountSession,
        identity: Identity,
        clock: Arc<dyn Clock>,
        last_contact: LastContact,
    ) -> (Self, Pushes) {
        let (push_streams, receiver) = mpsc::unbounded_channel();
        let pushes = Pushes::new(Arc::clone(&clock), receiver);
        let connections = Self {
            session: Arc::new(session),
            identity,
            clock_guard: ClockGuard::new(Arc::clone(&clock)),
            clock,
            last_contact,
            push_streams,
            open: Mutex::default(),
        };
        (connections, pushes)
    }

    pub(crate) fn home(&self) -> i32 {
        self.session.home()
    }

    pub(crate) fn session(&self) -> &AccountSession {
        &self.session
    }

    /// Invokes `request` in `dc`, over a new connection if there is none, and waits at most `limit` for the answer.
    pub(crate) async fn invoke<R: RemoteCall>(
        &self,
        dc: i32,
        request: &R,
        limit: Duration,
    ) -> Result<R::Return, InvokeError> {
        let connection = self.connection(dc).await?;
        let started = self.clock.instant();
        let pending = connection.activity.begin_call(started);
        let call = connection.pool.raw_invoke_in_dc(dc, request.to_bytes());
        let answer = timeout(limit, call).await;
        drop(pending);
        match answer {
            Ok(Ok(body)) => {
                connection.activity.note_answer(self.clock.instant());
                R::Return::from_bytes(&body).map_err(|error| InvokeError::Reported(error.into()))
            }
            Ok(Err(error)) if failure::concerns_call(&error) => {
                connection.activity.note_answer(self.clock.instant());
                Err(InvokeError::Reported(error))
            }
            Ok(Err(error)) => Err(self.connection_failed(dc, &connection, error).await),
            Err(_) => {
                let proxy = self.silence_of_proxy(&connection);
                // A shorter limit says nothing about the connection.
                if limit >= ANSWER_TIMEOUT
                    && connection.activity.is_silent_since(started)
                    && self.close(dc, &connection)
                    && let Some(cause) = &proxy
                {
                    // The caller may try several calls before it logs an error.
                    tracing::warn!(dc, "{cause}");
                }
                let seconds = limit.as_secs();
                Err(InvokeError::Network {
                    cause: proxy.unwrap_or_else(|| format!("no answer within {seconds} s")),
                    is_cut: false,
                })
            }
        }
    }

    /// Makes `dc` the account's home data centre, unless no address of it is known.
    pub(crate) async fn move_home(&self, dc: i32) -> Result<(), MoveError> {
        if self.option(dc).is_none() {
            return Err(MoveError::UnknownAddress(dc));
        }
        self.drop_connection(self.home());
        Ok(self.session.set_home_dc_id(dc).await?)
    }

    /// Drops the connection to `dc` and fails every call that waits on it.
    pub(crate) fn drop_connection(&self, dc: i32) {
        if let Some(connection) = self.lock().remove(&dc) {
            connection.runner.abort();
        }
    }

    /// Returns how far this machine's clock is ahead of Telegram's, if calls fail for that reason.
    pub(crate) fn clock_ahead(&self) -> Option<ClockAhead> {
        self.clock_guard.ahead()
    }

    /// Closes every connection.
    pub(crate) fn quit(&self) {
        for connection in std::mem::take(&mut *self.lock()).into_values() {
            connection.runner.abort();
        }
    }

    /// Returns the connection to `dc`, a new one if there is none that can be used.
    async fn connection(&self, dc: i32) -> Result<Arc<Connection>, InvokeError> {
        if let Some(connection) = self.usable(&mut self.lock(), dc) {
            return Ok(connection);
        }
        if dc == self.home() {
            let compared = self.compare_clock(Reason::NewConnection).await;
            compared.map_err(|ahead| InvokeError::Network {
                cause: ahead.to_string(),
                is_cut: false,
            })?;
        }
        let mut open = self.lock();
        // Another call may have connected during the comparison.
        if let Some(connection) = self.usable(&mut open, dc) {
            return Ok(connection);
        }
        let connection = Arc::new(self.connect(dc));
        open.insert(dc, Arc::clone(&connection));
        Ok(connection)
    }

    fn usable(
        &self,
        open: &mut BTreeMap<i32, Arc<Connection>>,
        dc: i32,
    ) -> Option<Arc<Connection>> {
        let connection = open.get(&dc)?;
        if connection.runner.is_finished() {
            failure::log_ended_task(dc);
        } else if !connection.activity.is_closed() {
            return Some(Arc::clone(connection));
        }
        open.remove(&dc);
        None
    }

    fn connect(&self, dc: i32) -> Connection {
        let pool = SenderPool::with_configuration(
            Arc::clone(&self.session),
            self.identity.api_id,
            self.identity.parameters(),
        );
        let is_home = dc == self.home();
        let activity = Arc::new(Activity::new(
            self.clock.instant(),
            is_home,
            self.last_contact.clone(),
        ));
        if is_home {
            // This fails only if nobody reads the pushes.
            let _ = self.push_streams.send(PushStream {
                updates: pool.updates,
                activity: Arc::clone(&activity),
            });
        }
        Connection {
            pool: pool.handle.thin,
            activity,
            runner: tokio::spawn(pool.runner.run()),
        }
    }

    /// Closes this connection. Returns false if that was done before.
    fn close(&self, dc: i32, connection: &Arc<Connection>) -> bool {
        let mut open = self.lock();
        let is_open = open
            .get(&dc)
            .is_some_and(|open| Arc::ptr_eq(open, connection));
        if is_open {
            open.remove(&dc);
        }
        connection.runner.abort();
        is_open
    }

    async fn compare_clock(&self, reason: Reason) -> Result<(), ClockAhead> {
        self.clock_guard
            .compare(reason, async {
                let option = self.option(self.home())?;
                probe::server_time(self.address(&option)).await
            })
            .await
    }

    fn option(&self, dc: i32) -> Option<DcOption> {
        self.session.dc_option(dc).ok().flatten()
    }

    fn address(&self, option: &DcOption) -> ServerAddr {
        let address = option.ipv4.into();
        match &self.identity.proxy_url {
            Some(proxy) => ServerAddr::Proxied {
                address,
                proxy: proxy.expose_secret().to_owned(),
            },
            None => ServerAddr::Tcp { address },
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Connection>>> {
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

impl From<InvocationError> for InvokeError {
    fn from(error: InvocationError) -> Self {
        Self::Reported(error)
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
