//! Watches the channels: carries out what [`ChannelTracker`] decides.
//!
//! Pushes that follow the stored `pts` are applied in batches; everything else is pulled. An update
//! may be lost without harm, because Telegram is asked every minute for the `pts` of the channels in the ledger, and
//! the liveliest groups are polled. A crash loses nothing: the ledger holds each `pts`.

mod background;
mod results;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::task::JoinSet;
use tokio::time::Instant;

use self::background::BackgroundResult;
use super::dialog_sync::DialogReader;
use super::known_channels::KnownChannels;
use super::post_commit::PostCommit;
use super::runtime::SLOW_POLL;
use super::{
    Administrators, ChannelPuller, Database, PageTransactions, Runtime, TaskError, Wakers,
    job_result,
};
use crate::decide::channel_tracker::{Action, AskedChannels, ChannelTracker, Event, LedgerChannel};
use crate::model::{Advance, Channel, ChannelId, ChannelKind, Page, Timestamp, User, UserId};
use crate::store::{AdvanceOutcome, ReadTx, StoreError, Tx};
use crate::telegram::{Hint, Hints, Telegram};

/// How many hints are applied in one transaction.
const MAX_HINTS_PER_BATCH: usize = 256;

/// The loop that watches the channels.
pub struct Watcher {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub administrators: Administrators,
    pub transactions: PageTransactions,
    pub puller: ChannelPuller,
    pub wakers: Wakers,
}

/// The state in which the start of the program leaves the channels.
#[derive(Debug)]
pub struct WatchStart {
    /// The channels that were read so far.
    pub channels: Vec<Channel>,
    /// Reads the others.
    pub reader: DialogReader,
    /// Telegram pushes updates over the connection.
    pub subscribed: bool,
}

/// Watches until shutdown.
///
/// # Errors
/// See [`TaskError`].
pub async fn watch(watcher: Watcher, mut hints: Hints, start: WatchStart) -> Result<(), TaskError> {
    let mut watch = Watch::new(watcher, start.reader, start.subscribed);
    watch.take_over(start.channels, Vec::new()).await?;
    let first = if start.subscribed {
        Event::DialogsChanged
    } else {
        Event::Disconnected
    };
    let known = watch.known_channels().await?;
    let events = [Event::LedgerRead(known), first];
    watch.handle(events, BTreeMap::new()).await?;
    let mut batch = Vec::new();
    loop {
        let longest = watch.parts.runtime.clock.instant() + SLOW_POLL;
        let deadline = longest.min(watch.started + watch.tracker.deadline());
        tokio::select! {
            () = watch.parts.runtime.shutdown.cancelled() => return Ok(()),
            received = hints.recv_many(&mut batch, MAX_HINTS_PER_BATCH) => {
                if !received {
                    return Err(TaskError::System("the stream of updates has ended".into()));
                }
                watch.handle_hints(std::mem::take(&mut batch)).await?;
            }
            Some(job) = watch.jobs.join_next() => {
                watch.finish(job_result(job)?).await?;
            }
            () = tokio::time::sleep_until(deadline) => {
                watch.handle([Event::Tick], BTreeMap::new()).await?;
            }
        }
    }
}

struct Watch {
    parts: Watcher,
    tracker: ChannelTracker,
    /// When the tracker was created: its times count from here.
    started: Instant,
    /// Reads the dialogs; `None` while a job does.
    reader: Option<DialogReader>,
    /// The channels that a rate limit left of the last query for all known channels.
    left_to_ask: Option<KnownChannels>,
    /// The last query for known channels failed, and the log says so.
    asks_fail: bool,
    /// Telegram pushes updates over the connection.
    subscribed: bool,
    /// A job waits until the rate limit on the subscription ends.
    awaits_subscription: bool,
    jobs: JoinSet<Result<BackgroundResult, TaskError>>,
}

impl Watch {
    fn new(parts: Watcher, reader: DialogReader, subscribed: bool) -> Self {
        Self {
            reader: Some(reader),
            left_to_ask: None,
            asks_fail: false,
            subscribed,
            awaits_subscription: false,
            tracker: ChannelTracker::default(),
            started: parts.runtime.clock.instant(),
            jobs: JoinSet::new(),
            parts,
        }
    }

