//! The parts of the loops on a store of their own, without Telegram: for unit tests.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{
    Accounts, BackupFiles, Cover, Database, JoinPolicy, ListKeeper, MemberRecheck, OrderExecutor,
    PageTransactions, PostCommitRunner, PostingChannels, RuleBook, Runtime, Wakers,
};
use crate::clock::Clock;
use crate::config::{Dialect, FileKind};
use crate::exchange::format_data;
use crate::file_codec::{Decoder, Encoder};
use crate::model::{
    AccessHash, AddedBy, Advance, Avatar, Channel, ChannelId, ChannelKind, ChannelPost, Join, List,
    ListData, MessageId, Page, Photo, PhotoId, ProfilePhoto, Share, Timestamp, User, UserId,
};
use crate::spool::Spool;
use crate::store::{Store, StoreError, Tx};

pub(super) const NOW: Timestamp = Timestamp::new(1_800_000_000);
pub(super) const OWN: UserId = UserId::new(1);
pub(super) const NOSPAM: UserId = UserId::new(2);
pub(super) const ADMIN: UserId = UserId::new(3);
pub(super) const JOINER: UserId = UserId::new(100);
pub(super) const GROUP: ChannelId = ChannelId::from_bare(1_000_000_001);
pub(super) const HIDE: ChannelId = ChannelId::from_bare(1_000_000_002);
pub(super) const EXCHANGE: ChannelId = ChannelId::from_bare(1_000_000_003);
/// The `pts` of every channel at first.
pub(super) const PTS: i32 = 50;

static PASSWORD: LazyLock<SecretString> = LazyLock::new(|| "correct horse 電池".into());
/// The key is derived once: that takes long.
static MAKER: LazyLock<Arc<Encoder>> =
    LazyLock::new(|| Arc::new(Encoder::new(FileKind::Sealed, &PASSWORD).expect("a key")));

/// A store that knows one group, HIDE and EXCHANGE, and the parts that work on it. The clock returns [`NOW`].
pub(super) struct Fixture {
    pub(super) directory: TempDir,
    pub(super) runtime: Runtime,
    pub(super) database: Database,
    pub(super) spool: Spool,
    pub(super) rule_book: RuleBook,
    pub(super) join_policy: JoinPolicy,
    pub(super) member_recheck: MemberRecheck,
    pub(super) backup_files: BackupFiles,
    pub(super) list_keeper: ListKeeper,
    pub(super) transactions: PageTransactions,
    pub(super) store: Store,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let fixture = Self::with_state(&[]);
        fixture.write(|tx| {
            for channel in [GROUP, HIDE, EXCHANGE] {
                tx.record_channel(&known(channel))?;
            }
            Ok(())
        });
        fixture
    }

    /// Returns the contents of `state.db`.
    pub(super) fn into_state(self) -> Vec<u8> {
        let directory = self.directory;
        // The last connection writes the log into the file.
        drop((
            self.store,
            self.database,
            self.backup_files,
            self.transactions,
        ));
        std::fs::read(directory.path().join("state.db")).expect("readable")
    }

    /// Begins with these contents of `state.db`; a new database, if there are none.
    pub(super) fn with_state(state: &[u8]) -> Self {
        const TIME_NEW: i64 = 1800;
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("state.db"), state).expect("written");
        let store = Store::open(&directory.path().join("state.db")).expect("a store");
        let spool = Spool::open(directory.path()).expect("a spool");
        let seconds = u64::try_from(NOW.get()).expect("after 1970");
        let runtime = Runtime {
            clock: Clock::from_fn(move || Duration::from_secs(seconds)),
            shutdown: CancellationToken::new(),
        };
        let database = Database::new(store.clone(), runtime.clone());
        let (wakers, rule_book) = (Wakers::default(), RuleBook::new(false));
        let decoder = Arc::new(Decoder::new(&PASSWORD));
        let join_policy = JoinPolicy {
            accounts: Arc::new(Accounts {
                own: OWN,
                nospam: Some(NOSPAM),
                fleet: BTreeSet::from([NOSPAM]),
            }),
            check_bio: false,
            rule_book: rule_book.clone(),
            share: Share::WHOLE,
            hide: HIDE,
        };
        let member_recheck = MemberRecheck {
            policy: join_policy.clone(),
            time_new: TIME_NEW,
        };
        let backup_files = BackupFiles {
            database: database.clone(),
            runtime: runtime.clone(),
            spool: spool.clone(),
            encoder: MAKER.clone(),
            decoder: decoder.clone(),
            wakers: wakers.clone(),
        };
        let list_keeper = ListKeeper {
            decoder,
            directory: directory.path().to_owned(),
        };
        let channels = PostingChannels {
            hide: HIDE,
            exchange: Some(EXCHANGE),
        };
        let transactions = PageTransactions {
            database: database.clone(),
            runtime: runtime.clone(),
            channels,
            orders: OrderExecutor {
                channels,
                dialect: Dialect::Classic,
                debug_channel: None,
                time_new: TIME_NEW,
                sends_reports: true,
            },
            join_policy: join_policy.clone(),
            member_recheck: member_recheck.clone(),
            backup_files: backup_files.clone(),
            list_keeper: list_keeper.clone(),
            post_commit: PostCommitRunner {
                database: database.clone(),
                spool: spool.clone(),
                rule_book: rule_book.clone(),
                cover: Cover::new(Share::WHOLE, runtime.clock.clone()),
                wakers,
            },
        };
        Self {
            directory,
            runtime,
            database,
            spool,
            rule_book,
            join_policy,
            member_recheck,
            backup_files,
            list_keeper,
            transactions,
            store,
        }
    }

    /// Does `work` in one transaction, which must succeed.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store.write(work).expect("a transaction")
    }

    /// Returns how many statements `work` executes, the begin and the end of its transaction included.
    pub(super) fn statements<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> usize {
        let counter = self.store.count_statements();
        self.write(work);
        counter.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Returns the names of the files in the spool, sorted.
    pub(super) fn spooled(&self) -> Vec<String> {
        names_in(&self.directory.path().join("spool"))
    }

    /// Returns the files of replaced lists.
    pub(super) fn kept_lists(&self) -> Vec<PathBuf> {
        let names = names_in(self.directory.path());
        let kept = names.iter().filter(|name| name.starts_with("replaced-"));
        kept.map(|name| self.directory.path().join(name)).collect()
    }

    /// Returns the outcome of the join with this message.
    pub(super) fn outcome(&self, message: i32) -> String {
        let ListData::Users(users) = self.write(|tx| tx.list(List::UserIds)) else {
            panic!("another list");
        };
        let join = users
            .joins
            .iter()
            .find(|join| join.message == MessageId::new(message));
        join.expect("a join").outcome.as_str().to_owned()
    }

    /// Returns the stored `pts` of a channel.
    pub(super) fn pts(&self, channel: ChannelId) -> i32 {
        let known = self.write(|tx| tx.channel(channel));
        known.expect("a known channel").channel.pts
    }
}

