//! Downloads one photo, checks that it is a whole image, seals it and writes it to the spool: once for all rows that
//! wait for it.
//!
//! Each row gets a file name of its own, and the names share one file on the disk. A row that was cancelled during the
//! download does not take its name. A crash before the rows name their files leaves files that the next start removes.
//! A photo that was posted shortly before, and whose file is gone from the spool, is not downloaded again: `deliver`
//! posts the document of that post.

use std::sync::Arc;

use super::failed_download::{Concern, PhotoRefusal, refusal};
use crate::file_codec::Encoder;
use crate::model::{AddedBy, Avatar, Join, Payload, Photo, ProfilePhoto, Timestamp, User, UserRef};
use crate::photo;
use crate::spool::Spool;
use crate::store::{OutboxRow, PhotoOf, ReadTx, StoreError, Tx};
use crate::task::join_policy::Bio;
use crate::task::spool_file::SpoolFile;
use crate::task::{Database, JoinPolicy, Runtime, TaskError, Wakers};
use crate::telegram::{CallError, PhotoError, Telegram};

/// How many messages may name the owner of a photo in a look-up.
const MAX_REFS: usize = 5;
/// The pause after a file could not be written, in seconds.
const DISK_PAUSE: i64 = 3;
/// For how long a post spares another download of its photo, in seconds. Later, its document may be gone, and the user
/// may have removed the photo by the time when that is found out.
const POST_LENDS_FOR: i64 = 3600;

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

/// How a download ended.
#[derive(Debug)]
pub(super) enum DownloadEnd {
    /// The data centre answered, and the rows have their files or are settled.
    Answered,
    /// The data centre answered, and the photo is damaged.
    Damaged,
    /// The data centre was not asked.
    NotTried,
    /// The data centre did not answer, for this reason.
    Unanswered(String),
    Refused(PhotoRefusal),
}

impl AvatarDownload {
    /// Downloads a photo into the spool for the rows that want it, or settles them.
    pub(super) async fn download(
        &self,
        of: PhotoOf,
        photo: Photo,
    ) -> Result<DownloadEnd, TaskError> {
        let Some(mut source) = self.database.read(|tx| Source::read(tx, of)).await? else {
            return Ok(DownloadEnd::NotTried);
        };
        if let Some(name) = source.spooled {
            if let Ok(file) = SpoolFile::link(&self.spool, &name) {
                self.give_out(of, file).await?;
                return Ok(DownloadEnd::NotTried);
            }
            // The file was removed since, after its post was recorded.
            source.is_posted = self
                .database
                .read(|tx| tx.earlier_post(of))
                .await?
                .is_some();
        }
        if source.is_posted && self.use_posted(of).await? {
            return Ok(DownloadEnd::NotTried);
        }
        let owner = source.owner;
        let download = self.telegram.photo(photo, &owner);
        Ok(match self.runtime.or_shutdown(download).await? {
            Ok(bytes) => self.check_and_keep(of, &bytes).await?,
            Err(PhotoError::Call(CallError::Account(trouble))) => return Err(trouble.into()),
            Err(PhotoError::Call(CallError::RateLimited { until, .. })) => {
                let until = Timestamp::new(until);
                self.database
                    .write(|tx| tx.postpone_photo(of, until))
                    .await?;
                DownloadEnd::NotTried
            }
            Err(PhotoError::Call(
                error @ (CallError::Network { .. }
                | CallError::ServerError { .. }
                | CallError::NotSent { .. }),
            )) => DownloadEnd::Unanswered(error.to_string()),
            Err(PhotoError::Call(error @ CallError::Unusable { .. })) => {
                refusal(&error, Concern::Photo)
            }
            Err(PhotoError::Call(error @ CallError::Refused { .. })) => {
                refusal(&error, Concern::Call)
            }
            Err(error @ PhotoError::TooLarge) => self.damaged(of, &error.to_string()).await?,
            Err(PhotoError::Gone(error)) => self.look_up_owner(of, photo, &error).await?,
        })
    }

    /// Makes the rows that want a photo ready to be posted by the document of an earlier post. Returns false if no recent
    /// post has one.
    async fn use_posted(&self, of: PhotoOf) -> Result<bool, TaskError> {
        let now = self.runtime.clock.now();
        let ready = self
            .database
            .write(|tx| tx.set_fetched_by_document(of, now.plus(-POST_LENDS_FOR), now))
            .await?;
        if ready > 0 {
            self.wakers.deliver.notify_one();
        }
        Ok(ready > 0)
    }

