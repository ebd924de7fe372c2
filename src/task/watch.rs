//! Watches the channels: pushes are applied if they follow, everything else is pulled.
//!
//! Owns which channels are dirty and which are being pulled. A hint may be lost without harm,
//! because the list of dialogs is compared with the ledger at start, after each reconnect and every
//! few minutes. Nothing here survives a crash, and nothing has to: the ledger's `pts` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::admins::is_unlearnable;
use super::joins;
use super::pull::{Gap, Pulled, pull};
use super::{Shared, Stop};
use crate::decide;
use crate::model::{Advance, Channel, ChannelId, Page};
use crate::store::{Facts, Moved, StoreError};
use crate::telegram::{CallError, Hint};

/// How many channels are pulled at once.
const PULLS_AT_ONCE: usize = 2;
/// How many hints are applied in one transaction.
const HINTS_A_BATCH: usize = 256;
/// How many pushes of one channel wait for its pull to end; more than that are pulled again.
const PUSHES_KEPT: usize = 200;
/// How often the connection is checked.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How often the list of dialogs is compared with the ledger.
const CENSUS_EVERY: Duration = Duration::from_secs(300);
/// How far two such lists are apart at least.
const CENSUS_APART: Duration = Duration::from_secs(3);
/// How soon a channel whose pull was refused is pulled again.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// Watches until the end. `census` is the list of dialogs as just read.
///
/// # Errors
/// See [`Stop`].
pub async fn watch(
    shared: Arc<Shared>,
    mut hints: mpsc::Receiver<Hint>,
    census: Vec<Channel>,
) -> Result<(), Stop> {
    let mut watch = Watch::new(shared);
    watch.compare(&census).await?;
    let mut batch = Vec::new();
    loop {
        watch.start_jobs();
        tokio::select! {
            () = watch.shared.shutdown.cancelled() => return Ok(()),
            _ = hints.recv_many(&mut batch, HINTS_A_BATCH) => {
                watch.take(std::mem::take(&mut batch)).await?;
            }
            Some(job) = watch.jobs.join_next() => {
                let done = job.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Stop::Ending),
                });
                watch.finish(done?).await?;
            }
            () = tokio::time::sleep_until(watch.next_check) => watch.check_due = true,
            () = tokio::time::sleep_until(watch.next_census) => watch.census_due = true,
            // Only to wake: the jobs are started above.
            () = tokio::time::sleep_until(watch.census_from), if watch.census_waits() => {}
        }
    }
}

struct Watch {
    shared: Arc<Shared>,
    jobs: JoinSet<Result<Done, Stop>>,
    /// Channels that have to be pulled.
    dirty: BTreeSet<ChannelId>,
    /// Channels that are being pulled, with the pushes that came meanwhile.
    pulling: BTreeMap<ChannelId, Vec<Page>>,
    /// Channels whose gap has to be closed with the numbers of the next list of dialogs.
    lost: BTreeSet<ChannelId>,
    /// The `pts` before the first push of a channel that is not in the ledger yet.
    strangers: BTreeMap<ChannelId, i32>,
    /// Channels that are of no interest: broadcast channels, and those that the account is not in.
    ignored: BTreeSet<ChannelId>,
    census_due: bool,
    census_running: bool,
    check_due: bool,
    check_running: bool,
    next_census: Instant,
    /// No list of dialogs is asked for before then, however often something hints at it.
    census_from: Instant,
    next_check: Instant,
}

/// What a job brought.
enum Done {
    Pulled(ChannelId, Pulled),
    Census(Result<Vec<Channel>, CallError>),
    /// The connection answers; `anew` if it did not in between.
    Connected {
        anew: bool,
    },
    /// A pause is over.
    Again(ChannelId),
}

impl Watch {
    fn new(shared: Arc<Shared>) -> Self {
        let now = shared.clock.instant();
        Self {
            shared,
            jobs: JoinSet::new(),
            dirty: BTreeSet::new(),
            pulling: BTreeMap::new(),
            lost: BTreeSet::new(),
            strangers: BTreeMap::new(),
            ignored: BTreeSet::new(),
            census_due: false,
            census_running: false,
            check_due: false,
            check_running: false,
            next_census: now + CENSUS_EVERY,
            census_from: now,
            next_check: now + CHECK_EVERY,
        }
    }

