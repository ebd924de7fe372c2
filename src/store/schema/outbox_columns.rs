//! Layout 4: a row of the outbox is columns.
//!
//! In layout 3 a row had a text key (`avatar/GROUP/USER/PHOTO`, `backup/LIST/TIME/NONCE` or `PURPOSE/TIME/NONCE`) and a
//! JSON payload. This migration takes both apart. Everything that identifies a post, such as `random_id`, `state` and
//! `channel_id`, is copied unchanged, so that a post that was begun is not repeated as a new one. A row whose key or
//! payload is damaged is dropped as unreadable, and its join fails. The types here describe layout 3: they stay as they
//! are when `model` changes.

use rusqlite::{Row, Statement, Transaction, named_params};
use serde::Deserialize;

use super::layouts::{OUTBOX_4_INDEXES, OUTBOX_4_TABLE};
use crate::store::StoreError;

/// The offset of the Bot API's channel ids, which the keys contain.
const BOT_API_OFFSET: i64 = -1_000_000_000_000;

const INSERT: &str = "
INSERT INTO outbox_4 (id, kind, random_id, created_at, due_at, state, reason, attempts, purpose, text, content, list,
    group_id, user_id, photo_id, photo_dc, join_message_id, is_recheck,
    spool, spool_bytes, channel_id, message_id, expires_at, settled_at)
SELECT id, :kind, random_id, created_at, due_at, state, reason, attempts, :purpose, :text, :content, :list,
    :group, :user, :photo, :dc, :message, :recheck,
    spool, spool_bytes, channel_id, message_id, expires_at, settled_at
FROM outbox WHERE id = :id
";

/// Also drops a row in `sending`: without its payload, the post cannot be repeated to confirm it.
const DROP: &str = "
UPDATE outbox SET state = 'dropped', reason = 'unreadable', settled_at = unixepoch(), spool = NULL, spool_bytes = 0
WHERE id = ?1
";

const FAIL_JOIN: &str = "
UPDATE joins SET outcome = 'failed' WHERE group_id = ?1 AND user_id = ?2 AND outcome = 'queued'
";

/// Layout 3 accepted any word for the outcome of a join that a list's file brought.
const RESTORE_UNKNOWN_OUTCOMES: &str = "
UPDATE joins SET outcome = 'restored' WHERE outcome NOT IN (
    'lookup', 'queued', 'forwarded', 'failed', 'held', 'kicked', 'expired', 'restored',
    'own', 'unwatched_group', 'added_by_trusted', 'bot', 'deleted', 'bad', 'trusted', 'named', 'declared',
    'no_photo', 'excepted', 'repeat')
";

/// The payload of a row in layout 3.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Payload {
    Text {
        text: String,
    },
    File {
        text: String,
        content: serde_json::Value,
    },
    List {
        text: String,
        list: String,
    },
    Avatar {
        message: i32,
        photo: Photo,
        #[serde(default)]
        recheck: bool,
    },
}

#[derive(Deserialize)]
struct Photo {
    dc: i32,
}

/// The columns of layout 4 that come from the key and the payload.
#[derive(Default)]
struct Columns {
    kind: &'static str,
    purpose: Option<String>,
    text: Option<String>,
    content: Option<String>,
    list: Option<String>,
    group: Option<i64>,
    user: Option<i64>,
    photo: Option<i64>,
    dc: Option<i32>,
    message: Option<i32>,
    recheck: Option<bool>,
}

struct OldRow {
    id: i64,
    key: String,
    payload: String,
    is_avatar: bool,
    is_settled: bool,
}

