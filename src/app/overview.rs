//! What `status` tells of an instance, put together from `state.db`, the lock on the data directory,
//! and the configuration. Changes nothing, and needs no connection.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::decide::Coverage;
use crate::exchange::route::Route;
use crate::model::{ChannelId, MessageId, Timestamp, UserId, said};
use crate::store::overview::{Dropped, Flooded, GroupSeen, Refused, Resting, Run, Waiting};
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

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Running,
    /// A process has the data directory, but does not say that it runs: it just starts or ends, or is
    /// another command.
    Busy,
    /// It was told to end, and did.
    Ended,
    /// It ended because of trouble.
    Failed,
    /// It ended without a word: killed, or with the machine.
    Died,
    /// It never ran.
    NeverRan,
}

/// Whether an instance runs, and what it left about itself.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// Whether it runs.
    pub state: State,
    /// The process that has the data directory.
    pub pid: Option<u32>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// When it last started.
    #[serde(serialize_with = "said::time_if_known")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "said::time_if_known")]
    pub ended_at: Option<Timestamp>,
    /// What ended it, if that was not a signal.
    pub ended_because: Option<String>,
    /// The account.
    pub account: Option<UserId>,
    /// The version that last ran.
    pub version: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// The layout of `state.db`.
    pub layout: Option<i64>,
}

impl Condition {
    /// Puts together who has the directory and what was left in it.
    #[must_use]
    pub fn judge(holder: Option<Holder>, left: Option<Instance>, data_dir: PathBuf) -> Self {
        let has_database = left.is_some();
        let left = left.unwrap_or_default();
        let says_it_runs = left.started_at.is_some() && left.ended_at.is_none();
        let state = match (holder, left.started_at) {
            (Some(holder), _) if says_it_runs && holder.pid == left.pid => State::Running,
            (Some(_), _) => State::Busy,
            (None, None) => State::NeverRan,
            (None, Some(_)) if says_it_runs => State::Died,
            (None, Some(_)) if left.ended_because.is_some() => State::Failed,
            (None, Some(_)) => State::Ended,
        };
        Self {
            state,
            pid: holder.and_then(|holder| holder.pid),
            data_dir,
            started_at: left.started_at,
            ended_at: left.ended_at,
            ended_because: left.ended_because,
            account: left.account,
            version: left.version,
            commit: left.commit,
            layout: has_database.then_some(left.layout),
        }
    }
}

/// Where posts go.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// `exchange` or `hide`.
    pub posts_go_to: &'static str,
    /// HIDE, as the last instance had it.
    pub hide: Option<Private>,
    /// EXCHANGE, as the last instance had it.
    pub exchange: Option<Private>,
}

/// A private channel.
#[derive(Clone, Debug, Serialize)]
pub struct Private {
    /// Its id.
    #[serde(serialize_with = "said::channel")]
    pub id: ChannelId,
    /// Its title, if the account was ever in it.
    pub title: Option<String>,
    /// Whether the account is in it.
    pub present: bool,
    /// Whether it may post there.
    pub can_post: bool,
}

/// A group.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Its id.
    #[serde(serialize_with = "said::channel")]
    pub id: ChannelId,
    /// Its title.
    pub title: String,
    /// Whether the account is in it.
    pub present: bool,
    /// Since when, if that is known.
    #[serde(serialize_with = "said::time_if_known")]
    pub since: Option<Timestamp>,
    /// How much of its joins is seen.
    pub coverage: Coverage,
    /// Whether joins there lead to photos: NOSPAM administers it, or need not.
    pub watched: bool,
    /// How many joined since midnight, UTC.
    pub joins_today: u64,
    /// When somebody last joined.
    #[serde(serialize_with = "said::time_if_known")]
    pub last_join_at: Option<Timestamp>,
    /// How many administrators it has; nothing if they were never learned.
    pub administrators: Option<u64>,
    /// When these were learned.
    #[serde(serialize_with = "said::time_if_known")]
    pub administrators_at: Option<Timestamp>,
    /// The newest message that was read.
    pub read_up_to: MessageId,
}

impl Group {
    fn judge(seen: GroupSeen, nospam: Option<UserId>, now: Timestamp) -> Self {
        Self {
            id: seen.id,
            title: seen.title,
            present: seen.present,
            since: seen.since,
            coverage: Coverage::judge(seen.last_told_at, now),
            // As a join is decided on: what is not known counts as watched.
            watched: nospam.is_none() || seen.administrators_at.is_none() || seen.has_nospam,
            joins_today: seen.joins_today,
            last_join_at: seen.last_join_at,
            administrators: seen.administrators_at.map(|_| seen.administrators),
            administrators_at: seen.administrators_at,
            read_up_to: seen.read_up_to,
        }
    }
}

