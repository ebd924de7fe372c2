//! The work that follows the commit of a transaction, because it is outside of the database.
//!
//! A crash may lose all of it without harm: the next start sweeps the spool, compiles the rules and wakes every loop.

use super::{Cover, Database, RuleBook, TaskError, Wakers, spool_file};
use crate::model::UserId;
use crate::spool::Spool;

/// The work that is left after a commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PostCommit {
    /// Spool files that no row names any more.
    pub(super) obsolete_files: Vec<String>,
    /// There is something to look up, to download or to make a file of.
    pub(super) fetch: bool,
    /// There is something to post.
    pub(super) deliver: bool,
    pub(super) rules_changed: bool,
    pub(super) refresh_administrators: bool,
    /// A list of members, or a sender, should be looked at.
    pub(super) scan: bool,
    /// There are groups whose administrators are unknown.
    pub(super) read_unknown_administrators: bool,
    /// The users whose photos other instances posted.
    pub(super) shown: Vec<UserId>,
}

/// Does the work that is left after a commit. Cheap to clone.
#[derive(Clone)]
pub struct PostCommitRunner {
    pub database: Database,
    pub spool: Spool,
    pub rule_book: RuleBook,
    pub cover: Cover,
    pub wakers: Wakers,
}

impl PostCommitRunner {
    pub(super) async fn run(&self, work: PostCommit) -> Result<(), TaskError> {
        for name in &work.obsolete_files {
            spool_file::remove(&self.spool, name);
        }
        if !work.obsolete_files.is_empty() {
            self.wakers.spool_freed.notify_one();
        }
        self.cover.record(&work.shown);
        if work.rules_changed {
            self.rule_book.reload(&self.database).await?;
        }
        if work.refresh_administrators {
            self.wakers.administrators.read_all();
        }
        if work.read_unknown_administrators {
            self.wakers.administrators.read_unknown();
        }
        if work.scan {
            self.wakers.scan.notify_one();
        }
        if work.fetch {
            self.wakers.fetch.notify_one();
        }
        if work.deliver {
            self.wakers.deliver.notify_one();
        }
        Ok(())
    }
}
