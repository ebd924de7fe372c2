//! The state of the simulated Telegram: one account, the users and chats it can see, what was asked of it.
//!
//! Owns every fact; handlers (`service`) and scripts (`script`) change it under one lock, so that what a test
//! reads is a state that existed. It knows nothing of bytes on the wire, except that a push is a body queued on
//! a connection.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::clock;
use crate::fault::{Armed, Held};
use crate::options::Options;
use crate::picture::mix;
use crate::record::{Call, Post};
use crate::{HOME_DC, OTHER_DC};

pub(crate) mod chat;
pub(crate) mod connections;
pub(crate) mod events;
pub(crate) mod login;
pub(crate) mod lookup;
pub(crate) mod person;

use chat::{Chat, Document};
pub use connections::Device;
pub(crate) use connections::{Connection, Key, Outgoing, Session};
use login::Login;
use person::User;

/// Everything that is so; handed to a test's `wait` and read through its methods.
pub struct World {
    pub(crate) options: Options,
    pub(crate) me: i64,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) documents: HashMap<i64, Document>,
    pub(crate) keys: HashMap<u64, Key>,
    pub(crate) sessions: HashMap<(u64, i64), Session>,
    pub(crate) connections: BTreeMap<u64, Connection>,
    pub(crate) calls: Vec<Call>,
    pub(crate) failures: Vec<String>,
    pub(crate) faults: Vec<Armed>,
    pub(crate) held: Vec<Held>,
    pub(crate) uploads: HashMap<(i32, i64), Upload>,
    /// The message that each `random_id` became, by chat.
    pub(crate) sent: HashMap<(i64, i64), i32>,
    /// Posts that a fault holds back before they are done.
    pub(crate) in_progress: HashSet<(i64, i64)>,
    /// Exported authorizations that nobody has imported yet: bytes and the data centre they are for.
    pub(crate) exports: Vec<(Vec<u8>, i32)>,
    pub(crate) login: Login,
    pub(crate) silent: bool,
    pub(crate) pushes_to_skip: usize,
    pub(crate) pushes: usize,
    pub(crate) refusing: bool,
    /// Data centres whose listening socket is open.
    pub(crate) listening: HashSet<i32>,
    pub(crate) transport_errors: usize,
    started: Instant,
    next: u64,
}

/// Parts of a file on its way in.
#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) parts: BTreeMap<i32, Vec<u8>>,
    pub(crate) big: bool,
    pub(crate) total: Option<i32>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let me = 5_079_000_001;
        let mut world = Self {
            options,
            me,
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            documents: HashMap::new(),
            keys: HashMap::new(),
            sessions: HashMap::new(),
            connections: BTreeMap::new(),
            calls: Vec::new(),
            failures: Vec::new(),
            faults: Vec::new(),
            held: Vec::new(),
            uploads: HashMap::new(),
            sent: HashMap::new(),
            in_progress: HashSet::new(),
            exports: Vec::new(),
            login: Login::default(),
            silent: false,
            pushes_to_skip: 0,
            pushes: 0,
            refusing: false,
            listening: HashSet::new(),
            transport_errors: 0,
            started: clock::now(),
            next: 0,
        };
        let user = User::new(&mut world, me, "Avatar".to_owned());
        world.users.insert(me, user);
        world
    }

    /// Returns a number that looks random and follows from the seed and the numbers drawn before.
    pub(crate) fn random(&mut self) -> i64 {
        self.next += 1;
        // Never 0, which would mean "none" as a hash.
        (mix(self
            .options
            .seed
            .wrapping_mul(1 << 20)
            .wrapping_add(self.next))
            | 1)
        .cast_signed()
    }

    /// Returns the same, above zero: an id of a photo or a document.
    pub(crate) fn random_id(&mut self) -> i64 {
        self.random() & i64::MAX
    }

    /// Returns the next number of a small sequence, for ids.
    pub(crate) fn serial(&mut self) -> i64 {
        self.next += 1;
        self.next.cast_signed()
    }

    pub(crate) fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    // What a test may read.

    /// Returns how long the simulator has been running; calls and posts are dated by it.
    pub fn elapsed(&self) -> Duration {
        clock::now().duration_since(self.started)
    }

    /// Returns every call so far, oldest first.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Returns the calls of one method, for instance `"upload.getFile"`, oldest first.
    pub fn calls_of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.method == method)
    }

    /// Returns unknown calls and violations of the protocol, in words.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Returns the messages of a chat that are no service messages, oldest first. `chat` is the bare id.
    pub fn posts(&self, chat: i64) -> Vec<Post> {
        self.chats
            .get(&chat)
            .map(|chat| chat.posts(self))
            .unwrap_or_default()
    }

    /// Returns how many messages of a chat are no service messages.
    pub fn count_posts(&self, chat: i64) -> usize {
        self.chats.get(&chat).map_or(0, Chat::count_posts)
    }

    /// Returns how many connections are open to the home and the other data centre.
    pub fn connections(&self) -> (usize, usize) {
        let count = |dc| {
            self.connections
                .values()
                .filter(|connection| connection.dc == dc && connection.address.is_some())
                .count()
        };
        (count(HOME_DC), count(OTHER_DC))
    }

    /// Returns whether a client is there that pushes would reach.
    pub fn connected(&self) -> bool {
        self.connections
            .values()
            .any(|connection| self.listens(connection))
    }

    /// Returns what the clients connected so far said of themselves, in no order, without repeats.
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

    /// Returns a channel's present `pts`; `chat` is the bare id.
    pub fn pts(&self, chat: i64) -> Option<i32> {
        self.chats.get(&chat).map(|chat| chat.pts)
    }

    /// Returns how many pushes were sent to at least one connection.
    pub fn pushes(&self) -> usize {
        self.pushes
    }

    /// Returns how many requests and replies a fault holds back at the moment.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Returns how many packets were answered with a transport error −404: no key, or one not known.
    pub fn transport_errors(&self) -> usize {
        self.transport_errors
    }
}
