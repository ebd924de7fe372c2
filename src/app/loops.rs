//! Builds the loops from their parts, starts them, and joins every one of them.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::channels::Account;
use super::service_manager::ServiceManager;
use super::{AppError, watchdog};
use crate::config::Config;
use crate::file_codec::{Decoder, Encoder};
use crate::schedule::Timetable;
use crate::spool::Spool;
use crate::store::Store;
use crate::task::{
    self, Accounts, Administrators, AdministratorsWaker, AvatarDownload, BackupFiles,
    ChannelPuller, Cover, Database, Deliverer, FailureLog, Fetcher, Heartbeats, JoinPolicy,
    ListKeeper, MemberRecheck, MemberRecorder, MemberScanner, OrderExecutor, OrderFiles,
    PageApplier, PageTransactions, PostCommitRunner, PostingChannels, ReadBackProgress, Rechecker,
    RuleBook, Runtime, Scheduler, Sharing, TaskError, UserLookup, Wakers, WatchStart, Watcher,
};
use crate::telegram::{Hints, Telegram};

/// How long the connections may stay unwatched: their loop looks at them once a second.
const MONITOR_INTERVAL: Duration = Duration::from_secs(1);
/// How long the loops may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);

/// The loops, before they are started.
pub(super) struct Loops {
    pub(super) runtime: Runtime,
    pub(super) database: Database,
    pub(super) rule_book: RuleBook,
    pub(super) spool: Spool,
    pub(super) encoder: Arc<Encoder>,
    telegram: Telegram,
    administrators: Administrators,
    administrators_waker: AdministratorsWaker,
    watcher: Watcher,
    fetcher: Fetcher,
    deliverer: Deliverer,
    rechecker: Rechecker,
    scanner: MemberScanner,
    pub(super) scheduler: Scheduler,
}

/// The files and keys that the loops work with.
pub(super) struct Resources {
    pub(super) store: Store,
    pub(super) spool: Spool,
    pub(super) encoder: Encoder,
    pub(super) password: SecretString,
    pub(super) telegram: Telegram,
    pub(super) runtime: Runtime,
}

