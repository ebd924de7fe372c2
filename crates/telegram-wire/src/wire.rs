//! Invokes permitted calls: checks the target of a post, keeps the method's pace, and classifies
//! errors. A call of a method under a FLOOD_WAIT fails at once.
//!
//! A call is attempted once. Retries are the caller's decision, with one exception: a data centre
//! other than the home one may not know the account yet, so the authorization is imported and the
//! call repeated. Each new FLOOD_WAIT is passed to a callback, so that the program can store it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use grammers_client::tl::{enums, functions as f};
use tokio::sync::mpsc;

use crate::Clock;
use crate::authorization::AuthorizationImports;
use crate::calls::{PERMITTED, Permitted};
use crate::connections::{Connections, Identity, Push};
use crate::error::{CallError, classify};
use crate::rate_limit::RateLimiter;
use crate::session::{AccountSession, SessionError};

/// How many pushes are buffered for the program.
const PUSH_CAPACITY: usize = 64;

/// How long the program waits for the answer to a call.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A function that stores a rate limit: it gets the method and the Unix time at which the limit ends.
pub type OnRateLimit = Box<dyn Fn(&'static str, i64) + Send + Sync>;

/// The settings of a [`Wire`].
pub struct WireConfig {
    /// How the program presents itself to Telegram.
    pub identity: Identity,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The channels that posts may go to: bare ids, without the `-100` of the Bot API.
    pub writable_channels: BTreeSet<i64>,
    /// The rate limits of an earlier process: when each ends, by method, as Unix time.
    pub rate_limits: BTreeMap<String, i64>,
    /// Called with each new rate limit.
    pub on_rate_limit: OnRateLimit,
}

/// The account's access to Telegram.
pub struct Wire {
    connections: Connections,
    imports: AuthorizationImports,
    clock: Arc<dyn Clock>,
    limiters: BTreeMap<&'static str, RateLimiter>,
    writable_channels: BTreeSet<i64>,
    on_rate_limit: OnRateLimit,
}

impl Wire {
    /// Prepares the connections. The first call to a data centre connects to it. Pushes of the home
    /// data centre arrive at the receiver. If the receiver is full, pushes may be dropped.
    #[must_use]
    pub fn new(session: AccountSession, config: WireConfig) -> (Self, mpsc::Receiver<Push>) {
        let (push_sender, pushes) = mpsc::channel(PUSH_CAPACITY);
        let limiters = PERMITTED
            .iter()
            .map(|&method| {
                let limited_until = config.rate_limits.get(method).copied();
                let clock = Arc::clone(&config.clock);
                (method, RateLimiter::new(clock, limited_until))
            })
            .collect();
        let wire = Self {
            connections: Connections::new(session, config.identity, push_sender),
            imports: AuthorizationImports::default(),
            clock: config.clock,
            limiters,
            writable_channels: config.writable_channels,
            on_rate_limit: config.on_rate_limit,
        };
        (wire, pushes)
    }

    /// Invokes `request` in the account's home data centre.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn invoke<R: Permitted>(&self, request: &R) -> Result<R::Return, CallError> {
        self.attempt(self.connections.home(), request).await
    }

    /// Invokes `request` in the data centre `dc`. If that is not the home data centre and does not
    /// know the account yet, imports the authorization there and repeats the call once.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn invoke_in<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, CallError> {
        if dc == self.connections.home() {
            return self.attempt(dc, request).await;
        }
        let generation = self.imports.generation(dc).await;
        match self.attempt(dc, request).await {
            Err(CallError::Refused { code: 401, .. }) => {
                self.imports
                    .import_once(dc, generation, || self.copy_authorization(dc))
                    .await?;
                self.attempt(dc, request).await
            }
            answer => answer,
        }
    }

    /// Returns until when Telegram limits `method`, as Unix time, if it does.
    #[must_use]
    pub fn limited_until(&self, method: &str) -> Option<i64> {
        self.limiters
            .get(method)
            .and_then(RateLimiter::limited_until)
    }

    /// Drops the home connection and fails every call that waits on it. The next call connects again.
    pub fn reconnect(&self) {
        self.connections.drop_connection(self.connections.home());
    }

    /// Changes the account's home data centre. During a login, Telegram's error 303 asks for it.
    ///
    /// # Errors
    /// The session file cannot be written.
    pub async fn move_home(&self, dc: i32) -> Result<(), SessionError> {
        self.connections.move_home(dc).await
    }

    /// Writes into the session file which account is logged in.
    ///
    /// # Errors
    /// The session file cannot be written.
    pub fn save_account(&self, user_id: i64, access_hash: i64) -> Result<(), SessionError> {
        self.connections
            .session()
            .save_account(user_id, access_hash)
    }

    /// Closes every connection.
    pub fn quit(&self) {
        self.connections.quit();
    }

    /// Makes one attempt at a call, once the rate limit of its method permits it.
    async fn attempt<R: Permitted>(&self, dc: i32, request: &R) -> Result<R::Return, CallError> {
        if let Some(peer) = request.writes_to()
            && !self.is_writable(peer)
        {
            return Err(CallError::NotSent {
                method: R::METHOD,
                reason: "this program may not post to that peer",
            });
        }
        let limiter = self
            .limiters
            .get(R::METHOD)
            .expect("Wire::new made a limiter for each method of the table");
        let _permit = limiter.acquire(R::METHOD, R::PACE).await?;
        let client = self.connections.client(dc);
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, client.invoke_in_dc(dc, request)).await;
        let is_home = dc == self.connections.home();
        match answer {
            Ok(Ok(answer)) => {
                limiter.note_success();
                Ok(answer)
            }
            Ok(Err(error)) => {
                let error = classify(error, R::METHOD, is_home, self.clock.now());
                if let CallError::RateLimited { until, .. } = error {
                    tracing::warn!(method = R::METHOD, until, "rate limit");
                    limiter.note_rate_limit(until);
                    (self.on_rate_limit)(R::METHOD, until);
                }
                Err(error)
            }
            Err(_) => {
                // The program checks the home connection itself, and calls `reconnect`.
                if !is_home {
                    self.connections.drop_connection(dc);
                }
                Err(CallError::Network {
                    method: R::METHOD,
                    cause: format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()),
                })
            }
        }
    }

    async fn copy_authorization(&self, dc: i32) -> Result<(), CallError> {
        let request = f::auth::ExportAuthorization { dc_id: dc };
        let enums::auth::ExportedAuthorization::Authorization(exported) =
            self.invoke(&request).await?;
        let request = f::auth::ImportAuthorization {
            id: exported.id,
            bytes: exported.bytes,
        };
        self.attempt(dc, &request).await?;
        tracing::info!(dc, "imported the authorization");
        Ok(())
    }

    fn is_writable(&self, peer: &enums::InputPeer) -> bool {
        matches!(peer, enums::InputPeer::Channel(channel)
            if self.writable_channels.contains(&channel.channel_id))
    }
}

