//! Collects the output of `status` from `state.db`, the lock on the data directory, and the
//! configuration.
//!
//! The module changes nothing and needs no connection.

mod parts;
mod run_state;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub use self::parts::{
    DeliveryOverview, FloodOverview, GroupOverview, JobOverview, OrderOverview, PaceOverview,
    PrivateChannel, QueueOverview,
};
pub use self::run_state::{InstanceStatus, RunState};
pub use self::verdict::{Condition, Reason, ReasonKind, Verdict};
use self::verdict::{LeftGroup, NeededChannel, NextRun, SettledPhotos, Signs};
use super::AppError;
use crate::clock::Clock;
use crate::config::{Config, Delivery, PaceKind};
use crate::decide::CALM_INTERVAL;
use crate::exchange::route::Route;
use crate::model::{ChannelId, GroupClass, JoinOutcome, Timestamp, as_json};
use crate::schedule;
use crate::store::statistics::JobTimes;
use crate::store::{Holder, Instance, ReadTx, StoreError, inspect};
use crate::version;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The output of `status`. The fields are those of the JSON (docs/json-output.md).
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The time of reading.
    #[serde(serialize_with = "as_json::time")]
    pub now: Timestamp,
    pub verdict: Verdict,
    pub instance: InstanceStatus,
    pub program: Program,
    /// `None` if the instance never ran.
    #[serde(flatten)]
    pub activity: Option<Activity>,
}

/// The contents of `state.db`.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    pub delivery: DeliveryOverview,
    /// The groups, those that the account is in first.
    pub groups: Vec<GroupOverview>,
    pub queue: QueueOverview,
    pub jobs: Vec<JobOverview>,
    /// The joins since midnight, UTC, by outcome.
    pub joins_today: BTreeMap<JoinOutcome, u64>,
    /// The joins since midnight, UTC, by the way in which each was found.
    pub joins_found_today: BTreeMap<String, u64>,
    pub floods: FloodOverview,
    pub orders: OrderOverview,
}

/// The program that prints the overview.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Program {
    pub version: &'static str,
    pub commit: &'static str,
    pub commit_date: &'static str,
}

/// Reads the output of `status`.
///
/// # Errors
/// Returns an error if the database or the lock cannot be read, or the database has another layout.
pub fn overview(config: &Config, clock: &Clock) -> Result<Overview, AppError> {
    let now = clock.now();
    let snapshot = read_snapshot(config, |tx| {
        let record = tx.instance()?;
        Ok((record.clone(), activity(tx, config, &record, now)?))
    })?;
    let (record, activity) = snapshot.stored.unzip();
    let data_dir = config.telegram.data_dir.clone();
    let instance = InstanceStatus::derive(snapshot.holder, record, data_dir);
    let mut activity = activity.filter(|_| instance.started_at.is_some());
    if let Some(activity) = &mut activity {
        for job in &mut activity.jobs {
            let is_past = job.next_at.is_some_and(|next| next <= now);
            job.missed = is_past && instance.state != RunState::Running;
        }
    }
    let verdict = Verdict::judge(&signs(&instance, activity.as_ref()), now);
    Ok(Overview {
        now,
        verdict,
        instance,
        program: Program {
            version: version::VERSION,
            commit: version::COMMIT,
            commit_date: version::COMMIT_DATE,
        },
        activity,
    })
}

/// Collects the signs of the verdict.
fn signs(instance: &InstanceStatus, activity: Option<&Activity>) -> Signs {
    let process = Signs {
        run_state: instance.state,
        started_at: instance.started_at,
        ended_at: instance.ended_at,
        ended_because: instance.ended_because.clone(),
        alive_at: instance.alive_at,
        last_contact_at: instance.last_contact_at,
        restored_from: instance.restored_from,
        ..Signs::default()
    };
    let Some(activity) = activity else {
        return process;
    };
    let delivery = &activity.delivery;
    let channels = [
        ("hide", "HIDE", &delivery.hide),
        ("exchange", "EXCHANGE", &delivery.exchange),
    ];
    let channels = channels.into_iter().filter_map(|(word, name, channel)| {
        // A channel without a title was never seen: the first start looks for it.
        let channel = channel.as_ref().filter(|channel| channel.title.is_some())?;
        let takes_posts = delivery.posts_go_to == word;
        // Orders are read in HIDE; EXCHANGE gives way to HIDE.
        (takes_posts || word == "hide").then_some(NeededChannel {
            name,
            present: channel.present,
            can_post: channel.can_post,
            takes_posts,
        })
    });
    let queue = &activity.queue;
    let left_groups = activity.groups.iter().filter_map(|group| {
        Some(LeftGroup {
            title: group.title.clone(),
            left_at: group.left_at?,
        })
    });
    Signs {
        channels: channels.collect(),
        jobs: activity
            .jobs
            .iter()
            .map(|job| NextRun {
                job: job.job,
                at: job.next_at,
            })
            .collect(),
        oldest_photo_at: queue.oldest_own_avatar_at,
        left_groups: left_groups.collect(),
        photos: SettledPhotos {
            posted: queue.sent_avatars_1h,
            expired: queue.given_up_1h.expired,
            failed: queue.given_up_1h.failed,
        },
        ..process
    }
}

/// Counts the groups that the account is in by the way in which they show their joins. An instance that never ran has
/// none.
///
/// # Errors
/// Returns an error if the database cannot be read or has another layout.
pub fn group_classes(config: &Config) -> Result<BTreeMap<GroupClass, usize>, AppError> {
    let signs = inspect(&config.telegram.state_file(), |tx| tx.group_signs())?;
    let mut classes = BTreeMap::new();
    for signs in signs.unwrap_or_default() {
        if signs.present {
            *classes.entry(signs.class).or_default() += 1;
        }
    }
    Ok(classes)
}

