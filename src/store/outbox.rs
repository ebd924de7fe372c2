//! The outbox: rows that become posts, each under a `random_id` that is stored before the first attempt.
//!
//! ```text
//! avatar, list:  wanted → fetched → sending → sent        any → dropped (reason)
//! text, file:             fetched → sending → sent
//! ```
//!
//! An avatar is unique by group, user and photo, so that enqueueing it twice is one row. Each step is a transaction:
//! after a crash a row is at the step before or after it. In state `sending` the post may or may not exist; its
//! `random_id` makes a repetition harmless, in the channel where it was begun. A row whose spool file is lost goes
//! back to `wanted` and keeps its channel, so that a begun post is neither cancelled nor dropped by age.

mod avatars;
mod documents;
mod expiry;
mod insert;
mod photos_to_fetch;
mod posted_rows;
mod postponed;
mod selection;
mod shared_members;
mod shared_photos;
mod spooled;
mod transitions;

use std::fmt;

pub use self::documents::EarlierPost;
pub use self::expiry::AgeLimits;
pub use self::selection::{LastText, SendFilter};
pub use self::shared_members::{Members, SharedMembers};
pub use self::shared_photos::{FailedDownload, PhotoOf};
pub use self::spooled::SpooledFile;
use super::StoreError;
use crate::model::{
    Avatar, ChannelId, List, MessageId, Payload, Photo, PhotoId, Purpose, Timestamp, UserId,
};

#[cfg(test)]
pub(super) use self::avatars::{DROPPED, PENDING, RECHECKED, SETTLEMENT};
#[cfg(test)]
pub(super) use self::documents::LENDERS;

/// A row of the outbox that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: i64,
    /// The id by which Telegram recognizes a repeated post; never 0.
    pub random_id: i64,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// How many attempts at the current step have failed.
    pub attempts: u32,
    pub payload: Payload,
    /// The name of its file in the spool.
    pub spool: Option<String>,
    /// The channel in which its post was begun.
    pub begun_in: Option<ChannelId>,
    /// The newest message of that channel that was read before the post was begun.
    pub begun_after: Option<MessageId>,
    /// The time of the first of the refusals that name this very row.
    pub refused_at: Option<Timestamp>,
}

/// Names the row in a log: `avatar GROUP/USER/PHOTO`, `list NAME` or `report PURPOSE`.
impl fmt::Display for OutboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.payload {
            Payload::Avatar(avatar) => write!(
                f,
                "avatar {}/{}/{}",
                avatar.group, avatar.user, avatar.photo.id
            ),
            Payload::List { list, .. } => write!(f, "list {list}"),
            Payload::Envelope { purpose, .. } | Payload::File { purpose, .. } => {
                write!(f, "report {purpose}")
            }
        }
    }
}

/// The columns that [`Parsed`] reads.
const COLUMNS: &str = "id, kind, random_id, created_at, attempts, spool, channel_id, purpose, text, content, list, \
     group_id, user_id, photo_id, photo_dc, join_message_id, is_recheck, begun_after, refused_at";

/// A row as it was read. An unreadable row must not delay the others.
enum Parsed {
    Row(OutboxRow),
    Unreadable { id: i64, error: StoreError },
}

impl Parsed {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let id = row.get("id")?;
        Ok(match parse(row) {
            Ok(row) => Self::Row(row),
            Err(error) => Self::Unreadable { id, error },
        })
    }

    /// Returns the row; passes over an unreadable one, which `drop_unreadable` settles.
    fn readable(self) -> Option<OutboxRow> {
        match self {
            Self::Row(row) => Some(row),
            Self::Unreadable { id, error } => {
                tracing::debug!(row = id, "passed over in the outbox: {error}");
                None
            }
        }
    }
}

fn parse(row: &rusqlite::Row<'_>) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: row.get("id")?,
        random_id: row.get("random_id")?,
        created_at: Timestamp::new(row.get("created_at")?),
        attempts: row.get("attempts")?,
        payload: parse_payload(row)?,
        spool: row.get("spool")?,
        begun_in: row
            .get::<_, Option<i64>>("channel_id")?
            .map(ChannelId::from_bare),
        begun_after: row
            .get::<_, Option<i32>>("begun_after")?
            .map(MessageId::new),
        refused_at: row.get::<_, Option<i64>>("refused_at")?.map(Timestamp::new),
    })
}

fn parse_payload(row: &rusqlite::Row<'_>) -> Result<Payload, StoreError> {
    let kind: String = row.get("kind")?;
    Ok(match kind.as_str() {
        "avatar" => Payload::Avatar(Avatar {
            group: ChannelId::from_bare(row.get("group_id")?),
            user: UserId::new(row.get("user_id")?),
            message: MessageId::new(row.get("join_message_id")?),
            photo: Photo {
                id: PhotoId::new(row.get("photo_id")?),
                dc: row.get("photo_dc")?,
            },
            recheck: row.get("is_recheck")?,
        }),
        "list" => {
            let name: String = row.get("list")?;
            Payload::List {
                list: List::from_name(&name).ok_or_else(|| unknown_word("list", &name))?,
                caption: row.get("text")?,
            }
        }
        "text" => Payload::Envelope {
            purpose: purpose(row)?,
            text: row.get("text")?,
        },
        "file" => {
            let content: String = row.get("content")?;
            Payload::File {
                purpose: purpose(row)?,
                caption: row.get("text")?,
                content: serde_json::from_str(&content).map_err(|error| {
                    StoreError::Unreadable(format!("the content of its file is damaged: {error}"))
                })?,
            }
        }
        other => return Err(unknown_word("kind", other)),
    })
}

fn purpose(row: &rusqlite::Row<'_>) -> Result<Purpose, StoreError> {
    let word: String = row.get("purpose")?;
    word.parse().map_err(|_| unknown_word("purpose", &word))
}

fn unknown_word(column: &str, word: &str) -> StoreError {
    StoreError::Unreadable(format!(
        "\"{word}\" is not a {column} that this version knows"
    ))
}