/// What waits, and what became of what waited.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// What waits, by class, state and age.
    pub waiting: Vec<Waiting>,
    /// Joins whose users are asked for first.
    pub joins_to_look_up: u64,
    /// Joins that wait for the end of their group's flood.
    pub joins_held: u64,
    /// Users whose photo goes on the exception list, or off it.
    pub exceptions_due: u64,
    /// How many bytes wait on disk.
    pub spool_bytes: u64,
    /// How many may.
    pub spool_max_bytes: u64,
    /// What was posted in the last 24 hours, by class.
    pub sent_24h: BTreeMap<String, u64>,
    /// What was dropped in the last 24 hours.
    pub dropped_24h: Vec<Dropped>,
}

/// What happens by the clock.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Job {
    /// Its name in `[schedule]`; `reset` is its `reset_time`.
    pub job: &'static str,
    /// When it last ran.
    #[serde(serialize_with = "said::time_if_known")]
    pub ran_at: Option<Timestamp>,
    /// When it is due.
    #[serde(serialize_with = "said::time_if_known")]
    pub next_at: Option<Timestamp>,
    /// Whether that is past, and nothing runs that could do it.
    pub missed: bool,
    /// Whether one that was missed runs at the next start.
    pub made_up_for: bool,
}

/// The jobs, and whether each runs at the next start if it was missed (SPEC §8).
const JOBS: [(&str, bool); 6] = [
    ("status", false),
    ("backup", true),
    ("count", true),
    ("reset", true),
    ("admins", true),
    ("recheck", false),
];

/// What rests.
#[derive(Clone, Debug, Serialize)]
pub struct Floods {
    /// Methods that Telegram limits.
    pub methods: Vec<Resting>,
    /// Groups that CAPTCHA says are flooded.
    pub groups: Vec<Flooded>,
}

/// What the fleet ordered.
#[derive(Clone, Debug, Serialize)]
pub struct Orders {
    /// How many orders were obeyed in the last 24 hours.
    pub obeyed_24h: u64,
    /// Which were not.
    pub refused_24h: Vec<Refused>,
    /// How many posts in HIDE and EXCHANGE were no envelopes, ever.
    pub malformed_ever: u64,
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
        jobs: JOBS
            .into_iter()
            .map(|(job, made_up_for)| {
                let run: Run = runs.get(job).copied().unwrap_or_default();
                Job {
                    job,
                    ran_at: run.ran_at,
                    next_at: run.next_at,
                    missed: false,
                    made_up_for,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_nospam_is_not_watched_once_that_is_known() {
        let now = Timestamp::new(100);
        let nospam = Some(UserId::new(450));
        for (nospam, known, has_nospam, watched) in [
            (None, false, false, true),
            (None, true, false, true),
            (nospam, false, false, true),
            (nospam, true, false, false),
            (nospam, true, true, true),
        ] {
            let seen = GroupSeen {
                id: ChannelId::from_bare(5),
                title: String::new(),
                present: true,
                since: None,
                read_up_to: MessageId::new(1),
                administrators: 3,
                administrators_at: known.then_some(now),
                has_nospam,
                joins_today: 0,
                last_join_at: None,
                last_told_at: None,
            };
            let group = Group::judge(seen, nospam, now);
            assert_eq!(group.watched, watched, "{nospam:?} {known} {has_nospam}");
            assert_eq!(group.administrators, known.then_some(3));
        }
    }

    #[test]
    fn what_has_the_directory_and_what_was_left_in_it_tell_whether_it_runs() {
        let at = Some(Timestamp::new(5));
        let holder = |pid| Some(Holder { pid: Some(pid) });
        let left = |ended_at, because: Option<&str>| {
            Some(Instance {
                pid: Some(7),
                started_at: at,
                ended_at,
                ended_because: because.map(str::to_owned),
                ..Instance::default()
            })
        };
        for (holder, left, state) in [
            (None, None, State::NeverRan),
            (None, Some(Instance::default()), State::NeverRan),
            (holder(7), None, State::Busy),
            (holder(7), left(None, None), State::Running),
            (holder(8), left(None, None), State::Busy),
            (holder(7), left(at, None), State::Busy),
            (None, left(None, None), State::Died),
            (None, left(at, None), State::Ended),
            (None, left(at, Some("frozen")), State::Failed),
        ] {
            let judged = Condition::judge(holder, left.clone(), PathBuf::new());
            assert_eq!(judged.state, state, "{holder:?} {left:?}");
        }
    }
}
