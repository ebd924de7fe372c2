//! Records what a list of members and `channels.getFullChannel` show of a group.

use crate::config::UnseenPolicy;
use crate::decide::member_scan::{ClassEvidence, MemberHistory, NewMemberRule, group_class};
use crate::model::{
    AddedBy, ChannelId, FoundBy, FullGroup, GroupClass, GroupScan, Join, JoinOutcome, Member,
    MembersPage, Membership, MessageId, ScanReason, ScanRecord, Timestamp, UserId,
};
use crate::store::{ReadTx, StoreError, Tx};
use crate::task::member_recheck::RecheckTrigger;
use crate::task::post_commit::PostCommit;
use crate::task::{Database, JoinPolicy, MemberRecheck, PostCommitRunner, Runtime, TaskError};

/// A member who joined this recently, in seconds, may have a join message that is under way.
pub(super) const MESSAGE_GRACE: i64 = 5;

/// Records answers about members, each in one transaction.
#[derive(Clone)]
pub struct MemberRecorder {
    pub database: Database,
    pub runtime: Runtime,
    pub join_policy: JoinPolicy,
    pub member_recheck: MemberRecheck,
    pub post_commit: PostCommitRunner,
    /// Seconds after the join in which a member counts as new.
    pub time_new: i64,
    pub unseen: UnseenPolicy,
}

/// The new members of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NewMembers {
    pub(super) count: usize,
    /// The members that a scan recorded which did not end: a crash or a rate limit came between two pages.
    pub(super) recorded_before: usize,
    /// When the last of them joined.
    pub(super) youngest: Option<Timestamp>,
}

/// The end of a scan, which is recorded with its last page.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanEnd {
    pub(super) reason: Option<ScanReason>,
    pub(super) period: i64,
    /// The new members on the pages before, and those that an unfinished scan recorded.
    pub(super) found_before: usize,
}

impl MemberRecorder {
    /// Returns the new members of a page, as the store knows them now.
    pub(super) async fn new_members(
        &self,
        group: ChannelId,
        page: &MembersPage,
    ) -> Result<NewMembers, TaskError> {
        let now = self.runtime.clock.now();
        self.database
            .read(|tx| {
                let Some(group) = tx.group_scan(group)? else {
                    return Ok(NewMembers::default());
                };
                let rule = self.rule(&group, page, now);
                let mut new = NewMembers::default();
                for member in &page.members {
                    if let Some(date) = joined_newly(tx, &group, &rule, member)? {
                        new.count += 1;
                        new.youngest = new.youngest.max(Some(date));
                    } else if tx.has_join_of_unfinished_scan(group.group, member.user.id)? {
                        new.recorded_before += 1;
                    }
                }
                Ok(new)
            })
            .await
    }

    /// Records a page, and the end of the scan with the last one. Returns the number of joins that it shows.
    pub(super) async fn record(
        &self,
        group: ChannelId,
        page: &MembersPage,
        end: Option<ScanEnd>,
    ) -> Result<usize, TaskError> {
        let now = self.runtime.clock.now();
        let (found, fetch) = self
            .database
            .write(|tx| self.record_in(tx, group, page, end, now))
            .await?;
        self.wake(fetch).await?;
        Ok(found)
    }

