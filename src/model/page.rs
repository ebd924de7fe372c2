//! A page of updates of one channel: its joins, its posts, and how it moves the channel's `pts`.

use serde::Serialize;

use super::{AccessHash, ChannelId, MessageId, Timestamp, User, UserId};

/// The account that added a new member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedBy {
    /// No one added the member: they joined by a link, a request, a community, or the join button.
    Themselves,
    User(UserId),
    /// An administrator who acts in the name of the group.
    AnonymousAdmin,
}

/// The way in which the program learned of a join (docs/outcomes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FoundBy {
    /// Telegram pushed the service message.
    Push,
    /// A difference of the channel had the service message.
    Poll,
    /// The service message was read by its id, over a gap that differences do not bridge.
    Gap,
    /// The list of members showed the member.
    Scan,
    /// The member wrote a first message in a group that hides its members.
    FirstMessage,
}

impl FoundBy {
    /// Returns true if a join was found without its message, so that it is not known who added the member.
    #[must_use]
    pub const fn lacks_message(self) -> bool {
        matches!(self, Self::Scan | Self::FirstMessage)
    }
}

/// One user became a member of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    pub group: ChannelId,
    /// The service message of the join, or [another id](MessageId::unseen) if there is none.
    pub message: MessageId,
    pub user: UserId,
    pub added_by: AddedBy,
    pub date: Timestamp,
}

/// A post in a broadcast channel. In HIDE and EXCHANGE it is an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPost {
    pub message: MessageId,
    pub date: Timestamp,
    /// The text or the caption. Private: never logged.
    pub text: String,
    /// True if this account posted it.
    pub own: bool,
    pub document: Option<Document>,
}

/// A file in a post, with everything that `upload.getFile` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub id: i64,
    pub access_hash: AccessHash,
    /// A token that expires; the message itself carries a fresh one.
    pub file_reference: Vec<u8>,
    /// The data centre that stores the file.
    pub dc: i32,
    /// In bytes.
    pub size: u64,
    /// The name that its sender gave it.
    pub name: Option<String>,
}

/// A document that Telegram holds, as a post names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRef {
    pub id: i64,
    pub access_hash: AccessHash,
    pub file_reference: Vec<u8>,
}

impl From<Document> for DocumentRef {
    fn from(document: Document) -> Self {
        Self {
            id: document.id,
            access_hash: document.access_hash,
            file_reference: document.file_reference,
        }
    }
}

/// How a page moves its channel's `pts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The page was pulled: it leads from the `pts` in the request to a new one.
    Pulled { from: i32, to: i32 },
    /// The page was pushed: it applies only if the stored `pts` is `to - count`.
    Pushed {
        to: i32,
        /// The number of events that the push counts for.
        count: i32,
    },
    /// The messages were fetched by their ids, over a gap too long for differences: `pts` stays.
    ByMessageIds,
    /// The gap is closed: the `pts` of the list of dialogs is adopted.
    Adopted { to: i32 },
}

/// A user who wrote a message in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    pub user: UserId,
    pub message: MessageId,
    pub date: Timestamp,
}

/// A message of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedMessage {
    pub id: MessageId,
    pub date: Timestamp,
}

/// The updates of one channel, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub channel: ChannelId,
    pub advance: Advance,
    /// When this account entered the channel, if the page shows it. A push does not.
    pub entered: Option<Timestamp>,
    /// The joins, oldest first.
    pub joins: Vec<Join>,
    /// The users who joined, as the page shows them.
    pub users: Vec<User>,
    /// Every other user whom a pulled page shows with a photo. For a push, a separate hint reports these users.
    pub other_users_with_photo: Vec<User>,
    /// The posts, oldest first.
    pub posts: Vec<ChannelPost>,
    /// The users who wrote ordinary messages in a group, oldest first.
    pub senders: Vec<Sender>,
    /// The members who left or were removed, by their service messages.
    pub leavers: Vec<UserId>,
    /// All messages of the page that were not deleted, in ascending order of their ids.
    pub messages: Vec<DatedMessage>,
    /// The largest message id that the page covers: that of a message, of a deleted one, or the last one that was asked
    /// for.
    pub last_message: Option<MessageId>,
}

impl Page {
    /// Makes a page without content.
    #[must_use]
    pub const fn empty(channel: ChannelId, advance: Advance) -> Self {
        Self {
            channel,
            advance,
            entered: None,
            joins: Vec::new(),
            users: Vec::new(),
            other_users_with_photo: Vec::new(),
            posts: Vec::new(),
            senders: Vec::new(),
            leavers: Vec::new(),
            messages: Vec::new(),
            last_message: None,
        }
    }
}

impl Advance {
    /// Returns how a join of such a page was found.
    #[must_use]
    pub const fn found_by(self) -> FoundBy {
        match self {
            Self::Pushed { .. } => FoundBy::Push,
            Self::Pulled { .. } => FoundBy::Poll,
            Self::ByMessageIds | Self::Adopted { .. } => FoundBy::Gap,
        }
    }
}
