//! The loops: watch, fetch, deliver, recheck, administrators, cron.
//!
//! Owns what they share and how each ends. A loop gets its inputs and the shutdown token from
//! outside, wakes on notification, and polls slowly as a fallback. What it decides, `decide` says;
//! what it keeps, the store holds before anything else happens, so a crash anywhere repeats work.

mod admins;
mod cron;
mod deliver;
mod dialog_sync;
mod enqueue;
mod fetch;
mod joins;
mod lists;
mod orders;
mod pull;
mod recheck;
mod watch;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use admins::admins;
pub use cron::{cron, enqueue_online};
pub use deliver::{deliver, reconcile};
pub use fetch::fetch;
pub use joins::RulesInForce;
pub use lists::replace_list;
pub use recheck::recheck;
pub use watch::watch;

use crate::clock::Clock;
use crate::config::Dialect;
use crate::decide;
use crate::file_codec::{Decoder, Encoder};
use crate::model::{Channel, ChannelId, ChannelKind, Timestamp, UserId};
use crate::spool::Spool;
use crate::store::{Store, StoreError, Tx};
use crate::telegram::{AccountError, CallError, Telegram};

/// How long to wait before a change that the disk refused is tried again.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// What every loop works with.
pub struct Shared {
    /// Telegram.
    pub telegram: Telegram,
    /// What is known and owed.
    pub store: Store,
    /// Sealed photos that wait.
    pub spool: Spool,
    /// Encodes the files that are posted.
    pub encoder: Encoder,
    /// Decodes the files that come with orders.
    pub decoder: Decoder,
    /// What NOSPAM bans unaided.
    pub rules: RwLock<Arc<RulesInForce>>,
    /// What the configuration says of reports and rules.
    pub settings: Settings,
    /// The time.
    pub clock: Clock,
    /// Tells every loop to end.
    pub shutdown: CancellationToken,
    /// Who is who.
    pub accounts: Accounts,
    /// Where posts go, how fast, and how long they may wait.
    pub delivery: Delivery,
    /// Wakes the loops.
    pub wakes: Wakes,
    /// Groups whose administrators could not be learned by this process.
    pub unlearnable: Mutex<BTreeSet<ChannelId>>,
    /// Lists in the spool that were made within a transaction: it may have come to nothing.
    pub tried: Mutex<Vec<String>>,
}

/// Who is who, from the configuration and from Telegram.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// This account.
    pub own: UserId,
    /// NOSPAM; when set, only groups that it administers are watched.
    pub nospam: Option<UserId>,
    /// The fleet's accounts, NOSPAM among them.
    pub fleet: BTreeSet<UserId>,
}

/// How posts are delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// HIDE.
    pub hide: ChannelId,
    /// EXCHANGE, if there is one.
    pub exchange: Option<ChannelId>,
    /// Both.
    pub private: BTreeSet<ChannelId>,
    /// The pause between two posts.
    pub min_interval: Duration,
    /// The age beyond which a photo is dropped, in seconds.
    pub max_age: i64,
    /// How many bytes may wait in the spool.
    pub spool_max: u64,
}

/// What the configuration says of reports and rules.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The dialect.
    pub dialect: Dialect,
    /// Whether this instance is a standby replica.
    pub backup: bool,
    /// Where HIDE is asked to report what MANAGE's orders did.
    pub debug: Option<ChannelId>,
    /// How long a member counts as new, in seconds.
    pub time_new: i64,
    /// Where replaced lists are kept.
    pub data_dir: PathBuf,
    /// Whether Traditional Chinese is folded before rules are matched.
    pub zh_cn: bool,
    /// Whether bios are matched too.
    pub check_bio: bool,
}

/// Wakes loops when there is something for them.
#[derive(Debug, Default)]
pub struct Wakes {
    /// A user to look up or a photo to fetch.
    pub fetch: Notify,
    /// Something to post.
    pub deliver: Notify,
    /// New members are to be looked at again.
    pub recheck: Notify,
    /// Users of joins were looked up.
    pub looked_up: Notify,
    /// A group whose administrators are not known yet.
    pub admins: Notify,
    /// Whether every group's administrators are to be learned anew.
    pub all_admins: AtomicBool,
}

