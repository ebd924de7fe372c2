//! Watches the channels: pushes are applied if they follow, everything else is pulled.
//!
//! Owns which channels are dirty and which are being pulled. A hint may be lost without harm,
//! because the list of dialogs is compared with the ledger at start, after each reconnect and every
//! few minutes. Nothing here survives a crash, and nothing has to: the ledger's `pts` does.

mod dialog_sync;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::call_retry::{Reply, until_answered};
use super::post_commit::PostCommit;
use super::pull::{Gap, Pulled, pull};
use super::second_look::Occasion;
use super::{Administrators, Database, PageApplier, Runtime, TaskError, Wakers, job_result};
use crate::decide;
use crate::model::{Advance, Channel, ChannelId, ChannelKind, Page, User, UserId};
use crate::store::{AdvanceOutcome, StoreError, Tx};
use crate::telegram::{CallError, Hint, Telegram};

/// How many channels are pulled at once.
const PULLS_AT_ONCE: usize = 2;
/// How many long gaps are closed at once, beside the pulls.
const GAPS_AT_ONCE: usize = 1;
/// How many hints are applied in one transaction.
const HINTS_A_BATCH: usize = 256;
/// How many pushes of one channel wait for its pull to end; more than that are pulled again.
const PUSHES_KEPT: usize = 200;
/// How often the connection is checked.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How often the list of dialogs is compared with the ledger.
const DIALOG_SYNC_INTERVAL: Duration = Duration::from_secs(300);
/// How far two such lists are apart at least.
const DIALOG_SYNC_MIN_INTERVAL: Duration = Duration::from_secs(3);
/// The longest pause between two tries to connect.
const CONNECT_PAUSE: Duration = Duration::from_secs(30);

/// The parts that the watcher needs. Cheap to clone.
#[derive(Clone)]
pub struct WatchParts {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub administrators: Administrators,
    pub pages: PageApplier,
    pub wakers: Wakers,
}

impl WatchParts {
    /// Reports whether a channel is followed: every group, HIDE and EXCHANGE.
    fn is_watched(&self, channel: &Channel) -> bool {
        let private = self.pages.transactions.channels;
        channel.kind == ChannelKind::Group || private.contains(channel.id)
    }
}

/// Watches until the end. `census` is the list of dialogs as just read.
///
/// # Errors
/// See [`TaskError`].
pub async fn watch(
    parts: Arc<WatchParts>,
    mut hints: mpsc::Receiver<Hint>,
    dialogs: Vec<Channel>,
) -> Result<(), TaskError> {
    let mut watch = Watch::new(parts);
    watch.compare(&dialogs).await?;
    let mut batch = Vec::new();
    loop {
        watch.start_jobs();
        let (next_start, next_check, next_dialog_sync) =
            (watch.next_start(), watch.next_check, watch.next_dialog_sync);
        tokio::select! {
            () = watch.parts.runtime.shutdown.cancelled() => return Ok(()),
            _ = hints.recv_many(&mut batch, HINTS_A_BATCH) => {
                watch.take(std::mem::take(&mut batch)).await?;
            }
            Some(job) = watch.jobs.join_next() => {
                watch.finish(job_result(job)?).await?;
            }
            () = tokio::time::sleep_until(next_check) => watch.check_due = true,
            () = tokio::time::sleep_until(next_dialog_sync) => watch.dialog_sync_due = true,
            // Only to wake: the jobs are started above.
            () = tokio::time::sleep_until(next_start) => {}
        }
    }
}

