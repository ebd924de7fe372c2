//! Watches the channels: carries out what [`ChannelTracker`] decides.
//!
//! Pushes that follow the stored `pts` are applied in batches; everything else is pulled. An update
//! may be lost without harm, because the list of dialogs is compared with the ledger at start, after
//! each reconnect and every few minutes. A crash loses nothing: the ledger holds each `pts`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::admins::is_unlearnable;
use super::dialog_sync;
use super::joins;
use super::orders::{self, Attached, PostCommit};
use super::pull::pull;
use super::recheck::{self, Sight};
use super::{Shared, TaskError};
use crate::decide;
use crate::decide::channel_tracker::{Action, ChannelTracker, Event, Gap};
use crate::model::{Advance, Channel, ChannelId, Page, Timestamp, User, UserId};
use crate::store::{AdvanceOutcome, StoreError, Tx};
use crate::telegram::{CallError, Hint};

/// How many hints are applied in one transaction.
const MAX_HINTS_PER_BATCH: usize = 256;
/// The longest pause between two attempts to connect.
const MAX_CONNECT_PAUSE: Duration = Duration::from_secs(30);

/// Watches until shutdown. `dialogs` is the list of dialogs as it was just read.
///
/// # Errors
/// See [`TaskError`].
pub async fn watch(
    shared: Arc<Shared>,
    mut hints: mpsc::Receiver<Hint>,
    dialogs: Vec<Channel>,
) -> Result<(), TaskError> {
    let mut watch = Watch::new(shared);
    watch.finish(Done::DialogsRead(Ok(dialogs))).await?;
    let mut batch = Vec::new();
    loop {
        let deadline = watch.started + watch.tracker.deadline();
        tokio::select! {
            () = watch.shared.shutdown.cancelled() => return Ok(()),
            received = hints.recv_many(&mut batch, MAX_HINTS_PER_BATCH) => {
                if received == 0 {
                    return Err(TaskError::System("the stream of updates has ended".into()));
                }
                watch.take_in(std::mem::take(&mut batch)).await?;
            }
            Some(job) = watch.jobs.join_next() => {
                let done = job.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(TaskError::ShuttingDown),
                });
                watch.finish(done?).await?;
            }
            () = tokio::time::sleep_until(deadline) => {
                watch.handle([Event::Tick], BTreeMap::new()).await?;
            }
        }
    }
}

struct Watch {
    shared: Arc<Shared>,
    tracker: ChannelTracker,
    /// When the tracker was created: its times count from here.
    started: Instant,
    jobs: JoinSet<Result<Done, TaskError>>,
}

/// The result of a background job.
enum Done {
    Event(Event),
    DialogsRead(Result<Vec<Channel>, CallError>),
}

