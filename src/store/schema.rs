//! The layouts of `state.db`, numbered; each one is reached from the one before it.

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// The migrations, in order; `PRAGMA user_version` counts how many are done. A released one is
/// never changed.
const MIGRATIONS: &[&str] = &[
    // 1: channels, joins, people, the outbox.
    "
CREATE TABLE ledger (
    channel_id INTEGER PRIMARY KEY,
    access_hash INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('group', 'broadcast')),
    title TEXT NOT NULL,
    present INTEGER NOT NULL,
    can_post INTEGER NOT NULL,
    pts INTEGER NOT NULL,
    last_message_id INTEGER NOT NULL,
    admins_at INTEGER
) STRICT;

CREATE TABLE joins (
    group_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    added_by INTEGER,
    outcome TEXT NOT NULL,
    PRIMARY KEY (group_id, message_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX joins_by_outcome ON joins (outcome, joined_at);
CREATE INDEX joins_by_user ON joins (user_id);

CREATE TABLE people (
    user_id INTEGER PRIMARY KEY,
    full_hash INTEGER,
    min_hash INTEGER,
    seen_in_group INTEGER,
    seen_in_message INTEGER,
    photo_id INTEGER,
    photo_dc INTEGER
) STRICT;

CREATE TABLE forwarded (
    user_id INTEGER NOT NULL,
    photo_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, photo_id, group_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    random_id INTEGER NOT NULL,
    class TEXT NOT NULL CHECK (class IN ('report', 'avatar')),
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'fetched', 'sending', 'sent', 'dropped')),
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    payload TEXT NOT NULL,
    spool TEXT,
    spool_bytes INTEGER NOT NULL DEFAULT 0,
    message_id INTEGER,
    settled_at INTEGER
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, class, due_at);

CREATE TABLE admins (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX admins_by_user ON admins (user_id);

CREATE TABLE floods (
    method TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
",
    // 2: the fleet's orders and what they leave behind; where a post was begun.
    "
ALTER TABLE outbox ADD COLUMN channel_id INTEGER;
ALTER TABLE ledger ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_to_fetch ON outbox (due_at) WHERE state = 'wanted';
CREATE INDEX outbox_to_send ON outbox (due_at) WHERE state IN ('fetched', 'sending');
CREATE INDEX outbox_spooled ON outbox (spool_bytes) WHERE spool IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE bad (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'channel')),
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE excepted (
    photo_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE exceptions_due (
    user_id INTEGER PRIMARY KEY,
    put INTEGER NOT NULL
) STRICT;

CREATE TABLE declared (
    group_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (group_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX declared_by_age ON declared (at);

CREATE TABLE flooded (
    group_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE rules (
    list TEXT NOT NULL,
    position INTEGER NOT NULL,
    pattern TEXT NOT NULL,
    hits INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (list, pattern)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    channel_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    verdict TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_age ON orders (at);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
",
    // 3: what the clock has done; when joins were seen, where photos were posted, until when a report
    // may be said.
    "
CREATE TABLE runs (
    job TEXT PRIMARY KEY,
    expression TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    ran_at INTEGER,
    next_at INTEGER
) STRICT, WITHOUT ROWID;

ALTER TABLE joins ADD COLUMN seen_at INTEGER;
CREATE INDEX joins_by_age ON joins (joined_at);
ALTER TABLE forwarded ADD COLUMN channel_id INTEGER;
ALTER TABLE outbox ADD COLUMN expires_at INTEGER;
CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE expires_at IS NOT NULL;
",
];

/// Marks the file as this program's: "SCP7", in SQLite's `application_id`.
const APPLICATION: i32 = 0x5343_5037;

/// Says whether a database is this program's, and of a layout that it knows. Changes nothing.
pub(super) fn check(database: &Connection) -> Result<(), StoreError> {
    let found = layout(database)?;
    let newest = newest();
    if found > newest {
        return Err(StoreError::Newer { found, newest });
    }
    let application: i32 = database.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        database.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
    let is_new = found == 0 && tables == 0;
    if !is_new && application != APPLICATION {
        return Err(StoreError::Damaged("it is another program's".into()));
    }
    let verdict: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Damaged(verdict));
    }
    Ok(())
}

/// Brings a database that was checked to the newest layout.
pub(super) fn migrate(database: &mut Connection) -> Result<(), StoreError> {
    let done = usize::try_from(layout(database)?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = database.transaction()?;
        apply(&transaction, migration, index + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Returns the newest layout that is known.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Returns a database's layout; 0 is one that holds nothing yet.
pub(super) fn layout(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn apply(transaction: &Transaction<'_>, migration: &str, version: usize) -> rusqlite::Result<()> {
    transaction.execute_batch(migration)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version}"
    ))
}
