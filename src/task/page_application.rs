//! Applies a page of updates: its posts become effects and its joins become rows, in the transaction that moves `pts`.
//!
//! A pulled page is split into segments, because an order that destroys lists needs files that are written before its
//! transaction. Only the last segment moves `pts`: after a crash in between, the page is pulled again, and the orders
//! that are recorded are skipped. A pushed page is always one segment. A push is overtaken if the
//! stored `pts` has passed it when it is applied, because a pull or a dialog sync was faster; its content is then
//! applied without moving `pts`, and what was recorded before is skipped. So are its joins from before the last reset or
//! clear: the record that shows whether they were applied is gone.

mod membership_signs;
mod others_avatars;
mod preparation;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::dialog_sync::NOT_READ_BACK;
use super::member_recheck::RecheckTrigger;
use super::order_execution::{Attachments, Preparation};
use super::order_files::{AttachedLists, OrderFiles};
use super::post_commit::PostCommit;
use super::posted_order::{self, PostedOrder};
use super::{
    BackupFiles, Database, JoinPolicy, ListKeeper, MemberRecheck, OrderExecutor, PostCommitRunner,
    PostingChannels, Runtime, TaskError,
};
use crate::model::{Advance, Join, JoinOutcome, MessageId, Page, SkipReason, Timestamp, User};
use crate::store::{AdvanceOutcome, CancelScope, StoreError, Tx};

/// Applies pages. Cheap to clone.
#[derive(Clone)]
pub struct PageApplier {
    pub order_files: OrderFiles,
    pub transactions: PageTransactions,
}

impl PageApplier {
    /// Applies a page whose orders may need files: fetches the files, applies the segments, and runs the steps
    /// that follow each commit.
    pub(super) async fn apply_prepared(&self, page: &Page) -> Result<AdvanceOutcome, TaskError> {
        let posts = self.transactions.posts_of(page);
        let lists = self.order_files.fetch(page.channel, &posts).await?;
        self.transactions.apply_all(page, &posts, &lists).await
    }
}

/// The transactions in which a page is applied. Cheap to clone.
#[derive(Clone)]
pub struct PageTransactions {
    pub database: Database,
    pub runtime: Runtime,
    pub channels: PostingChannels,
    pub orders: OrderExecutor,
    pub join_policy: JoinPolicy,
    pub member_recheck: MemberRecheck,
    pub backup_files: BackupFiles,
    pub list_keeper: ListKeeper,
    pub post_commit: PostCommitRunner,
}

/// The result of a transaction.
#[derive(Debug)]
pub(super) struct Applied {
    /// The effect on the stored `pts`.
    pub(super) advance_outcome: AdvanceOutcome,
    /// True if the segment was applied. An overtaken push is applied, too.
    is_applied: bool,
    pub(super) post_commit: PostCommit,
}

/// A part of a page that is applied in one transaction.
struct Segment<'a> {
    page: &'a Page,
    /// All posts of the page that may be orders.
    all_posts: &'a [PostedOrder<'a>],
    /// The posts of this segment.
    range: Range<usize>,
}

impl PageTransactions {
    /// Applies a pushed page. An overtaken push is applied and returns `AlreadyApplied`.
    pub(super) fn apply_pushed(
        &self,
        tx: &Tx<'_>,
        page: &Page,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let all_posts = &self.posts_of(page);
        let range = 0..all_posts.len();
        let segment = Segment {
            page,
            all_posts,
            range,
        };
        let attachments = Attachments {
            lists: &AttachedLists::new(),
            preparation: &Preparation::Nothing,
        };
        self.apply(tx, &segment, attachments, now)
    }

    /// Rechecks a user whom an update showed. Returns `true` if there is something to download or to look up.
    pub(super) fn recheck_shown(
        &self,
        tx: &Tx<'_>,
        user: &User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.member_recheck
            .check(tx, user, RecheckTrigger::Update, now)
    }

