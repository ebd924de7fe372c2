//! Rechecks the members who are still new, on schedule. See docs/outcomes.md.
//!
//! A pass goes from the newest member to the oldest, each chunk in one transaction. Before each chunk it waits for the
//! look-ups of joins. [`MemberRecheck`] decides on each user. After a crash the next pass starts from the newest
//! member, and ignores the photos that were enqueued before.

use std::collections::BTreeMap;

use super::call_retry::{Reply, until_answered};
use super::member_recheck::RecheckTrigger;
use super::{Database, MemberRecheck, Runtime, TaskError, Wakers};
use crate::model::{User, UserId};
use crate::telegram::Telegram;

/// How many users the program asks for in one call.
const USERS_PER_CALL: usize = 50;

/// The loop that rechecks new members.
pub struct Rechecker {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub member_recheck: MemberRecheck,
    pub wakers: Wakers,
}

impl Rechecker {
    /// Rechecks all new members whenever it is woken, until the shutdown.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn recheck(self) -> Result<(), TaskError> {
        loop {
            let woken = self.wakers.recheck.notified();
            self.runtime.until_woken(woken).await?;
            self.pass().await?;
        }
    }

    async fn pass(&self) -> Result<(), TaskError> {
        let since = self.runtime.clock.now().plus(-self.member_recheck.time_new);
        let members = self.database.read(|tx| tx.new_members(since)).await?;
        tracing::debug!(members = members.len(), "recheck");
        for chunk in members.chunks(USERS_PER_CALL) {
            self.wait_for_join_lookups().await?;
            let found = match self.ask(chunk).await? {
                Reply::Answer(found) => found,
                Reply::Refusal(error) => {
                    tracing::error!(%error, "rechecking new members failed");
                    return Ok(());
                }
            };
            self.check(&found).await?;
        }
        Ok(())
    }

    /// Rechecks the users of a chunk, in one transaction.
    async fn check(&self, found: &BTreeMap<UserId, User>) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let fetch = self
            .database
            .write(|tx| {
                let mut fetch = false;
                for user in found.values() {
                    fetch |= self
                        .member_recheck
                        .check(tx, user, RecheckTrigger::Schedule, now)?;
                }
                Ok(fetch)
            })
            .await?;
        if fetch {
            self.wakers.fetch.notify_one();
        }
        Ok(())
    }

    /// Asks for the users of a chunk who are still new. The answer leaves out the users whom Telegram does not show.
    async fn ask(&self, chunk: &[UserId]) -> Result<Reply<BTreeMap<UserId, User>>, TaskError> {
        let since = self.runtime.clock.now().plus(-self.member_recheck.time_new);
        let user_refs = self
            .database
            .read(|tx| {
                let mut user_refs = Vec::new();
                for user in chunk {
                    if let Some(join) = tx.new_member(*user, since)? {
                        user_refs.push(tx.user_ref(*user, Some((join.group, join.message)))?);
                    }
                }
                Ok(user_refs)
            })
            .await?;
        if user_refs.is_empty() {
            return Ok(Reply::Answer(BTreeMap::new()));
        }
        until_answered(&self.runtime, || self.telegram.look_up(&user_refs)).await
    }

    /// Waits until no join needs its user looked up: a first look-up is more urgent than a recheck.
    async fn wait_for_join_lookups(&self) -> Result<(), TaskError> {
        loop {
            let waiting = self.database.read(|tx| tx.joins_to_look_up(1)).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = self.runtime.shutdown.cancelled() => return Err(TaskError::ShuttingDown),
                () = self.wakers.looked_up.notified() => {}
                () = tokio::time::sleep(self.runtime.poll_delay(None)) => {}
            }
        }
    }
}