/// Migrates from layout 3 to layout 4.
pub(in crate::store) fn migrate(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute_batch(OUTBOX_4_TABLE)?;
    {
        let mut rows = transaction.prepare(
            "SELECT id, key, payload, class = 'avatar', state IN ('sent', 'dropped') FROM outbox",
        )?;
        let mut insert = transaction.prepare(INSERT)?;
        let mut drop = transaction.prepare(DROP)?;
        let mut fail_join = transaction.prepare(FAIL_JOIN)?;
        // The rows are read before the first change of their table.
        let rows: Vec<OldRow> = rows
            .query_map([], OldRow::read)?
            .collect::<Result<_, _>>()?;
        for row in rows {
            let (columns, is_damaged) = row.columns();
            if is_damaged && !row.is_settled {
                tracing::error!(
                    row = row.id,
                    "dropped from the outbox: its payload is damaged"
                );
                drop.execute([row.id])?;
                if let (Some(group), Some(user)) = (columns.group, columns.user) {
                    fail_join.execute([group, user])?;
                }
            }
            columns.insert(&mut insert, row.id)?;
        }
    }
    transaction.execute_batch(OUTBOX_4_INDEXES)?;
    transaction.execute_batch(RESTORE_UNKNOWN_OUTCOMES)?;
    Ok(())
}

/// Reads a text that may not even be UTF-8.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes()?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

impl OldRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: text(row, 1)?,
            payload: text(row, 2)?,
            is_avatar: row.get(3)?,
            is_settled: row.get(4)?,
        })
    }

    /// Returns the row's columns, and whether any of them had to stay empty.
    fn columns(&self) -> (Columns, bool) {
        let payload: Option<Payload> = serde_json::from_str(&self.payload).ok();
        if self.is_avatar {
            let Some((group, user, photo)) = self.photo() else {
                return (Columns::of("avatar"), true);
            };
            let mut columns = Columns {
                group: Some(group),
                user: Some(user),
                photo: Some(photo),
                ..Columns::of("avatar")
            };
            let Some(Payload::Avatar {
                message,
                photo,
                recheck,
            }) = payload
            else {
                return (columns, true);
            };
            columns.dc = Some(photo.dc);
            columns.message = Some(message);
            columns.recheck = Some(recheck);
            return (columns, false);
        }
        let columns = match payload {
            Some(Payload::Text { text }) => Columns {
                purpose: Some(self.purpose()),
                text: Some(text),
                ..Columns::of("text")
            },
            Some(Payload::File { text, content }) => Columns {
                purpose: Some(self.purpose()),
                text: Some(text),
                content: Some(content.to_string()),
                ..Columns::of("file")
            },
            Some(Payload::List { text, list }) => Columns {
                text: Some(text),
                list: Some(list),
                ..Columns::of("list")
            },
            Some(Payload::Avatar { .. }) | None => {
                let damaged = match self.key.strip_prefix("backup/") {
                    Some(list) => Columns {
                        list: list.split('/').next().map(str::to_owned),
                        ..Columns::of("list")
                    },
                    None => Columns {
                        purpose: Some(self.purpose()),
                        ..Columns::of("text")
                    },
                };
                return (damaged, true);
            }
        };
        (columns, false)
    }

    /// The bare id of the group, the user and the photo of an avatar's key.
    fn photo(&self) -> Option<(i64, i64, i64)> {
        let mut words = self.key.strip_prefix("avatar/")?.split('/');
        let mut number = || words.next()?.parse::<i64>().ok();
        let group = BOT_API_OFFSET.checked_sub(number()?)?;
        let photo = (group, number()?, number()?);
        words.next().is_none().then_some(photo)
    }

    /// The purpose of a report, from its key.
    fn purpose(&self) -> String {
        let word = self.key.split('/').next().unwrap_or_default();
        match word {
            "online" | "awake" | "version" | "text" | "emergency" => word,
            "status reply" => "status_reply",
            "nm_words" | "bio_words" | "ban_words" | "ad_words" | "con_words" => "count",
            // No version wrote another word; a row must not be lost for it.
            _ => "text",
        }
        .to_owned()
    }
}

impl Columns {
    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    fn insert(&self, statement: &mut Statement<'_>, id: i64) -> rusqlite::Result<()> {
        statement.execute(named_params! {
            ":id": id,
            ":kind": self.kind,
            ":purpose": self.purpose,
            ":text": self.text,
            ":content": self.content,
            ":list": self.list,
            ":group": self.group,
            ":user": self.user,
            ":photo": self.photo,
            ":dc": self.dc,
            ":message": self.message,
            ":recheck": self.recheck,
        })?;
        Ok(())
    }
}
