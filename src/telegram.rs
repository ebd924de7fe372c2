//! Telegram, in the program's own types.
//!
//! This module turns requests of the program into permitted calls, and Telegram's objects into the types
//! of [`model`](crate::model). It neither decides what a join means nor stores anything. The connections,
//! the table of permitted calls and the session file belong to the crate `telegram_wire`, so this crate
//! cannot even name a client:
//!
//! ```compile_fail,E0433
//! fn bypass(client: &grammers_client::Client) {}
//! ```

mod attachment;
mod convert;
mod dialogs;
mod difference;
mod download;
mod error;
mod hints;
mod login;
mod members;
mod peer;
mod post;
mod profile_photo;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use telegram_wire::tl::functions as f;
use telegram_wire::{Wire, WireConfig};

pub use attachment::DocumentError;
pub use dialogs::{DialogListing, ListingStep};
pub use difference::Difference;
pub use error::{connection_ended, error_name, explain_account, explain_session};
pub use hints::{Hint, Hints};
pub use login::{CodeKind, LoginError, NextWay, QrStep, SentCode, SignedIn};
pub use members::MEMBERS_PER_CALL;
pub use post::{File, FileBytes, Post, PostError, PostFile, Posted, Uploaded};
pub use profile_photo::PhotoError;
pub use telegram_wire::{
    AccountError, AccountSession, CallError, ClockAhead, Identity, LastContact, PERMITTED,
    PyrogramError, PyrogramSession, SessionError,
};

use crate::clock::Clock;
use crate::model::{
    AccessHash, Channel, ChannelId, Document, FullGroup, MembersPage, MembershipAnswer, MessageId,
    Page, Photo, Timestamp, User, UserId, UserRef,
};

