//! The state of the simulated Telegram: the accounts, the users and chats that they can see, connections, and records.
//!
//! Request handlers (`service`) and tests (`script`) change the state under one lock, so that a test reads a state that
//! existed. The module knows nothing of encryption and framing; a push is a body that is queued on a connection.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::clock;
use crate::fault::{ArmedFault, Held};
use crate::flood_limit::FloodLimits;
use crate::options::Options;
use crate::picture::mix;
use crate::record::{Call, Post};
use crate::{HOME_DC, OTHER_DC, service};

pub(crate) mod chat;
pub(crate) mod connections;
pub(crate) mod events;
pub(crate) mod link;
pub(crate) mod login;
pub(crate) mod lookup;
pub(crate) mod member;
pub(crate) mod person;
pub(crate) mod unknown_constructors;

use chat::{Chat, Document, FILE_REFERENCE_LENGTH};
pub use connections::Device;
pub(crate) use connections::{Connection, Key, Outgoing, Session};
use link::LinkState;
use login::Login;
use person::User;

/// The whole state. [`Simulator::wait`](crate::Simulator::wait) and [`Simulator::read`](crate::Simulator::read) pass it to
/// a test, which reads it through the public methods.
pub struct World {
    pub(crate) options: Options,
    /// The account as which the world is seen at present: the caller's during a call, and otherwise the first one.
    pub(crate) me: i64,
    /// Every account, the first one included. All of them are in the same chats.
    pub(crate) accounts: BTreeSet<i64>,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) documents: HashMap<i64, Document>,
    pub(crate) addresses: BTreeMap<i32, SocketAddrV4>,
    pub(crate) keys: HashMap<u64, Key>,
    pub(crate) sessions: HashMap<(u64, i64), Session>,
    pub(crate) connections: BTreeMap<u64, Connection>,
    pub(crate) calls: Vec<Call>,
    pub(crate) failures: Vec<String>,
    /// The number of connections that the data centres have accepted.
    pub(crate) accepted: usize,
    pub(crate) faults: Vec<ArmedFault>,
    pub(crate) flood_limits: FloodLimits,
    pub(crate) held: Vec<Held>,
    pub(crate) uploads: HashMap<(i32, i64), Upload>,
    /// The ids of posted messages, by chat and `random_id`.
    pub(crate) sent: HashMap<(i64, i64), i32>,
    /// The chats and `random_id`s of posts that a fault holds before they are done.
    pub(crate) in_progress: HashSet<(i64, i64)>,
    /// Exported authorizations that are not imported yet.
    pub(crate) exports: Vec<Export>,
    pub(crate) login: Login,
    pub(crate) pushes_suppressed: bool,
    pub(crate) pushes_to_drop: usize,
    pub(crate) pushes: usize,
    pub(crate) refusing: bool,
    /// The number of joins and messages of members so far.
    pub(crate) activities: u64,
    /// The data centres whose listening socket is open.
    pub(crate) listening: HashSet<i32>,
    pub(crate) transport_errors: usize,
    /// Where late pushes wait.
    pub(crate) runtime: Option<Handle>,
    pub(crate) link: LinkState,
    started: Instant,
    next: u64,
}

/// An authorization that one data centre exported for another one.
pub(crate) struct Export {
    pub(crate) bytes: Vec<u8>,
    /// The data centre that it is for.
    pub(crate) dc: i32,
    pub(crate) account: i64,
}