impl Loops {
    /// Builds the loops. Every loop gets clones of the parts that it needs.
    pub(super) fn build(config: Config, resources: Resources, account: &Account) -> Self {
        let Resources {
            store,
            spool,
            encoder,
            password,
            telegram,
            runtime,
        } = resources;
        let time_new = i64::try_from(config.custom.time_new.as_secs()).unwrap_or(i64::MAX);
        let max_age = i64::try_from(config.delivery.max_age.as_secs()).unwrap_or(i64::MAX);
        let dialect = config.exchange.dialect;
        let (encoder, decoder) = (Arc::new(encoder), Arc::new(Decoder::new(&password)));
        let database = Database::new(store, runtime.clone());
        let wakers = Wakers::default();
        let rule_book = RuleBook::new(config.custom.zh_cn);
        let share = config.mode.share;
        let cover = Cover::new(share, runtime.clock.clone());
        let channels = PostingChannels {
            hide: config.channels.hide,
            exchange: config.channels.exchange,
        };
        let join_policy = JoinPolicy {
            accounts: Arc::new(Accounts {
                own: account.own,
                nospam: config.bots.nospam,
                fleet: config.bots.fleet().collect(),
            }),
            check_bio: config.custom.check_bio,
            rule_book: rule_book.clone(),
            share,
            hide: channels.hide,
        };
        let member_recheck = MemberRecheck {
            policy: join_policy.clone(),
            time_new,
        };
        let backup_files = BackupFiles {
            database: database.clone(),
            runtime: runtime.clone(),
            spool: spool.clone(),
            encoder: encoder.clone(),
            decoder: decoder.clone(),
            wakers: wakers.clone(),
        };
        let post_commit = PostCommitRunner {
            database: database.clone(),
            spool: spool.clone(),
            rule_book: rule_book.clone(),
            cover: cover.clone(),
            wakers: wakers.clone(),
        };
        let administrators = Administrators::new(
            database.clone(),
            runtime.clone(),
            telegram.clone(),
            post_commit.clone(),
            wakers.scan_priority.clone(),
            config.bots.nospam,
        );
        let scanner = MemberScanner {
            database: database.clone(),
            runtime: runtime.clone(),
            telegram: telegram.clone(),
            recorder: MemberRecorder {
                database: database.clone(),
                runtime: runtime.clone(),
                join_policy: join_policy.clone(),
                member_recheck: member_recheck.clone(),
                post_commit: post_commit.clone(),
                time_new,
                unseen: config.custom.unseen,
            },
            wakers: wakers.clone(),
        };
        let pages = PageApplier {
            order_files: OrderFiles {
                channels,
                database: database.clone(),
                runtime: runtime.clone(),
                telegram: telegram.clone(),
                decoder: decoder.clone(),
            },
            transactions: PageTransactions {
                database: database.clone(),
                runtime: runtime.clone(),
                channels,
                orders: OrderExecutor {
                    channels,
                    dialect,
                    debug_channel: config.channels.debug,
                    time_new,
                    sends_reports: share.sends_reports(),
                },
                join_policy: join_policy.clone(),
                member_recheck: member_recheck.clone(),
                backup_files: backup_files.clone(),
                list_keeper: ListKeeper {
                    decoder,
                    directory: config.telegram.data_dir,
                },
                post_commit,
            },
        };
        let transactions = pages.transactions.clone();
        let puller = ChannelPuller {
            failure_log: FailureLog::default(),
            read_back: ReadBackProgress::default(),
            database: database.clone(),
            runtime: runtime.clone(),
            telegram: telegram.clone(),
            administrators: administrators.clone(),
            pages,
        };
        let sharing = (!share.is_whole())
            .then(|| Sharing::new(cover, puller.clone(), channels.hide, runtime.clone()));
        let watcher = Watcher {
            database: database.clone(),
            runtime: runtime.clone(),
            telegram: telegram.clone(),
            administrators: administrators.clone(),
            transactions,
            puller,
            wakers: wakers.clone(),
        };
        let fetcher = Fetcher {
            database: database.clone(),
            runtime: runtime.clone(),
            wakers: wakers.clone(),
            max_spooled: config.delivery.spool_max_bytes,
            share,
            download: AvatarDownload {
                database: database.clone(),
                runtime: runtime.clone(),
                telegram: telegram.clone(),
                spool: spool.clone(),
                encoder: encoder.clone(),
                join_policy: join_policy.clone(),
                wakers: wakers.clone(),
            },
            lookup: UserLookup {
                database: database.clone(),
                runtime: runtime.clone(),
                telegram: telegram.clone(),
                spool: spool.clone(),
                join_policy,
                wakers: wakers.clone(),
            },
            backup_files: backup_files.clone(),
        };
        let deliverer = Deliverer {
            database: database.clone(),
            runtime: runtime.clone(),
            telegram: telegram.clone(),
            spool: spool.clone(),
            encoder: encoder.clone(),
            channels,
            pace: config.delivery.pace,
            min_interval: config.delivery.min_interval,
            max_age,
            wakers: wakers.clone(),
            sharing,
        };
        let rechecker = Rechecker {
            database: database.clone(),
            runtime: runtime.clone(),
            telegram: telegram.clone(),
            member_recheck,
            wakers: wakers.clone(),
        };
        let administrators_waker = wakers.administrators.clone();
        let scheduler = Scheduler {
            database: database.clone(),
            runtime: runtime.clone(),
            wakers,
            backup_files,
            timetable: Timetable::new(config.schedule, config.custom.reset_day),
            dialect,
            is_backup: config.mode.backup,
            sends_reports: share.sends_reports(),
        };
        Self {
            runtime,
            database,
            rule_book,
            spool,
            encoder,
            telegram,
            administrators,
            administrators_waker,
            watcher,
            fetcher,
            deliverer,
            rechecker,
            scanner,
            scheduler,
        }
    }