    /// Whether a list of dialogs is wanted, and waits for nothing but its time.
    fn census_waits(&self) -> bool {
        self.census_due
            && !self.census_running
            && !self.check_running
            && self.census_from > self.shared.clock.instant()
    }

    fn start_jobs(&mut self) {
        if self.check_due && !self.check_running {
            self.check_due = false;
            self.check_running = true;
            self.next_check = self.shared.clock.instant() + CHECK_EVERY;
            self.jobs.spawn(check(self.shared.clone()));
        }
        // A list read over a connection that is not subscribed could miss what follows it.
        let now = self.shared.clock.instant();
        if self.census_due && !self.census_running && !self.check_running && self.census_from <= now
        {
            self.census_due = false;
            self.census_running = true;
            self.census_from = now + CENSUS_APART;
            self.next_census = now + CENSUS_EVERY;
            let shared = self.shared.clone();
            self.jobs.spawn(async move {
                let answer = shared.call(|| shared.telegram.channels()).await?;
                Ok(Done::Census(answer))
            });
        }
        while self.pulling.len() < PULLS_AT_ONCE {
            let Some(channel) = self
                .dirty
                .iter()
                .copied()
                .find(|channel| !self.pulling.contains_key(channel))
            else {
                break;
            };
            self.dirty.remove(&channel);
            self.pulling.insert(channel, Vec::new());
            let shared = self.shared.clone();
            self.jobs.spawn(async move {
                Ok(Done::Pulled(channel, pull(&shared, channel, None).await?))
            });
        }
    }

    async fn finish(&mut self, done: Done) -> Result<(), Stop> {
        match done {
            Done::Pulled(channel, pulled) => {
                let pushes = self.pulling.remove(&channel).unwrap_or_default();
                match pulled {
                    Pulled::UpToDate => self.apply(pushes).await?,
                    Pulled::Left => {}
                    Pulled::Lost => {
                        self.lost.insert(channel);
                        self.census_due = true;
                    }
                    Pulled::Refused => {
                        self.jobs.spawn(async move {
                            tokio::time::sleep(REFUSED_PAUSE).await;
                            Ok(Done::Again(channel))
                        });
                    }
                }
            }
            Done::Again(channel) => {
                self.dirty.insert(channel);
            }
            Done::Connected { anew } => {
                self.check_running = false;
                self.census_due |= anew;
            }
            Done::Census(answer) => {
                self.census_running = false;
                match answer {
                    Ok(channels) => self.compare(&channels).await?,
                    Err(error) => tracing::error!("the list of dialogs was refused: {error}"),
                }
            }
        }
        Ok(())
    }

    async fn take(&mut self, hints: Vec<Hint>) -> Result<(), Stop> {
        let mut pages = Vec::new();
        for hint in hints {
            match hint {
                Hint::Pushed(page) => match self.pulling.get_mut(&page.channel) {
                    Some(kept) if kept.len() < PUSHES_KEPT => kept.push(page),
                    Some(_) => {
                        self.dirty.insert(page.channel);
                    }
                    None if self.dirty.contains(&page.channel)
                        || self.ignored.contains(&page.channel) => {}
                    None => pages.push(page),
                },
                Hint::Moved(channel) => {
                    if !self.ignored.contains(&channel) {
                        self.dirty.insert(channel);
                    }
                }
                Hint::SomethingMoved => self.census_due = true,
                Hint::Disconnected => {
                    tracing::info!("the connection was lost");
                    self.check_due = true;
                    self.census_due = true;
                }
            }
        }
        self.apply(pages).await
    }

    /// Applies pushes, all in one transaction; what does not follow makes its channel dirty.
    async fn apply(&mut self, pages: Vec<Page>) -> Result<(), Stop> {
        if pages.is_empty() {
            return Ok(());
        }
        let shared = self.shared.clone();
        let now = shared.clock.now();
        let (moved, owes) = shared
            .commit(|facts| {
                let mut moved = Vec::new();
                let mut owes = false;
                for page in &pages {
                    let unlearnable = is_unlearnable(&shared, page.channel);
                    if !page.joins.is_empty() && !unlearnable && !knows_admins(facts, page.channel)?
                    {
                        // Its pull asks for them first.
                        moved.push((page.channel, page.advance, Moved::Gap));
                        continue;
                    }
                    let applied = joins::apply(facts, &shared.standing, unlearnable, page, now)?;
                    moved.push((page.channel, page.advance, applied.moved));
                    owes |= applied.owes;
                }
                Ok((moved, owes))
            })
            .await?;
        for (channel, advance, moved) in moved {
            match moved {
                Moved::Forward | Moved::Known => {}
                Moved::Gap => {
                    self.dirty.insert(channel);
                }
                Moved::Stranger => {
                    if let Advance::Pushed { to, count } = advance {
                        self.strangers.entry(channel).or_insert(to - count);
                    }
                    self.census_due = true;
                }
            }
        }
        if owes {
            self.shared.wakes.fetch.notify_one();
        }
        Ok(())
    }