struct Watch {
    parts: Arc<WatchParts>,
    jobs: JoinSet<Result<Done, TaskError>>,
    /// Channels that have to be pulled, longest waiting first.
    dirty: VecDeque<ChannelId>,
    /// Channels whose gap has to be closed by message ids.
    gaps: BTreeMap<ChannelId, Gap>,
    /// Channels that are being pulled, with the pushes that came meanwhile.
    pulling: BTreeMap<ChannelId, Vec<Page>>,
    /// Which of those have their gap closed.
    closing: BTreeSet<ChannelId>,
    /// Channels that failed: how often in a row, and until when they are left alone.
    resting: BTreeMap<ChannelId, (u32, Instant)>,
    /// Channels that need the numbers of the next list of dialogs.
    lost: BTreeSet<ChannelId>,
    /// Channels that push and are not in the ledger: the `pts` before their first push, and how many
    /// lists lacked them.
    unknown_channels: BTreeMap<ChannelId, (i32, u8)>,
    /// Channels that are of no interest: broadcast channels, and those that the account is not in.
    ignored: BTreeSet<ChannelId>,
    dialog_sync_due: bool,
    dialog_sync_running: bool,
    check_due: bool,
    check_running: bool,
    next_dialog_sync: Instant,
    /// No list of dialogs is asked for before then, however often something hints at it.
    dialog_sync_not_before: Instant,
    next_check: Instant,
}

/// What a job brought.
enum Done {
    Pulled(ChannelId, Pulled),
    DialogSync(Result<Vec<Channel>, CallError>),
    /// The connection answers; `anew` if it did not in between.
    Connected {
        anew: bool,
    },
}

impl Watch {
    fn new(parts: Arc<WatchParts>) -> Self {
        let now = parts.runtime.clock.instant();
        Self {
            parts,
            jobs: JoinSet::new(),
            dirty: VecDeque::new(),
            gaps: BTreeMap::new(),
            pulling: BTreeMap::new(),
            closing: BTreeSet::new(),
            resting: BTreeMap::new(),
            lost: BTreeSet::new(),
            unknown_channels: BTreeMap::new(),
            ignored: BTreeSet::new(),
            dialog_sync_due: false,
            dialog_sync_running: false,
            check_due: false,
            check_running: false,
            next_dialog_sync: now + DIALOG_SYNC_INTERVAL,
            dialog_sync_not_before: now,
            next_check: now + CHECK_EVERY,
        }
    }

    /// When the next thing may be begun that only waits for its time.
    fn next_start(&self) -> Instant {
        let dialogs = (self.dialog_sync_due && !self.dialog_sync_running && !self.check_running)
            .then_some(self.dialog_sync_not_before);
        let rested = self
            .dirty
            .iter()
            .chain(self.gaps.keys())
            .filter(|channel| !self.pulling.contains_key(channel))
            .filter_map(|channel| self.resting.get(channel))
            .map(|(_, until)| *until);
        let now = self.parts.runtime.clock.instant();
        dialogs
            .into_iter()
            .chain(rested)
            .filter(|moment| *moment > now)
            .min()
            .unwrap_or(self.next_check)
    }

    fn start_jobs(&mut self) {
        if self.check_due && !self.check_running {
            self.check_due = false;
            self.check_running = true;
            self.next_check = self.parts.runtime.clock.instant() + CHECK_EVERY;
            self.jobs.spawn(check(self.parts.clone()));
        }
        // A list read over a connection that is not subscribed could miss what follows it.
        let now = self.parts.runtime.clock.instant();
        if self.dialog_sync_due
            && !self.dialog_sync_running
            && !self.check_running
            && self.dialog_sync_not_before <= now
        {
            self.dialog_sync_due = false;
            self.dialog_sync_running = true;
            self.dialog_sync_not_before = now + DIALOG_SYNC_MIN_INTERVAL;
            self.next_dialog_sync = now + DIALOG_SYNC_INTERVAL;
            let parts = self.parts.clone();
            self.jobs.spawn(async move {
                let call = || parts.telegram.channels();
                let answer = match until_answered(&parts.runtime, call).await? {
                    Reply::Answer(channels) => Ok(channels),
                    Reply::Refusal(error) => Err(error),
                };
                Ok(Done::DialogSync(answer))
            });
        }
        while self.pulling.len() - self.closing.len() < PULLS_AT_ONCE {
            let Some(place) = self
                .dirty
                .iter()
                .position(|channel| self.may_start(channel, now))
            else {
                break;
            };
            if let Some(channel) = self.dirty.remove(place) {
                self.start(channel, None);
            }
        }
        while self.closing.len() < GAPS_AT_ONCE {
            let Some((&channel, &gap)) = self
                .gaps
                .iter()
                .find(|(channel, _)| self.may_start(channel, now))
            else {
                break;
            };
            self.gaps.remove(&channel);
            self.closing.insert(channel);
            self.start(channel, Some(gap));
        }
    }

