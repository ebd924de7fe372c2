//! The layouts of `state.db` as SQL, each on top of the one before it. A released layout is never changed.

/// Layout 1: channels, joins, users, the outbox, administrators, rate limits.
pub(super) const LAYOUT_1: &str = "
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
";

/// Layout 2: the effects of the fleet's orders, and the channel in which a post was begun.
pub(super) const LAYOUT_2: &str = "
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
";

/// Layout 3: the runs of the scheduled jobs, when joins were seen, where photos were posted, and when a report expires.
pub(super) const LAYOUT_3: &str = "
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
";

/// Layout 4: the outbox as columns. `outbox_columns` fills the table before it takes the place of the old one.
pub(super) const OUTBOX_4_TABLE: &str = "
CREATE TABLE outbox_4 (
    -- never used again: a download may still run for a row that was deleted
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('avatar', 'list', 'text', 'file')),
    class TEXT NOT NULL AS (iif(kind = 'avatar', 'avatar', 'report')) VIRTUAL,
    random_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'fetched', 'sending', 'sent', 'dropped')),
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- text, file: what the report is for
    purpose TEXT,
    -- text: the message; file, list: the caption
    text TEXT,
    -- file: JSON
    content TEXT,
    -- list: its name
    list TEXT,
    -- avatar
    group_id INTEGER,
    user_id INTEGER,
    photo_id INTEGER,
    photo_dc INTEGER,
    join_message_id INTEGER,
    is_recheck INTEGER CHECK (is_recheck IN (0, 1)),
    -- the file that waits, and the post
    spool TEXT,
    spool_bytes INTEGER NOT NULL DEFAULT 0,
    channel_id INTEGER,
    message_id INTEGER,
    expires_at INTEGER,
    settled_at INTEGER,
    -- A row that still has to be posted is complete; a settled one may lack what was damaged.
    CHECK (state IN ('sent', 'dropped') OR CASE kind
        WHEN 'avatar' THEN group_id IS NOT NULL AND user_id IS NOT NULL AND photo_id IS NOT NULL
            AND photo_dc IS NOT NULL AND join_message_id IS NOT NULL AND is_recheck IS NOT NULL
        WHEN 'list' THEN list IS NOT NULL AND text IS NOT NULL
        WHEN 'file' THEN purpose IS NOT NULL AND text IS NOT NULL AND content IS NOT NULL
        ELSE purpose IS NOT NULL AND text IS NOT NULL END),
    CHECK (CASE kind
        WHEN 'avatar' THEN COALESCE(purpose, text, content, list) IS NULL
        ELSE COALESCE(group_id, user_id, photo_id, photo_dc, join_message_id, is_recheck) IS NULL END)
) STRICT;
";

/// Layout 4, after the rows were copied.
pub(super) const OUTBOX_4_INDEXES: &str = "
DROP TABLE outbox;
ALTER TABLE outbox_4 RENAME TO outbox;
CREATE UNIQUE INDEX outbox_avatar ON outbox (group_id, user_id, photo_id) WHERE kind = 'avatar';
CREATE INDEX outbox_by_join ON outbox (group_id, join_message_id) WHERE kind = 'avatar';
CREATE INDEX outbox_by_user ON outbox (user_id) WHERE kind = 'avatar';
CREATE INDEX outbox_lists ON outbox (state, settled_at) WHERE kind = 'list';
CREATE INDEX outbox_by_state ON outbox (state, kind, due_at);
CREATE INDEX outbox_to_fetch ON outbox (due_at) WHERE state = 'wanted';
CREATE INDEX outbox_to_send ON outbox (due_at) WHERE state IN ('fetched', 'sending');
CREATE INDEX outbox_spooled ON outbox (spool_bytes) WHERE spool IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE expires_at IS NOT NULL;
";

/// Layout 5: refusals that may pass, posts that are found in their channel, photos that several rows share, the way in
/// which a group shows its joins, and the messages that could not be read.
pub(super) const LAYOUT_5: &str = "
ALTER TABLE outbox ADD COLUMN refused_at INTEGER;
ALTER TABLE outbox ADD COLUMN begun_after INTEGER;
CREATE INDEX outbox_spooled_photos ON outbox (user_id, photo_id, spool_bytes) WHERE spool IS NOT NULL AND kind = 'avatar';
ALTER TABLE ledger ADD COLUMN class TEXT NOT NULL DEFAULT 'announced'
    CHECK (class IN ('announced', 'scanned', 'hidden', 'none'));