    /// Returns the watched channels of the ledger that the account is in.
    async fn known_channels(&self) -> Result<Vec<LedgerChannel>, TaskError> {
        let known = self.parts.database.read(|tx| tx.channels()).await?;
        let channels = self.parts.transactions.channels;
        let watched = known
            .into_iter()
            .filter(|known| channels.is_watched(&known.channel));
        let known = watched.map(|known| LedgerChannel {
            channel: known.channel.id,
            is_group: known.channel.kind == ChannelKind::Group,
        });
        Ok(known.collect())
    }

    async fn handle_hints(&mut self, hints: Vec<Hint>) -> Result<(), TaskError> {
        let mut events = Vec::new();
        // The last update that shows a user wins.
        let (mut shown, mut changed) = (BTreeMap::new(), BTreeSet::new());
        for hint in hints {
            match hint {
                Hint::Pushed(page) => events.push(Event::Pushed(page)),
                Hint::Shown(users) => shown.extend(users.into_iter().map(|user| (user.id, user))),
                Hint::ChannelChanged(channel) => events.push(Event::ChannelChanged(channel)),
                Hint::ChannelUpdated(channel) => {
                    changed.insert(channel);
                    events.push(Event::ChannelUpdated(channel));
                }
                Hint::ChannelsMoved => events.push(Event::ChannelsMoved),
                Hint::DialogsChanged => events.push(Event::DialogsChanged),
                // Only `login` shows QR codes.
                Hint::QrCodeScanned => {}
                Hint::Disconnected => {
                    tracing::info!("the connection was lost");
                    events.push(Event::Disconnected);
                }
            }
        }
        self.handle(events, shown).await?;
        self.want_full_groups(&changed).await
    }