#[cfg(test)]
mod tests {
    use grammers_client::tl::types;

    use super::*;
    use crate::rate_limit::tests::TestClock;

    fn wire(directory: &tempfile::TempDir) -> Wire {
        let path = directory.path().join("account.session");
        let session = AccountSession::open_for_login(&path).expect("created");
        let config = WireConfig {
            identity: Identity::example(),
            clock: TestClock::at(1_000),
            writable_channels: BTreeSet::from([7]),
            rate_limits: BTreeMap::from([("messages.sendMedia".to_owned(), 1_010)]),
            on_rate_limit: Box::new(|_, _| {}),
        };
        Wire::new(session, config).0
    }

    fn channel(channel_id: i64) -> enums::InputPeer {
        let access_hash = 0;
        types::InputPeerChannel {
            channel_id,
            access_hash,
        }
        .into()
    }

    #[tokio::test]
    async fn posts_go_only_to_the_configured_channels() {
        let directory = tempfile::tempdir().expect("a directory");
        let wire = wire(&directory);
        assert!(wire.is_writable(&channel(7)));
        for peer in [
            channel(8),
            enums::InputPeer::PeerSelf,
            types::InputPeerChat { chat_id: 7 }.into(),
        ] {
            assert!(!wire.is_writable(&peer), "{peer:?}");
        }
    }

    #[tokio::test]
    async fn a_rate_limit_of_an_earlier_process_still_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        let wire = wire(&directory);
        assert_eq!(wire.limited_until("messages.sendMedia"), Some(1_010));
        assert_eq!(wire.limited_until("messages.sendMessage"), None);
    }
}
