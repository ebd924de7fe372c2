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

/// The columns that [`Parsed`] reads, in the order of [`number`].
const COLUMNS: &str = "id, kind, random_id, created_at, attempts, spool, channel_id, purpose, text, content, list, \
     group_id, user_id, photo_id, photo_dc, join_message_id, is_recheck, begun_after, refused_at";

/// The numbers of [`COLUMNS`]. To look for the name of a column takes longer than to read its value.
mod number {
    pub(super) const ID: usize = 0;
    pub(super) const KIND: usize = 1;
    pub(super) const RANDOM_ID: usize = 2;
    pub(super) const CREATED_AT: usize = 3;
    pub(super) const ATTEMPTS: usize = 4;
    pub(super) const SPOOL: usize = 5;
    pub(super) const CHANNEL_ID: usize = 6;
    pub(super) const PURPOSE: usize = 7;
    pub(super) const TEXT: usize = 8;
    pub(super) const CONTENT: usize = 9;
    pub(super) const LIST: usize = 10;
    pub(super) const GROUP_ID: usize = 11;
    pub(super) const USER_ID: usize = 12;
    pub(super) const PHOTO_ID: usize = 13;
    pub(super) const PHOTO_DC: usize = 14;
    pub(super) const JOIN_MESSAGE_ID: usize = 15;
    pub(super) const IS_RECHECK: usize = 16;
    pub(super) const BEGUN_AFTER: usize = 17;
    pub(super) const REFUSED_AT: usize = 18;
    /// The number of the column that a query adds.
    pub(super) const ADDED: usize = 19;
}

/// A row as it was read. An unreadable row must not delay the others.
enum Parsed {
    Row(OutboxRow),
    Unreadable { id: i64, error: StoreError },
}

impl Parsed {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let id = row.get(number::ID)?;
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
        id: row.get(number::ID)?,
        random_id: row.get(number::RANDOM_ID)?,
        created_at: Timestamp::new(row.get(number::CREATED_AT)?),
        attempts: row.get(number::ATTEMPTS)?,
        payload: parse_payload(row)?,
        spool: row.get(number::SPOOL)?,
        begun_in: row
            .get::<_, Option<i64>>(number::CHANNEL_ID)?
            .map(ChannelId::from_bare),
        begun_after: row
            .get::<_, Option<i32>>(number::BEGUN_AFTER)?
            .map(MessageId::new),
        refused_at: row
            .get::<_, Option<i64>>(number::REFUSED_AT)?
            .map(Timestamp::new),
    })
}

fn parse_payload(row: &rusqlite::Row<'_>) -> Result<Payload, StoreError> {
    let kind: String = row.get(number::KIND)?;
    Ok(match kind.as_str() {
        "avatar" => Payload::Avatar(Avatar {
            group: ChannelId::from_bare(row.get(number::GROUP_ID)?),
            user: UserId::new(row.get(number::USER_ID)?),
            message: MessageId::new(row.get(number::JOIN_MESSAGE_ID)?),
            photo: Photo {
                id: PhotoId::new(row.get(number::PHOTO_ID)?),
                dc: row.get(number::PHOTO_DC)?,
            },
            recheck: row.get(number::IS_RECHECK)?,
        }),
        "list" => {
            let name: String = row.get(number::LIST)?;
            Payload::List {
                list: List::from_name(&name).ok_or_else(|| unknown_word("list", &name))?,
                caption: row.get(number::TEXT)?,
            }
        }
        "text" => Payload::Envelope {
            purpose: purpose(row)?,
            text: row.get(number::TEXT)?,
        },
        "file" => {
            let content: String = row.get(number::CONTENT)?;
            Payload::File {
                purpose: purpose(row)?,
                caption: row.get(number::TEXT)?,
                content: serde_json::from_str(&content).map_err(|error| {
                    StoreError::Unreadable(format!("the content of its file is damaged: {error}"))
                })?,
            }
        }
        other => return Err(unknown_word("kind", other)),
    })
}

fn purpose(row: &rusqlite::Row<'_>) -> Result<Purpose, StoreError> {
    let word: String = row.get(number::PURPOSE)?;
    word.parse().map_err(|_| unknown_word("purpose", &word))
}

fn unknown_word(column: &str, word: &str) -> StoreError {
    StoreError::Unreadable(format!(
        "\"{word}\" is not a {column} that this version knows"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_that_of_its_column() {
        let names: Vec<&str> = COLUMNS.split(", ").collect();
        let numbers = [
            (number::ID, "id"),
            (number::KIND, "kind"),
            (number::RANDOM_ID, "random_id"),
            (number::CREATED_AT, "created_at"),
            (number::ATTEMPTS, "attempts"),
            (number::SPOOL, "spool"),
            (number::CHANNEL_ID, "channel_id"),
            (number::PURPOSE, "purpose"),
            (number::TEXT, "text"),
            (number::CONTENT, "content"),
            (number::LIST, "list"),
            (number::GROUP_ID, "group_id"),
            (number::USER_ID, "user_id"),
            (number::PHOTO_ID, "photo_id"),
            (number::PHOTO_DC, "photo_dc"),
            (number::JOIN_MESSAGE_ID, "join_message_id"),
            (number::IS_RECHECK, "is_recheck"),
            (number::BEGUN_AFTER, "begun_after"),
            (number::REFUSED_AT, "refused_at"),
        ];
        for (number, name) in numbers {
            assert_eq!(names[number], name);
        }
        assert_eq!(names.len(), number::ADDED);
    }
}
