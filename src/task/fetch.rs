//! Fetches the data that a decision or a post needs: users to look up, photos to download, backup files to make.
//!
//! A photo is downloaded as soon as it is decided on, newest first: a spammer removes it within minutes, while the
//! queue of posts may be long. Downloads pause while the spool is full, and while little space is free. A crash loses
//! nothing but the work that was under way: its rows still wait at the next start.

mod avatar_download;
mod bios;
mod due;
mod failed_download;
mod free_space;
mod lookup_queue;
mod slots;
mod user_lookup;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::avatar_download::AvatarDownload;
use self::avatar_download::DownloadEnd;
use self::bios::BioQueue;
use self::due::{Due, DueFilter, PhotoFilter};
use self::free_space::FreeSpace;
use self::lookup_queue::LookupQueue;
use self::slots::Slots;
pub use self::user_lookup::UserLookup;
use self::user_lookup::{JoinKey, LookupEnd};
use super::{BackupFiles, Database, Runtime, TaskError, Wakers, job_result};
use crate::model::{Join, Payload, Share, Timestamp};
use crate::store::{ExceptionDue, OutboxRow, PhotoOf};

/// How many of the newest rows are read first. In a raid thousands wait, while few slots are free.
const FEW_ROWS: usize = 8;
/// How many of the newest rows are considered if none of the first has a slot: retries do not hide new photos.
const MAX_ROWS: usize = 100;
/// How many users the program asks for in one call.
const USERS_PER_CALL: usize = 50;

/// The loop that fetches.
pub struct Fetcher {
    pub database: Database,
    pub runtime: Runtime,
    pub wakers: Wakers,
    /// How many bytes of photos may wait in the spool.
    pub max_spooled: u64,
    /// The part of the members that is this instance's own.
    pub share: Share,
    pub download: AvatarDownload,
    pub lookup: UserLookup,
    pub backup_files: BackupFiles,
}

/// The jobs that run at the same time.
#[derive(Default)]
struct Jobs {
    set: JoinSet<Result<JobResult, TaskError>>,
    downloads: Slots,
    free_space: FreeSpace,
    bios: BioQueue,
    lookups: LookupQueue,
    exceptions_run: bool,
    backup_runs: bool,
    /// The spool or the disk has little space left, so that removed files may let downloads begin.
    is_space_low: bool,
}

/// The result of a job.
enum JobResult {
    Lookup(LookupEnd),
    Exceptions,
    /// The join with this key was decided with its bio.
    Bio(JoinKey),
    Backup,
    Download {
        of: PhotoOf,
        dc: i32,
        end: DownloadEnd,
    },
}