    /// Has the groups that changed somehow asked whether they show their members.
    async fn want_full_groups(&self, changed: &BTreeSet<ChannelId>) -> Result<(), TaskError> {
        if changed.is_empty() {
            return Ok(());
        }
        let want = |tx: &Tx<'_>| {
            for channel in changed {
                if tx.group_scan(*channel)?.is_some() {
                    tx.want_full_channel(*channel)?;
                }
            }
            Ok(())
        };
        self.parts.database.write(want).await?;
        self.parts.wakers.scan.notify_one();
        Ok(())
    }

    /// Hands events to the tracker and carries out its actions. All pushes are applied in one
    /// transaction, together with the photos of the users that were shown.
    async fn handle(
        &mut self,
        events: impl IntoIterator<Item = Event>,
        mut shown: BTreeMap<UserId, User>,
    ) -> Result<(), TaskError> {
        let mut events: VecDeque<Event> = events.into_iter().collect();
        let mut jobs = Vec::new();
        loop {
            let mut pushes = Vec::new();
            for event in events.drain(..) {
                let now = self.parts.runtime.clock.instant() - self.started;
                for action in self.tracker.handle(event, now) {
                    match action {
                        Action::ApplyPush(page) => pushes.push(page),
                        job => jobs.push(job),
                    }
                }
            }
            if pushes.is_empty() && shown.is_empty() {
                break;
            }
            events.extend(self.apply(pushes, std::mem::take(&mut shown)).await?);
        }
        for job in jobs {
            self.start(job);
        }
        Ok(())
    }

    fn start(&mut self, action: Action) {
        let (runtime, telegram) = (self.parts.runtime.clone(), self.parts.telegram.clone());
        match action {
            Action::Pull { channel, step } => {
                let pull = background::pull(self.parts.puller.clone(), channel, step);
                self.jobs.spawn(pull);
            }
            Action::SyncDialogs => {
                // The tracker asks for one reading at a time.
                if let Some(mut reader) = self.reader.take() {
                    reader.begin();
                    self.read_dialogs(reader);
                }
            }
            Action::AskKnownChannels(asked) => {
                let left = match asked {
                    AskedChannels::All => self.left_to_ask.take(),
                    AskedChannels::These(_) => None,
                };
                self.ask_known_channels(asked, left);
            }
            Action::CheckConnection => {
                let check = background::check_connection(runtime, telegram);
                self.jobs.spawn(check);
            }
            // `handle` has applied every push.
            Action::ApplyPush(_) => {}
        }
    }

    /// Applies pushes in one transaction and returns the events for the tracker. Users who were shown are examined
    /// afterwards, so that one who just joined is found. A transaction that only moves `pts` over own posts, of which there is
    /// one for each photo, is not flushed to the disk: after a power failure they are pulled.
    async fn apply(
        &mut self,
        pages: Vec<Page>,
        shown: BTreeMap<UserId, User>,
    ) -> Result<Vec<Event>, TaskError> {
        let Watcher {
            database,
            runtime,
            transactions,
            ..
        } = &self.parts;
        let now = runtime.clock.now();
        let apply = |tx: &Tx<'_>| {
            let mut batch = self.apply_pages(tx, &pages, now)?;
            let mut found = PostCommit::default();
            for user in shown.values() {
                found.fetch |= transactions.recheck_shown(tx, user, now)?;
            }
            batch.post_commits.push(found);
            Ok(batch)
        };
        let batch = if shown.is_empty() && !pages.iter().any(|page| transactions.has_news(page)) {
            database.write_unflushed(apply).await?
        } else {
            database.write(apply).await?
        };
        for post_commit in batch.post_commits {
            transactions.post_commit.run(post_commit).await?;
        }
        for page in batch.overtaken {
            let pages = self.parts.puller.pages.clone();
            self.jobs.spawn(async move {
                pages.apply_prepared(&page).await?;
                Ok(BackgroundResult::Event(Event::Tick))
            });
        }
        Ok(batch.events)
    }

    fn apply_pages(
        &self,
        tx: &Tx<'_>,
        pages: &[Page],
        now: Timestamp,
    ) -> Result<AppliedPages, StoreError> {
        let mut batch = AppliedPages::default();
        for page in pages {
            match self.apply_by(tx, page)? {
                ApplyBy::Push => {}
                ApplyBy::Pull => {
                    batch.events.push(Event::PushNeedsPull(page.channel));
                    continue;
                }
                ApplyBy::Prepare => {
                    batch.overtaken.push(page.clone());
                    continue;
                }
            }
            let applied = self.parts.transactions.apply_pushed(tx, page, now)?;
            batch.events.extend(event_of(page, applied.advance_outcome));
            batch.post_commits.push(applied.post_commit);
        }
        Ok(batch)
    }

    /// Returns how a push is applied.
    fn apply_by(&self, tx: &ReadTx<'_>, page: &Page) -> Result<ApplyBy, StoreError> {
        let Some(known) = tx.channel(page.channel)? else {
            return Ok(ApplyBy::Push);
        };
        let needs_files = self.parts.transactions.waits_for_pull(page);
        if matches!(page.advance, Advance::Pushed { to, .. } if to <= known.channel.pts) {
            // The stored pts has passed this update, so a pull would not bring it any more.
            return Ok(if needs_files {
                ApplyBy::Prepare
            } else {
                ApplyBy::Push
            });
        }
        let needs_administrators = !page.joins.is_empty()
            && known.admins_at.is_none()
            && !self.parts.administrators.is_unreadable(page.channel)
            && self.parts.administrators.may_wait();
        Ok(if needs_files || needs_administrators {
            ApplyBy::Pull
        } else {
            ApplyBy::Push
        })
    }
}

/// The result of pushes that were applied in one transaction.
#[derive(Default)]
struct AppliedPages {
    events: Vec<Event>,
    post_commits: Vec<PostCommit>,
    /// The pages that wait for the files of their orders.
    overtaken: Vec<Page>,
}

/// How a pushed update is applied.
enum ApplyBy {
    /// In the batch, as it is.
    Push,
    /// By the pull of its channel, which first fetches what the update needs: the administrators of a group of which
    /// none are known, or the file of an order.
    Pull,
    /// By itself, after the files for its orders are fetched or written.
    Prepare,
}

/// Returns the event for the tracker after a push was handed to the ledger.
fn event_of(page: &Page, outcome: AdvanceOutcome) -> Option<Event> {
    match (outcome, page.advance) {
        (AdvanceOutcome::Advanced | AdvanceOutcome::AlreadyApplied, _) => None,
        (AdvanceOutcome::UnknownChannel, Advance::Pushed { to, count }) => {
            Some(Event::PushOfUnknownChannel {
                channel: page.channel,
                pts: to.saturating_sub(count),
            })
        }
        (AdvanceOutcome::Gap | AdvanceOutcome::UnknownChannel, _) => {
            Some(Event::PushNeedsPull(page.channel))
        }
    }
}