    /// Compares the list of dialogs with the ledger: new channels, moved ones, and those left.
    async fn compare(&mut self, channels: &[Channel]) -> Result<(), Stop> {
        let strangers = std::mem::take(&mut self.strangers);
        let lost = std::mem::take(&mut self.lost);
        let (watched, ignored): (Vec<&Channel>, Vec<&Channel>) = channels
            .iter()
            .partition(|channel| self.shared.is_watched(channel));
        let listed: BTreeSet<ChannelId> = watched.iter().map(|channel| channel.id).collect();
        let (dirty, new, left) = self
            .shared
            .commit(|facts| {
                let mut dirty = Vec::new();
                let mut new = 0;
                for &channel in &watched {
                    let start = strangers
                        .get(&channel.id)
                        .map_or(channel.pts, |&before| before.clamp(1, channel.pts));
                    let is_new = facts.note_channel(channel, start)?;
                    new += usize::from(is_new);
                    let read = facts.channel(channel.id)?.map(|known| known.channel.pts);
                    if read.is_some_and(|read| read < channel.pts) && !lost.contains(&channel.id) {
                        dirty.push(channel.id);
                    }
                }
                let mut left = 0;
                for known in facts.channels()? {
                    if !listed.contains(&known.channel.id) {
                        facts.note_absent(known.channel.id)?;
                        left += 1;
                    }
                }
                Ok((dirty, new, left))
            })
            .await?;
        // Who is pushed and not listed is not asked for again before the next list.
        self.ignored = strangers
            .into_keys()
            .filter(|stranger| !listed.contains(stranger))
            .chain(ignored.iter().map(|channel| channel.id))
            .collect();
        if new > 0 || left > 0 {
            tracing::info!(watched = watched.len(), new, left, "channels");
            self.shared.wakes.admins.notify_one();
        }
        self.dirty.extend(dirty);
        for channel in watched.iter().filter(|channel| lost.contains(&channel.id)) {
            let gap = Gap {
                top: channel.top_message,
                pts: channel.pts,
            };
            self.close_gap(channel.id, gap);
        }
        Ok(())
    }

    /// Fetches what a channel's `pts` cannot tell any more, up to where the list of dialogs is.
    fn close_gap(&mut self, channel: ChannelId, gap: Gap) {
        let shared = self.shared.clone();
        self.dirty.remove(&channel);
        self.pulling.entry(channel).or_default();
        self.jobs.spawn(async move {
            let pulled = pull(&shared, channel, Some(gap)).await?;
            Ok(Done::Pulled(channel, pulled))
        });
    }
}

fn knows_admins(facts: &Facts<'_>, channel: ChannelId) -> Result<bool, StoreError> {
    // A channel that is not in the ledger is a stranger, and found to be one below.
    Ok(facts
        .channel(channel)?
        .is_none_or(|known| known.admins_at.is_some()))
}

/// Makes sure that the connection answers and pushes; a silent one is replaced.
async fn check(shared: Arc<Shared>) -> Result<Done, Stop> {
    let mut attempts = 0;
    loop {
        match shared.or_ending(shared.telegram.subscribe()).await? {
            Ok(()) => {
                if attempts > 0 {
                    tracing::info!("connected again");
                }
                return Ok(Done::Connected { anew: attempts > 0 });
            }
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::Flood { until, .. }) => {
                shared.pause(shared.clock.until(until)).await?;
            }
            Err(error) => {
                tracing::warn!("no connection: {error}");
                shared.telegram.reconnect();
                shared
                    .pause(decide::backoff(attempts).min(REFUSED_PAUSE))
                    .await?;
                attempts += 1;
            }
        }
    }
}
