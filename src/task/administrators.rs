//! Reads the administrators of the groups: all of them at start and on demand, and each new group.
//!
//! A join is decided on with the administrators that are stored. For a group that has none stored yet, the watcher asks
//! first, through [`Administrators::read_now`], but joins wait for a second at most. Administrators that become known
//! later correct what waits: [`correction`] drops photos that they would have kept from being enqueued.

mod correction;
mod wait_budget;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::wait_budget::WaitBudget;
use super::post_commit::{PostCommit, PostCommitRunner};
use super::wakers::AdministratorsWaker;
use super::{Database, Runtime, ScanPriority, TaskError};
use crate::decide;
use crate::model::{ChannelId, ChannelKind, Timestamp, UserId};
use crate::store::KnownChannel;
use crate::telegram::{CallError, Telegram};

/// How many times the program repeats an unanswered request for the administrators of a group.
const MAX_ATTEMPTS: u32 = 3;

/// Reads administrators. Cheap to clone.
#[derive(Clone)]
pub struct Administrators {
    database: Database,
    runtime: Runtime,
    telegram: Telegram,
    post_commit: PostCommitRunner,
    scan_priority: ScanPriority,
    /// NOSPAM; if it is configured, only the groups that it administers are watched.
    nospam: Option<UserId>,
    /// The groups whose administrators this process could not read.
    unreadable: Arc<Mutex<BTreeSet<ChannelId>>>,
    wait_budget: Arc<Mutex<WaitBudget>>,
}

/// Reads the administrators of every group once, then of the groups that it is woken for, until the shutdown.
///
/// # Errors
/// See [`TaskError`].
pub async fn read_administrators(
    administrators: Administrators,
    waker: AdministratorsWaker,
) -> Result<(), TaskError> {
    let mut all = true;
    loop {
        administrators.read(all).await?;
        all = administrators.runtime.until_woken(waker.woken()).await?;
    }
}

impl Administrators {
    #[must_use]
    pub fn new(
        database: Database,
        runtime: Runtime,
        telegram: Telegram,
        post_commit: PostCommitRunner,
        scan_priority: ScanPriority,
        nospam: Option<UserId>,
    ) -> Self {
        Self {
            database,
            runtime,
            telegram,
            post_commit,
            scan_priority,
            nospam,
            unreadable: Arc::default(),
            wait_budget: Arc::default(),
        }
    }

    /// Reads the administrators of all groups, or of those that have none stored.
    async fn read(&self, all: bool) -> Result<(), TaskError> {
        let channels = self.database.read(|tx| tx.channels()).await?;
        for known in channels {
            if known.channel.kind == ChannelKind::Group && (all || known.admins_at.is_none()) {
                self.read_group(&known).await?;
            }
        }
        Ok(())
    }

    /// Asks for the administrators of one group, a few times if there is no answer: a group without an answer must not
    /// delay the others.
    async fn read_group(&self, known: &KnownChannel) -> Result<(), TaskError> {
        let mut attempts = 0;
        loop {
            // Joins depend on administrators that are unknown. Others may wait for the lists of members.
            if known.admins_at.is_some() {
                let scans = self.scan_priority.wait_for_scans();
                self.runtime.or_shutdown(scans).await?;
            }
            let call = self
                .telegram
                .administrators(known.channel.id, known.channel.access_hash);
            let pause = match self.runtime.or_shutdown(call).await? {
                Err(CallError::Account(trouble)) => return Err(trouble.into()),
                Err(CallError::RateLimited { until, .. }) => {
                    self.runtime.clock.until(Timestamp::new(until))
                }
                Err(CallError::Network { .. } | CallError::ServerError { .. })
                    if attempts < MAX_ATTEMPTS =>
                {
                    attempts += 1;
                    decide::backoff(attempts)
                }
                answer => return self.store(known.channel.id, answer).await,
            };
            self.runtime.pause(pause).await?;
        }
    }

    /// Asks once for the administrators of a group that has none stored, so that its first joins are not decided on
    /// without them. Waits only for a quick answer, and only while joins may wait at all.
    pub(super) async fn read_now(&self, known: &KnownChannel) -> Result<(), TaskError> {
        let id = known.channel.id;
        if known.channel.kind != ChannelKind::Group
            || known.admins_at.is_some()
            || self.is_unreadable(id)
        {
            return Ok(());
        }
        let begun = self.runtime.clock.instant();
        let Some(timeout) = self.wait_budget().left(begun) else {
            return Ok(());
        };
        let call = self.telegram.administrators(id, known.channel.access_hash);
        let answer = self
            .runtime
            .or_shutdown(tokio::time::timeout(timeout, call))
            .await?;
        let now = self.runtime.clock.instant();
        match answer {
            Ok(Err(CallError::Account(trouble))) => Err(trouble.into()),
            // The loop reads them once the limit ends.
            Err(_) | Ok(Err(CallError::RateLimited { .. })) => {
                self.wait_budget().spend(timeout, now);
                tracing::debug!(group = %id, "the administrators are not known yet");
                Ok(())
            }
            Ok(answer) => {
                self.wait_budget().spend(now - begun, now);
                self.store(id, answer).await
            }
        }
    }

    /// Reports whether joins may wait for the administrators of a group that has none stored.
    pub(super) fn may_wait(&self) -> bool {
        let now = self.runtime.clock.instant();
        self.wait_budget().left(now).is_some()
    }

    /// Reports whether this process failed to read the administrators of a group.
    pub(super) fn is_unreadable(&self, group: ChannelId) -> bool {
        self.unreadable().contains(&group)
    }

    async fn store(
        &self,
        group: ChannelId,
        answer: Result<Vec<UserId>, CallError>,
    ) -> Result<(), TaskError> {
        match answer {
            Ok(admins) => {
                let now = self.runtime.clock.now();
                let admins = admins.into_iter().collect();
                let obsolete_files = self
                    .database
                    .write(|tx| correction::replace_admins(tx, group, &admins, self.nospam, now))
                    .await?;
                self.unreadable().remove(&group);
                let work = PostCommit {
                    obsolete_files,
                    // The first scan of a group waits for its administrators.
                    scan: true,
                    ..PostCommit::default()
                };
                self.post_commit.run(work).await?;
            }
            Err(error) => {
                tracing::warn!(%group, %error, "reading the administrators failed");
                self.unreadable().insert(group);
            }
        }
        Ok(())
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeSet<ChannelId>> {
        self.unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_budget(&self) -> MutexGuard<'_, WaitBudget> {
        self.wait_budget
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
