//! Posts the rows of the outbox: one at a time, at the pace of [`Pacer`], under the stored id.
//!
//! Reports overtake photos, and newer photos overtake older ones. A row is marked as `sending` before the first attempt
//! and as `sent` only once Telegram confirms the post. After a crash or a lost reply the program posts it again under
//! the same `random_id`, and Telegram returns the same message. A photo that was posted for one group is posted for the
//! others by the document of that post, without an upload.

mod attempts;
mod earlier_post;
mod old_rows;
mod pacer;
mod repost;
mod settlement;
mod sharing;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use self::attempts::Attempts;
use self::old_rows::Sweep;
use self::pacer::{Moment, Pacer};
pub(super) use self::settlement::set_sent;
pub use self::sharing::Sharing;
use self::turn::{Next, Turn};
use super::{Database, PostingChannels, Runtime, TaskError, Wakers};
use crate::config::PaceKind;
use crate::decide::CLOSED_PAUSE;
use crate::exchange::reports;
use crate::file_codec::Encoder;
use crate::model::{AccessHash, ChannelId, Content, JoinOutcome, Payload, Timestamp};
use crate::spool::{self, Spool};
use crate::store::{EarlierPost, Members, OutboxRow, ReadTx, StoreError};
use crate::telegram::{File, FileBytes, Post, PostError, PostFile, Posted, Telegram};

/// How long a post under way may go on after the shutdown signal.
const GRACE: Duration = Duration::from_secs(5);
/// Time between two searches for old rows.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The loop that posts.
pub struct Deliverer {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub spool: Spool,
    pub encoder: Arc<Encoder>,
    pub channels: PostingChannels,
    pub pace: PaceKind,
    /// The least time between two posts.
    pub min_interval: Duration,
    /// The age in seconds beyond which a photo is dropped.
    pub max_age: i64,
    pub wakers: Wakers,
    /// `None` for the only instance.
    pub sharing: Option<Sharing>,
}

/// The channel of a post.
#[derive(Clone, Copy)]
struct Target {
    channel: ChannelId,
    /// The hash to name it by; `None` if the account is not in it.
    access_hash: Option<AccessHash>,
}

/// A row to post now, and how.
struct PlannedPost {
    row: OutboxRow,
    target: Target,
    /// The earlier post whose document the post names.
    earlier: Option<EarlierPost>,
}

/// A file to upload.
struct LocalFile {
    name: String,
    bytes: PostBytes,
}

enum PostBytes {
    Memory(Vec<u8>),
    /// A file of the spool, and its size.
    Spool(std::fs::File, u64),
}

impl PostBytes {
    fn as_upload(&self) -> FileBytes<'_> {
        match self {
            Self::Memory(bytes) => FileBytes::Memory(bytes),
            Self::Spool(file, size) => FileBytes::Disk(file, *size),
        }
    }
}

