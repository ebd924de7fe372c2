//! Asks Telegram for users: those of joins that could not be decided on, and those whose present photo
//! an order excepts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decide;
use crate::model::{Join, ProfilePhoto, User, UserId, UserRef};
use crate::task::{Shared, TaskError, joins};
use crate::telegram::CallError;

/// How long a bio is waited for.
const BIO_WITHIN: Duration = Duration::from_secs(3);

/// Asks for the users of joins that could not be decided on, and decides on them.
pub(super) async fn look_up(shared: &Shared, waiting: Vec<Join>) -> Result<(), TaskError> {
    let user_refs = shared
        .commit(|tx| {
            waiting
                .iter()
                .map(|join| tx.user_ref(join.user, Some((join.group, join.message))))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let found = match shared.call(|| shared.telegram.look_up(&user_refs)).await? {
        Ok(found) => found,
        Err(error) => {
            // Single refusals are sorted out below; this one concerns the method itself.
            tracing::error!("users cannot be looked up: {error}");
            shared.pause(decide::backoff(u32::MAX)).await?;
            return Ok(());
        }
    };
    let bios = if joins::wants_bio(shared) {
        bios(shared, &user_refs).await?
    } else {
        BTreeMap::new()
    };
    let now = shared.clock.now();
    shared
        .commit(|tx| {
            for join in &waiting {
                let user = found.get(&join.user).cloned().map_or_else(
                    || unseen(join),
                    // Asked for by name, and still no photo: it is hidden from us, or there is none.
                    settled,
                );
                let bio = bios.get(&join.user).cloned();
                joins::decide_again(tx, shared, join, &user, bio, now)?;
            }
            Ok(())
        })
        .await?;
    shared.wakes.fetch.notify_one();
    Ok(())
}

/// Asks for users' bios. A bio that does not come at once is done without: a photo weighs more.
async fn bios(
    shared: &Shared,
    user_refs: &[UserRef],
) -> Result<BTreeMap<UserId, String>, TaskError> {
    let mut bios = BTreeMap::new();
    for user_ref in user_refs {
        let asked = tokio::time::timeout(BIO_WITHIN, shared.telegram.bio(user_ref));
        match shared.or_shutdown(asked).await? {
            Ok(Ok(Some(bio))) => {
                bios.insert(user_ref.user, bio);
            }
            Ok(Ok(None)) => {}
            Ok(Err(CallError::Account(trouble))) => return Err(trouble.into()),
            Ok(Err(error)) => tracing::debug!(user = %user_ref.user, "no bio: {error}"),
            Err(_) => tracing::debug!(user = %user_ref.user, "no bio in time"),
        }
    }
    Ok(bios)
}

/// Puts the present photos of users on the exception list, or takes them off.
pub(super) async fn except(shared: &Shared, due: Vec<(UserId, bool)>) -> Result<(), TaskError> {
    let user_refs = shared
        .commit(|tx| {
            due.iter()
                .map(|(user, _)| tx.user_ref(*user, None))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let found = match shared.call(|| shared.telegram.look_up(&user_refs)).await? {
        Ok(found) => found,
        Err(error) => {
            tracing::error!("users cannot be looked up: {error}");
            BTreeMap::new()
        }
    };
    let now = shared.clock.now();
    let unspool = shared
        .commit(|tx| {
            let mut unspool = Vec::new();
            for (user, put) in &due {
                // Who cannot be looked up is taken to have the photo that was last seen.
                let photo = match found.get(user).map(|user| user.photo) {
                    Some(ProfilePhoto::Present(photo)) => Some(photo.id),
                    Some(ProfilePhoto::Absent) => None,
                    Some(ProfilePhoto::Unknown) | None => tx.last_photo(*user)?,
                };
                match photo {
                    Some(photo) => {
                        tx.set_excepted(photo, *put, now)?;
                        if *put {
                            unspool.extend(tx.cancel_photo(photo, now)?);
                        }
                    }
                    None => tracing::warn!(%user, "no photo is known to except"),
                }
                tx.settle_exception(*user, *put)?;
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
        photo: ProfilePhoto::Absent,
    }
}

pub(super) fn settled(user: User) -> User {
    match user.photo {
        ProfilePhoto::Unknown => User {
            photo: ProfilePhoto::Absent,
            ..user
        },
        _ => user,
    }
}
