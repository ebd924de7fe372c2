//! Fetches the data that a decision or a post needs: users to look up, photos to download, backup files to make.
//!
//! A photo is downloaded as soon as it is decided on, newest first: a spammer removes it within minutes, while the
//! queue of posts may be long. Downloads pause while the spool is full. A crash loses nothing but the work that was
//! under way: its rows still wait at the next start.

mod avatar_download;
mod slots;
mod user_lookup;

use std::time::Duration;

use tokio::task::JoinSet;

pub use self::avatar_download::AvatarDownload;
use self::slots::Slots;
pub use self::user_lookup::UserLookup;
use super::{BackupFiles, Database, Runtime, TaskError, Wakers, job_result};
use crate::model::{Payload, Timestamp};

/// How many of the newest rows are considered, so that the rows of one data centre do not hide those of another.
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
    pub download: AvatarDownload,
    pub lookup: UserLookup,
    pub backup_files: BackupFiles,
}

/// The jobs that run at the same time.
#[derive(Default)]
struct Jobs {
    set: JoinSet<Result<JobResult, TaskError>>,
    downloads: Slots,
    lookup_runs: bool,
    backup_runs: bool,
}

/// The result of a job.
enum JobResult {
    Lookup,
    Backup,
    /// `answered` is false if the data centre did not answer.
    Download {
        row: i64,
        dc: i32,
        answered: bool,
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
            // One moment decides which rows are due and how long the loop sleeps: it would sleep past a row that falls
            // due between two moments.
            let now = self.runtime.clock.now();
            self.start_lookup(&mut jobs).await?;
            self.start_backup(&mut jobs, now).await?;
            self.start_downloads(&mut jobs, now).await?;
            let delay = self.poll_delay(&jobs, now).await?;
            tokio::select! {
                () = self.runtime.shutdown.cancelled() => return Ok(()),
                () = self.wakers.fetch.notified() => {}
                () = tokio::time::sleep(delay) => {}
                Some(job) = jobs.set.join_next() => self.finish(&mut jobs, job_result(job)?),
            }
        }
    }

    async fn start_lookup(&self, jobs: &mut Jobs) -> Result<(), TaskError> {
        if jobs.lookup_runs {
            return Ok(());
        }
        let (joins, exceptions) = self
            .database
            .read(|tx| {
                let joins = tx.joins_to_look_up(USERS_PER_CALL)?;
                Ok((joins, tx.exceptions_due(USERS_PER_CALL)?))
            })
            .await?;
        if joins.is_empty() && exceptions.is_empty() {
            return Ok(());
        }
        jobs.lookup_runs = true;
        let lookup = self.lookup.clone();
        jobs.set.spawn(async move {
            lookup.except_photos(exceptions).await?;
            lookup.decide_joins(joins).await?;
            Ok(JobResult::Lookup)
        });
        Ok(())
    }

    async fn start_backup(&self, jobs: &mut Jobs, now: Timestamp) -> Result<(), TaskError> {
        if jobs.backup_runs {
            return Ok(());
        }
        let lists = self.database.read(|tx| tx.lists_to_make(Some(now))).await?;
        if lists.is_empty() {
            return Ok(());
        }
        jobs.backup_runs = true;
        let backup_files = self.backup_files.clone();
        jobs.set.spawn(async move {
            backup_files.make_due().await?;
            Ok(JobResult::Backup)
        });
        Ok(())
    }

    async fn start_downloads(&self, jobs: &mut Jobs, now: Timestamp) -> Result<(), TaskError> {
        let spooled = self.database.read(|tx| tx.spooled_bytes()).await?;
        if spooled >= self.max_spooled {
            return Ok(());
        }
        let rows = self
            .database
            .read(|tx| tx.avatars_to_fetch(now, MAX_ROWS))
            .await?;
        for row in rows {
            let Payload::Avatar(avatar) = row.payload else {
                continue;
            };
            let (id, dc) = (row.id, avatar.photo.dc);
            let instant = self.runtime.clock.instant();
            if jobs.downloads.take(id, dc, instant) {
                let download = self.download.clone();
                jobs.set.spawn(async move {
                    let answered = download.download(row, avatar).await?;
                    Ok(JobResult::Download {
                        row: id,
                        dc,
                        answered,
                    })
                });
            }
        }
        Ok(())
    }

    /// Returns how long to sleep until a row falls due or the pause of a data centre ends.
    async fn poll_delay(&self, jobs: &Jobs, now: Timestamp) -> Result<Duration, TaskError> {
        let due = self.database.read(|tx| tx.next_fetch_due(now)).await?;
        let delay = self.runtime.poll_delay(due);
        let instant = self.runtime.clock.instant();
        Ok(jobs
            .downloads
            .next_retry(instant)
            .map_or(delay, |retry| delay.min(retry)))
    }

    fn finish(&self, jobs: &mut Jobs, done: JobResult) {
        match done {
            JobResult::Lookup => {
                jobs.lookup_runs = false;
                self.wakers.looked_up.notify_one();
            }
            JobResult::Backup => jobs.backup_runs = false,
            JobResult::Download { row, dc, answered } => {
                let now = self.runtime.clock.instant();
                jobs.downloads.give_back(row, dc, answered, now);
            }
        }
    }
}