/// Stores a rate limit beyond the end of the process: the method, and when the limit ends.
pub type RateLimitMemory = Box<dyn Fn(&'static str, Timestamp) + Send + Sync>;

/// The account's access to Telegram. Clones share the connections.
#[derive(Clone)]
pub struct Telegram(Arc<Wire>);

impl Telegram {
    /// Prepares the connections; the first call connects. [`monitor`](Self::monitor) has to run beside all calls.
    ///
    /// Posts may go to the channels `may_write`. `rate_limits` are the rate limits of an earlier process,
    /// and `memory` is called with each new one. `last_contact` gets the time of each answer.
    #[must_use]
    pub fn new(
        session: AccountSession,
        identity: Identity,
        clock: Clock,
        may_write: BTreeSet<ChannelId>,
        rate_limits: &BTreeMap<String, Timestamp>,
        memory: RateLimitMemory,
        last_contact: LastContact,
    ) -> (Self, Hints) {
        let config = WireConfig {
            identity,
            clock: Arc::new(clock),
            writable_channels: may_write.into_iter().map(ChannelId::bare).collect(),
            rate_limits: rate_limits
                .iter()
                .map(|(method, until)| (method.clone(), until.get()))
                .collect(),
            on_rate_limit: Box::new(move |method, until| memory(method, Timestamp::new(until))),
            last_contact,
        };
        let (wire, pushes) = Wire::new(session, config);
        (Self(Arc::new(wire)), Hints::new(pushes))
    }

    /// Asks Telegram to push updates over this connection. The answer also shows that the connection
    /// is alive.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn subscribe(&self) -> Result<(), CallError> {
        self.wire().invoke(&f::updates::GetState {}).await.map(drop)
    }

    /// Watches over the connections: replaces silent ones, and connects again after a jump of the clock. Returns only if
    /// this machine's clock is too far ahead of Telegram's; no call can succeed then.
    pub async fn monitor(&self) -> ClockAhead {
        self.wire().monitor().await
    }

    /// Returns how far this machine's clock is ahead of Telegram's, if calls fail for that reason.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<ClockAhead> {
        self.wire().clock_ahead()
    }

    /// Returns how long calls fail at once, because Telegram refused the home connection.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.wire().home_pause()
    }

    /// Returns true while Telegram refuses the session's key and the key does not count as lost yet.
    #[must_use]
    pub fn is_key_refused(&self) -> bool {
        self.wire().is_home_key_refused()
    }

    /// Drops the home connection and fails every call that waits on it. The next call connects again.
    pub fn reconnect(&self) {
        self.wire().reconnect();
    }

    /// Closes all connections.
    pub fn close(&self) {
        self.wire().quit();
    }

    /// Fetches this account's own user object.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn own_user(&self) -> Result<User, CallError> {
        users::own(self.wire()).await
    }

    /// Asks for the next page of a list of every channel that the account is in, with its present `pts`. After an
    /// error the listing continues where it was.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn advance_listing(
        &self,
        listing: &mut DialogListing,
        now: Timestamp,
    ) -> Result<ListingStep, CallError> {
        listing.advance(self.wire(), now).await
    }

    /// Asks for the dialogs of some channels, with their present `pts`. Telegram refuses them all for one channel that
    /// the account is not in.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn peer_dialogs(
        &self,
        peers: &[(ChannelId, AccessHash)],
    ) -> Result<Vec<Channel>, CallError> {
        dialogs::peer_dialogs(self.wire(), peers).await
    }

    /// Pulls one page of what happened in a channel since `pts`: at most `limit` events.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn difference(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        pts: i32,
        limit: i32,
    ) -> Result<Difference, CallError> {
        difference::pull(self.wire(), channel, access_hash, pts, limit).await
    }

    /// Fetches the messages after `after` and up to `top`, at most `limit` of them. The page's `last_message` is the
    /// last one that was asked for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn messages(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        after: MessageId,
        top: MessageId,
        limit: i32,
    ) -> Result<Page, CallError> {
        let first = after.get().saturating_add(1);
        let last = first.saturating_add(limit - 1).min(top.get());
        difference::messages(
            self.wire(),
            channel,
            access_hash,
            MessageId::new(first),
            MessageId::new(last),
        )
        .await
    }

    /// Fetches a group's administrators.
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

    /// Fetches these rows of the list of a group's members, at most [`MEMBERS_PER_CALL`], the most recently
    /// active first.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn members(
        &self,
        group: ChannelId,
        access_hash: AccessHash,
        rows: Range<usize>,
    ) -> Result<MembersPage, CallError> {
        members::page(self.wire(), group, access_hash, rows).await
    }

    /// Asks whether a user is a member of a group, and since when.
    ///
    /// # Errors
    /// See [`CallError`]. A refusal concerns the group.
    pub async fn membership(
        &self,
        group: ChannelId,
        access_hash: AccessHash,
        user: &UserRef,
    ) -> Result<MembershipAnswer, CallError> {
        members::membership(self.wire(), group, access_hash, user).await
    }

    /// Asks how a group shows its members, and how many there are.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn full_group(
        &self,
        group: ChannelId,
        access_hash: AccessHash,
    ) -> Result<FullGroup, CallError> {
        members::full_group(self.wire(), group, access_hash).await
    }

    /// Looks users up. A user who is missing from the result cannot be looked up.
    ///
    /// # Errors
    /// See [`CallError`]. A refusal does not concern one user, and may pass.
    pub async fn look_up(
        &self,
        user_refs: &[UserRef],
    ) -> Result<BTreeMap<UserId, User>, CallError> {
        users::look_up(self.wire(), user_refs).await
    }

    /// Fetches a user's bio. Telegram limits this call more than others. `timeout` bounds the wait for each answer, and
    /// not the wait for the call's own pace.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn bio(
        &self,
        user: &UserRef,
        timeout: Duration,
    ) -> Result<Option<String>, CallError> {
        users::bio(self.wire(), user, timeout).await
    }

    /// Downloads a whole profile photo.
    ///
    /// # Errors
    /// See [`PhotoError`].
    pub async fn photo(&self, photo: Photo, owner: &UserRef) -> Result<Vec<u8>, PhotoError> {
        profile_photo::profile_photo(self.wire(), photo, owner).await
    }

    /// Downloads the whole document of a post in a private channel.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub async fn document(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        message: MessageId,
        document: &Document,
    ) -> Result<Vec<u8>, DocumentError> {
        attachment::post_document(self.wire(), channel, access_hash, message, document).await
    }

    /// Uploads a file for a post, which may name it repeatedly.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn upload(&self, file: &File<'_>) -> Result<Uploaded, PostError> {
        post::upload(self.wire(), file).await
    }

    /// Posts in HIDE or EXCHANGE. A repetition with the same `random_id` returns the same message.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn post(&self, post: &Post<'_>) -> Result<Posted, PostError> {
        post::send(self.wire(), post).await
    }

    /// Returns when the rate limit on posts ends, if there is one. Posts with a file also depend on the
    /// limits of the uploads.
    #[must_use]
    pub fn posts_limited_until(&self, with_file: bool) -> Option<Timestamp> {
        let methods: &[&str] = if with_file {
            &[
                "upload.saveFilePart",
                "upload.saveBigFilePart",
                "messages.sendMedia",
            ]
        } else {
            &["messages.sendMessage"]
        };
        methods
            .iter()
            .filter_map(|method| self.wire().limited_until(method))
            .max()
            .map(Timestamp::new)
    }

    fn wire(&self) -> &Wire {
        &self.0
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
