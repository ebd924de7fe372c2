//! Fetches: users that have to be looked up, and photos, checked, sealed, and laid in the spool.
//!
//! A photo is fetched as soon as it is decided on, newest first: a raider's photo is gone in
//! minutes, while the queue of posts may be long. Beyond the spool's limit fetching waits.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::admins::is_unlearnable;
use super::{Shared, Stop, joins};
use crate::decide;
use crate::model::{Adder, Avatar, Join, Payload, PhotoSight, Timestamp, User};
use crate::photo;
use crate::spool;
use crate::store::{Outcome, Row};
use crate::telegram::{CallError, PhotoError};

/// How many photos are downloaded at once.
const DOWNLOADS_AT_ONCE: usize = 2;
/// How many users are looked up in one call.
const USERS_A_CALL: usize = 50;
/// How often a photo that comes damaged, or is refused, is tried before it counts as failed.
const MOST_ATTEMPTS: u32 = 3;
/// The pause after the network failed.
const NETWORK_PAUSE: i64 = 3;

/// Fetches until the end.
///
/// # Errors
/// See [`Stop`].
pub async fn fetch(shared: Arc<Shared>) -> Result<(), Stop> {
    let mut jobs: JoinSet<Result<Done, Stop>> = JoinSet::new();
    let mut downloading = BTreeSet::new();
    let mut looking_up = false;
    loop {
        let woken = shared.wakes.fetch.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();

        if !looking_up {
            let waiting = shared
                .commit(|facts| facts.waiting_joins(USERS_A_CALL))
                .await?;
            if !waiting.is_empty() {
                looking_up = true;
                let shared = shared.clone();
                jobs.spawn(async move {
                    look_up(&shared, waiting).await?;
                    Ok(Done::LookedUp)
                });
            }
        }
        let now = shared.clock.now();
        let room = spool_has_room(&shared).await?;
        if room && downloading.len() < DOWNLOADS_AT_ONCE {
            let rows = shared
                .commit(|facts| facts.wanted(now, DOWNLOADS_AT_ONCE * 2))
                .await?;
            for row in rows {
                if downloading.len() < DOWNLOADS_AT_ONCE && downloading.insert(row.id) {
                    let shared = shared.clone();
                    jobs.spawn(async move {
                        let id = row.id;
                        download(&shared, row).await?;
                        Ok(Done::Downloaded(id))
                    });
                }
            }
        }
        let next = shared.commit(|facts| facts.next_due(true, now)).await?;
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            () = woken => {}
            () = tokio::time::sleep(shared.nap(next)) => {}
            Some(job) = jobs.join_next() => {
                let done = job.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Stop::Ending),
                });
                match done? {
                    Done::LookedUp => looking_up = false,
                    Done::Downloaded(id) => { downloading.remove(&id); }
                }
            }
        }
    }
}

enum Done {
    LookedUp,
    Downloaded(i64),
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
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            for join in &waiting {
                let user = found.get(&join.user).cloned().map_or_else(
                    || unseen(join),
                    // Asked for by name, and still no photo: it is hidden from us, or there is none.
                    settled,
                );
                let unlearnable = is_unlearnable(shared, join.group);
                joins::decide_again(facts, &shared.standing, unlearnable, join, &user, now)?;
            }
            Ok(())
        })
        .await?;
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// A user whom Telegram does not show at all: as good as one without a photo.
fn unseen(join: &Join) -> User {
    User {
        id: join.user,
        access_hash: None,
        min: true,
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

/// Downloads, checks, seals and spools one photo, or settles why not.
async fn download(shared: &Shared, row: Row) -> Result<(), Stop> {
    let Payload::Avatar(avatar) = row.payload else {
        // Only avatars are ever `wanted`.
        return settle(shared, &row, None, Outcome::Failed, "not a photo").await;
    };
    let owner = shared
        .commit(|facts| facts.sighting(avatar.user, Some((avatar.group, avatar.message))))
        .await?;
    let bytes = match shared
        .or_ending(shared.telegram.photo(avatar.photo, &owner))
        .await?
    {
        Ok(bytes) => bytes,
        Err(PhotoError::Call(CallError::Account(trouble))) => return Err(trouble.into()),
        Err(PhotoError::Call(CallError::Flood { until, .. })) => {
            return put_off(shared, &row, until, false).await;
        }
        Err(PhotoError::Call(error @ CallError::Network { .. })) => {
            tracing::debug!("{error}");
            let later = shared.clock.now().plus(NETWORK_PAUSE);
            return put_off(shared, &row, later, false).await;
        }
        Err(PhotoError::Gone(error)) => return ask_again(shared, &row, avatar, &error).await,
        Err(error @ (PhotoError::Call(_) | PhotoError::TooLarge)) => {
            return failed(shared, &row, avatar, &error.to_string()).await;
        }
    };
    match tokio::task::block_in_place(|| photo::check(&bytes)) {
        Ok(_) => keep(shared, &row, &bytes).await,
        Err(fault) => failed(shared, &row, avatar, &fault.to_string()).await,
    }
}

/// Seals a photo into the spool.
async fn keep(shared: &Shared, row: &Row, bytes: &[u8]) -> Result<(), Stop> {
    let written = tokio::task::block_in_place(|| {
        let name = spool::random_name()?;
        let sealed = shared.sealer.seal_bytes(bytes)?;
        shared.spool.write(&name, &sealed)?;
        anyhow::Ok((name, sealed.len() as u64))
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
            let later = shared.clock.now().plus(NETWORK_PAUSE);
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
    let unlearnable = is_unlearnable(shared, avatar.group);
    shared
        .commit(|facts| {
            facts.note_dropped(row.id, "the photo was changed", now)?;
            joins::decide_again(facts, &shared.standing, unlearnable, &join, &user, now)
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
