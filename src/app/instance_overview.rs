//! What `status` tells of an instance, put together from `state.db`, the lock on the data directory,
//! and the configuration. Changes nothing, and needs no connection.

mod condition;
mod shape;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::condition::{Condition, State};
pub use self::shape::{Delivery, Floods, Group, Job, Orders, Private, Queue};
use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::exchange::route::Route;
use crate::model::{ChannelId, Timestamp, said};
use crate::schedule;
use crate::store::overview::Run;
use crate::store::{Facts, Holder, Instance, StoreError, look};
use crate::version;

/// How far back "lately" reaches, in seconds.
const LATELY: i64 = 24 * 3600;

/// Everything that `status` tells. The names of the fields are those of its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// When it was read.
    #[serde(serialize_with = "said::time")]
    pub now: Timestamp,
    /// Whether it runs, and as what.
    pub instance: Condition,
    /// The program that tells this.
    pub program: Program,
    /// What `state.db` holds; nothing if there is none yet.
    #[serde(flatten)]
    pub seen: Option<Seen>,
}

/// What `state.db` holds.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Where posts go.
    pub delivery: Delivery,
    /// The groups, those that the account is in first.
    pub groups: Vec<Group>,
    /// What waits, and what became of what waited.
    pub queue: Queue,
    /// What happens by the clock.
    pub jobs: Vec<Job>,
    /// How many joined since midnight, UTC, by outcome.
    pub joins_today: BTreeMap<String, u64>,
    /// What rests.
    pub floods: Floods,
    /// What the fleet ordered.
    pub orders: Orders,
}

/// Which program this is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Program {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from.
    pub commit: &'static str,
    /// That commit's date.
    pub commit_date: &'static str,
}

/// Reads what `status` tells.
///
/// # Errors
/// The database or the lock cannot be read, or the database is of another layout.
pub fn overview(config: &Config, clock: &Clock) -> Result<Overview, AppError> {
    let now = clock.now();
    let telegram = &config.telegram;
    let (found, holder) = look_at(config, |facts| {
        let left = facts.instance()?;
        Ok((left.clone(), seen(facts, config, &left, now)?))
    })?;
    let (left, mut seen) = found.unzip();
    let instance = Condition::judge(holder, left, telegram.data_dir.clone());
    if let Some(seen) = &mut seen {
        for job in &mut seen.jobs {
            let is_past = job.next_at.is_some_and(|next| next <= now);
            job.missed = is_past && instance.state != State::Running;
        }
    }
    let seen = seen.filter(|_| instance.started_at.is_some());
    Ok(Overview {
        now,
        instance,
        program: Program {
            version: version::VERSION,
            commit: version::COMMIT,
            commit_date: version::COMMIT_DATE,
        },
        seen,
    })
}

/// Looks into `state.db` and who has it, both of one moment: an instance that ends between the two is
/// not to be taken for one that died.
pub(super) fn look_at<T>(
    config: &Config,
    read: impl Fn(&Facts<'_>) -> Result<T, StoreError>,
) -> Result<(Option<T>, Option<Holder>), AppError> {
    const MOST_TRIES: u32 = 5;
    let telegram = &config.telegram;
    let mut holder = Holder::of(&telegram.data_dir)?;
    let mut tries = 0;
    loop {
        let found = look(&telegram.state_file(), &read)?;
        let before = std::mem::replace(&mut holder, Holder::of(&telegram.data_dir)?);
        tries += 1;
        if before == holder || tries == MOST_TRIES {
            return Ok((found, holder));
        }
    }
}

fn seen(
    facts: &Facts<'_>,
    config: &Config,
    left: &Instance,
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let lately = now.plus(-LATELY);
    let nospam = config.bots.nospam;
    let mut undecided = facts.joins_undecided()?;
    let mut undecided = |word| undecided.remove(word).unwrap_or(0);
    let runs = facts.runs_seen()?;
    let (obeyed_24h, refused_24h) = facts.orders_since(lately)?;
    Ok(Seen {
        delivery: delivery(facts, left)?,
        groups: facts
            .groups_seen(nospam, now)?
            .into_iter()
            .map(|group| Group::judge(group, nospam, now))
            .collect(),
        queue: Queue {
            waiting: facts.waiting_by_age(now)?,
            joins_to_look_up: undecided("lookup"),
            joins_held: undecided("held"),
            exceptions_due: facts.count_exceptions_due()?,
            spool_bytes: facts.spooled_bytes()?,
            spool_max_bytes: config.delivery.spool_max_bytes,
            sent_24h: facts.sent_since(lately)?,
            dropped_24h: facts.dropped_since(lately)?,
        },
        jobs: schedule::Job::ALL
            .into_iter()
            .map(|job| {
                let run: Run = runs.get(job.as_str()).copied().unwrap_or_default();
                Job {
                    job: job.as_str(),
                    ran_at: run.ran_at,
                    next_at: run.next_at,
                    missed: false,
                    made_up_for: job.is_made_up_for(),
                }
            })
            .collect(),
        joins_today: facts.joins_today(now)?,
        floods: Floods {
            methods: facts.methods_resting(now)?,
            groups: facts.groups_flooded()?,
        },
        orders: Orders {
            obeyed_24h,
            refused_24h,
            malformed_ever: left.malformed,
        },
    })
}

fn delivery(facts: &Facts<'_>, left: &Instance) -> Result<Delivery, StoreError> {
    let private = |id: Option<ChannelId>| -> Result<Option<Private>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        let known = facts.channel(id)?;
        Ok(Some(Private {
            id,
            present: known.as_ref().is_some_and(|known| known.present),
            can_post: known.as_ref().is_some_and(|known| known.channel.can_post),
            title: known.map(|known| known.channel.title),
        }))
    };
    let stored = left.route.as_deref().and_then(Route::from_word);
    Ok(Delivery {
        posts_go_to: Route::at_start(stored, left.exchange.is_some()).as_str(),
        hide: private(left.hide)?,
        exchange: private(left.exchange)?,
    })
}
