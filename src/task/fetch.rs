//! Fetches: users that have to be looked up, and photos, checked, sealed, and laid in the spool.
//!
//! A photo is fetched as soon as it is decided on, newest first: a raider's photo is gone in
//! minutes, while the queue of posts may be long. Beyond the spool's limit fetching waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Shared, Stop, joins};
use crate::decide;
use crate::model::{
    Adder, Avatar, Join, List, Payload, PhotoSight, Sighting, Timestamp, User, UserId,
};
use crate::photo;
use crate::spool;
use crate::store::{Outcome, Row};
use crate::telegram::{CallError, PhotoError};

/// How many photos are downloaded at once from one data centre.
const DOWNLOADS_AT_ONCE: usize = 2;
/// How many of the newest rows are looked at, so that one data centre's do not hide another's.
const ROWS_LOOKED_AT: usize = 100;
/// How many users are looked up in one call.
const USERS_A_CALL: usize = 50;
/// How often a photo that comes damaged, or is refused, is tried before it counts as failed.
const MOST_ATTEMPTS: u32 = 3;
/// How long a bio is waited for.
const BIO_WITHIN: Duration = Duration::from_secs(3);
/// The pause after a file could not be kept, in seconds.
const DISK_PAUSE: i64 = 3;

/// Fetches until the end.
///
/// # Errors
/// See [`Stop`].
pub async fn fetch(shared: Arc<Shared>) -> Result<(), Stop> {
    let mut jobs: JoinSet<Result<Done, Stop>> = JoinSet::new();
    let mut slots = Slots::default();
    let mut looking_up = false;
    loop {
        let woken = shared.wakes.fetch.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();

        if !looking_up {
            let (waiting, exceptions) = shared
                .commit(|facts| {
                    Ok((
                        facts.waiting_joins(USERS_A_CALL)?,
                        facts.exceptions_due(USERS_A_CALL)?,
                    ))
                })
                .await?;
            if !waiting.is_empty() || !exceptions.is_empty() {
                looking_up = true;
                let shared = shared.clone();
                jobs.spawn(async move {
                    if !exceptions.is_empty() {
                        except(&shared, exceptions).await?;
                    }
                    if !waiting.is_empty() {
                        look_up(&shared, waiting).await?;
                    }
                    Ok(Done::LookedUp)
                });
            }
        }
        let now = shared.clock.now();
        if spool_has_room(&shared).await? {
            let rows = shared
                .commit(|facts| facts.wanted(now, ROWS_LOOKED_AT))
                .await?;
            for row in rows {
                if slots.take(&row, shared.clock.instant()) {
                    let shared = shared.clone();
                    jobs.spawn(async move {
                        let (id, dc) = (row.id, data_centre(&row));
                        let answered = download(&shared, row).await?;
                        Ok(Done::Downloaded { id, dc, answered })
                    });
                }
            }
        }
        let next = shared.commit(|facts| facts.next_due(true, now)).await?;
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            () = woken => {}
            () = tokio::time::sleep(slots.nap(shared.nap(next), shared.clock.instant())) => {}
            Some(job) = jobs.join_next() => {
                let done = job.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Stop::Ending),
                });
                match done? {
                    Done::LookedUp => looking_up = false,
                    Done::Downloaded { id, dc, answered } => {
                        slots.give_back(id, dc, answered, shared.clock.instant());
                    }
                }
            }
        }
    }
}

enum Done {
    LookedUp,
    /// A row was worked on; `answered` tells whether its data centre answered at all.
    Downloaded {
        id: i64,
        dc: Option<i32>,
        answered: bool,
    },
}

/// Which rows are worked on: some at once for each data centre, and none for one that has just
/// failed to answer, so that it holds up no other.
#[derive(Debug, Default)]
struct Slots {
    taken: BTreeMap<i64, Option<i32>>,
    resting: BTreeMap<Option<i32>, (u32, Instant)>,
}