/// The data of one moment.
pub(super) struct Snapshot<T> {
    /// The data read from `state.db`, if the file exists.
    pub(super) stored: Option<T>,
    /// The process that holds the lock on the data directory.
    pub(super) holder: Option<Holder>,
}

/// Reads `state.db` and the holder of the lock at one moment.
///
/// Otherwise an instance that ends between the two reads would look like one that died.
pub(super) fn read_snapshot<T>(
    config: &Config,
    read: impl Fn(&ReadTx<'_>) -> Result<T, StoreError>,
) -> Result<Snapshot<T>, AppError> {
    const MAX_ATTEMPTS: u32 = 5;
    let telegram = &config.telegram;
    let mut holder = Holder::of(&telegram.data_dir)?;
    let mut attempts = 0;
    loop {
        let stored = inspect(&telegram.state_file(), &read)?;
        let before = std::mem::replace(&mut holder, Holder::of(&telegram.data_dir)?);
        attempts += 1;
        if before == holder || attempts == MAX_ATTEMPTS {
            return Ok(Snapshot { stored, holder });
        }
    }
}

fn activity(
    tx: &ReadTx<'_>,
    config: &Config,
    record: &Instance,
    now: Timestamp,
) -> Result<Activity, StoreError> {
    let yesterday = now.plus(-DAY);
    let hour_ago = now.plus(-HOUR);
    let share = config.mode.share;
    let waiting = tx.waiting_counts(now)?;
    let nospam = config.bots.nospam;
    let runs = tx.job_times()?;
    let orders = tx.order_counts(yesterday)?;
    Ok(Activity {
        delivery: delivery(tx, config, record)?,
        groups: tx
            .group_records(nospam, now)?
            .into_iter()
            .map(|group| GroupOverview::new(group, nospam, now))
            .collect(),
        queue: QueueOverview {
            others_avatars: match share.is_whole() {
                true => 0,
                false => tx.count_others_waiting(share)?,
            },
            oldest_own_avatar_at: match share.is_whole() {
                true => {
                    let avatars = waiting.iter().filter(|rows| rows.class == "avatars");
                    avatars.map(|rows| rows.oldest_at).min()
                }
                false => tx.oldest_own_waiting(share)?,
            },
            waiting,
            joins_to_look_up: tx.count_joins(JoinOutcome::LookUp)?,
            joins_held: tx.count_joins(JoinOutcome::Held)?,
            exceptions_due: tx.count_exceptions_due()?,
            spool_bytes: tx.spooled_bytes()?,
            spool_max_bytes: config.delivery.spool_max_bytes,
            sent_24h: tx.sent_counts(yesterday)?,
            dropped_24h: tx.dropped_counts(yesterday)?,
            given_up_1h: tx.given_up(hour_ago)?,
            sent_avatars_1h: tx
                .sent_counts(hour_ago)?
                .remove("avatars")
                .unwrap_or_default(),
        },
        jobs: schedule::Job::ALL
            .iter()
            .map(|job| {
                let run: JobTimes = runs.get(job.as_str()).copied().unwrap_or_default();
                JobOverview {
                    job: job.as_str(),
                    ran_at: run.ran_at,
                    next_at: run.next_at,
                    missed: false,
                    catches_up: job.catches_up(),
                }
            })
            .collect(),
        joins_today: tx.joins_today(now)?,
        joins_found_today: tx.joins_found_today(now)?,
        floods: FloodOverview {
            methods: tx.limited_methods(now)?,
            groups: tx.flooded_groups()?,
        },
        orders: OrderOverview {
            obeyed_24h: orders.obeyed,
            refused_24h: orders.refused,
            malformed_ever: record.malformed,
        },
    })
}

fn delivery(
    tx: &ReadTx<'_>,
    config: &Config,
    record: &Instance,
) -> Result<DeliveryOverview, StoreError> {
    let private_channel = |id: Option<ChannelId>| -> Result<Option<PrivateChannel>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        let known = tx.channel(id)?;
        Ok(Some(PrivateChannel {
            id,
            present: known.as_ref().is_some_and(|known| known.present),
            can_post: known.as_ref().is_some_and(|known| known.channel.can_post),
            title: known.map(|known| known.channel.title),
        }))
    };
    let stored = record.route.as_deref().and_then(|word| word.parse().ok());
    let route = Route::at_start(stored, record.exchange.is_some());
    let channel = match route {
        Route::Exchange => record.exchange,
        Route::Hide => record.hide,
    };
    Ok(DeliveryOverview {
        pace: pace(tx, config, channel)?,
        posts_go_to: route.into(),
        hide: private_channel(record.hide)?,
        exchange: private_channel(record.exchange)?,
        share: config.mode.share.to_string(),
    })
}

fn pace(
    tx: &ReadTx<'_>,
    config: &Config,
    channel: Option<ChannelId>,
) -> Result<PaceOverview, StoreError> {
    let Delivery {
        pace, min_interval, ..
    } = config.delivery;
    let millis = |interval: Duration| u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let (interval, learned) = match pace {
        PaceKind::Adaptive => {
            let learned = tx.learned_paces()?;
            let learned = channel.and_then(|channel| learned.get(&channel).copied());
            (
                min_interval.max(CALM_INTERVAL),
                learned.map(|learned| learned.interval.max(min_interval)),
            )
        }
        PaceKind::Steady => (min_interval, None),
    };
    Ok(PaceOverview {
        kind: pace.to_string(),
        interval_ms: millis(interval),
        learned_interval_ms: learned.map(millis),
    })
}