/// Why a loop ended before it was told to.
#[derive(Debug, Error)]
pub enum TaskError {
    /// It was told to, while it waited.
    #[error("ending")]
    ShuttingDown,
    /// The account is unusable.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The database is unusable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system fails us.
    #[error("{0}")]
    System(String),
}

impl Shared {
    /// Does `work` in one transaction. While the disk refuses, it says so and waits: nothing that
    /// happened is let go of before it is safely stored.
    ///
    /// # Errors
    /// The end was asked for, or the database is unusable.
    pub async fn commit<T>(
        &self,
        mut work: impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        loop {
            match self.store.transaction(&mut work) {
                Ok(done) => return Ok(done),
                Err(error) if error.may_pass() => {
                    tracing::error!("{error}; waiting, and trying again");
                    self.pause(DISK_PAUSE).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Makes a call until it is answered or refused, waiting out floods and network trouble.
    ///
    /// # Errors
    /// The end was asked for, or the account is unusable. A refusal is the inner error.
    pub async fn call<T, F>(
        &self,
        make: impl Fn() -> F + Send,
    ) -> Result<Result<T, CallError>, TaskError>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        let mut attempts = 0;
        loop {
            let pause = match self.or_shutdown(make()).await? {
                Ok(done) => return Ok(Ok(done)),
                Err(CallError::Account(trouble)) => return Err(trouble.into()),
                Err(error @ CallError::Refused { .. }) => return Ok(Err(error)),
                Err(CallError::Flood { until, .. }) => self.clock.until(Timestamp::new(until)),
                Err(error @ (CallError::Network { .. } | CallError::Busy { .. })) => {
                    tracing::debug!("{error}");
                    decide::backoff(attempts)
                }
            };
            attempts += 1;
            self.pause(pause).await?;
        }
    }

    /// Returns the rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<RulesInForce> {
        self.rules
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the rules that are in force at the moment of `facts`, compiled now if nobody did before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rules_of(&self, tx: &Tx<'_>) -> Result<Arc<RulesInForce>, StoreError> {
        let version = tx.rules_version()?;
        let known = self.rules();
        if known.is_of(version) {
            return Ok(known);
        }
        let lists = joins::rule_lists(tx)?;
        Ok(self.put_in_force(version, lists))
    }

    /// Compiles the rules of the store, and puts them in force: ahead of the next decision, which would
    /// else do it while a transaction is open.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn reload_rules(&self) -> Result<(), TaskError> {
        let (version, lists) = self
            .commit(|tx| Ok((tx.rules_version()?, joins::rule_lists(tx)?)))
            .await?;
        if !self.rules().is_of(version) {
            tokio::task::block_in_place(|| self.put_in_force(version, lists));
        }
        Ok(())
    }

    fn put_in_force(&self, version: u64, lists: joins::RuleLists) -> Arc<RulesInForce> {
        let rules = Arc::new(joins::compile(version, lists, self.settings.zh_cn));
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules.clone();
        rules
    }

    /// Returns whether a channel is followed: every group, and where the fleet's posts go.
    #[must_use]
    pub fn is_watched(&self, channel: &Channel) -> bool {
        channel.kind == ChannelKind::Group || self.delivery.private.contains(&channel.id)
    }

    /// Sleeps, unless the end is asked for.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`].
    pub async fn pause(&self, pause: Duration) -> Result<(), TaskError> {
        self.or_shutdown(tokio::time::sleep(pause)).await
    }

    /// Waits for `work`, unless the end is asked for first.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`].
    pub async fn or_shutdown<T>(
        &self,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, TaskError> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Err(TaskError::ShuttingDown),
            done = work => Ok(done),
        }
    }

    /// Returns how long to sleep until `moment`, at most a minute: the slow poll of every loop.
    #[must_use]
    pub fn nap(&self, moment: Option<Timestamp>) -> Duration {
        const SLOW_POLL: Duration = Duration::from_secs(60);
        moment.map_or(SLOW_POLL, |moment| self.clock.until(moment).min(SLOW_POLL))
    }
}
