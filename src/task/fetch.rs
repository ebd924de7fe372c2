//! Fetches: users that have to be looked up, and photos, checked, sealed, and laid in the spool; has lists made.
//!
//! A photo is fetched as soon as it is decided on, newest first: a raider's photo is gone in
//! minutes, while the queue of posts may be long. Beyond the spool's limit fetching waits.

mod look_up;
mod slots;

use std::sync::Arc;

use tokio::task::JoinSet;

use self::look_up::{except, look_up, settled};
use self::slots::{Slots, data_centre};
use super::{Shared, TaskError, joins, lists};
use crate::model::{AddedBy, Avatar, Join, Payload, ProfilePhoto, Timestamp};
use crate::photo;
use crate::spool;
use crate::store::{Outcome, Row};
use crate::telegram::{CallError, PhotoError};

/// How many of the newest rows are looked at, so that one data centre's do not hide another's.
const ROWS_LOOKED_AT: usize = 100;
/// How many users are looked up in one call.
const USERS_A_CALL: usize = 50;
/// How often a photo that comes damaged, or is refused, is tried before it counts as failed.
const MOST_ATTEMPTS: u32 = 3;
/// The pause after a file could not be kept, in seconds.
const DISK_PAUSE: i64 = 3;

/// Fetches until the end.
///
/// # Errors
/// See [`TaskError`].
pub async fn fetch(shared: Arc<Shared>) -> Result<(), TaskError> {
    let mut jobs: JoinSet<Result<Done, TaskError>> = JoinSet::new();
    let mut slots = Slots::default();
    let mut looking_up = false;
    let mut making_lists = false;
    loop {
        let woken = shared.wakes.fetch.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();

        if !looking_up {
            let (waiting, exceptions) = shared
                .commit(|tx| {
                    Ok((
                        tx.waiting_joins(USERS_A_CALL)?,
                        tx.exceptions_due(USERS_A_CALL)?,
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
        if !making_lists {
            let lists = shared
                .commit(|tx| tx.wanted_reports(Some(now), now))
                .await?;
            if !lists.is_empty() {
                making_lists = true;
                let shared = shared.clone();
                jobs.spawn(async move {
                    lists::make_waiting(&shared).await?;
                    Ok(Done::MadeLists)
                });
            }
        }
        if spool_has_room(&shared).await? {
            let rows = shared.commit(|tx| tx.wanted(now, ROWS_LOOKED_AT)).await?;
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
        let next = shared.commit(|tx| tx.next_due(true, now)).await?;
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            () = woken => {}
            () = tokio::time::sleep(slots.nap(shared.nap(next), shared.clock.instant())) => {}
            Some(job) = jobs.join_next() => {
                let done = job.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(TaskError::ShuttingDown),
                });
                match done? {
                    Done::LookedUp => {
                        looking_up = false;
                        shared.wakes.looked_up.notify_one();
                    }
                    Done::MadeLists => making_lists = false,
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
    /// The lists that waited are made, or put off.
    MadeLists,
    /// A row was worked on; `answered` tells whether its data centre answered at all.
    Downloaded {
        id: i64,
        dc: Option<i32>,
        answered: bool,
    },
}

async fn spool_has_room(shared: &Shared) -> Result<bool, TaskError> {
    let used = shared.commit(|tx| tx.spooled_bytes()).await?;
    Ok(used < shared.delivery.spool_max)
}

/// Downloads, checks, seals and spools one photo, or settles why not. Returns whether its data
/// centre answered at all.
async fn download(shared: &Shared, row: Row) -> Result<bool, TaskError> {
    let avatar = match &row.payload {
        Payload::Avatar(avatar) => *avatar,
        Payload::Text { .. } | Payload::File { .. } | Payload::List { .. } => {
            // These are never an avatar's: there is nothing to fetch.
            settle(shared, &row, None, Outcome::Failed, "nothing to fetch").await?;
            return Ok(true);
        }
    };
    let owner = shared
        .commit(|tx| tx.user_ref(avatar.user, Some((avatar.group, avatar.message))))
        .await?;
    let bytes = match shared
        .or_shutdown(shared.telegram.photo(avatar.photo, &owner))
        .await?
    {
        Ok(bytes) => bytes,
        Err(PhotoError::Call(error)) => match error {
            CallError::Account(trouble) => return Err(trouble.into()),
            CallError::Flood { until, .. } => {
                put_off(shared, &row, Timestamp::new(until), false).await?;
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
            .encoder
            .encode_photo(&bytes)
            .map_err(|fault| fault.to_string())
    });
    match made {
        Ok(file) => keep(shared, &row, &file).await?,
        Err(why) => failed(shared, &row, avatar, &why).await?,
    }
    Ok(true)
}

/// Keeps a file in the spool until its turn.
async fn keep(shared: &Shared, row: &Row, bytes: &[u8]) -> Result<(), TaskError> {
    let written = tokio::task::block_in_place(|| {
        let name = spool::random_name()?;
        shared.spool.write(&name, bytes)?;
        anyhow::Ok((name, bytes.len() as u64))
    });
    match written {
        Ok((name, size)) => {
            let now = shared.clock.now();
            let noted = shared
                .commit(|tx| tx.note_fetched(row.id, &name, size, now))
                .await?;
            // It was cancelled meanwhile; what cannot be removed now is swept at the next start.
            if !noted && let Err(error) = shared.spool.remove(&name) {
                tracing::warn!("a spooled photo cannot be removed: {error}");
            }
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
) -> Result<(), TaskError> {
    let seen_in = Some((avatar.group, avatar.message));
    let owner = shared
        .commit(|tx| tx.user_ref(avatar.user, seen_in))
        .await?;
    let asked = shared
        .call(|| shared.telegram.look_up(std::slice::from_ref(&owner)))
        .await?;
    let Some(user) = asked.ok().and_then(|mut found| found.remove(&avatar.user)) else {
        return failed(shared, row, avatar, &refusal.to_string()).await;
    };
    let user = settled(user);
    if user.photo == ProfilePhoto::Present(avatar.photo) {
        shared.commit(|tx| tx.note_user(&user, None)).await?;
        return failed(shared, row, avatar, &refusal.to_string()).await;
    }
    // Another photo, or none: decided on as if it had been seen first.
    let join = Join {
        group: avatar.group,
        message: avatar.message,
        user: avatar.user,
        added_by: AddedBy::Themselves,
        date: row.created_at,
    };
    let now = shared.clock.now();
    shared
        .commit(|tx| {
            tx.note_dropped(row.id, "the photo was changed", now)?;
            joins::decide_again(tx, shared, &join, &user, None, now)
        })
        .await?;
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// Tries again soon, or, after the last attempt, records the join as failed.
async fn failed(shared: &Shared, row: &Row, avatar: Avatar, why: &str) -> Result<(), TaskError> {
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
) -> Result<(), TaskError> {
    let now = shared.clock.now();
    shared
        .commit(|tx| {
            tx.note_dropped(row.id, why, now)?;
            match avatar {
                Some(a) => tx
                    .settle_photo(a.group, a.message, a.user, outcome)
                    .map(|_| ()),
                None => Ok(()),
            }
        })
        .await
}

async fn put_off(
    shared: &Shared,
    row: &Row,
    until: Timestamp,
    in_vain: bool,
) -> Result<(), TaskError> {
    shared.commit(|tx| tx.put_off(row.id, until, in_vain)).await
}