ALTER TABLE ledger ADD COLUMN unreadable_messages INTEGER NOT NULL DEFAULT 0;
";

/// Layout 6: how joins were found, messages that were deleted before they were read, and the lists of members.
pub(super) const LAYOUT_6: &str = "
ALTER TABLE joins ADD COLUMN found_by TEXT;
ALTER TABLE ledger ADD COLUMN deleted_unread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN watched_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN is_position_exact INTEGER NOT NULL DEFAULT 1;

CREATE TABLE member_scans (
    group_id INTEGER PRIMARY KEY,
    -- the last channels.getFullChannel, and whether another one is due before its time
    full_at INTEGER,
    full_wanted INTEGER NOT NULL DEFAULT 0,
    -- the number of members, and the joins and leaves that were seen since
    member_count INTEGER,
    joins_since_count INTEGER NOT NULL DEFAULT 0,
    leaves_since_count INTEGER NOT NULL DEFAULT 0,
    unexplained_joins INTEGER NOT NULL DEFAULT 0,
    -- the scan that is due
    wanted_for TEXT CHECK (wanted_for IN ('gap', 'member_count', 'first_message')),
    wanted_at INTEGER,
    -- the last scans
    scanned_at INTEGER,
    gap_scanned_at INTEGER,
    first_message_scanned_at INTEGER,
    period INTEGER NOT NULL DEFAULT 120,
    -- when a scan last found a join without a message
    unseen_join_at INTEGER,
    -- hidden groups
    dates_refused_at INTEGER,
    learning_since INTEGER
) STRICT;

CREATE TABLE senders (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('known', 'pending', 'commenter')),
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX senders_pending ON senders (sent_at) WHERE state = 'pending';

