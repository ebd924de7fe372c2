//! Invokes permitted calls: checks the target of a post, keeps the method's pace, and classifies
//! errors. A call of a method under a FLOOD_WAIT fails at once.
//!
//! A call is attempted once. Retries are the caller's decision, with one exception in `authorization`. Each new
//! FLOOD_WAIT is passed to a callback, so that the program can store it. A connection that the server refuses is closed
//! here; calls to its data centre fail until a pause is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use grammers_client::tl::enums;
use tokio::time::Instant;

use crate::Clock;
use crate::authorization::AuthorizationImports;
use crate::calls::{PERMITTED, Permitted};
use crate::classification::{ConnectionState, Failure, TransportError, classify};
use crate::clock_guard::ClockAhead;
use crate::connection_backoff::{ConnectionBackoff, Consequence, Refusal};
use crate::connections::{ANSWER_TIMEOUT, Connections, Identity, InvokeError};
use crate::error::{AccountError, CallError};
use crate::last_contact::LastContact;
use crate::pushes::Pushes;
use crate::rate_limit::RateLimiter;
use crate::session::{AccountSession, MoveError, SessionError};

/// The longest pause of a data centre that refuses connections.
const LONGEST_CONNECTION_PAUSE: Duration = Duration::from_secs(60);

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
    /// Gets the time of each answer.
    pub last_contact: LastContact,
}

/// The account's access to Telegram.
pub struct Wire {
    pub(crate) connections: Connections,
    connection_backoff: ConnectionBackoff,
    pub(crate) imports: AuthorizationImports,
    pub(crate) clock: Arc<dyn Clock>,
    limiters: BTreeMap<&'static str, RateLimiter>,
    writable_channels: BTreeSet<i64>,
    on_rate_limit: OnRateLimit,
}

impl Wire {
    /// Prepares the connections. The first call to a data centre connects to it. Pushes of the home
    /// data centre arrive at the receiver; if it is not read, pushes are dropped.
    #[must_use]
    pub fn new(session: AccountSession, config: WireConfig) -> (Self, Pushes) {
        let limiters = PERMITTED
            .iter()
            .map(|&method| {
                let limited_until = config.rate_limits.get(method).copied();
                let clock = Arc::clone(&config.clock);
                (method, RateLimiter::new(clock, limited_until))
            })
            .collect();
        let (connections, pushes) = Connections::new(
            session,
            config.identity,
            Arc::clone(&config.clock),
            config.last_contact,
        );
        let wire = Self {
            connections,
            connection_backoff: ConnectionBackoff::new(LONGEST_CONNECTION_PAUSE),
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

    /// Invokes `request` in the account's home data centre, and waits at most `timeout` for the answer. The wait for
    /// the method's own pace does not count.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn invoke_within<R: Permitted>(
        &self,
        request: &R,
        timeout: Duration,
    ) -> Result<R::Return, CallError> {
        self.attempt_within(self.connections.home(), request, timeout)
            .await
    }

    /// Returns until when Telegram limits `method`, as Unix time, if it does.
    #[must_use]
    pub fn limited_until(&self, method: &str) -> Option<i64> {
        self.limiters
            .get(method)
            .and_then(RateLimiter::limited_until)
    }

    /// Returns how long calls to the home data centre fail at once, because it refused a connection.
    #[must_use]
    pub fn home_pause(&self) -> Duration {
        let now = self.clock.instant();
        self.connection_backoff.pause(self.connections.home(), now)
    }

    /// Returns true while the home data centre refuses the session's key (−404) and the key does not count as lost yet.
    #[must_use]
    pub fn is_home_key_refused(&self) -> bool {
        self.connections.session().has_home_key()
            && self
                .connection_backoff
                .is_key_refused(self.connections.home())
    }

    /// Drops the home connection and fails every call that waits on it. The next call connects again. A connection
    /// that was refused is closed already, and the call that tries the next one is left alone.
    pub fn reconnect(&self) {
        let home = self.connections.home();
        if !self.connection_backoff.is_refused(home) {
            self.connections.drop_connection(home);
        }
    }

    /// Watches over the connections, and has to run as long as calls are made: replaces silent connections, and drops
    /// all of them when this machine's clock jumps. Returns only if that clock is too far ahead of Telegram's; no call
    /// can succeed then.
    pub async fn monitor(&self) -> ClockAhead {
        self.connections.monitor().await
    }

    /// Returns how far this machine's clock is ahead of Telegram's, if calls fail for that reason.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<ClockAhead> {
        self.connections.clock_ahead()
    }