fn names_in(directory: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("readable");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn known(id: ChannelId) -> Channel {
    Channel {
        id,
        access_hash: AccessHash::new(9),
        kind: if id == GROUP {
            ChannelKind::Group
        } else {
            ChannelKind::Broadcast
        },
        title: String::new(),
        can_post: true,
        since: Timestamp::new(0),
        pts: PTS,
        top_message: MessageId::new(0),
        member_count: None,
    }
}

/// A join of the group.
pub(super) const fn join(message: i32, user: UserId) -> Join {
    Join {
        group: GROUP,
        message: MessageId::new(message),
        user,
        added_by: AddedBy::Themselves,
        date: NOW,
    }
}

/// A user as a full object shows them, with this photo or none.
pub(super) fn user(id: UserId, photo_id: Option<i64>) -> User {
    User {
        id,
        access_hash: Some(AccessHash::new(5)),
        min: false,
        name: "Somebody".into(),
        bot: false,
        deleted: false,
        photo: photo_id.map_or(ProfilePhoto::Absent, |id| ProfilePhoto::Present(photo(id))),
    }
}

pub(super) const fn photo(id: i64) -> Photo {
    Photo {
        id: PhotoId::new(id),
        dc: 2,
    }
}

/// A photo of [`JOINER`] for the group.
pub(super) const fn avatar(message: i32, photo_id: i64) -> Avatar {
    Avatar {
        group: GROUP,
        user: JOINER,
        message: MessageId::new(message),
        photo: photo(photo_id),
        recheck: false,
    }
}

/// The text of an order to AVATAR.
pub(super) fn envelope(from: &str, action: &str, kind: &str, data: &Value) -> String {
    format_data(from, &["AVATAR"], action, kind, data)
}

/// A post of another bot.
pub(super) fn post(message: i32, text: &str) -> ChannelPost {
    ChannelPost {
        message: MessageId::new(message),
        date: NOW,
        text: text.to_owned(),
        own: false,
        document: None,
    }
}

/// An empty page that is pulled from the present `pts` on, and moves it by one.
pub(super) const fn page(channel: ChannelId) -> Page {
    Page::empty(
        channel,
        Advance::Pulled {
            from: PTS,
            to: PTS + 1,
        },
    )
}