impl Watch {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            tracker: ChannelTracker::default(),
            started: shared.clock.instant(),
            jobs: JoinSet::new(),
            shared,
        }
    }

    async fn finish(&mut self, done: Done) -> Result<(), TaskError> {
        let event = match done {
            Done::Event(event) => event,
            Done::DialogsRead(Ok(dialogs)) => {
                let unknown = self.tracker.unknown_channels();
                Event::DialogsRead(dialog_sync::compare(&self.shared, &dialogs, &unknown).await?)
            }
            Done::DialogsRead(Err(error)) => {
                tracing::error!("Telegram refused to list the dialogs: {error}");
                Event::DialogsRefused
            }
        };
        self.handle([event], BTreeMap::new()).await
    }

    async fn take_in(&mut self, hints: Vec<Hint>) -> Result<(), TaskError> {
        let mut events = Vec::new();
        // The last update that shows a user wins.
        let mut shown = BTreeMap::new();
        for hint in hints {
            match hint {
                Hint::Pushed(page) => events.push(Event::Pushed(page)),
                Hint::Shown(users) => shown.extend(users.into_iter().map(|user| (user.id, user))),
                Hint::ChannelMoved(channel) => events.push(Event::ChannelMoved(channel)),
                Hint::SomethingMoved => events.push(Event::SomethingMoved),
                Hint::Disconnected => {
                    tracing::info!("the connection was lost");
                    events.push(Event::Disconnected);
                }
            }
        }
        self.handle(events, shown).await
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
                let now = self.shared.clock.instant() - self.started;
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
        let shared = self.shared.clone();
        match action {
            Action::Pull { channel, gap } => self.jobs.spawn(pull_job(shared, channel, gap)),
            Action::SyncDialogs => self.jobs.spawn(async move {
                let answer = shared.call(|| shared.telegram.channels()).await?;
                Ok(Done::DialogsRead(answer))
            }),
            Action::CheckConnection => self.jobs.spawn(check_connection(shared)),
            // `handle` has applied every push.
            Action::ApplyPush(_) => return,
        };
    }

    /// Applies pushes in one transaction and returns what the tracker has to know about them. Users
    /// who were shown are examined afterwards, so that one who just joined is found.
    async fn apply(
        &self,
        pages: Vec<Page>,
        shown: BTreeMap<UserId, User>,
    ) -> Result<Vec<Event>, TaskError> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let (events, post_commits) = shared
            .commit(|tx| {
                let mut events = Vec::new();
                let mut post_commits = Vec::new();
                for page in &pages {
                    if waits_for_pull(tx, shared, page)? {
                        events.push(Event::PushGap(page.channel));
                        continue;
                    }
                    let applied = joins::apply(tx, shared, page, &Attached::new(), now)?;
                    events.extend(event_of(page, applied.moved));
                    post_commits.push(applied.after);
                }
                let mut found = PostCommit::default();
                for user in shown.values() {
                    found.fetch |= recheck::look(tx, shared, user, Sight::InPassing, now)?;
                }
                post_commits.push(found);
                Ok((events, post_commits))
            })
            .await?;
        for post_commit in post_commits {
            joins::finish(shared, post_commit).await?;
        }
        Ok(events)
    }
}

/// Returns what the tracker has to know about a push that was handed to the ledger.
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
            Some(Event::PushGap(page.channel))
        }
    }
}

/// Returns true if a push needs more than it brings: the administrators of a group of which none are
/// known, or the file of an order. The channel's pull fetches them first.
fn waits_for_pull(tx: &Tx<'_>, shared: &Shared, page: &Page) -> Result<bool, StoreError> {
    let Some(known) = tx.channel(page.channel)? else {
        return Ok(false);
    };
    if matches!(page.advance, Advance::Pushed { to, .. } if to <= known.channel.pts) {
        // A pull would not bring this update any more.
        return Ok(false);
    }
    if page.posts.iter().any(orders::needs_file) {
        return Ok(shared.delivery.private.contains(&page.channel));
    }
    Ok(
        !page.joins.is_empty()
            && known.admins_at.is_none()
            && !is_unlearnable(shared, page.channel),
    )
}

async fn pull_job(
    shared: Arc<Shared>,
    channel: ChannelId,
    gap: Option<Gap>,
) -> Result<Done, TaskError> {
    let end = pull(&shared, channel, gap).await?;
    Ok(Done::Event(Event::PullEnded { channel, end }))
}

/// Returns as soon as the connection answers and pushes updates; a silent one is replaced.
async fn check_connection(shared: Arc<Shared>) -> Result<Done, TaskError> {
    let mut attempts = 0;
    loop {
        match shared.or_shutdown(shared.telegram.subscribe()).await? {
            Ok(()) => break,
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::Flood { until, .. }) => {
                shared
                    .pause(shared.clock.until(Timestamp::new(until)))
                    .await?;
            }
            // Any answer, even a refusal, comes over a connection that is alive.
            Err(CallError::Busy { .. } | CallError::Refused { .. }) => break,
            Err(error @ CallError::Network { .. }) => {
                tracing::warn!("no connection: {error}");
                shared.telegram.reconnect();
                shared
                    .pause(decide::backoff(attempts).min(MAX_CONNECT_PAUSE))
                    .await?;
                attempts += 1;
            }
        }
    }
    let reconnected = attempts > 0;
    if reconnected {
        tracing::info!("connected again");
    }
    Ok(Done::Event(Event::ConnectionChecked { reconnected }))
}