/// A file whose parts are being uploaded.
#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) parts: BTreeMap<i32, Vec<u8>>,
    pub(crate) big: bool,
    pub(crate) total: Option<i32>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let me = 5_079_000_001;
        let flood_limits = FloodLimits::new(&options.flood_limits);
        let mut world = Self {
            options,
            me,
            accounts: BTreeSet::from([me]),
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            documents: HashMap::new(),
            addresses: BTreeMap::new(),
            keys: HashMap::new(),
            sessions: HashMap::new(),
            connections: BTreeMap::new(),
            calls: Vec::new(),
            failures: Vec::new(),
            accepted: 0,
            faults: Vec::new(),
            flood_limits,
            held: Vec::new(),
            uploads: HashMap::new(),
            sent: HashMap::new(),
            in_progress: HashSet::new(),
            exports: Vec::new(),
            login: Login::default(),
            pushes_suppressed: false,
            pushes_to_drop: 0,
            pushes: 0,
            refusing: false,
            activities: 0,
            listening: HashSet::new(),
            transport_errors: 0,
            runtime: None,
            link: LinkState::default(),
            started: clock::now(),
            next: 0,
        };
        let user = User::new(&mut world, me, "Avatar".to_owned());
        world.users.insert(me, user);
        world
    }

    /// Returns the next pseudo-random number of the seed's sequence. It is never 0, which would mean "no hash".
    pub(crate) fn random(&mut self) -> i64 {
        self.next += 1;
        (mix(self
            .options
            .seed
            .wrapping_mul(1 << 20)
            .wrapping_add(self.next))
            | 1)
        .cast_signed()
    }

    /// Returns the next pseudo-random number above 0, for the id of a photo or a document.
    pub(crate) fn random_id(&mut self) -> i64 {
        self.random() & i64::MAX
    }

    /// Returns the next reference to a document.
    pub(crate) fn file_reference(&mut self) -> Vec<u8> {
        let mut reference = Vec::with_capacity(FILE_REFERENCE_LENGTH + 8);
        while reference.len() < FILE_REFERENCE_LENGTH {
            reference.extend(self.random().to_le_bytes());
        }
        reference.truncate(FILE_REFERENCE_LENGTH);
        reference
    }

    /// Returns the next serial number, for ids of users and chats.
    pub(crate) fn serial(&mut self) -> i64 {
        self.next += 1;
        self.next.cast_signed()
    }

    /// Calls `look` while the world is seen as this account.
    pub(crate) fn seen_as<T>(&mut self, account: i64, look: impl FnOnce(&mut Self) -> T) -> T {
        let me = std::mem::replace(&mut self.me, account);
        let seen = look(self);
        self.me = me;
        seen
    }

    /// Returns the account that owns a key; the first one, if none has logged in with it.
    pub(crate) fn account_of(&self, key: u64) -> i64 {
        let owner = self.keys.get(&key).and_then(|key| key.account);
        owner.unwrap_or(self.me)
    }

    pub(crate) fn record_failure(&mut self, failure: impl Into<String>) {
        self.failures.push(failure.into());
    }

    // The methods that tests use.

    /// Returns how long the simulator has been running. The times of calls and posts are on this scale.
    pub fn elapsed(&self) -> Duration {
        clock::now().duration_since(self.started)
    }

    /// Returns every call so far, oldest first.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Returns the calls of one method, for instance `"upload.getFile"`, oldest first.
    ///
    /// # Panics
    /// If the simulator has no such method.
    pub fn calls_of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Call> {
        assert!(service::has_method(method), "unknown method: {method}");
        self.calls.iter().filter(move |call| call.method == method)
    }

    /// Returns the times of all calls by method, oldest first, on the scale of [`elapsed`](Self::elapsed).
    pub fn call_times(&self) -> BTreeMap<&'static str, Vec<Duration>> {
        let mut times: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for call in &self.calls {
            times.entry(call.method).or_default().push(call.at);
        }
        times
    }

    /// Returns descriptions of unknown calls, violations of the protocol and invalid arguments of a test.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Returns the messages of a chat without its service messages, oldest first. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn posts(&self, chat: i64) -> Vec<Post> {
        self.posts_after(chat, 0)
    }

    /// Returns the messages of a chat without its service messages and without the oldest `count`. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn posts_after(&self, chat: i64, count: usize) -> Vec<Post> {
        self.existing_chat(chat).posts(self, count)
    }

    /// Returns the number of messages of a chat without its service messages. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn count_posts(&self, chat: i64) -> usize {
        self.existing_chat(chat).count_posts()
    }

    /// Returns the number of messages of a chat that have a file. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn count_files(&self, chat: i64) -> usize {
        self.existing_chat(chat).count_files()
    }

    /// Returns whether a message, which may be a service message, exists. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn has_message(&self, chat: i64, message: i32) -> bool {
        self.existing_chat(chat).messages.contains_key(&message)
    }

    /// Returns when a member joined, in seconds since 1970, or `None` for other users. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn join_date(&self, chat: i64, user: i64) -> Option<i32> {
        let member = self.existing_chat(chat).members.get(&user);
        member.map(|member| member.date)
    }

    /// Returns the numbers of open connections to the home and the other data centre.
    pub fn connections(&self) -> (usize, usize) {
        let count = |dc| {
            self.connections
                .values()
                .filter(|connection| connection.dc == dc && connection.address.is_some())
                .count()
        };
        (count(HOME_DC), count(OTHER_DC))
    }

    /// Returns whether a client is connected that has asked for updates.
    pub fn connected(&self) -> bool {
        self.connections
            .values()
            .any(|connection| self.wants_updates(connection))
    }

    /// Returns the number of connections that both data centres have accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Returns the distinct devices that clients have described in `initConnection`, in no order.
    pub fn devices(&self) -> Vec<Device> {
        let mut devices = Vec::new();
        for device in self
            .sessions
            .values()
            .filter_map(|session| session.device.as_ref())
        {
            if !devices.contains(device) {
                devices.push(device.clone());
            }
        }
        devices
    }

    /// Returns a channel's present `pts`. `chat` is the bare id.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn pts(&self, chat: i64) -> i32 {
        self.existing_chat(chat).pts
    }

    /// Returns the number of pushes that were sent to at least one connection.
    pub fn pushes(&self) -> usize {
        self.pushes
    }

    /// Returns the number of requests and replies that a fault holds at present.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Returns the number of packets that were answered with transport error −404 because their key is unknown.
    pub fn transport_errors(&self) -> usize {
        self.transport_errors
    }

    /// Returns the chat that a test named.
    fn existing_chat(&self, chat: i64) -> &Chat {
        self.chats
            .get(&chat)
            .unwrap_or_else(|| panic!("unknown chat: {chat}"))
    }
}