impl Fetcher {
    /// Fetches until the shutdown.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn fetch(self) -> Result<(), TaskError> {
        let mut jobs = Jobs::default();
        loop {
            let delay = self.start_jobs(&mut jobs).await?;
            tokio::select! {
                () = self.runtime.shutdown.cancelled() => return Ok(()),
                () = self.wakers.fetch.notified() => {}
                () = self.wakers.spool_freed.notified(), if jobs.is_space_low => {}
                () = tokio::time::sleep(delay) => {}
                Some(job) = jobs.set.join_next() => {
                    self.finish(&mut jobs, job_result(job)?).await?;
                }
            }
        }
    }

    /// Starts the jobs that are due, and returns how long to sleep until a row falls due, a slot may become free, or the
    /// free space is looked at again.
    ///
    /// One moment decides which rows are due, which slots are closed, and how long the loop sleeps: it would sleep past a
    /// change between two moments.
    async fn start_jobs(&self, jobs: &mut Jobs) -> Result<Duration, TaskError> {
        let now = self.runtime.clock.now();
        let instant = self.runtime.clock.instant();
        let due = self.read_due(jobs, now, instant).await?;
        if due.is_postponed_due {
            self.database.write(|tx| tx.release_postponed(now)).await?;
        }
        if let Some(joins) = due.joins {
            self.start_lookup(jobs, joins);
        }
        self.start_exceptions(jobs, due.exceptions);
        self.start_bio(jobs);
        self.start_backup(jobs, due.has_lists);
        let is_space_free = jobs.free_space.is_enough(&self.download.spool);
        if due.spooled < self.max_spooled && is_space_free {
            self.start_all_downloads(jobs, due.photos, now).await?;
        }
        // From half of the spool on, the photos of other instances wait.
        jobs.is_space_low = due.spooled >= self.max_spooled / 2 || !is_space_free;
        let moments = [
            Some(self.runtime.poll_delay(due.next)),
            jobs.downloads.next_change(instant),
            jobs.free_space.next_look(),
            jobs.lookups.pause(instant),
        ];
        Ok(moments.into_iter().flatten().min().unwrap_or_default())
    }

    /// Reads the rows that are due, from one moment of the database.
    async fn read_due(
        &self,
        jobs: &Jobs,
        now: Timestamp,
        instant: Instant,
    ) -> Result<Due, TaskError> {
        let closed = jobs.downloads.closed(instant);
        let filter = DueFilter {
            // The joins that wait for a bio were looked up.
            joins: (!jobs.lookups.is_closed(instant))
                .then(|| USERS_PER_CALL + jobs.bios.len() + jobs.lookups.len()),
            exceptions: !jobs.exceptions_run,
            lists: !jobs.backup_runs,
            photos: self.photo_filter(&closed),
        };
        self.database.read(|tx| filter.read(tx, now)).await
    }

    const fn photo_filter<'a>(&self, closed_dcs: &'a [i32]) -> PhotoFilter<'a> {
        PhotoFilter {
            share: self.share,
            max_spooled: self.max_spooled,
            closed_dcs,
        }
    }

    fn start_lookup(&self, jobs: &mut Jobs, mut joins: Vec<Join>) {
        let now = self.runtime.clock.instant();
        joins.retain(|join| !jobs.bios.contains(join));
        let joins = jobs.lookups.start(joins, USERS_PER_CALL, now);
        if !joins.is_empty() {
            let lookup = self.lookup.clone();
            jobs.set
                .spawn(async move { Ok(JobResult::Lookup(lookup.decide_joins(joins).await?)) });
        }
    }

    /// Looks up the users whose photos are excepted: beside the joins, which do not wait for them.
    fn start_exceptions(&self, jobs: &mut Jobs, due: Vec<ExceptionDue>) {
        if due.is_empty() {
            return;
        }
        jobs.exceptions_run = true;
        let lookup = self.lookup.clone();
        jobs.set.spawn(async move {
            lookup.except_photos(due).await?;
            Ok(JobResult::Exceptions)
        });
    }

    /// Asks for the bio of one join at a time, so that each join waits for its own bio only.
    fn start_bio(&self, jobs: &mut Jobs) {
        let Some(due) = jobs.bios.start() else {
            return;
        };
        let lookup = self.lookup.clone();
        jobs.set.spawn(async move {
            let key = due.key();
            lookup.decide_with_bio(due).await?;
            Ok(JobResult::Bio(key))
        });
    }

    fn start_backup(&self, jobs: &mut Jobs, has_lists: bool) {
        if !has_lists {
            return;
        }
        jobs.backup_runs = true;
        let backup_files = self.backup_files.clone();
        jobs.set.spawn(async move {
            backup_files.make_due().await?;
            Ok(JobResult::Backup)
        });
    }

    /// Starts the downloads of `rows`, at most [`FEW_ROWS`], and of the rows behind them that may have a slot.
    async fn start_all_downloads(
        &self,
        jobs: &mut Jobs,
        mut rows: Vec<OutboxRow>,
        now: Timestamp,
    ) -> Result<(), TaskError> {
        let mut limit = FEW_ROWS;
        loop {
            let may_hide_others = rows.len() == limit;
            if !self.start_downloads(jobs, rows) {
                if limit == MAX_ROWS {
                    return Ok(());
                }
                limit = MAX_ROWS;
            }
            if !may_hide_others {
                return Ok(());
            }
            let closed = jobs.downloads.closed(self.runtime.clock.instant());
            let filter = self.photo_filter(&closed);
            rows = self.database.read(|tx| filter.read(tx, now, limit)).await?;
        }
    }

    /// Starts the downloads that have a slot. Returns true if there are any.
    fn start_downloads(&self, jobs: &mut Jobs, rows: Vec<OutboxRow>) -> bool {
        let mut is_any_started = false;
        for row in rows {
            let Payload::Avatar(avatar) = row.payload else {
                continue;
            };
            let (photo, dc) = (avatar.photo, avatar.photo.dc);
            let of = PhotoOf {
                user: avatar.user,
                photo: photo.id,
            };
            if jobs.downloads.take(of, dc, self.runtime.clock.instant()) {
                is_any_started = true;
                let download = self.download.clone();
                jobs.set.spawn(async move {
                    let end = download.download(of, photo).await?;
                    Ok(JobResult::Download { of, dc, end })
                });
            }
        }
        is_any_started
    }

    async fn finish(&self, jobs: &mut Jobs, done: JobResult) -> Result<(), TaskError> {
        match done {
            JobResult::Lookup(end) => {
                let now = self.runtime.clock.instant();
                match end {
                    LookupEnd::Decided(bios) => {
                        jobs.lookups.decided();
                        jobs.bios.extend(bios);
                    }
                    LookupEnd::Refused => jobs.lookups.refused(now),
                    LookupEnd::Limited(until) => {
                        jobs.lookups.limited(now + self.runtime.clock.until(until));
                    }
                    LookupEnd::Unanswered(keys) => jobs.lookups.unanswered(&keys, now),
                }
                self.wakers.looked_up.notify_one();
            }
            JobResult::Exceptions => jobs.exceptions_run = false,
            JobResult::Bio(key) => {
                jobs.bios.finish(&key);
                self.wakers.looked_up.notify_one();
            }
            JobResult::Backup => jobs.backup_runs = false,
            JobResult::Download { of, dc, end } => {
                return self.finish_download(&mut jobs.downloads, of, dc, end).await;
            }
        }
        Ok(())
    }

    async fn finish_download(
        &self,
        slots: &mut Slots,
        of: PhotoOf,
        dc: i32,
        end: DownloadEnd,
    ) -> Result<(), TaskError> {
        let instant = self.runtime.clock.instant();
        let had_rested = match end {
            DownloadEnd::NotTried => {
                slots.not_tried(of);
                false
            }
            DownloadEnd::Answered => slots.answered(of),
            DownloadEnd::Damaged => slots.damaged(of),
            DownloadEnd::Unanswered(why) => {
                let pause = slots.unanswered(of, instant);
                self.download.wait_for_answer(of, pause, &why).await?;
                false
            }
            DownloadEnd::Refused(refusal) => {
                let refused = slots.refused(of, refusal.name.as_deref(), instant);
                self.download
                    .wait_after_refusal(of, &refusal, refused)
                    .await?;
                false
            }
        };
        if had_rested {
            let now = self.runtime.clock.now();
            self.database
                .write(|tx| tx.retry_photos_of(dc, now))
                .await?;
        }
        Ok(())
    }
}