    /// Runs the loops until the shutdown or the end of one of them, and joins them all. The watchdog of the service
    /// manager is fed while none of them hangs.
    ///
    /// # Errors
    /// A loop ended without being asked to.
    pub(super) async fn run(
        self,
        hints: Hints,
        account: Account,
        manager: &ServiceManager,
    ) -> Result<(), AppError> {
        let heartbeats = Heartbeats::new(self.runtime.clock.clone());
        let minute = task::SLOW_POLL;
        let mut loops = JoinSet::new();
        if !account.is_confirmed {
            let (database, runtime) = (self.database.clone(), self.runtime.clone());
            let telegram = self.watcher.telegram.clone();
            let confirm = task::confirm_account(database, runtime, telegram, account.own);
            loops.spawn(heartbeats.beating("account", minute, confirm));
        }
        let shutdown = self.runtime.shutdown;
        let monitor = monitor(self.telegram, shutdown.clone());
        loops.spawn(heartbeats.beating("connections", MONITOR_INTERVAL, monitor));
        let start = WatchStart {
            channels: account.channels,
            reader: account.reader,
            subscribed: account.subscribed,
        };
        let watch = task::watch(self.watcher, hints, start);
        loops.spawn(heartbeats.beating("watch", minute, watch));
        loops.spawn(heartbeats.beating("fetch", minute, self.fetcher.fetch()));
        loops.spawn(heartbeats.beating("deliver", minute, self.deliverer.deliver()));
        loops.spawn(heartbeats.beating("recheck", minute, self.rechecker.recheck()));
        loops.spawn(heartbeats.beating("scan", minute, task::scan_members(self.scanner)));
        let administrators =
            task::read_administrators(self.administrators, self.administrators_waker);
        loops.spawn(heartbeats.beating("administrators", minute, administrators));
        let schedule = self.scheduler.schedule();
        loops.spawn(heartbeats.beating("schedule", task::CHECK_INTERVAL, schedule));
        let _watchdog = watchdog::feed(manager, &heartbeats);

        let mut result = Ok(());
        tokio::select! {
            () = shutdown.cancelled() => {}
            Some(ended) = loops.join_next() => result = Err(why_ended(ended)),
        }
        // A loop that notices the shutdown before the select above has not failed.
        if shutdown.is_cancelled() && matches!(result, Err(TaskError::ShuttingDown)) {
            result = Ok(());
        }
        shutdown.cancel();
        let rest = async {
            while let Some(ended) = loops.join_next().await {
                let error = why_ended(ended);
                if !matches!(error, TaskError::ShuttingDown) {
                    tracing::warn!(%error, "a loop failed while the program shut down");
                }
            }
        };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, rest).await.is_err() {
            tracing::warn!(
                seconds = SHUTDOWN_TIMEOUT.as_secs(),
                "a loop did not end in time and is aborted; its work is repeated at the next start"
            );
        }
        result.map_err(AppError::from)
    }
}

/// Watches over the connections until the shutdown.
async fn monitor(telegram: Telegram, shutdown: CancellationToken) -> Result<(), TaskError> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ahead = telegram.monitor() => Err(ahead.into()),
    }
}

/// Returns why a loop ended.
fn why_ended(ended: Result<Result<(), TaskError>, JoinError>) -> TaskError {
    match ended {
        Ok(Ok(())) => TaskError::ShuttingDown,
        Ok(Err(error)) => error,
        Err(error) if error.is_panic() => TaskError::of_panic(),
        Err(error) => TaskError::System(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_panics_ends_the_program_with_code_70() {
        let mut loops = JoinSet::new();
        loops.spawn(async { panic!("a bug") });
        let ended = loops.join_next().await.expect("one loop");
        let error = AppError::from(why_ended(ended));
        assert_eq!(error.exit_code(), 70);
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}
