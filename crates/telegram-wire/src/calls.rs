//! The closed list of what this program may ask of Telegram, and the gate in front of each call.
//!
//! Owns SPEC §10: a call that is not in the table below does not compile, since only here a
//! request becomes a `Permitted` one, and only here the sender pool is invoked. Calls that write
//! are let through to HIDE and EXCHANGE alone. Each method has a gate of its own: how many at
//! once, how fast, and until when a flood limit rests it. Flood limits are handed to a memory that
//! outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{RemoteCall, enums, functions as f};

use tokio::sync::mpsc;

use crate::Clock;
use crate::error::{CallError, classify};
use crate::pools::{Identity, Pools, Push};
use crate::rate_limit::{Gate, Pace};
use crate::session::{AccountSession, SessionError};

/// How many pushes may wait before the connection's task waits for us.
const PUSHES_KEPT: usize = 4096;

/// How long an answer may take before the call counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A request that this program may make.
pub trait Permitted: RemoteCall {
    /// Telegram's name of the method.
    const METHOD: &'static str;
    /// How fast it may be called.
    const PACE: Pace;
    /// The peer that the call writes to, if it writes.
    fn writes_to(&self) -> Option<&enums::InputPeer> {
        None
    }
}

macro_rules! permitted {
    ($( $request:path, $method:literal, $at_once:literal at once, every $every:literal ms $(, writes to $peer:ident)? ; )*) => {
        /// The methods that this program may call, and no other (SPEC §10). Opening a connection adds
        /// `help.getConfig` inside `initConnection`, and MTProto its own service messages.
        pub const PERMITTED: &[&str] = &[$($method),*];

        /// Name, constructor and whether it writes, of each call.
        #[cfg(test)]
        const TABLE: &[(&str, u32, bool)] = &[$((
            $method,
            <$request as grammers_tl_types::Identifiable>::CONSTRUCTOR_ID,
            !concat!("", $(stringify!($peer))?).is_empty(),
        )),*];

        $(impl Permitted for $request {
            const METHOD: &'static str = $method;
            const PACE: Pace = Pace { at_once: $at_once, every: Duration::from_millis($every) };
            $(fn writes_to(&self) -> Option<&enums::InputPeer> { Some(&self.$peer) })?
        })*
    };
}

permitted! {
    // Reading. None of these marks anything as read or shows the account online.
    f::updates::GetState,               "updates.getState",               1 at once, every 200 ms;
    f::updates::GetChannelDifference,   "updates.getChannelDifference",   2 at once, every 200 ms;
    f::messages::GetDialogs,            "messages.getDialogs",            1 at once, every 500 ms;
    f::channels::GetMessages,           "channels.getMessages",           2 at once, every 200 ms;
    f::channels::GetParticipants,       "channels.getParticipants",       1 at once, every 2000 ms;
    f::users::GetUsers,                 "users.getUsers",                 2 at once, every 200 ms;
    f::users::GetFullUser,              "users.getFullUser",              1 at once, every 1000 ms;
    // The fetcher allows each data centre its own number of downloads, so that none holds up another.
    f::upload::GetFile,                 "upload.getFile",                 16 at once, every 0 ms;
    // Posting, in HIDE and EXCHANGE alone. The deliverer sets its own pace (`delivery.min_interval_ms`).
    f::upload::SaveFilePart,            "upload.saveFilePart",            2 at once, every 0 ms;
    f::upload::SaveBigFilePart,         "upload.saveBigFilePart",         2 at once, every 0 ms;
    f::messages::SendMessage,           "messages.sendMessage",           1 at once, every 0 ms, writes to peer;
    f::messages::SendMedia,             "messages.sendMedia",             1 at once, every 0 ms, writes to peer;
    // The authorization, carried to a data centre that keeps photos.
    f::auth::ExportAuthorization,       "auth.exportAuthorization",       1 at once, every 200 ms;
    f::auth::ImportAuthorization,       "auth.importAuthorization",       1 at once, every 200 ms;
    // Logging in, by the `login` command only.
    f::auth::SendCode,                  "auth.sendCode",                  1 at once, every 0 ms;
    f::auth::SignIn,                    "auth.signIn",                    1 at once, every 0 ms;
    f::account::GetPassword,            "account.getPassword",            1 at once, every 0 ms;
    f::auth::CheckPassword,             "auth.checkPassword",             1 at once, every 0 ms;
}