    /// Records what `channels.getFullChannel` shows.
    pub(super) async fn record_full(
        &self,
        group: ChannelId,
        full: FullGroup,
    ) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                let Some(scan) = tx.group_scan(group)? else {
                    return Ok(());
                };
                let pts = tx.channel(group)?.map(|known| known.channel.pts);
                // A newer count would hold joins that are not read yet.
                if let Some(count) = full.member_count
                    && pts == Some(full.pts)
                {
                    tx.compare_member_count(group, count, now)?;
                }
                let evidence = ClassEvidence {
                    shows_members: full.shows_members,
                    member_count: full.member_count,
                    unseen_join_at: scan.unseen_join_at,
                    since: scan.since,
                };
                let class = group_class(&evidence, now);
                if class == GroupClass::Hidden && scan.class != GroupClass::Hidden {
                    // Until now the list of members was to show whether they are new.
                    let since = now.plus(-self.time_new).max(scan.watched_from);
                    tx.reconsider_senders(group, since)?;
                }
                set_class(tx, &scan, class, Some(now))
            })
            .await
    }

    pub(super) async fn wake(&self, fetch: bool) -> Result<(), TaskError> {
        let work = PostCommit {
            fetch,
            ..PostCommit::default()
        };
        self.post_commit.run(work).await
    }

    fn record_in(
        &self,
        tx: &Tx<'_>,
        group: ChannelId,
        page: &MembersPage,
        end: Option<ScanEnd>,
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let Some(scan) = tx.group_scan(group)? else {
            return Ok((0, false));
        };
        let rule = self.rule(&scan, page, now);
        let (mut found, mut fetch) = (0, false);
        let administrators: Vec<UserId> = page
            .members
            .iter()
            .filter(|member| member.membership == Membership::Administrator)
            .map(|member| member.user.id)
            .collect();
        tx.add_admins(group, &administrators)?;
        for member in &page.members {
            tx.keep_access_hash(&member.user)?;
            // A push that came meanwhile has recorded its join.
            if let Some(date) = joined_newly(tx, &scan, &rule, member)? {
                let join = join_without_message(group, member.user.id, date);
                let outcome = self.join_policy.record_join(
                    tx,
                    &join,
                    Some(&member.user),
                    FoundBy::Scan,
                    now,
                )?;
                fetch |= needs_fetch(outcome);
                found += 1;
            }
            if !awaits_message(member, now) {
                let trigger = RecheckTrigger::Update;
                fetch |= self.member_recheck.check(tx, &member.user, trigger, now)?;
            }
        }
        tx.count_membership_changes(group, found, 0)?;
        if let Some(end) = end {
            let found_unseen_join = found + end.found_before > 0;
            let record = ScanRecord {
                reason: end.reason,
                at: now,
                period: end.period,
                found_unseen_join,
            };
            tx.record_scan(group, record)?;
            let evidence = ClassEvidence {
                shows_members: true,
                member_count: Some(page.count),
                unseen_join_at: if found_unseen_join {
                    Some(now)
                } else {
                    scan.unseen_join_at
                },
                since: scan.since,
            };
            // Only `channels.getFullChannel` lowers a class. It may be asked much later than the first scan.
            let class = group_class(&evidence, now);
            if scan.class == GroupClass::Announced && class != scan.class {
                set_class(tx, &scan, class, None)?;
            }
        }
        Ok((found, fetch))
    }

    /// Returns the rule for the members of a page.
    fn rule(&self, group: &GroupScan, page: &MembersPage, now: Timestamp) -> NewMemberRule {
        let dates = page
            .members
            .iter()
            .filter_map(|member| match member.membership {
                Membership::Member { since } => Some(since),
                Membership::Administrator | Membership::Gone => None,
            });
        NewMemberRule::new(group, self.time_new, now).with_entry_second(dates)
    }
}

/// Returns the join of a member into a group whose message was not seen.
pub(super) fn join_without_message(group: ChannelId, user: UserId, date: Timestamp) -> Join {
    Join {
        group,
        message: MessageId::unseen(date),
        user,
        // A list of members does not show who added them.
        added_by: AddedBy::Themselves,
        date,
    }
}

/// Reports whether an outcome leaves something to download or to look up.
pub(super) const fn needs_fetch(outcome: JoinOutcome) -> bool {
    matches!(outcome, JoinOutcome::LookUp | JoinOutcome::Queued)
}

/// Reports whether the message of a member's latest join may be under way. It decides about the photo.
fn awaits_message(member: &Member, now: Timestamp) -> bool {
    match member.membership {
        Membership::Member { since } => now <= since.plus(MESSAGE_GRACE),
        Membership::Administrator | Membership::Gone => false,
    }
}

/// Returns when a member joined, if the join is not recorded and the member is new.
pub(super) fn joined_newly(
    tx: &ReadTx<'_>,
    group: &GroupScan,
    rule: &NewMemberRule,
    member: &Member,
) -> Result<Option<Timestamp>, StoreError> {
    let Membership::Member { since } = member.membership else {
        return Ok(None);
    };
    if !rule.may_be_new(since) {
        return Ok(None);
    }
    let history = MemberHistory {
        has_join: tx.has_join_since(group.group, member.user.id, since)?,
        cleared_at: tx.cleared_at(member.user.id)?,
    };
    Ok(rule.is_new(since, history).then_some(since))
}

/// Sets the class of a group. `full_at` is the time of `channels.getFullChannel`, if that showed it.
fn set_class(
    tx: &Tx<'_>,
    scan: &GroupScan,
    class: GroupClass,
    full_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    if class != scan.class {
        tracing::info!(
            group = %scan.group, class = class.as_str(), before = scan.class.as_str(),
            "the class of the group changed"
        );
    }
    tx.set_group_class(scan.group, class, full_at)
}