    fn may_start(&self, channel: &ChannelId, now: Instant) -> bool {
        !self.pulling.contains_key(channel)
            && self
                .resting
                .get(channel)
                .is_none_or(|(_, until)| *until <= now)
    }

    fn start(&mut self, channel: ChannelId, gap: Option<Gap>) {
        self.pulling.insert(channel, Vec::new());
        let parts = self.parts.clone();
        self.jobs
            .spawn(async move { Ok(Done::Pulled(channel, pull(&parts, channel, gap).await?)) });
    }

    fn mark_dirty(&mut self, channel: ChannelId) {
        if !self.ignored.contains(&channel) && !self.dirty.contains(&channel) {
            self.dirty.push_back(channel);
        }
    }

    /// Leaves a channel alone for a while, longer each time in a row.
    fn rest(&mut self, channel: ChannelId, at_least: Duration) {
        let now = self.parts.runtime.clock.instant();
        let (failures, until) = self.resting.entry(channel).or_insert((0, now));
        *until = now + decide::backoff(*failures).max(at_least);
        *failures += 1;
    }

    async fn finish(&mut self, done: Done) -> Result<(), TaskError> {
        match done {
            Done::Pulled(channel, pulled) => {
                self.closing.remove(&channel);
                let pushes = self.pulling.remove(&channel).unwrap_or_default();
                if matches!(pulled, Pulled::UpToDate | Pulled::Left) {
                    self.resting.remove(&channel);
                }
                match pulled {
                    Pulled::UpToDate => self.apply(pushes, &BTreeMap::new()).await?,
                    Pulled::Left => {}
                    Pulled::Gap(gap) => {
                        self.gaps.insert(channel, gap);
                    }
                    Pulled::Lost => {
                        self.rest(channel, Duration::ZERO);
                        self.lost.insert(channel);
                        self.dialog_sync_due = true;
                    }
                    Pulled::Later { gap, pause } => {
                        self.rest(channel, pause);
                        match gap {
                            Some(gap) => {
                                self.gaps.insert(channel, gap);
                            }
                            None => self.mark_dirty(channel),
                        }
                    }
                }
            }
            Done::Connected { anew } => {
                self.check_running = false;
                if anew {
                    self.dialog_sync_due = true;
                    self.resting.clear();
                }
            }
            Done::DialogSync(answer) => {
                self.dialog_sync_running = false;
                match answer {
                    Ok(channels) => self.compare(&channels).await?,
                    Err(error) => tracing::error!("the list of dialogs was refused: {error}"),
                }
            }
        }
        Ok(())
    }

    async fn take(&mut self, hints: Vec<Hint>) -> Result<(), TaskError> {
        let mut pages = Vec::new();
        // As each was shown last.
        let mut shown = BTreeMap::new();
        for hint in hints {
            match hint {
                Hint::Pushed(page) => match self.pulling.get_mut(&page.channel) {
                    Some(kept) if kept.len() < PUSHES_KEPT => kept.push(page),
                    Some(_) => self.mark_dirty(page.channel),
                    None if self.dirty.contains(&page.channel)
                        || self.gaps.contains_key(&page.channel)
                        || self.ignored.contains(&page.channel) => {}
                    None => pages.push(page),
                },
                Hint::Shown(users) => shown.extend(users.into_iter().map(|user| (user.id, user))),
                Hint::ChannelMoved(channel) => self.mark_dirty(channel),
                Hint::SomethingMoved => self.dialog_sync_due = true,
                Hint::Disconnected => {
                    tracing::info!("the connection was lost");
                    self.check_due = true;
                    self.dialog_sync_due = true;
                }
            }
        }
        self.apply(pages, &shown).await
    }

