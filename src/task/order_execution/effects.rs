//! The effect of each order on the store.

use super::{Attachments, ExecutionError, OrderExecutor};
use crate::exchange::orders::Order;
use crate::exchange::reports::Asker;
use crate::exchange::route::RouteEvent;
use crate::model::{BadEntry, ChannelId, JoinOutcome, MessageId, SkipReason, Timestamp, UserId};
use crate::store::{CancelScope, ExceptionDue, StoreError, Tx};
use crate::task::enqueue;
use crate::task::post_commit::PostCommit;

/// The execution of one order.
pub(super) struct Execution<'a, 'tx> {
    pub(super) executor: &'a OrderExecutor,
    pub(super) tx: &'a Tx<'tx>,
    pub(super) attachments: Attachments<'a>,
    /// The post that holds the order.
    pub(super) message: MessageId,
    pub(super) now: Timestamp,
    pub(super) post_commit: &'a mut PostCommit,
}

impl Execution<'_, '_> {
    /// Carries out an order. Returns its effect in words, for the log and the debug channel.
    pub(super) fn carry_out(&mut self, order: &Order) -> Result<String, ExecutionError> {
        let done = match *order {
            Order::VersionAsk { .. } | Order::StatusAsk { .. } | Order::BackupNow
                if !self.executor.sends_reports =>
            {
                "left to the first instance"
            }
            Order::RegexCount if !self.executor.sends_reports => {
                enqueue::reset_counts(self.tx)?;
                "left to the first instance"
            }
            Order::AddBad(bad) => self.add_bad(bad)?,
            Order::RemoveBad(bad) => self.remove_bad(bad)?,
            Order::AddExcept { user } => self.except(user, true)?,
            Order::RemoveExcept { user } => self.except(user, false)?,
            Order::Declare { group, message } => self.declare(group, message)?,
            Order::FloodBegin { group } => {
                let obsolete = self.tx.begin_group_flood(group, self.now)?;
                self.post_commit.obsolete_files.extend(obsolete);
                "group flood begun"
            }
            Order::FloodEnd { group } => {
                self.tx.end_group_flood(group)?;
                self.post_commit.fetch = true;
                "group flood ended"
            }
            Order::EndRecheck { group, user } => self.end_recheck(group, user)?,
            Order::RemoveScore { user } => {
                self.forget_user(user)?;
                "user's records cleared"
            }
            Order::Refresh { .. } => {
                self.post_commit.refresh_administrators = true;
                "rereading of the administrators started"
            }
            Order::VersionAsk {
                admin,
                message,
                group,
            } => self.report_version(asker(admin, message), group)?,
            Order::StatusAsk { admin, message } => {
                enqueue::status_reply(self.tx, asker(admin, message), self.now)?;
                self.post_commit.deliver = true;
                "status reported"
            }
            Order::BackupNow => {
                enqueue::backup(self.tx, self.executor.dialect, self.now)?;
                self.post_commit.fetch = true;
                "backup started"
            }
            Order::RegexCount => {
                let lists = enqueue::counts(self.tx, self.now)?;
                self.post_commit.deliver = true;
                return Ok(format!("{lists} counts reported"));
            }
            Order::SetRoute { hide } => return Ok(self.change_route(hide)?),
            Order::Clear { part, .. } => self.clear(part)?,
            Order::Rollback { list, .. } => return self.roll_back(list),
            Order::RegexUpdate { list } => return self.update_rules(list),
        };
        Ok(done.to_owned())
    }

    fn add_bad(&mut self, bad: BadEntry) -> Result<&'static str, StoreError> {
        self.tx.set_bad(bad, true, self.now)?;
        if let BadEntry::User(user) = bad {
            self.cancel(
                CancelScope::User(user),
                JoinOutcome::Skipped(SkipReason::Bad),
            )?;
        }
        Ok("put on the bad list")
    }

    /// Forgets a user. A photo that was to be posted by the document of a forgotten post is fetched again.
    fn forget_user(&mut self, user: UserId) -> Result<(), StoreError> {
        self.post_commit.fetch = true;
        self.tx.forget_user(user, self.now)
    }

    fn remove_bad(&mut self, bad: BadEntry) -> Result<&'static str, StoreError> {
        self.tx.set_bad(bad, false, self.now)?;
        if let BadEntry::User(user) = bad {
            self.forget_user(user)?;
        }
        Ok("taken off the bad list")
    }

    fn except(&mut self, user: UserId, put: bool) -> Result<&'static str, StoreError> {
        self.tx.enqueue_exception(ExceptionDue { user, put })?;
        self.post_commit.fetch = true;
        Ok(if put {
            "excepting of the current photo started"
        } else {
            "removal of the current photo from the exception list started"
        })
    }

    fn declare(
        &mut self,
        group: ChannelId,
        message: MessageId,
    ) -> Result<&'static str, StoreError> {
        self.tx.declare(group, message, self.now)?;
        let declared = JoinOutcome::Skipped(SkipReason::Declared);
        self.cancel(CancelScope::Message { group, message }, declared)?;
        Ok("message declared")
    }

    fn end_recheck(&self, group: ChannelId, user: UserId) -> Result<&'static str, StoreError> {
        let since = self.now.plus(-self.executor.time_new);
        self.tx.end_recheck(group, user, since)?;
        Ok("recheck of the user ended")
    }

    fn report_version(
        &mut self,
        asker: Asker,
        group: Option<ChannelId>,
    ) -> Result<&'static str, StoreError> {
        enqueue::version(self.tx, self.executor.dialect, asker, group, self.now)?;
        self.post_commit.deliver = true;
        Ok("version reported")
    }

    fn change_route(&mut self, hide: bool) -> Result<String, StoreError> {
        let channels = self.executor.channels;
        let event = RouteEvent::Ordered { hide };
        self.post_commit.deliver |= channels.change_route(self.tx, event, self.now)?;
        let route: &str = channels.route(self.tx)?.into();
        Ok(format!("posts directed to {route}"))
    }

    /// Cancels photos that wait, and the joins that wait for them.
    fn cancel(&mut self, scope: CancelScope, outcome: JoinOutcome) -> Result<(), StoreError> {
        let obsolete = self.tx.cancel(scope, outcome, self.now)?;
        self.post_commit.obsolete_files.extend(obsolete);
        Ok(())
    }
}

fn asker(admin: UserId, message: MessageId) -> Asker {
    Asker {
        admin_id: admin.get(),
        message_id: i64::from(message.get()),
    }
}