    /// Reports whether the posts of a pushed page need the preparations of a pull.
    pub(super) fn waits_for_pull(&self, page: &Page) -> bool {
        self.channels.contains(page.channel) && posted_order::wait_for_pull(&page.posts)
    }

    /// Reports whether a page shows more than own posts: something that is lost if it is deleted before it is read again, or
    /// that is to be answered.
    pub(super) fn has_news(&self, page: &Page) -> bool {
        // Every field is named, so that a new one is decided on here.
        let Page {
            channel: _,
            advance: _,
            entered,
            joins,
            // Those of the joins.
            users: _,
            other_users_with_photo,
            posts: _,
            senders,
            leavers,
            // A gap in their ids shows again when the page is pulled.
            messages: _,
            last_message: _,
        } = page;
        entered.is_some()
            || !joins.is_empty()
            || !other_users_with_photo.is_empty()
            || !self.posts_of(page).is_empty()
            || !senders.is_empty()
            || !leavers.is_empty()
    }

    /// Applies a page with the files of its orders, segment by segment.
    async fn apply_all(
        &self,
        page: &Page,
        all_posts: &[PostedOrder<'_>],
        lists: &AttachedLists,
    ) -> Result<AdvanceOutcome, TaskError> {
        let mut advance_outcome = AdvanceOutcome::Advanced;
        for range in posted_order::segments(all_posts) {
            let segment = Segment {
                page,
                all_posts,
                range,
            };
            advance_outcome = self.apply_segment(&segment, lists).await?;
            if advance_outcome != AdvanceOutcome::Advanced {
                break;
            }
        }
        Ok(advance_outcome)
    }

    /// Returns the posts of a page that may be orders: those of HIDE and EXCHANGE.
    fn posts_of<'a>(&self, page: &'a Page) -> Vec<PostedOrder<'a>> {
        if self.channels.contains(page.channel) {
            PostedOrder::read_all(&page.posts)
        } else {
            Vec::new()
        }
    }

    /// Applies a segment, if its page follows what is stored.
    fn apply(
        &self,
        tx: &Tx<'_>,
        segment: &Segment<'_>,
        attachments: Attachments<'_>,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let page = segment.page;
        let before = tx.channel(page.channel)?;
        let advance_outcome =
            tx.advance(page.channel, segment.advance(), segment.last_message())?;
        // The records of its orders and joins show whether the content of an overtaken push was applied before.
        let overtaken = advance_outcome == AdvanceOutcome::AlreadyApplied
            && matches!(page.advance, Advance::Pushed { .. });
        let is_applied = advance_outcome == AdvanceOutcome::Advanced || overtaken;
        if !is_applied {
            return Ok(Applied {
                advance_outcome,
                is_applied,
                post_commit: PostCommit::default(),
            });
        }
        let channel = page.channel;
        let mut post_commit =
            self.orders
                .execute(tx, channel, segment.posts(), attachments, now)?;
        self.read_others_avatars(tx, channel, segment.posts(), now, &mut post_commit)?;
        if segment.is_last() {
            if advance_outcome == AdvanceOutcome::Advanced {
                count_malformed(tx, page, segment.all_posts)?;
            }
            let joins = self.apply_joins(tx, page, overtaken, now, &mut post_commit)?;
            if let Some(before) = before.filter(|_| advance_outcome == AdvanceOutcome::Advanced) {
                post_commit.scan |= membership_signs::record(tx, &before, page, joins, now)?;
            }
            for user in &page.other_users_with_photo {
                post_commit.fetch |= self.recheck_shown(tx, user, now)?;
            }
        }
        Ok(Applied {
            advance_outcome,
            is_applied,
            post_commit,
        })
    }

    /// Records the joins of a page, and adds the work that follows. Returns how many were not known before.
    fn apply_joins(
        &self,
        tx: &Tx<'_>,
        page: &Page,
        overtaken: bool,
        now: Timestamp,
        post_commit: &mut PostCommit,
    ) -> Result<usize, StoreError> {
        // The account may have left the group and entered it again before a dialog sync could show that.
        if let Some(entered) = page.entered {
            tx.set_since(page.channel, entered)?;
        }
        // Messages that are read over a gap may be older than the membership of this account.
        let since = match page.advance {
            Advance::Pushed { .. } => Timestamp::new(0),
            Advance::ByMessageIds if is_read_back(tx, page)? => tx
                .watched_since(page.channel)?
                .max(tx.watched_from(page.channel)?),
            _ => tx.watched_since(page.channel)?,
        };
        let mut recorded = 0;
        for join in page.joins.iter().filter(|join| join.date >= since) {
            if tx.has_join(join)? {
                continue;
            }
            // The pull that was faster has recorded the join, and its record was deleted since.
            if overtaken && join.date <= tx.cleared_at(join.user)? {
                continue;
            }
            if tx.fill_in_message(join)? {
                // The list of members was faster than the message, and perhaps than the declaration of another bot.
                let cancelled = cancel_declared(tx, join, now)?;
                post_commit.obsolete_files.extend(cancelled);
                continue;
            }
            let user = page.users.iter().find(|user| user.id == join.user);
            let outcome =
                self.join_policy
                    .record_join(tx, join, user, page.advance.found_by(), now)?;
            if let Some(user) = user {
                post_commit.fetch |= self.join_policy.decide_unreadable(tx, user, now)?;
            }
            post_commit.fetch |= matches!(outcome, JoinOutcome::LookUp | JoinOutcome::Queued);
            recorded += 1;
        }
        Ok(recorded)
    }
}

