//! Downloads one photo, checks that it is a whole image, seals it and writes it to the spool.

use std::sync::Arc;

use super::user_lookup::unknown_photo_as_absent;
use crate::file_codec::Encoder;
use crate::model::{AddedBy, Avatar, Join, JoinOutcome, ProfilePhoto, Timestamp, User};
use crate::photo;
use crate::spool::Spool;
use crate::store::{OutboxRow, StoreError, Tx};
use crate::task::call_retry::{Reply, until_answered};
use crate::task::spool_file::SpoolFile;
use crate::task::{Database, JoinPolicy, Runtime, TaskError, Wakers};
use crate::telegram::{CallError, PhotoError, Telegram};

/// How often a photo that is damaged or refused is tried before its join counts as failed.
const MAX_ATTEMPTS: u32 = 3;
/// The pause after a file could not be written, in seconds.
const DISK_PAUSE: i64 = 3;

/// Downloads photos. Cheap to clone.
#[derive(Clone)]
pub struct AvatarDownload {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub spool: Spool,
    pub encoder: Arc<Encoder>,
    pub join_policy: JoinPolicy,
    pub wakers: Wakers,
}

impl AvatarDownload {
    /// Downloads the photo of a row into the spool, or records why it cannot. Returns `false` if its data centre did
    /// not answer.
    pub(super) async fn download(&self, row: OutboxRow, avatar: Avatar) -> Result<bool, TaskError> {
        let seen_in = Some((avatar.group, avatar.message));
        let owner = self
            .database
            .read(|tx| tx.user_ref(avatar.user, seen_in))
            .await?;
        let photo = self.telegram.photo(avatar.photo, &owner);
        match self.runtime.or_shutdown(photo).await? {
            Ok(bytes) => self.check_and_keep(&row, avatar, &bytes).await?,
            Err(PhotoError::Call(CallError::Account(trouble))) => return Err(trouble.into()),
            Err(PhotoError::Call(CallError::RateLimited { until, .. })) => {
                self.postpone(&row, Timestamp::new(until), false).await?;
            }
            Err(PhotoError::Call(
                error @ (CallError::Network { .. } | CallError::ServerError { .. }),
            )) => {
                tracing::debug!(%error, "a photo is downloaded again");
                return Ok(false);
            }
            Err(
                error @ (PhotoError::Call(
                    CallError::Refused { .. }
                    | CallError::Unusable { .. }
                    | CallError::NotSent { .. },
                )
                | PhotoError::TooLarge),
            ) => {
                self.failed(&row, avatar, &error.to_string()).await?;
            }
            Err(PhotoError::Gone(error)) => self.look_up_owner(&row, avatar, &error).await?,
        }
        Ok(true)
    }

    async fn check_and_keep(
        &self,
        row: &OutboxRow,
        avatar: Avatar,
        image: &[u8],
    ) -> Result<(), TaskError> {
        let sealed = tokio::task::block_in_place(|| {
            photo::check(image)?;
            anyhow::Ok(self.encoder.encode_photo(image)?)
        });
        match sealed {
            Ok(file) => self.keep(row, &file).await,
            Err(error) => match StoreError::of_random_numbers(error.as_ref()) {
                Some(error) => Err(error.into()),
                None => self.failed(row, avatar, &error.to_string()).await,
            },
        }
    }

    /// Keeps a file in the spool. A row that was cancelled meanwhile does not take it, and the file is removed.
    async fn keep(&self, row: &OutboxRow, bytes: &[u8]) -> Result<(), TaskError> {
        let written = tokio::task::block_in_place(|| SpoolFile::write(&self.spool, bytes));
        let file = match written {
            Ok(file) => file,
            Err(error) => {
                if let Some(error) = StoreError::of_random_numbers(error.as_ref()) {
                    return Err(error.into());
                }
                let error = format!("{error:#}");
                tracing::error!(error, "cannot write the file to the spool; retrying");
                let later = self.runtime.clock.now().plus(DISK_PAUSE);
                return self.postpone(row, later, false).await;
            }
        };
        let now = self.runtime.clock.now();
        let taken = self
            .database
            .write(|tx| tx.set_fetched(row.id, file.name(), file.size(), now))
            .await?;
        if taken {
            file.keep();
        }
        self.wakers.deliver.notify_one();
        Ok(())
    }