impl Slots {
    fn take(&mut self, row: &Row, now: Instant) -> bool {
        let dc = data_centre(row);
        let busy = self.taken.values().filter(|taken| **taken == dc).count();
        let rests = self.resting.get(&dc).is_some_and(|(_, until)| *until > now);
        let free = busy < DOWNLOADS_AT_ONCE && !rests && !self.taken.contains_key(&row.id);
        if free {
            self.taken.insert(row.id, dc);
        }
        free
    }

    fn give_back(&mut self, id: i64, dc: Option<i32>, answered: bool, now: Instant) {
        self.taken.remove(&id);
        if answered {
            self.resting.remove(&dc);
        } else {
            let (failures, until) = self.resting.entry(dc).or_insert((0, now));
            *until = now + decide::backoff(*failures);
            *failures += 1;
        }
    }

    /// Shortens a nap to the next moment at which a data centre is asked again.
    fn nap(&self, nap: Duration, now: Instant) -> Duration {
        self.resting
            .values()
            .map(|(_, until)| until.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
            .fold(nap, Duration::min)
    }
}

/// The data centre that a row's file comes from; none for one that is made here.
fn data_centre(row: &Row) -> Option<i32> {
    match &row.payload {
        Payload::Avatar(avatar) => Some(avatar.photo.dc),
        _ => None,
    }
}

async fn spool_has_room(shared: &Shared) -> Result<bool, Stop> {
    let used = shared.commit(|facts| facts.spooled_bytes()).await?;
    Ok(used < shared.delivery.spool_max)
}

/// Asks for the users of joins that could not be decided on, and decides on them.
async fn look_up(shared: &Shared, waiting: Vec<Join>) -> Result<(), Stop> {
    let sightings = shared
        .commit(|facts| {
            waiting
                .iter()
                .map(|join| facts.sighting(join.user, Some((join.group, join.message))))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let found = match shared.call(|| shared.telegram.look_up(&sightings)).await? {
        Ok(found) => found,
        Err(error) => {
            // Single refusals are sorted out below; this one concerns the method itself.
            tracing::error!("users cannot be looked up: {error}");
            shared.pause(decide::backoff(u32::MAX)).await?;
            return Ok(());
        }
    };
    let bios = if joins::wants_bio(shared) {
        bios(shared, &sightings).await?
    } else {
        BTreeMap::new()
    };
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            for join in &waiting {
                let user = found.get(&join.user).cloned().map_or_else(
                    || unseen(join),
                    // Asked for by name, and still no photo: it is hidden from us, or there is none.
                    settled,
                );
                let bio = bios.get(&join.user).cloned();
                joins::decide_again(facts, shared, join, &user, bio, now)?;
            }
            Ok(())
        })
        .await?;
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// Asks for users' bios. A bio that does not come at once is done without: a photo weighs more.
async fn bios(shared: &Shared, sightings: &[Sighting]) -> Result<BTreeMap<UserId, String>, Stop> {
    let mut bios = BTreeMap::new();
    for sighting in sightings {
        let asked = tokio::time::timeout(BIO_WITHIN, shared.telegram.bio(sighting));
        match shared.or_ending(asked).await? {
            Ok(Ok(Some(bio))) => {
                bios.insert(sighting.user, bio);
            }
            Ok(Ok(None)) => {}
            Ok(Err(CallError::Account(trouble))) => return Err(trouble.into()),
            Ok(Err(error)) => tracing::debug!(user = %sighting.user, "no bio: {error}"),
            Err(_) => tracing::debug!(user = %sighting.user, "no bio in time"),
        }
    }
    Ok(bios)
}

/// Puts the present photos of users on the exception list, or takes them off.
async fn except(shared: &Shared, due: Vec<(UserId, bool)>) -> Result<(), Stop> {
    let sightings = shared
        .commit(|facts| {
            due.iter()
                .map(|(user, _)| facts.sighting(*user, None))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let found = match shared.call(|| shared.telegram.look_up(&sightings)).await? {
        Ok(found) => found,
        Err(error) => {
            tracing::error!("users cannot be looked up: {error}");
            BTreeMap::new()
        }
    };
    let now = shared.clock.now();
    let unspool = shared
        .commit(|facts| {
            let mut unspool = Vec::new();
            for (user, put) in &due {
                // Who cannot be looked up is taken to have the photo that was last seen.
                let photo = match found.get(user).map(|user| user.photo) {
                    Some(PhotoSight::Present(photo)) => Some(photo.id),
                    Some(PhotoSight::Absent) => None,
                    Some(PhotoSight::Unknown) | None => facts.last_photo(*user)?,
                };
                match photo {
                    Some(photo) => {
                        facts.set_excepted(photo, *put, now)?;
                        if *put {
                            unspool.extend(facts.cancel_photo(photo, now)?);
                        }
                    }
                    None => tracing::warn!(%user, "no photo is known to except"),
                }
                facts.settle_exception(*user, *put)?;
            }
            Ok(unspool)
        })
        .await?;
    for name in unspool {
        if let Err(error) = shared.spool.remove(&name) {
            tracing::warn!("a spooled photo cannot be removed: {error}");
        }
    }
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// A user whom Telegram does not show at all: as good as one without a photo.
fn unseen(join: &Join) -> User {
    User {
        id: join.user,
        access_hash: None,
        min: true,
        name: String::new(),
        bot: false,
        deleted: false,
        photo: PhotoSight::Absent,
    }
}

fn settled(user: User) -> User {
    match user.photo {
        PhotoSight::Unknown => User {
            photo: PhotoSight::Absent,
            ..user
        },
        _ => user,
    }
}

/// Downloads, checks, seals and spools one photo, or settles why not. Returns whether its data
/// centre answered at all.
async fn download(shared: &Shared, row: Row) -> Result<bool, Stop> {
    let avatar = match &row.payload {
        Payload::Avatar(avatar) => *avatar,
        Payload::List { list, .. } => {
            make_list(shared, &row, list).await?;
            return Ok(true);
        }
        Payload::Text { .. } | Payload::File { .. } => {
            // These are never `wanted`: there is nothing to fetch.
            settle(shared, &row, None, Outcome::Failed, "nothing to fetch").await?;
            return Ok(true);
        }
    };
    let owner = shared
        .commit(|facts| facts.sighting(avatar.user, Some((avatar.group, avatar.message))))
        .await?;
    let bytes = match shared
        .or_ending(shared.telegram.photo(avatar.photo, &owner))
        .await?
    {
        Ok(bytes) => bytes,
        Err(PhotoError::Call(error)) => match error {
            CallError::Account(trouble) => return Err(trouble.into()),
            CallError::Flood { until, .. } => {
                put_off(shared, &row, until, false).await?;
                return Ok(true);
            }
            CallError::Network { .. } | CallError::Busy { .. } => {
                tracing::debug!("{error}");
                return Ok(false);
            }
            CallError::Refused { .. } => {
                failed(shared, &row, avatar, &error.to_string()).await?;
                return Ok(true);
            }
        },
        Err(PhotoError::Gone(error)) => {
            ask_again(shared, &row, avatar, &error).await?;
            return Ok(true);
        }
        Err(error @ PhotoError::TooLarge) => {
            failed(shared, &row, avatar, &error.to_string()).await?;
            return Ok(true);
        }
    };
    let made = tokio::task::block_in_place(|| {
        photo::check(&bytes).map_err(|fault| fault.to_string())?;
        shared
            .maker
            .photo(&bytes)
            .map_err(|fault| fault.to_string())
    });
    match made {
        Ok(file) => keep(shared, &row, &file).await?,
        Err(why) => failed(shared, &row, avatar, &why).await?,
    }
    Ok(true)
}

/// Makes the file of a list's backup, from one moment of the database.
async fn make_list(shared: &Shared, row: &Row, name: &str) -> Result<(), Stop> {
    let Some(list) = List::from_name(name) else {
        return settle(shared, row, None, Outcome::Failed, "no such list").await;
    };
    let data = shared.commit(|facts| facts.list(list)).await?;
    let saved_at = shared.clock.now().rfc3339();
    let made = tokio::task::block_in_place(|| {
        shared
            .maker
            .list(list, &data, &saved_at, &shared.reader)
            .map_err(|fault| fault.to_string())
    });
    match made {
        Ok(file) => keep(shared, row, &file).await,
        Err(why) => {
            tracing::error!(%list, "its backup could not be made: {why}");
            settle(shared, row, None, Outcome::Failed, &why).await
        }
    }
}

/// Keeps a file in the spool until its turn.
async fn keep(shared: &Shared, row: &Row, bytes: &[u8]) -> Result<(), Stop> {
    let written = tokio::task::block_in_place(|| {
        let name = spool::random_name()?;
        shared.spool.write(&name, bytes)?;
        anyhow::Ok((name, bytes.len() as u64))
    });
    match written {
        Ok((name, size)) => {
            let now = shared.clock.now();
            shared
                .commit(|facts| facts.note_fetched(row.id, &name, size, now))
                .await?;
            shared.wakes.deliver.notify_one();
            Ok(())
        }
        Err(error) => {
            tracing::error!(
                "a photo cannot be kept: {error}: it is fetched again once there is room"
            );
            let later = shared.clock.now().plus(DISK_PAUSE);
            put_off(shared, row, later, false).await
        }
    }
}

/// The photo was not to be had: perhaps the user has another one by now, or another hash.
async fn ask_again(
    shared: &Shared,
    row: &Row,
    avatar: Avatar,
    refusal: &CallError,
) -> Result<(), Stop> {
    let seen_in = Some((avatar.group, avatar.message));
    let owner = shared
        .commit(|facts| facts.sighting(avatar.user, seen_in))
        .await?;
    let asked = shared
        .call(|| shared.telegram.look_up(std::slice::from_ref(&owner)))
        .await?;
    let Some(user) = asked.ok().and_then(|mut found| found.remove(&avatar.user)) else {
        return failed(shared, row, avatar, &refusal.to_string()).await;
    };
    let user = settled(user);
    if user.photo == PhotoSight::Present(avatar.photo) {
        shared.commit(|facts| facts.note_user(&user, None)).await?;
        return failed(shared, row, avatar, &refusal.to_string()).await;
    }
    // Another photo, or none: decided on as if it had been seen first.
    let join = Join {
        group: avatar.group,
        message: avatar.message,
        user: avatar.user,
        added_by: Adder::Themselves,
        date: row.created_at,
    };
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            facts.note_dropped(row.id, "the photo was changed", now)?;
            joins::decide_again(facts, shared, &join, &user, None, now)
        })
        .await?;
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// Tries again soon, or, after the last attempt, records the join as failed.
async fn failed(shared: &Shared, row: &Row, avatar: Avatar, why: &str) -> Result<(), Stop> {
    if row.attempts + 1 < MOST_ATTEMPTS {
        tracing::info!(user = %avatar.user, group = %avatar.group, "photo, to be fetched again: {why}");
        let pause = i64::from(row.attempts) * 2;
        return put_off(shared, row, shared.clock.now().plus(pause), true).await;
    }
    tracing::warn!(user = %avatar.user, group = %avatar.group, "photo given up: {why}");
    settle(shared, row, Some(avatar), Outcome::Failed, why).await
}

async fn settle(
    shared: &Shared,
    row: &Row,
    avatar: Option<Avatar>,
    outcome: Outcome,
    why: &str,
) -> Result<(), Stop> {
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            facts.note_dropped(row.id, why, now)?;
            match avatar {
                Some(a) => facts.settle_join(a.group, a.message, a.user, outcome),
                None => Ok(()),
            }
        })
        .await
}

async fn put_off(shared: &Shared, row: &Row, until: Timestamp, in_vain: bool) -> Result<(), Stop> {
    shared
        .commit(|facts| facts.put_off(row.id, until, in_vain))
        .await
}