/// Where flood limits are kept so that they survive the process.
pub type FloodMemory = Arc<dyn Fn(&'static str, i64) + Send + Sync>;

/// Makes calls, through their gates.
pub struct Wire {
    pools: Pools,
    clock: Arc<dyn Clock>,
    gates: BTreeMap<&'static str, Gate>,
    memory: FloodMemory,
    may_write: BTreeSet<i64>,
}

impl Wire {
    /// Puts the gates in front of `link`. `floods` are the limits still in force from before.
    #[must_use]
    pub fn new(
        session: AccountSession,
        identity: Identity,
        clock: Arc<dyn Clock>,
        may_write: BTreeSet<i64>,
        floods: &BTreeMap<String, i64>,
        memory: FloodMemory,
    ) -> (Self, mpsc::Receiver<Push>) {
        let (pushes, received) = mpsc::channel(PUSHES_KEPT);
        let pools = Pools::new(Arc::new(session), identity, pushes);
        let gates = PERMITTED
            .iter()
            .map(|&method| {
                (
                    method,
                    Gate::new(clock.clone(), floods.get(method).copied()),
                )
            })
            .collect();
        let wire = Self {
            pools,
            clock,
            gates,
            memory,
            may_write,
        };
        (wire, received)
    }

    /// Drops the home connection, and every call that waits on it; the next call connects anew.
    pub fn reconnect(&self) {
        self.pools.reset(self.pools.home());
    }

    /// Makes another data centre the account's home, as a login may ask for.
    ///
    /// # Errors
    /// The session file cannot be written.
    pub async fn move_home(&self, dc: i32) -> Result<(), SessionError> {
        self.pools.move_home(dc).await
    }

    /// Remembers who is logged in.
    ///
    /// # Errors
    /// The session file cannot be written.
    pub fn remember_self(&self, user_id: i64, access_hash: i64) -> Result<(), SessionError> {
        self.pools.session().remember_self(user_id, access_hash)
    }

    /// Closes every connection.
    pub fn close(&self) {
        self.pools.close();
    }

    /// Invokes `request` in the account's home data centre.
    pub async fn invoke<R: Permitted>(&self, request: &R) -> Result<R::Return, CallError> {
        self.invoke_in(self.pools.home(), request).await
    }

    /// Invokes `request` in the given data centre, after its gate let it through.
    pub async fn invoke_in<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, CallError> {
        if let Some(peer) = request.writes_to()
            && !self.is_ours(peer)
        {
            return Err(CallError::Refused {
                method: R::METHOD,
                code: 0,
                name: "this program writes to HIDE and EXCHANGE alone".into(),
                value: None,
            });
        }
        let gate = self
            .gates
            .get(R::METHOD)
            .expect("the table makes a gate for each of its methods");
        let _pass = gate.pass(R::METHOD, R::PACE).await?;
        let home = dc == self.pools.home();
        let answer = tokio::time::timeout(
            ANSWER_WITHIN,
            self.pools.handle(dc).invoke_in_dc(dc, request),
        )
        .await;
        match answer {
            Ok(Ok(answer)) => {
                gate.went_well();
                Ok(answer)
            }
            Ok(Err(error)) => {
                let error = classify(error, R::METHOD, home, self.clock.now());
                if let CallError::Flood { until, .. } = error {
                    tracing::warn!(method = R::METHOD, until, "flood limit");
                    gate.rest(until);
                    (self.memory)(R::METHOD, until);
                }
                Err(error)
            }
            Err(_) => {
                // At home the watcher checks the connection; nobody else looks after the others.
                if !home {
                    self.pools.reset(dc);
                }
                Err(CallError::Network {
                    method: R::METHOD,
                    cause: format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
                })
            }
        }
    }

    /// Returns until when `method` rests, if it does.
    #[must_use]
    pub fn resting(&self, method: &str) -> Option<i64> {
        self.gates.get(method).and_then(Gate::resting)
    }

    fn is_ours(&self, peer: &enums::InputPeer) -> bool {
        matches!(peer, enums::InputPeer::Channel(channel)
            if self.may_write.contains(&channel.channel_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every call, and whether it writes. A call that reads marks nothing as read and does not show the
    /// account online. `upload.save…` writes nothing that anybody sees before `messages.sendMedia` names it.
    const CALLS: [(&str, bool); 18] = [
        ("account.getPassword", false),
        ("auth.checkPassword", false),
        ("auth.exportAuthorization", false),
        ("auth.importAuthorization", false),
        ("auth.sendCode", false),
        ("auth.signIn", false),
        ("channels.getMessages", false),
        ("channels.getParticipants", false),
        ("messages.getDialogs", false),
        ("messages.sendMedia", true),
        ("messages.sendMessage", true),
        ("updates.getChannelDifference", false),
        ("updates.getState", false),
        ("upload.getFile", false),
        ("upload.saveBigFilePart", false),
        ("upload.saveFilePart", false),
        ("users.getFullUser", false),
        ("users.getUsers", false),
    ];

    #[test]
    fn the_table_holds_these_calls_and_no_other() {
        let table: BTreeSet<(&str, bool)> = TABLE.iter().map(|row| (row.0, row.2)).collect();
        assert_eq!(table, BTreeSet::from(CALLS));
        assert_eq!(TABLE.len(), CALLS.len(), "a call is in the table twice");
        for &(method, constructor, _) in TABLE {
            assert_eq!(method, grammers_tl_types::name_for_id(constructor));
        }
    }
}