    /// Telegram does not have the photo: the user may have another one by now, or another access hash.
    async fn look_up_owner(
        &self,
        row: &OutboxRow,
        avatar: Avatar,
        refusal: &CallError,
    ) -> Result<(), TaskError> {
        let seen_in = Some((avatar.group, avatar.message));
        let owner = self
            .database
            .read(|tx| tx.user_ref(avatar.user, seen_in))
            .await?;
        let look_up = || self.telegram.look_up(std::slice::from_ref(&owner));
        let found = match until_answered(&self.runtime, look_up).await? {
            Reply::Answer(mut found) => found.remove(&avatar.user),
            Reply::Refusal(_) => None,
        };
        let Some(user) = found.map(unknown_photo_as_absent) else {
            return self.failed(row, avatar, &refusal.to_string()).await;
        };
        if user.photo == ProfilePhoto::Present(avatar.photo) {
            self.database
                .write(|tx| tx.record_user(&user, None))
                .await?;
            return self.failed(row, avatar, &refusal.to_string()).await;
        }
        self.decide_changed(row, avatar, &user).await
    }

    /// Decides on a join again, because its user has another photo, or none, since.
    async fn decide_changed(
        &self,
        row: &OutboxRow,
        avatar: Avatar,
        user: &User,
    ) -> Result<(), TaskError> {
        let join = Join {
            group: avatar.group,
            message: avatar.message,
            user: avatar.user,
            added_by: AddedBy::Themselves,
            date: row.created_at,
        };
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                if tx.is_wanted(row.id)? {
                    tx.set_dropped(row.id, "the photo was changed", now)?;
                    self.join_policy
                        .decide_looked_up(tx, &join, user, None, now)?;
                }
                Ok(())
            })
            .await?;
        self.wakers.fetch.notify_one();
        Ok(())
    }

    /// Puts the row off, or, after the last attempt, records the join as failed.
    async fn failed(&self, row: &OutboxRow, avatar: Avatar, why: &str) -> Result<(), TaskError> {
        if row.attempts + 1 < MAX_ATTEMPTS {
            tracing::info!(user = %avatar.user, group = %avatar.group, why, "a photo is downloaded again");
            let pause = i64::from(row.attempts) * 2;
            let later = self.runtime.clock.now().plus(pause);
            return self.postpone(row, later, true).await;
        }
        tracing::warn!(user = %avatar.user, group = %avatar.group, why, "photo given up");
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| give_up(tx, row, avatar, why, now))
            .await
    }

    async fn postpone(
        &self,
        row: &OutboxRow,
        until: Timestamp,
        count_attempt: bool,
    ) -> Result<(), TaskError> {
        self.database
            .write(|tx| tx.postpone(row.id, until, count_attempt))
            .await
    }
}

/// Drops a row whose photo cannot be downloaded, and records its join as failed. If an order cancelled the photo during
/// the download, the order's outcome stays: a join that is held is decided again later.
fn give_up(
    tx: &Tx<'_>,
    row: &OutboxRow,
    avatar: Avatar,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if tx.is_wanted(row.id)? {
        tx.set_dropped(row.id, why, now)?;
        let (group, message, user) = (avatar.group, avatar.message, avatar.user);
        tx.settle_photo(group, message, user, JoinOutcome::Failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, GROUP, JOINER, NOW, avatar, join};

    #[test]
    fn a_failed_download_keeps_the_outcome_of_an_order_that_cancelled_the_photo() {
        for (is_flooded, outcome) in [(false, "failed"), (true, "held")] {
            let fixture = Fixture::new();
            fixture.write(|tx| {
                tx.record_join(&join(1, JOINER), JoinOutcome::Queued, NOW)?;
                tx.enqueue_avatar(&avatar(1, 7), NOW)?;
                let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
                if is_flooded {
                    tx.begin_group_flood(GROUP, NOW)?;
                }
                give_up(tx, &row, avatar(1, 7), "refused", NOW)
            });
            assert_eq!(fixture.outcome(1), outcome);
        }
    }
}