impl Deliverer {
    /// Posts until the shutdown.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn deliver(mut self) -> Result<(), TaskError> {
        let mut sharing = self.sharing.take();
        self.release_other_channels().await?;
        let mut attempts = Attempts::default();
        let mut pacer = self.pacer().await?;
        let mut next_sweep = self.runtime.clock.instant();
        let mut closed_until = None;
        loop {
            let now = self.runtime.clock.instant();
            let wait = pacer.next_report(now).saturating_duration_since(now);
            self.runtime.pause(wait).await?;
            if next_sweep <= self.runtime.clock.instant() {
                let pause = match self.drop_old_rows().await? {
                    Sweep::Done => SWEEP_INTERVAL,
                    Sweep::MoreRows => Duration::ZERO,
                };
                next_sweep = self.runtime.clock.instant() + pause;
            }
            let turn = self.turn(closed_until, &attempts, &pacer, sharing.as_ref());
            let now = turn.now;
            let (is_postponed_due, waiting, next) = self
                .database
                .read(|tx| {
                    let next = match turn.next(tx)? {
                        Next::Post(row) => Next::Post(self.planned_post(tx, row, &attempts)?),
                        Next::Sleep(wake_at) => Next::Sleep(wake_at),
                    };
                    let waiting = pacer.count_waiting(tx, &turn)?;
                    Ok((tx.is_postponed_due(now)?, waiting, next))
                })
                .await?;
            if is_postponed_due {
                self.database.write(|tx| tx.release_postponed(now)).await?;
            }
            pacer.note_waiting(waiting);
            let wake_at = match next {
                Next::Post(post) => {
                    if let Some(sharing) = &mut sharing {
                        if sharing.reads_first(&post.row).await? {
                            continue;
                        }
                        sharing.posted();
                    }
                    pacer.begin(self.runtime.clock.instant());
                    closed_until = self.send(&post, &mut attempts, &mut pacer).await?;
                    self.store_pace(&mut pacer).await?;
                    continue;
                }
                Next::Sleep(wake_at) => wake_at,
            };
            let until_sweep = next_sweep.saturating_duration_since(self.runtime.clock.instant());
            let delay = self.runtime.poll_delay(wake_at).min(until_sweep);
            tokio::select! {
                () = self.runtime.shutdown.cancelled() => return Ok(()),
                () = self.wakers.deliver.notified() => {}
                () = tokio::time::sleep(delay) => {}
            }
        }
    }

    /// Releases the rows whose posts were begun in a channel that is no longer configured. Their posts may exist there,
    /// which nobody can find out any more.
    async fn release_other_channels(&self) -> Result<(), TaskError> {
        let configured: Vec<ChannelId> = self
            .channels
            .exchange
            .into_iter()
            .chain([self.channels.hide])
            .collect();
        let released = self
            .database
            .write(|tx| tx.release_other_channels(&configured))
            .await?;
        if released > 0 {
            tracing::warn!(
                posts = released,
                "posts were begun in a channel that is no longer configured; they go to the present one"
            );
        }
        Ok(())
    }

    async fn pacer(&self) -> Result<Pacer, TaskError> {
        let learned = self.database.read(|tx| tx.learned_paces()).await?;
        let channel = self.channels.exchange.unwrap_or(self.channels.hide);
        let origin = self.runtime.clock.instant();
        Ok(Pacer::new(
            self.pace,
            self.min_interval,
            learned,
            channel,
            origin,
        ))
    }

    /// Stores the learned pace, if it changed much.
    async fn store_pace(&self, pacer: &mut Pacer) -> Result<(), TaskError> {
        if let Some(unsaved) = pacer.unsaved() {
            self.database
                .write(|tx| tx.set_learned_pace(unsaved.channel, unsaved.learned))
                .await?;
            pacer.note_saved(unsaved);
        }
        Ok(())
    }

    fn turn(
        &self,
        closed_until: Option<Timestamp>,
        attempts: &Attempts,
        pacer: &Pacer,
        sharing: Option<&Sharing>,
    ) -> Turn {
        let now = self.runtime.clock.now();
        let limited_until = self.telegram.posts_limited_until(true);
        let wait = pacer.photo_wait(self.runtime.clock.instant());
        // Rounded up, so that the photo is not looked for before its time.
        let paced_until = wait.map(|wait| {
            let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            now.plus(seconds.saturating_add(1))
        });
        let outage_until = attempts.outage_until().filter(|until| *until > now);
        Turn {
            now,
            reports_limited_until: self.telegram.posts_limited_until(false),
            avatars_limited_until: limited_until.max(outage_until).max(paced_until),
            closed_until,
            members: sharing.map_or(Members::All, |sharing| {
                Members::Shared(sharing.members(now))
            }),
            members_change_at: sharing.and_then(|sharing| sharing.next_change_at(now)),
        }
    }

    /// Posts a row and records the result. Returns until when the channel is closed, if it is.
    async fn send(
        &self,
        PlannedPost {
            row,
            target,
            earlier,
        }: &PlannedPost,
        attempts: &mut Attempts,
        pacer: &mut Pacer,
    ) -> Result<Option<Timestamp>, TaskError> {
        let channel = target.channel;
        let Some(access_hash) = target.access_hash else {
            let until = self.runtime.clock.now().plus(CLOSED_PAUSE);
            let why = "it is not among the account's channels";
            return self.closed(row, channel, until, why).await;
        };
        let mut file = None;
        if earlier.is_none() && attempts.upload(row.id).is_none() {
            file = match &row.payload {
                Payload::Envelope { .. } => None,
                Payload::File { content, .. } => match self.report_file(content) {
                    Ok(file) => Some(file),
                    Err(error) => {
                        if let Some(error) = StoreError::of_random_numbers(error.as_ref()) {
                            return Err(error.into());
                        }
                        let why = format!("{error:#}");
                        tracing::error!(row = %row, why, "post dropped after a permanent error");
                        self.drop_row(row, JoinOutcome::Failed, &why).await?;
                        return Ok(None);
                    }
                },
                Payload::List { .. } | Payload::Avatar(_) => match self.spooled_file(row).await? {
                    Some(file) => Some(file),
                    None => return Ok(None),
                },
            };
        }
        let document = earlier.as_ref().map(|earlier| &earlier.document);
        if !self
            .set_sending(row, channel, document.map(|document| document.id))
            .await?
        {
            return Ok(None);
        }
        let text = text_of(&row.payload);
        let upload_id = upload_id()?;
        let file = file.as_ref().map(|file| File {
            name: &file.name,
            upload_id,
            bytes: file.bytes.as_upload(),
        });
        let post = Post {
            channel,
            access_hash,
            random_id: row.random_id,
            text: &text,
            file: document.map(PostFile::Document),
        };
        let result = tokio::select! {
            result = self.upload_and_post(row.id, file, post, attempts) => result,
            () = self.grace() => return Err(TaskError::ShuttingDown),
        };
        let moment = Moment {
            instant: self.runtime.clock.instant(),
            now: self.runtime.clock.now(),
        };
        pacer.note_result(channel, &result, moment);
        match result {
            Ok(posted) => {
                attempts.posted(row.id);
                self.sent(row, channel, &posted).await?;
                Ok(None)
            }
            Err(error) => {
                let error = match earlier {
                    Some(earlier) => {
                        match self.not_reposted(row, earlier, error, attempts).await? {
                            Some(error) => error,
                            None => return Ok(None),
                        }
                    }
                    None => error,
                };
                self.not_sent(row, *target, error, attempts).await
            }
        }
    }

    /// Uploads the file of a row, unless an earlier attempt did or the post names a document, and posts it.
    async fn upload_and_post(
        &self,
        row: i64,
        file: Option<File<'_>>,
        post: Post<'_>,
        attempts: &mut Attempts,
    ) -> Result<Posted, PostError> {
        if let Some(file) = file {
            let uploaded = self.telegram.upload(&file).await?;
            attempts.set_upload(row, uploaded);
        }
        let uploaded = attempts.upload(row).map(PostFile::Uploaded);
        let file = post.file.or(uploaded);
        self.telegram.post(&Post { file, ..post }).await
    }

    fn planned_post(
        &self,
        tx: &ReadTx<'_>,
        row: OutboxRow,
        attempts: &Attempts,
    ) -> Result<PlannedPost, StoreError> {
        let channel = self.channels.target(tx, &row)?;
        let known = tx.channel(channel)?;
        Ok(PlannedPost {
            target: Target {
                channel,
                access_hash: known.map(|known| known.channel.access_hash),
            },
            earlier: repost::earlier_post(tx, &row, attempts)?,
            row,
        })
    }

    /// Marks a row as `sending`. Returns `false`, after which the loop reads the next row, in three cases: the row has
    /// expired; it was cancelled since it was read; or the post now goes to another channel. `document` is the one that
    /// the post names.
    async fn set_sending(
        &self,
        row: &OutboxRow,
        channel: ChannelId,
        document: Option<i64>,
    ) -> Result<bool, TaskError> {
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| {
                tx.drop_expired(now)?;
                let is_target = self.channels.target(tx, row)? == channel;
                let is_begun = is_target && tx.set_sending(row.id, channel)?;
                if is_begun && let Some(document) = document {
                    tx.set_begun_document(row.id, document)?;
                }
                Ok(is_begun)
            })
            .await
    }

    /// Makes the small file of a report.
    fn report_file(&self, content: &Content) -> anyhow::Result<LocalFile> {
        let saved_at = self.runtime.clock.now().rfc3339();
        let name = spool::random_name()?;
        let bytes = tokio::task::block_in_place(|| self.encoder.encode_report(content, &saved_at))?;
        let bytes = PostBytes::Memory(bytes);
        Ok(LocalFile { name, bytes })
    }

    /// Opens the file of a row. If it is gone or unreadable, the row waits for a new one, and `None` is returned.
    async fn spooled_file(&self, row: &OutboxRow) -> Result<Option<LocalFile>, TaskError> {
        if let Some(name) = &row.spool {
            match self.spool.open_file(name) {
                Ok(Some((file, size))) => {
                    let name = name.clone();
                    let bytes = PostBytes::Spool(file, size);
                    return Ok(Some(LocalFile { name, bytes }));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(row = %row, %error, "a spooled file cannot be read; making it again");
                }
            }
        }
        self.database.write(|tx| tx.set_wanted(row.id)).await?;
        self.wakers.fetch.notify_one();
        Ok(None)
    }

    async fn grace(&self) {
        self.runtime.shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }
}

fn text_of(payload: &Payload) -> String {
    match payload {
        Payload::Envelope { text, .. }
        | Payload::File { caption: text, .. }
        | Payload::List { caption: text, .. } => text.clone(),
        Payload::Avatar(avatar) => {
            reports::avatar(avatar.group, avatar.user, avatar.reported_message())
        }
    }
}

/// Returns the id of an upload: random, so that parts of an earlier attempt never mix in.
fn upload_id() -> Result<i64, TaskError> {
    let id = getrandom::u64().map_err(StoreError::NoRandomNumbers)?;
    Ok(id.cast_signed())
}
