//! Finds new members whose joins have no message that was read (docs/outcomes.md): reads lists of members, asks about
//! the senders of first messages in hidden groups, and learns how each group shows its joins.
//!
//! One call is made at a time; [`ScanSchedule`] says which. Pages of updates record the reasons for a scan, and a scan
//! records its end in the transaction that records the joins of its last page. After a crash a scan is repeated, and
//! members that were recorded are known.

mod page_reading;
mod page_recording;
mod sender_decision;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::page_recording::MemberRecorder;
use self::page_recording::{MESSAGE_GRACE, ScanEnd};
use super::{Database, Runtime, TaskError, Wakers};
use crate::decide::member_scan::{self, MAX_PAGES, NextStep, ScanCall, ScanSchedule, ScanStep};
use crate::decide::{self, ChannelRefusal};
use crate::model::{
    ChannelId, GroupClass, GroupScan, Member, MembershipAnswer, PendingSender, ScanReason,
    Timestamp, UserId,
};
use crate::store::{ReadTx, Tx};
use crate::telegram::{CallError, Telegram, error_name};

/// How often records that matter only for new members are deleted, in seconds.
const CLEANING_INTERVAL: i64 = 3600;
/// How often in a row the connection may fail before another group has its turn.
const MAX_CUTS: u32 = 2;

/// The loop that scans.
pub struct MemberScanner {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub recorder: MemberRecorder,
    pub wakers: Wakers,
}

/// Scans until the shutdown.
///
/// # Errors
/// See [`TaskError`].
pub async fn scan_members(scanner: MemberScanner) -> Result<(), TaskError> {
    let now = scanner.runtime.clock.now();
    let mut scan = MemberScan {
        schedule: ScanSchedule::starting_at(now),
        failures: 0,
        last_pages: BTreeMap::new(),
        cleaned_at: Timestamp::new(0),
        parts: scanner,
    };
    loop {
        let (groups, senders) = scan
            .parts
            .database
            .read(|tx| Ok((tx.group_scans()?, tx.pending_senders()?)))
            .await?;
        let now = scan.parts.runtime.clock.now();
        let is_due = scan.schedule.is_scan_due(&groups, now);
        scan.parts.wakers.scan_priority.set_due(is_due);
        match scan.schedule.next(&groups, &senders, now) {
            NextStep::Step(step) => scan.carry_out(step, &groups, &senders).await?,
            NextStep::Wait(until) => scan.wait(until).await?,
        }
    }
}

struct MemberScan {
    parts: MemberScanner,
    schedule: ScanSchedule,
    /// The calls in a row that the network failed.
    failures: u32,
    /// The members on the first page of the last scan of each group.
    last_pages: BTreeMap<ChannelId, BTreeSet<UserId>>,
    cleaned_at: Timestamp,
}

