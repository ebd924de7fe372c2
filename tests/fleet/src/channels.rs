//! The channels of the exchange, and the place up to which the bots have read each of them.

use telegram_sim::{Post, Simulator, World};

/// The bare ids of the two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    pub(crate) hide: i64,
    pub(crate) exchange: i64,
}

impl Channels {
    /// Adds an EXCHANGE in which the account is not a member, as the fleet's documents recommend.
    pub fn hide_only(sim: &Simulator, hide: i64) -> Self {
        let exchange = sim.add_channel("EXCHANGE of the other bots", false);
        sim.kick_me(exchange);
        Self { hide, exchange }
    }

    /// Takes an EXCHANGE in which the account posts.
    pub const fn both(hide: i64, exchange: i64) -> Self {
        Self { hide, exchange }
    }
}

/// The last post of each chat that the bots have read.
pub(crate) struct Readers {
    hide: Reader,
    exchange: Reader,
    test: Reader,
}

/// Posts that the bots have not read yet.
pub(crate) struct NewPosts {
    pub(crate) hide: Vec<Post>,
    pub(crate) exchange: Vec<Post>,
    pub(crate) test: Vec<Post>,
}

struct Reader {
    chat: i64,
    /// The number of posts that were read. No test of the fleet deletes posts.
    read: usize,
}

impl Readers {
    pub(crate) fn new(sim: &Simulator, channels: &Channels, test: i64) -> Self {
        let reader = |chat| Reader {
            chat,
            read: sim.read(|world| world.count_posts(chat)),
        };
        Self {
            hide: reader(channels.hide),
            exchange: reader(channels.exchange),
            test: reader(test),
        }
    }

    /// Returns the new posts of all chats, and counts them as read.
    pub(crate) fn take(&mut self, sim: &Simulator) -> NewPosts {
        NewPosts {
            hide: self.hide.take(sim),
            exchange: self.exchange.take(sim),
            test: self.test.take(sim),
        }
    }

    pub(crate) fn has_new(&self, world: &World) -> bool {
        [&self.hide, &self.exchange, &self.test]
            .into_iter()
            .any(|reader| reader.has_new(world))
    }
}

impl NewPosts {
    pub(crate) const fn is_empty(&self) -> bool {
        self.hide.is_empty() && self.exchange.is_empty() && self.test.is_empty()
    }
}

impl Reader {
    fn take(&mut self, sim: &Simulator) -> Vec<Post> {
        if !sim.read(|world| self.has_new(world)) {
            return Vec::new();
        }
        let new = sim.read(|world| world.posts_after(self.chat, self.read));
        self.read += new.len();
        new
    }

    fn has_new(&self, world: &World) -> bool {
        world.count_posts(self.chat) > self.read
    }
}
