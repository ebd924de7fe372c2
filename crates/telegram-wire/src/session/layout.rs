//! The tables of a session file: creates them, recognizes them, and reads them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use grammers_client::session::types::DcOption;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::{SessionError, file_error};

/// The version of the layout, in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// The tables as grammers creates them.
const TABLES: &str = "
CREATE TABLE dc_home (dc_id INTEGER NOT NULL, PRIMARY KEY(dc_id));
CREATE TABLE dc_option (dc_id INTEGER NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL, auth_key BLOB,
    PRIMARY KEY (dc_id));
CREATE TABLE peer_info (peer_id INTEGER NOT NULL, hash INTEGER, subtype INTEGER, PRIMARY KEY (peer_id));
CREATE TABLE update_state (pts INTEGER NOT NULL, qts INTEGER NOT NULL, date INTEGER NOT NULL,
    seq INTEGER NOT NULL);
CREATE TABLE channel_state (peer_id INTEGER NOT NULL, pts INTEGER NOT NULL, PRIMARY KEY (peer_id));
PRAGMA user_version = 1;
";

/// A session file as it was read.
pub(super) struct Contents {
    /// The open file.
    pub(super) database: Connection,
    /// The home data centre; `None` before the first login.
    pub(super) home: Option<i32>,
    /// The address and key of each data centre.
    pub(super) options: BTreeMap<i32, DcOption>,
}

/// Creates an empty session.
pub(super) fn create(path: &Path) -> Result<(), SessionError> {
    Connection::open(path)
        .and_then(|database| database.execute_batch(&format!("BEGIN; {TABLES} COMMIT;")))
        .map_err(|error| file_error(path, error))
}

/// Opens the file, makes it private, checks its layout, and reads it.
pub(super) fn read(path: &Path) -> Result<Contents, SessionError> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| file_error(path, error))?;
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| file_error(path, error))?;
    check(&database, path)?;
    let home = database
        .query_row("SELECT dc_id FROM dc_home LIMIT 1", [], |row| row.get(0))
        .optional()
        .map_err(|error| damaged(path, error))?;
    let options = read_options(&database, path)?;
    Ok(Contents {
        database,
        home,
        options,
    })
}

/// Checks that the open file is an undamaged session of this layout.
pub(super) fn check(database: &Connection, path: &Path) -> Result<(), SessionError> {
    let foreign = |found: String| SessionError::Foreign {
        path: path.to_owned(),
        found,
    };
    let verdict: String = database
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| {
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
                foreign("it is not an SQLite database".into())
            } else {
                damaged(path, error)
            }
        })?;
    if verdict != "ok" {
        return Err(damaged(path, verdict));
    }
    let tables = table_names(database).map_err(|error| damaged(path, error))?;
    let has = |table: &str| tables.iter().any(|name| name == table);
    if !has("dc_option") {
        if has("sessions") && is_pyrogram(database).map_err(|error| damaged(path, error))? {
            return Err(SessionError::Pyrogram(path.to_owned()));
        }
        let found = if has("sessions") {
            "it looks like a session of Telethon"
        } else if tables.is_empty() {
            "it is an empty database"
        } else {
            "its tables are not those of a session"
        };
        return Err(foreign(found.into()));
    }
    let version: i64 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| damaged(path, error))?;
    if version != VERSION {
        return Err(foreign(format!(
            "its layout has version {version}, this program knows version {VERSION}"
        )));
    }
    Ok(())
}

/// Tells Pyrogram's table `sessions` from Telethon's, which keeps addresses.
fn is_pyrogram(database: &Connection) -> rusqlite::Result<bool> {
    let keeps_addresses = database
        .prepare("SELECT 1 FROM pragma_table_info('sessions') WHERE name = 'server_address'")?
        .exists([])?;
    Ok(!keeps_addresses)
}

fn table_names(database: &Connection) -> rusqlite::Result<Vec<String>> {
    database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// A row of `dc_option`.
struct OptionRow {
    dc: i32,
    ipv4: String,
    ipv6: String,
    key: Option<Vec<u8>>,
}

fn read_options(
    database: &Connection,
    path: &Path,
) -> Result<BTreeMap<i32, DcOption>, SessionError> {
    let rows: Vec<OptionRow> = database
        .prepare("SELECT dc_id, ipv4, ipv6, auth_key FROM dc_option")
        .and_then(|mut statement| {
            let rows = statement.query_map([], |row| {
                Ok(OptionRow {
                    dc: row.get(0)?,
                    ipv4: row.get(1)?,
                    ipv6: row.get(2)?,
                    key: row.get(3)?,
                })
            })?;
            rows.collect()
        })
        .map_err(|error| damaged(path, error))?;
    rows.into_iter()
        .map(|row| {
            let option = parse(row).map_err(|cause| damaged(path, cause))?;
            Ok((option.id, option))
        })
        .collect()
}

fn parse(row: OptionRow) -> Result<DcOption, String> {
    let OptionRow {
        dc,
        ipv4,
        ipv6,
        key,
    } = row;
    let bad_address = |text: &str| format!("data centre {dc} has no valid address: {text:?}");
    let bad_key = |key: Vec<u8>| {
        let length = key.len();
        format!("the key of data centre {dc} has {length} bytes, not 256")
    };
    Ok(DcOption {
        id: dc,
        ipv4: ipv4.parse().map_err(|_| bad_address(&ipv4))?,
        ipv6: ipv6.parse().map_err(|_| bad_address(&ipv6))?,
        auth_key: key
            .map(<[u8; 256]>::try_from)
            .transpose()
            .map_err(bad_key)?,
    })
}

pub(super) fn damaged(path: &Path, cause: impl std::fmt::Display) -> SessionError {
    SessionError::Damaged {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}