impl MemberScan {
    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), TaskError> {
        let now = self.now();
        if self.cleaned_at.plus(CLEANING_INTERVAL) <= now {
            self.cleaned_at = now;
            let oldest = now.plus(-self.parts.recorder.time_new);
            let clean = |tx: &Tx<'_>| tx.forget_clears(oldest);
            self.parts.database.write(clean).await?;
        }
        let delay = self.parts.runtime.poll_delay(until);
        tokio::select! {
            () = self.parts.runtime.shutdown.cancelled() => Err(TaskError::ShuttingDown),
            () = self.parts.wakers.scan.notified() => Ok(()),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }

    async fn carry_out(
        &mut self,
        step: ScanStep,
        groups: &[GroupScan],
        senders: &[PendingSender],
    ) -> Result<(), TaskError> {
        match step {
            ScanStep::Members { group, reason } => self.scan(&groups[group], reason).await,
            ScanStep::FullGroup { group } => self.read_full(&groups[group]).await,
            ScanStep::Sender { sender } => {
                let pending = &senders[sender];
                let group = groups.iter().find(|group| group.group == pending.group);
                match group {
                    Some(group) => self.ask(group, pending).await,
                    None => Ok(()),
                }
            }
            ScanStep::Decide { sender } => {
                let group = senders[sender].group;
                self.schedule.record_sender(group, self.now());
                self.parts.recorder.decide_senders(group).await
            }
        }
    }

    /// Reads the list of members of a group, page by page while there are many new ones.
    async fn scan(
        &mut self,
        group: &GroupScan,
        reason: Option<ScanReason>,
    ) -> Result<(), TaskError> {
        if group.wanted.is_some() {
            let begin = |tx: &Tx<'_>| tx.begin_scan(group.group);
            self.parts.database.write(begin).await?;
        }
        let (mut rows, mut found, mut recorded_before) = (0, 0, 0);
        let (mut fresh, mut listed) = (0, 0);
        for pages in 1..=MAX_PAGES {
            let Some(page) = self.read_page(group, rows).await? else {
                return Ok(());
            };
            rows += page.rows;
            if pages == 1 {
                (listed, fresh) = self.remember_page(group.group, &page.members);
            }
            let new = self.parts.recorder.new_members(group.group, &page).await?;
            self.wait_for_messages(group, new.youngest).await?;
            recorded_before += new.recorded_before;
            let is_last = !member_scan::reads_another_page(pages, new.count + new.recorded_before);
            let found_before = found + recorded_before;
            let end = is_last.then(|| ScanEnd {
                reason,
                period: member_scan::next_period(
                    group.period,
                    found_before + new.count,
                    listed,
                    fresh,
                ),
                found_before,
            });
            found += self.parts.recorder.record(group.group, &page, end).await?;
            if is_last {
                break;
            }
        }
        self.schedule.record_scan(group);
        tracing::debug!(
            group = %group.group, reason = reason.map(<&str>::from), members = rows, found,
            "list of members read"
        );
        Ok(())
    }

    /// Returns how many members are on the first page of a list, and how many of them were not there at the last scan.
    fn remember_page(&mut self, group: ChannelId, members: &[Member]) -> (usize, usize) {
        let present: BTreeSet<UserId> = members.iter().map(|member| member.user.id).collect();
        let listed = present.len();
        let last = self.last_pages.get(&group);
        let fresh = last.map_or(0, |last| present.difference(last).count());
        self.last_pages.insert(group, present);
        (listed, fresh)
    }

    /// Waits until the join message of the youngest new member would be here, unless the group has none.
    async fn wait_for_messages(
        &self,
        group: &GroupScan,
        youngest: Option<Timestamp>,
    ) -> Result<(), TaskError> {
        let shows_no_joins = group.class == GroupClass::Scanned && group.unseen_join_at.is_some();
        let Some(joined_at) = youngest.filter(|_| !shows_no_joins) else {
            return Ok(());
        };
        let until = joined_at.plus(MESSAGE_GRACE + 1);
        let longest = Duration::from_secs(MESSAGE_GRACE.unsigned_abs() + 1);
        let pause = self.parts.runtime.clock.until(until).min(longest);
        self.parts.runtime.pause(pause).await
    }

    async fn read_full(&mut self, group: &GroupScan) -> Result<(), TaskError> {
        let telegram = self.parts.telegram.clone();
        let call = telegram.full_group(group.group, group.access_hash);
        let Some(full) = self.call(ScanCall::FullGroup, group.group, call).await? else {
            return Ok(());
        };
        self.schedule.record_success(group.group);
        self.parts.recorder.record_full(group.group, full).await
    }

    async fn ask(&mut self, group: &GroupScan, pending: &PendingSender) -> Result<(), TaskError> {
        self.schedule.record_sender(group.group, self.now());
        let (user, message) = (pending.sender.user, pending.sender.message);
        let seen_in = Some((group.group, message));
        let read = |tx: &ReadTx<'_>| tx.user_ref(user, seen_in);
        let user_ref = self.parts.database.read(read).await?;
        let telegram = self.parts.telegram.clone();
        let call = async {
            let call = telegram.membership(group.group, group.access_hash, &user_ref);
            match call.await {
                // An unknown refusal must not hold up the other senders of the group.
                Err(CallError::Refused { name, .. })
                    if decide::channel_refusal(&name) == ChannelRefusal::Other =>
                {
                    tracing::debug!(group = %group.group, error = name, "no date of a join");
                    Ok(MembershipAnswer::NoReference)
                }
                answer => answer,
            }
        };
        let answer = self.call(ScanCall::Sender, group.group, call).await?;
        let Some(answer) = answer else {
            return Ok(());
        };
        self.schedule.record_success(group.group);
        self.parts.recorder.record_answer(pending, answer).await
    }

    /// Makes a call about a group. Returns `None` if it has to be repeated later. The caller records the success.
    async fn call<T>(
        &mut self,
        kind: ScanCall,
        group: ChannelId,
        call: impl Future<Output = Result<T, CallError>> + Send,
    ) -> Result<Option<T>, TaskError> {
        let answer = self.parts.runtime.or_shutdown(call).await?;
        let now = self.now();
        self.schedule.record_call(kind, now);
        match answer {
            Ok(answer) => {
                self.failures = 0;
                return Ok(Some(answer));
            }
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::RateLimited { until, .. }) => {
                self.schedule.limit(kind, Timestamp::new(until));
            }
            Err(error @ CallError::Network { .. }) => {
                let pause = decide::backoff(self.failures);
                self.failures += 1;
                if self.failures > MAX_CUTS {
                    self.schedule.record_cut(group, now);
                }
                let pause = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
                self.schedule.limit(kind, now.plus(pause));
                tracing::debug!(%error, "a call is retried");
            }
            Err(error) => {
                self.schedule.record_failure(group, now);
                let refusal = error_name(&error).map(decide::channel_refusal);
                if refusal == Some(ChannelRefusal::NotInChannel) {
                    // The pull of the channel notices that the account left.
                    tracing::debug!(%group, %error, "the list of members is closed");
                } else {
                    tracing::warn!(%group, %error, "reading the members failed");
                }
            }
        }
        Ok(None)
    }

    fn now(&self) -> Timestamp {
        self.parts.runtime.clock.now()
    }
}
