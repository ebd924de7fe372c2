//! Telegram, as the rest of the program sees it: our facts in, our facts out.
//!
//! The only room that may say `grammers`. Owns the connections, the closed list of calls and the
//! reading of Telegram's objects; refuses to know the database and what a join means. It keeps
//! nothing but the session file, so a crash costs nothing here.

mod convert;
mod difference;
mod document;
mod download;
mod login;
mod peer;
mod photo;
mod post;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use telegram_wire::tl::functions as f;
use telegram_wire::{Push, Wire};
use tokio::sync::mpsc;

pub use difference::Difference;
pub use document::DocumentError;
pub use login::{LoginError, SentCode, SignedIn};
pub use photo::PhotoError;
pub use post::{File, Post, PostError};
pub use telegram_wire::{
    AccountError, AccountSession, CallError, Identity, PERMITTED, SessionError,
};

use crate::clock::Clock;
use crate::model::{
    AccessHash, Channel, ChannelId, Document, MessageId, Page, Photo, Sighting, Timestamp, User,
    UserId,
};

/// How many hints may wait before the connection's task waits for us.
const HINTS_KEPT: usize = 4096;

/// What Telegram pushed. A hint may be lost without harm: who moved is also asked for.
#[derive(Debug)]
pub enum Hint {
    /// One event of one channel, to be applied if it follows what is stored.
    Pushed(Page),
    /// These users were shown with a photo, in whatever came.
    Shown(Vec<User>),
    /// This channel has moved by more than was told.
    Moved(ChannelId),
    /// Some channel has moved, or the account joined or left one.
    SomethingMoved,
    /// The connection was lost: what happened meanwhile was not pushed.
    Disconnected,
}