/// Reports whether the page belongs to a channel that is being read back.
fn is_read_back(tx: &Tx<'_>, page: &Page) -> Result<bool, StoreError> {
    let known = tx.channel(page.channel)?;
    Ok(known.is_some_and(|known| known.channel.pts == NOT_READ_BACK))
}

/// Cancels the photo of a join whose message another bot declared before. Returns the spool files that are not needed any
/// more.
fn cancel_declared(tx: &Tx<'_>, join: &Join, now: Timestamp) -> Result<Vec<String>, StoreError> {
    if !tx.is_declared(join.group, join.message)? {
        return Ok(Vec::new());
    }
    let scope = CancelScope::Message {
        group: join.group,
        message: join.message,
    };
    tx.cancel(scope, JoinOutcome::Skipped(SkipReason::Declared), now)
}

impl<'a> Segment<'a> {
    fn posts(&self) -> &'a [PostedOrder<'a>] {
        &self.all_posts[self.range.clone()]
    }

    /// Reports whether this is the last segment, which moves `pts` and has everything of the page that is not an order.
    const fn is_last(&self) -> bool {
        self.range.end == self.all_posts.len()
    }

    /// Returns how the segment moves `pts`. A segment that is not the last only checks that the page follows.
    const fn advance(&self) -> Advance {
        match self.page.advance {
            advance if self.is_last() => advance,
            Advance::Pulled { from, .. } => Advance::Pulled { from, to: from },
            Advance::Pushed { .. } | Advance::ByMessageIds | Advance::Adopted { .. } => {
                Advance::ByMessageIds
            }
        }
    }

    const fn last_message(&self) -> Option<MessageId> {
        if self.is_last() {
            self.page.last_message
        } else {
            None
        }
    }
}

/// Counts the posts of a page that are not envelopes. Nothing else is recorded of them, so they are counted only
/// where `pts` moves: a page that is read twice counts them once.
fn count_malformed(tx: &Tx<'_>, page: &Page, posts: &[PostedOrder<'_>]) -> Result<(), StoreError> {
    for posted in posts.iter().filter(|posted| posted.envelope.is_none()) {
        tracing::debug!(channel = %page.channel, message_id = %posted.post.message, "no envelope");
        tx.count_malformed()?;
    }
    Ok(())
}