    async fn check_and_keep(&self, of: PhotoOf, image: &[u8]) -> Result<DownloadEnd, TaskError> {
        let written = tokio::task::block_in_place(|| {
            photo::check(image)?;
            let sealed = self.encoder.encode_photo(image)?;
            anyhow::Ok(SpoolFile::write(&self.spool, &sealed))
        });
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                return match StoreError::of_random_numbers(error.as_ref()) {
                    Some(error) => Err(error.into()),
                    None => self.damaged(of, &error.to_string()).await,
                };
            }
        };
        match written {
            Ok(file) => self.give_out(of, file).await?,
            Err(error) => self.not_written(of, &error).await?,
        }
        Ok(DownloadEnd::Answered)
    }

    /// Gives each row that wants a photo a name of `file`. A name that no row takes is removed. After a power failure the
    /// photo may be downloaded again.
    async fn give_out(&self, of: PhotoOf, file: SpoolFile) -> Result<(), TaskError> {
        let mut files = vec![file];
        loop {
            let now = self.runtime.clock.now();
            let given = self
                .database
                .write_unflushed(|tx| give_files(tx, of, &files, now))
                .await?;
            let rows = match given {
                Given::Taken(taken) => {
                    files.into_iter().take(taken).for_each(SpoolFile::keep);
                    self.wakers.deliver.notify_one();
                    return Ok(());
                }
                Given::TooFew { rows } => rows,
            };
            let linked = tokio::task::block_in_place(|| {
                (files.len()..rows)
                    .map(|_| SpoolFile::link(&self.spool, files[0].name()))
                    .collect::<anyhow::Result<Vec<_>>>()
            });
            match linked {
                Ok(linked) => files.extend(linked),
                Err(error) => return self.not_written(of, &error).await,
            }
        }
    }

    async fn not_written(&self, of: PhotoOf, error: &anyhow::Error) -> Result<(), TaskError> {
        if let Some(error) = StoreError::of_random_numbers(error.as_ref()) {
            return Err(error.into());
        }
        let error = format!("{error:#}");
        tracing::error!(error, "cannot write the file to the spool; retrying");
        let later = self.runtime.clock.now().plus(DISK_PAUSE);
        self.database.write(|tx| tx.postpone_photo(of, later)).await
    }

    /// Telegram does not have the photo: the user may have another one by now, or another access hash.
    async fn look_up_owner(
        &self,
        of: PhotoOf,
        photo: Photo,
        error: &CallError,
    ) -> Result<DownloadEnd, TaskError> {
        // The message that one row names may be gone, while that of another row still names the user.
        let owner_refs = self
            .database
            .read(|tx| {
                let mut owner_refs = Vec::new();
                for avatar in tx.rows_wanting(of)?.iter().filter_map(avatar_of) {
                    let owner = tx.user_ref(of.user, Some((avatar.group, avatar.message)))?;
                    let is_named = owner.full_hash.is_some();
                    owner_refs.push(owner);
                    if is_named || owner_refs.len() == MAX_REFS {
                        break;
                    }
                }
                Ok(owner_refs)
            })
            .await?;
        let look_up = self.telegram.look_up(&owner_refs);
        let found = match self.runtime.or_shutdown(look_up).await? {
            Ok(mut found) => found.remove(&of.user),
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            // The download does not wait for the look-up, since it would hold up other photos.
            Err(look_up_error) => {
                tracing::debug!(user = %of.user, %look_up_error, "the owner of a photo cannot be looked up");
                return Ok(refusal(error, Concern::Call));
            }
        };
        let Some(user) = found.filter(|user| user.photo != ProfilePhoto::Unknown) else {
            return Ok(refusal(error, Concern::Owner));
        };
        if user.photo == ProfilePhoto::Present(photo) {
            self.database
                .write(|tx| tx.record_user(&user, None))
                .await?;
            return Ok(refusal(error, Concern::Photo));
        }
        self.decide_changed(of, &user).await?;
        Ok(DownloadEnd::Answered)
    }

    /// Decides on joins again, because their user has another photo, or none, since.
    async fn decide_changed(&self, of: PhotoOf, user: &User) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                for row in tx.rows_wanting(of)? {
                    let Some(avatar) = avatar_of(&row) else {
                        continue;
                    };
                    let join = Join {
                        group: avatar.group,
                        message: avatar.message,
                        user: avatar.user,
                        added_by: AddedBy::Themselves,
                        date: row.created_at,
                    };
                    tx.set_dropped(row.id, "the photo was changed", now)?;
                    self.join_policy
                        .decide_looked_up(tx, &join, user, Bio::NotAsked, now)?;
                }
                Ok(())
            })
            .await?;
        self.wakers.fetch.notify_one();
        Ok(())
    }
}

/// What is known before a download.
struct Source {
    /// The name of a file in the spool that holds the photo.
    spooled: Option<String>,
    /// True if an earlier post has a document of the photo.
    is_posted: bool,
    owner: UserRef,
}

impl Source {
    /// Returns `None` if no row wants the photo. One moment shows the spool and the posts: a file is removed only after its
    /// post is recorded.
    fn read(tx: &ReadTx<'_>, of: PhotoOf) -> Result<Option<Self>, StoreError> {
        let rows = tx.rows_wanting(of)?;
        let Some(newest) = rows.first().and_then(avatar_of) else {
            return Ok(None);
        };
        Ok(Some(Self {
            spooled: tx.spooled_photo(of)?,
            is_posted: tx.earlier_post(of)?.is_some(),
            owner: tx.user_ref(of.user, Some((newest.group, newest.message)))?,
        }))
    }
}

/// The result of giving files to rows.
enum Given {
    /// This many of the files were taken, the first ones.
    Taken(usize),
    /// There are more rows than files, and no row was changed.
    TooFew { rows: usize },
}

/// Gives each row that wants a photo one of the files, if there are enough.
fn give_files(
    tx: &Tx<'_>,
    of: PhotoOf,
    files: &[SpoolFile],
    now: Timestamp,
) -> Result<Given, StoreError> {
    let rows = tx.rows_wanting(of)?;
    if rows.len() > files.len() {
        return Ok(Given::TooFew { rows: rows.len() });
    }
    for (row, file) in rows.iter().zip(files) {
        tx.set_fetched(row.id, file.name(), file.size(), now)?;
    }
    Ok(Given::Taken(rows.len()))
}

/// Returns the photo of a row.
pub(super) fn avatar_of(row: &OutboxRow) -> Option<Avatar> {
    match row.payload {
        Payload::Avatar(avatar) => Some(avatar),
        _ => None,
    }
}