/// Where flood limits are kept so that they survive the process.
pub type FloodMemory = Arc<dyn Fn(&'static str, Timestamp) + Send + Sync>;

/// The account's side of Telegram. Cheap to clone.
#[derive(Clone)]
pub struct Telegram(Arc<Inner>);

struct Inner {
    wire: Wire,
    imports: download::Imports,
}

impl Telegram {
    /// Prepares the connections; the first call connects. Hints arrive at the receiver.
    ///
    /// `may_write` are the channels that posts may go to, `floods` the limits still in force from
    /// an earlier process, and `memory` is told of new ones.
    #[must_use]
    pub fn new(
        session: AccountSession,
        identity: Identity,
        clock: Clock,
        may_write: BTreeSet<ChannelId>,
        floods: &BTreeMap<String, Timestamp>,
        memory: FloodMemory,
    ) -> (Self, mpsc::Receiver<Hint>) {
        let (hints, received) = mpsc::channel(HINTS_KEPT);
        let (wire, mut pushes) = Wire::new(
            session,
            identity,
            Arc::new(clock),
            may_write.iter().map(|channel| channel.bare()).collect(),
            &floods
                .iter()
                .map(|(method, until)| (method.clone(), until.get()))
                .collect(),
            Arc::new(move |method, until| memory(method, Timestamp::new(until))),
        );
        tokio::spawn(async move {
            while let Some(push) = pushes.recv().await {
                for hint in hints_of(push) {
                    if hints.send(hint).await.is_err() {
                        return;
                    }
                }
            }
        });
        let inner = Inner {
            wire,
            imports: download::Imports::default(),
        };
        (Self(Arc::new(inner)), received)
    }

    /// Asks for updates to be pushed on this connection; also the check that it is alive.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn subscribe(&self) -> Result<(), CallError> {
        self.wire()
            .invoke(&f::updates::GetState {})
            .await
            .map(|_| ())
    }

    /// Drops the home connection, and every call that waits on it; the next call connects anew.
    pub fn reconnect(&self) {
        self.wire().reconnect();
    }

    /// Closes all connections.
    pub fn close(&self) {
        self.wire().close();
    }

    /// Asks who this account is.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn own(&self) -> Result<User, CallError> {
        users::own(self.wire()).await
    }

    /// Lists every channel that the account is in, with its present `pts`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn channels(&self) -> Result<Vec<Channel>, CallError> {
        difference::channels(self.wire()).await
    }

    /// Pulls one page of what happened in a channel since `pts`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn difference(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        pts: i32,
    ) -> Result<Difference, CallError> {
        difference::pull(self.wire(), channel, access_hash, pts).await
    }

    /// Fetches the messages after `after`, up to `top`, as many as one call gives. The page's
    /// `last_message` says how far it came.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn messages(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        after: MessageId,
        top: MessageId,
    ) -> Result<Page, CallError> {
        let first = after.get().saturating_add(1);
        let last = first
            .saturating_add(difference::MESSAGES_A_CALL - 1)
            .min(top.get());
        difference::messages(
            self.wire(),
            channel,
            access_hash,
            MessageId::new(first),
            MessageId::new(last),
        )
        .await
    }

    /// Asks for a group's administrators.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn administrators(
        &self,
        group: ChannelId,
        access_hash: AccessHash,
    ) -> Result<Vec<UserId>, CallError> {
        users::administrators(self.wire(), group, access_hash).await
    }

    /// Asks for users. Who is missing from the answer cannot be looked up.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn look_up(
        &self,
        sightings: &[Sighting],
    ) -> Result<BTreeMap<UserId, User>, CallError> {
        users::look_up(self.wire(), sightings, None).await
    }

    /// Asks for users who were looked up before; gives up where the call itself is refused.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn look_again(
        &self,
        sightings: &[Sighting],
    ) -> Result<BTreeMap<UserId, User>, CallError> {
        const REFUSALS: usize = 3;
        users::look_up(self.wire(), sightings, Some(REFUSALS)).await
    }

    /// Asks for a user's bio. Telegram limits this call more than others.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn bio(&self, user: &Sighting) -> Result<Option<String>, CallError> {
        users::bio(self.wire(), user).await
    }

    /// Downloads a profile photo, whole.
    ///
    /// # Errors
    /// See [`PhotoError`].
    pub async fn photo(&self, photo: Photo, owner: &Sighting) -> Result<Vec<u8>, PhotoError> {
        photo::profile_photo(self.wire(), &self.0.imports, photo, owner).await
    }

    /// Downloads the file of a post in a private channel, whole.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub async fn document(
        &self,
        channel: (ChannelId, AccessHash),
        message: MessageId,
        document: &Document,
    ) -> Result<Vec<u8>, DocumentError> {
        document::post_document(self.wire(), &self.0.imports, channel, message, document).await
    }

    /// Posts in HIDE or EXCHANGE; the same `random_id` again gives the same message again.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn post(&self, post: &Post<'_>) -> Result<MessageId, PostError> {
        post::send(self.wire(), post).await
    }

    /// Returns until when posts with (or without) a file rest, if they do.
    #[must_use]
    pub fn posts_rest(&self, with_file: bool) -> Option<Timestamp> {
        if with_file {
            let wire = self.wire();
            [
                "upload.saveFilePart",
                "upload.saveBigFilePart",
                "messages.sendMedia",
            ]
            .into_iter()
            .filter_map(|method| wire.resting(method))
            .max()
            .map(Timestamp::new)
        } else {
            self.wire()
                .resting("messages.sendMessage")
                .map(Timestamp::new)
        }
    }

    fn wire(&self) -> &Wire {
        &self.0.wire
    }
}

fn hints_of(push: Push) -> Vec<Hint> {
    match push {
        Push::Updates(updates) => convert::hints(updates),
        Push::Malformed => vec![Hint::SomethingMoved],
        Push::Disconnected => vec![Hint::Disconnected],
    }
}

impl telegram_wire::Clock for Clock {
    fn now(&self) -> i64 {
        Self::now(self).get()
    }

    fn instant(&self) -> tokio::time::Instant {
        Self::instant(self)
    }
}