    /// Changes the account's home data centre. During a login, Telegram's error 303 asks for it.
    ///
    /// # Errors
    /// No address of the data centre is known, or the session file cannot be written.
    pub async fn move_home(&self, dc: i32) -> Result<(), MoveError> {
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
    pub(crate) async fn attempt<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, CallError> {
        self.attempt_within(dc, request, ANSWER_TIMEOUT).await
    }

    async fn attempt_within<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
        timeout: Duration,
    ) -> Result<R::Return, CallError> {
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
        let permit = limiter.acquire(R::METHOD, R::PACE).await?;
        let began = permit.began;
        if let Err(pause) = self.connection_backoff.begin_call(dc, began) {
            return Err(paused(R::METHOD, "refused the last connection", pause));
        }
        let method = R::METHOD;
        match self.connections.invoke(dc, request, timeout).await {
            Ok(answer) => {
                limiter.note_success();
                self.connection_backoff.answered(dc, began);
                Ok(answer)
            }
            Err(InvokeError::Reported(error)) => {
                let is_home = dc == self.connections.home();
                let Failure { error, connection } =
                    classify(error, method, is_home, self.clock.now());
                self.note_connection_state(dc, connection, began)?;
                if let CallError::RateLimited { until, .. } = error {
                    tracing::warn!(method, until, "rate limit");
                    limiter.note_rate_limit(until, began);
                    (self.on_rate_limit)(method, until);
                }
                Err(error)
            }
            Err(InvokeError::Network { cause, is_cut }) => {
                self.note_connection_state(dc, ConnectionState::Lost, began)?;
                Err(CallError::Network {
                    method,
                    cause,
                    is_cut,
                })
            }
            Err(InvokeError::UnreadTransportError) => {
                let refused = ConnectionState::Refused(TransportError::Flood(None));
                self.note_connection_state(dc, refused, began)?;
                let cause =
                    "Telegram refuses the connection: transport error of unknown number".into();
                Err(CallError::Network {
                    method,
                    cause,
                    is_cut: false,
                })
            }
        }
    }

    /// Records what a failed call, which began at `call_began`, says about its connection.
    ///
    /// # Errors
    /// The account's key is lost.
    fn note_connection_state(
        &self,
        dc: i32,
        state: ConnectionState,
        call_began: Instant,
    ) -> Result<(), AccountError> {
        match state {
            ConnectionState::Works => self.connection_backoff.answered(dc, call_began),
            ConnectionState::Lost => {
                let now = self.clock.instant();
                self.connection_backoff.unanswered(dc, call_began, now);
            }
            ConnectionState::Refused(error) => {
                return self.note_refused_connection(dc, error, call_began);
            }
        }
        Ok(())
    }

    /// Closes a connection that the server refuses, which a call that began at `call_began` found out. Calls to this
    /// data centre fail for a while.
    ///
    /// # Errors
    /// The account's key is lost: the home data centre does not know it, on several connections over ten minutes.
    pub(crate) fn note_refused_connection(
        &self,
        dc: i32,
        error: TransportError,
        call_began: Instant,
    ) -> Result<(), AccountError> {
        let is_home = dc == self.connections.home();
        let refusal = self.refusal(error, call_began);
        let pause = match self.connection_backoff.refused(dc, refusal) {
            Consequence::AlreadyKnown => return Ok(()),
            Consequence::KeyLost if is_home => return Err(AccountError::KeyUnknown),
            Consequence::KeyLost => Duration::ZERO,
            Consequence::Pause(pause) => pause,
        };
        self.connections.drop_connection(dc);
        tracing::warn!(
            dc,
            ?error,
            pause_s = pause.as_secs(),
            "a connection was refused"
        );
        if error == TransportError::KeyUnknown
            && !is_home
            && let Err(error) = self.connections.session().forget_key(dc)
        {
            tracing::error!(dc, %error, "the key of a data centre could not be replaced");
        }
        Ok(())
    }

    pub(crate) fn refusal(&self, error: TransportError, call_began: Instant) -> Refusal {
        Refusal {
            error,
            call_began,
            now: self.clock.instant(),
            unix_now: self.clock.now(),
        }
    }

    fn is_writable(&self, peer: &enums::InputPeer) -> bool {
        matches!(peer, enums::InputPeer::Channel(channel)
            if self.writable_channels.contains(&channel.channel_id))
    }
}

/// Returns the error of a call that is not made because its data centre is paused.
pub(crate) fn paused(method: &'static str, why: &str, pause: Duration) -> CallError {
    let seconds = pause.as_secs() + 1;
    let cause = format!("its data centre {why}; the next attempt is in {seconds} s");
    CallError::Network {
        method,
        cause,
        is_cut: false,
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
            last_contact: LastContact::new(TestClock::at(1_000)),
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
