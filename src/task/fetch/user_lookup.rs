//! Asks Telegram for users: those of joins that could not be decided on, and those whose current photo goes on or off
//! the exception list.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{
    ChannelId, Join, JoinOutcome, MessageId, PhotoId, ProfilePhoto, Timestamp, User, UserId,
};
use crate::spool::Spool;
use crate::store::{ExceptionDue, PhotoOf, StoreError, Tx};
use crate::task::call_retry::{Reply, until_answered};
use crate::task::join_policy::Bio;
use crate::task::{Database, JoinPolicy, Runtime, TaskError, Wakers, spool_file};
use crate::telegram::{CallError, Telegram};

/// How long a decision waits for the answer to the call for a bio.
const BIO_TIMEOUT: Duration = Duration::from_secs(3);

/// How a look-up of joiners ended.
#[derive(Debug)]
pub(super) enum LookupEnd {
    /// The joins were decided, except these, which wait for a bio.
    Decided(Vec<BioDue>),
    /// Telegram refuses look-ups.
    Refused,
    /// Telegram limits look-ups until this time.
    Limited(Timestamp),
    /// Telegram did not answer about these joins, although it may about others.
    Unanswered(Vec<JoinKey>),
}

/// A join that is decided with the bio of its user.
#[derive(Clone, Debug)]
pub(super) struct BioDue {
    join: Join,
    user: User,
}

/// The key of a join in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JoinKey(ChannelId, MessageId, UserId);

impl JoinKey {
    pub(super) const fn of(join: &Join) -> Self {
        Self(join.group, join.message, join.user)
    }
}

impl BioDue {
    pub(super) const fn key(&self) -> JoinKey {
        JoinKey::of(&self.join)
    }
}

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
    pub(super) async fn decide_joins(&self, joins: Vec<Join>) -> Result<LookupEnd, TaskError> {
        if joins.is_empty() {
            return Ok(LookupEnd::Decided(Vec::new()));
        }
        let user_refs = self
            .database
            .read(|tx| {
                let user_ref =
                    |join: &Join| tx.user_ref(join.user, Some((join.group, join.message)));
                joins.iter().map(user_ref).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let look_up = self.telegram.look_up(&user_refs);
        let found = match self.runtime.or_shutdown(look_up).await? {
            Ok(found) => found,
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::RateLimited { until, .. }) => {
                return Ok(LookupEnd::Limited(Timestamp::new(until)));
            }
            Err(error @ (CallError::Network { .. } | CallError::ServerError { .. })) => {
                tracing::debug!(%error, "joins are looked up again");
                let keys = joins.iter().map(JoinKey::of);
                return Ok(LookupEnd::Unanswered(keys.collect()));
            }
            Err(error) => {
                // A refusal of a single user is handled below; this one concerns the method, and may pass.
                tracing::error!(%error, "users cannot be looked up");
                return Ok(LookupEnd::Refused);
            }
        };
        let now = self.runtime.clock.now();
        let due = self
            .database
            .write(|tx| self.decide(tx, &joins, &found, now))
            .await?;
        self.wakers.fetch.notify_one();
        Ok(LookupEnd::Decided(due))
    }

    fn decide(
        &self,
        tx: &Tx<'_>,
        joins: &[Join],
        found: &BTreeMap<UserId, User>,
        now: Timestamp,
    ) -> Result<Vec<BioDue>, StoreError> {
        let mut due = Vec::new();
        for join in joins {
            if !tx.waits_for_lookup(join)? {
                continue;
            }
            let user = found
                .get(&join.user)
                .cloned()
                .unwrap_or_else(|| not_shown(join.user));
            let outcome = self
                .join_policy
                .decide_looked_up(tx, join, &user, Bio::NotAsked, now)?;
            if outcome == JoinOutcome::LookUp {
                due.push(BioDue { join: *join, user });
            }
        }
        Ok(due)
    }

    /// Asks for the bio of a joiner, and decides on the join. A decision does not wait for a bio that is late: the
    /// photo matters more.
    pub(super) async fn decide_with_bio(&self, due: BioDue) -> Result<(), TaskError> {
        let BioDue { join, user } = due;
        let seen_in = Some((join.group, join.message));
        let user_ref = self
            .database
            .read(|tx| tx.user_ref(user.id, seen_in))
            .await?;
        let call = self.telegram.bio(&user_ref, BIO_TIMEOUT);
        let bio = match self.runtime.or_shutdown(call).await? {
            Ok(bio) => bio,
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(error) => {
                tracing::debug!(user = %user.id, %error, "no bio");
                None
            }
        };
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                if tx.waits_for_lookup(&join)? {
                    let bio = Bio::Asked(bio.as_deref());
                    self.join_policy
                        .decide_looked_up(tx, &join, &user, bio, now)?;
                }
                Ok(())
            })
            .await?;
        self.wakers.fetch.notify_one();
        Ok(())
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
                let of = PhotoOf {
                    user: due.user,
                    photo,
                };
                obsolete = tx.cancel_photo(of, now)?;
            }
        }
        None => tracing::warn!(user = %due.user, "no photo is known to except"),
    }
    tx.settle_exception(due)?;
    Ok(obsolete)
}

/// Returns a user whom Telegram does not show at all: the decision knows only the id.
const fn not_shown(id: UserId) -> User {
    User {
        id,
        access_hash: None,
        min: true,
        name: String::new(),
        bot: false,
        deleted: false,
        photo: ProfilePhoto::Unknown,
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
    fn an_exception_goes_on_the_list_and_off_it() {
        let fixture = Fixture::new();
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