CREATE TABLE cleared_users (
    user_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
";

/// Layout 7: orders that arrive in both channels, and members who are not rechecked any more.
pub(super) const LAYOUT_7: &str = "
ALTER TABLE orders ADD COLUMN posted_at INTEGER;
-- SHA-256 of the envelope's text, if the same text in the other channel is a copy
ALTER TABLE orders ADD COLUMN digest BLOB;
CREATE INDEX orders_by_digest ON orders (digest) WHERE digest IS NOT NULL;
ALTER TABLE joins ADD COLUMN is_recheck_ended INTEGER NOT NULL DEFAULT 0;
";

/// Layout 8: the learned pace of posts, documents that are posted again, and photos that other instances posted.
pub(super) const LAYOUT_8: &str = "
-- the learned pace of posts in a channel
CREATE TABLE paces (
    channel_id INTEGER PRIMARY KEY,
    interval_ms INTEGER NOT NULL,
    -- the shortest interval that Telegram is supposed to allow; null before the first flood
    limit_ms INTEGER
) STRICT;

-- avatar: the document of the post; of a post that is not proven, the document that it was begun with
ALTER TABLE outbox ADD COLUMN document_id INTEGER;
ALTER TABLE outbox ADD COLUMN document_hash INTEGER;
ALTER TABLE outbox ADD COLUMN document_reference BLOB;

-- the photos that other instances posted in HIDE, for ten minutes after they were read
CREATE TABLE others_avatars (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    join_message_id INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX others_avatars_by_age ON others_avatars (read_at);
";

/// Layout 9: statements whose cost does not grow with the rows that wait, and the figures of `status` by their time.
pub(super) const LAYOUT_9: &str = "
-- The outbox, however many photos wait: each index is in the order of the work. `due_at > created_at` marks a photo that
-- was postponed; once it is due, the program sets its due_at back, and it is in the index of its step again.
DROP INDEX outbox_by_state;
DROP INDEX outbox_to_fetch;
DROP INDEX outbox_to_send;
DROP INDEX outbox_spooled;
DROP INDEX outbox_expiring;
CREATE INDEX outbox_by_state ON outbox (state, kind, created_at);
CREATE INDEX outbox_to_fetch ON outbox (photo_dc, reason IS NULL, created_at)
    WHERE kind = 'avatar' AND state = 'wanted' AND due_at <= created_at;
CREATE INDEX outbox_to_send ON outbox (created_at)
    WHERE kind = 'avatar' AND state IN ('fetched', 'sending') AND due_at <= created_at;
CREATE INDEX outbox_begun ON outbox (created_at) WHERE kind = 'avatar' AND state = 'sending' AND attempts = 0;
CREATE INDEX outbox_postponed ON outbox (state, due_at)
    WHERE kind = 'avatar' AND state IN ('wanted', 'fetched', 'sending') AND due_at > created_at;
CREATE INDEX outbox_reports ON outbox (state, due_at)
    WHERE kind <> 'avatar' AND state IN ('wanted', 'fetched', 'sending');
CREATE INDEX outbox_posts ON outbox (message_id) WHERE message_id IS NOT NULL;

-- Scanned and hidden groups, however many joins without a message and pending senders they have.
CREATE INDEX joins_without_message ON joins (group_id, found_by, seen_at) WHERE message_id <= 0;
DROP INDEX senders_pending;
CREATE INDEX senders_pending ON senders (group_id, sent_at, user_id) WHERE state = 'pending';

-- one row: the bytes of the photos in the spool. Rows of the same photo share one file.
CREATE TABLE spooled (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO spooled SELECT 1, COALESCE(SUM(bytes), 0) FROM (
    SELECT MAX(spool_bytes) AS bytes FROM outbox
    WHERE spool IS NOT NULL AND kind = 'avatar' GROUP BY user_id, photo_id);
CREATE TRIGGER outbox_spool_changes AFTER UPDATE OF spool, spool_bytes ON outbox
WHEN NEW.kind = 'avatar' AND (OLD.spool IS NOT NEW.spool OR OLD.spool_bytes <> NEW.spool_bytes)
BEGIN
    UPDATE spooled SET bytes = bytes + delta FROM (
        SELECT MAX(iif(NEW.spool IS NULL, 0, NEW.spool_bytes), others)
            - MAX(iif(OLD.spool IS NULL, 0, OLD.spool_bytes), others) AS delta
        FROM (SELECT COALESCE(MAX(spool_bytes), 0) AS others FROM outbox
            WHERE spool IS NOT NULL AND kind = 'avatar' AND user_id = NEW.user_id AND photo_id = NEW.photo_id
                AND id <> NEW.id))
    WHERE delta <> 0;
END;
CREATE TRIGGER outbox_spool_ends AFTER DELETE ON outbox WHEN OLD.kind = 'avatar' AND OLD.spool IS NOT NULL
BEGIN
    UPDATE spooled SET bytes = bytes + delta FROM (
        SELECT others - MAX(OLD.spool_bytes, others) AS delta
        FROM (SELECT COALESCE(MAX(spool_bytes), 0) AS others FROM outbox
            WHERE spool IS NOT NULL AND kind = 'avatar' AND user_id = OLD.user_id AND photo_id = OLD.photo_id))
    WHERE delta <> 0;
END;

-- for `status`: the last join of a group, and those of today
CREATE INDEX joins_by_group ON joins (group_id, joined_at);

-- for `status`: how the joins of today were found, and the posts and dropped rows of a day, without reading the rows
DROP INDEX joins_by_age;
CREATE INDEX joins_by_age ON joins (joined_at, found_by);
DROP INDEX outbox_settled;
CREATE INDEX outbox_settled ON outbox (settled_at, state, kind) WHERE settled_at IS NOT NULL;

-- when the program found that the account is not in a channel any more; null while it is in it
ALTER TABLE ledger ADD COLUMN left_at INTEGER;
";

/// Layout 10: the posts that were made after the copy from which the database was restored.
pub(super) const LAYOUT_10: &str = "
-- the photos that this account posted after the copy from which the database was restored
CREATE TABLE restored_posts (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    join_message_id INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id, channel_id, post_id)
) STRICT, WITHOUT ROWID;
";

/// Layout 11: conditions for which SQLite makes no temporary table at each change of a row.
pub(super) const LAYOUT_11: &str = "
DROP INDEX outbox_postponed;
DROP INDEX outbox_reports;
CREATE INDEX outbox_postponed ON outbox (state, due_at)
    WHERE kind = 'avatar' AND state NOT IN ('sent', 'dropped') AND due_at > created_at;
CREATE INDEX outbox_reports ON outbox (state, due_at) WHERE kind <> 'avatar' AND state NOT IN ('sent', 'dropped');
";
