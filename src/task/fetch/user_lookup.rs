//! Asks Telegram for users: those of joins that could not be decided on, and those whose current photo goes on or off
//! the exception list.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decide;
use crate::model::{Join, PhotoId, ProfilePhoto, Timestamp, User, UserId, UserRef};
use crate::spool::Spool;
use crate::store::{ExceptionDue, StoreError, Tx};
use crate::task::call_retry::{Reply, until_answered};
use crate::task::{Database, JoinPolicy, Runtime, TaskError, Wakers, spool_file};
use crate::telegram::{CallError, Telegram};

/// How long a decision waits for a bio.
const BIO_TIMEOUT: Duration = Duration::from_secs(3);

/// Looks users up. Cheap to clone.
#[derive(Clone)]
pub struct UserLookup {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub spool: Spool,
    pub join_policy: JoinPolicy,
    pub wakers: Wakers,
}

impl UserLookup {
    /// Asks for the users of joins, and decides on the joins.
    pub(super) async fn decide_joins(&self, joins: Vec<Join>) -> Result<(), TaskError> {
        if joins.is_empty() {
            return Ok(());
        }
        let user_refs = self
            .database
            .read(|tx| {
                let user_ref =
                    |join: &Join| tx.user_ref(join.user, Some((join.group, join.message)));
                joins.iter().map(user_ref).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let look_up = || self.telegram.look_up(&user_refs);
        let found = match until_answered(&self.runtime, look_up).await? {
            Reply::Answer(found) => found,
            Reply::Refusal(error) => {
                // A refusal of a single user is handled below; this one concerns the method.
                tracing::error!(%error, "users cannot be looked up");
                self.runtime.pause(decide::backoff(u32::MAX)).await?;
                return Ok(());
            }
        };
        let bios = if self.join_policy.wants_bio() {
            self.bios(&user_refs).await?
        } else {
            BTreeMap::new()
        };
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| self.decide(tx, &joins, &found, &bios, now))
            .await?;
        self.wakers.fetch.notify_one();
        Ok(())
    }

    fn decide(
        &self,
        tx: &Tx<'_>,
        joins: &[Join],
        found: &BTreeMap<UserId, User>,
        bios: &BTreeMap<UserId, String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for join in joins {
            let user = match found.get(&join.user) {
                Some(user) => unknown_photo_as_absent(user.clone()),
                None => without_photo(join.user),
            };
            let bio = bios.get(&join.user).map(String::as_str);
            self.join_policy
                .decide_looked_up(tx, join, &user, bio, now)?;
        }
        Ok(())
    }

    /// Asks for the bios of users. A decision does not wait for a bio that is late: the photo matters more.
    async fn bios(&self, user_refs: &[UserRef]) -> Result<BTreeMap<UserId, String>, TaskError> {
        let mut bios = BTreeMap::new();
        for user_ref in user_refs {
            let call = tokio::time::timeout(BIO_TIMEOUT, self.telegram.bio(user_ref));
            match self.runtime.or_shutdown(call).await? {
                Ok(Ok(Some(bio))) => {
                    bios.insert(user_ref.user, bio);
                }
                Ok(Ok(None)) => {}
                Ok(Err(CallError::Account(trouble))) => return Err(trouble.into()),
                Ok(Err(error)) => tracing::debug!(user = %user_ref.user, %error, "no bio"),
                Err(_) => tracing::debug!(user = %user_ref.user, "no bio in time"),
            }
        }
        Ok(bios)
    }

    /// Puts the current photos of users on the exception list, or takes them off.
    pub(super) async fn except_photos(&self, due: Vec<ExceptionDue>) -> Result<(), TaskError> {
        if due.is_empty() {
            return Ok(());
        }
        let user_refs = self
            .database
            .read(|tx| {
                let user_ref = |due: &ExceptionDue| tx.user_ref(due.user, None);
                due.iter().map(user_ref).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let look_up = || self.telegram.look_up(&user_refs);
        let found = match until_answered(&self.runtime, look_up).await? {
            Reply::Answer(found) => found,
            Reply::Refusal(error) => {
                tracing::error!(%error, "users cannot be looked up");
                BTreeMap::new()
            }
        };
        let now = self.runtime.clock.now();
        let obsolete = self
            .database
            .write(|tx| {
                let mut obsolete = Vec::new();
                for due in &due {
                    let photo = current_photo(tx, due.user, found.get(&due.user))?;
                    obsolete.extend(except(tx, *due, photo, now)?);
                }
                Ok(obsolete)
            })
            .await?;
        for name in &obsolete {
            spool_file::remove(&self.spool, name);
        }
        self.wakers.fetch.notify_one();
        Ok(())
    }
}

/// Returns the current photo of a user. A user who cannot be looked up counts as having the photo that was last seen.
fn current_photo(
    tx: &Tx<'_>,
    user: UserId,
    found: Option<&User>,
) -> Result<Option<PhotoId>, StoreError> {
    match found.map(|user| user.photo) {
        Some(ProfilePhoto::Present(photo)) => Ok(Some(photo.id)),
        Some(ProfilePhoto::Absent) => Ok(None),
        Some(ProfilePhoto::Unknown) | None => tx.last_photo(user),
    }
}

/// Carries out one exception. Returns the spool files that no row names any more.
fn except(
    tx: &Tx<'_>,
    due: ExceptionDue,
    photo: Option<PhotoId>,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut obsolete = Vec::new();
    match photo {
        Some(photo) => {
            tx.set_excepted(photo, due.put, now)?;
            if due.put {
                obsolete = tx.cancel_photo(photo, now)?;
            }
        }
        None => tracing::warn!(user = %due.user, "no photo is known to except"),
    }
    tx.settle_exception(due)?;
    Ok(obsolete)
}

/// Returns a user whom Telegram does not show at all: the decision treats them as one without a photo.
const fn without_photo(user: UserId) -> User {
    User {
        id: user,
        access_hash: None,
        min: true,
        name: String::new(),
        bot: false,
        deleted: false,
        photo: ProfilePhoto::Absent,
    }
}

/// Turns an unknown photo into an absent one. Telegram's answer to a look-up of the user always includes a photo that
/// this account may see, so the user has none, or hides it.
pub(super) fn unknown_photo_as_absent(user: User) -> User {
    match user.photo {
        ProfilePhoto::Unknown => User {
            photo: ProfilePhoto::Absent,
            ..user
        },
        _ => user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, JOINER, NOW, user};

    #[test]
    fn the_photo_that_is_excepted_is_the_current_one_or_the_last_that_was_seen() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            let photo = |found: Option<&User>| current_photo(tx, JOINER, found);
            assert_eq!(photo(None)?, None);
            tx.record_user(&user(JOINER, Some(7)), None)?;
            let unknown = User {
                photo: ProfilePhoto::Unknown,
                ..user(JOINER, None)
            };
            assert_eq!(photo(None)?, Some(PhotoId::new(7)));
            assert_eq!(photo(Some(&unknown))?, Some(PhotoId::new(7)));
            assert_eq!(photo(Some(&user(JOINER, None)))?, None);
            let other = user(JOINER, Some(8));
            assert_eq!(photo(Some(&other))?, Some(PhotoId::new(8)));
            Ok(())
        });
    }

    #[test]
    fn a_user_who_is_not_shown_has_no_photo() {
        let fixture = Fixture::new();
        let lookup_of = |photo| User {
            photo,
            ..user(JOINER, None)
        };
        let settled = unknown_photo_as_absent(lookup_of(ProfilePhoto::Unknown));
        assert_eq!(settled.photo, ProfilePhoto::Absent);
        let due = |put| ExceptionDue { user: JOINER, put };
        fixture.write(|tx| {
            let put = except(tx, due(true), Some(PhotoId::new(7)), NOW)?;
            assert!(put.is_empty());
            assert!(tx.is_excepted(PhotoId::new(7))?);
            except(tx, due(false), Some(PhotoId::new(7)), NOW)?;
            assert!(!tx.is_excepted(PhotoId::new(7))?);
            Ok(())
        });
    }
}