    /// Applies pushes, all in one transaction; what does not follow makes its channel dirty. Those who
    /// were shown are looked at after that, so that whoever joined meanwhile is known.
    async fn apply(
        &mut self,
        pages: Vec<Page>,
        shown: &BTreeMap<UserId, User>,
    ) -> Result<(), TaskError> {
        if pages.is_empty() && shown.is_empty() {
            return Ok(());
        }
        let parts = self.parts.clone();
        let now = parts.runtime.clock.now();
        let transactions = &parts.pages.transactions;
        let (moved, after) = parts
            .database
            .write(|tx| {
                let mut moved = Vec::new();
                let mut after = Vec::new();
                for page in &pages {
                    if waits_for_pull(tx, &parts, page)? {
                        moved.push((page.channel, page.advance, AdvanceOutcome::Gap));
                        continue;
                    }
                    let applied = transactions.apply_pushed(tx, page, now)?;
                    moved.push((page.channel, page.advance, applied.moved));
                    after.push(applied.post_commit);
                }
                let mut found = PostCommit::default();
                for user in shown.values() {
                    found.fetch |=
                        transactions
                            .second_look
                            .look(tx, user, Occasion::Update, now)?;
                }
                after.push(found);
                Ok((moved, after))
            })
            .await?;
        for (channel, advance, moved) in moved {
            match moved {
                AdvanceOutcome::Advanced | AdvanceOutcome::AlreadyApplied => {}
                AdvanceOutcome::Gap => self.mark_dirty(channel),
                AdvanceOutcome::UnknownChannel => {
                    if let Advance::Pushed { to, count } = advance {
                        self.unknown_channels
                            .entry(channel)
                            .or_insert_with(|| (to.saturating_sub(count), 0));
                    }
                    self.dialog_sync_due = true;
                }
            }
        }
        for after in after {
            self.parts.pages.transactions.post_commit.run(after).await?;
        }
        Ok(())
    }
}

/// Whether a push needs more than it brings: the administrators of a group of which none are known,
/// or files for an order. The channel's pull asks for them first.
fn waits_for_pull(tx: &Tx<'_>, parts: &WatchParts, page: &Page) -> Result<bool, StoreError> {
    let Some(known) = tx.channel(page.channel)? else {
        // A stranger, and found to be one by `apply`.
        return Ok(false);
    };
    if matches!(page.advance, Advance::Pushed { to, .. } if to <= known.channel.pts) {
        // A pull would not tell it any more.
        return Ok(false);
    }
    if parts.pages.transactions.waits_for_pull(page) {
        return Ok(true);
    }
    Ok(!page.joins.is_empty()
        && known.admins_at.is_none()
        && !parts.administrators.is_unreadable(page.channel))
}

/// Makes sure that the connection answers and pushes; a silent one is replaced.
async fn check(parts: Arc<WatchParts>) -> Result<Done, TaskError> {
    let mut attempts = 0;
    loop {
        match parts
            .runtime
            .or_shutdown(parts.telegram.subscribe())
            .await?
        {
            Ok(()) => {
                if attempts > 0 {
                    tracing::info!("connected again");
                }
                return Ok(Done::Connected { anew: attempts > 0 });
            }
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::Flood { until, .. }) => {
                parts
                    .runtime
                    .pause(parts.runtime.clock.until(until))
                    .await?;
            }
            // Any answer, even a refusal, comes over a connection that is alive.
            Err(CallError::Busy { .. } | CallError::Refused { .. }) => {
                return Ok(Done::Connected { anew: attempts > 0 });
            }
            Err(error @ CallError::Network { .. }) => {
                tracing::warn!("no connection: {error}");
                parts.telegram.reconnect();
                parts
                    .runtime
                    .pause(decide::backoff(attempts).min(CONNECT_PAUSE))
                    .await?;
                attempts += 1;
            }
        }
    }
}
