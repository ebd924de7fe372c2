//! The account's session file: which data centre is home, where each one is, and the keys.
//!
//! Owns `account.session`, in the table layout of grammers' `SqliteSession` version 1, so that any
//! grammers tool's session opens here and ours opens there. Peers and update states live in
//! `state.db` instead: the sender pool never asks for them. It guards the account's key: a
//! transport error −404 makes the pool negotiate a new key and store it over the old one, which
//! would lose the login; here that store is refused. Every change is one SQLite transaction, so a
//! crash leaves the file as it was before or after.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use grammers_session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_session::{BoxFuture, Session, SessionData};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use thiserror::Error;

/// The layout's version, in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// The tables of the layout, as grammers creates them.
const LAYOUT: &str = "
CREATE TABLE dc_home (dc_id INTEGER NOT NULL, PRIMARY KEY(dc_id));
CREATE TABLE dc_option (dc_id INTEGER NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL, auth_key BLOB,
    PRIMARY KEY (dc_id));
CREATE TABLE peer_info (peer_id INTEGER NOT NULL, hash INTEGER, subtype INTEGER, PRIMARY KEY (peer_id));
CREATE TABLE update_state (pts INTEGER NOT NULL, qts INTEGER NOT NULL, date INTEGER NOT NULL,
    seq INTEGER NOT NULL);
CREATE TABLE channel_state (peer_id INTEGER NOT NULL, pts INTEGER NOT NULL, PRIMARY KEY (peer_id));
PRAGMA user_version = 1;
";

/// `peer_info.subtype` of the account itself.
const SUBTYPE_SELF: i64 = 1;

/// Why a session file does not serve.
#[derive(Debug, Error)]
pub enum SessionError {
    /// There is none.
    #[error("there is no session file {}: log the account in first, with `scp-079-avatar login`", .0.display())]
    Missing(PathBuf),
    /// It is not a session of grammers' layout.
    #[error(
        "{} is not a session of this program ({what}): move it away and log in with `scp-079-avatar login`",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: String,
    },
    /// It is damaged.
    #[error(
        "the session file {} is damaged ({what}): restore it from a backup, or move it away and log in with `scp-079-avatar login`",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It has no key for its home data centre.
    #[error("the session file {} holds no login: log the account in with `scp-079-avatar login`", .0.display())]
    NoKey(PathBuf),
    /// The pool wanted to store another key over the account's own.
    #[error("the account's authorization key is not replaced")]
    KeyReplaced,
    /// The pool asked for what this file does not keep.
    #[error("peers and update states are kept in state.db, not in the session file")]
    NotKept,
    /// The file cannot be read or written.
    #[error("session file {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or SQLite said.
        cause: String,
    },
}

/// The session file, open. Reads are served from memory, as the pool asks at every call.
#[derive(Debug)]
pub struct AccountSession {
    path: PathBuf,
    inner: Mutex<Inner>,
    /// Whether the home key may be replaced: at login only.
    guarded: bool,
}

#[derive(Debug)]
struct Inner {
    database: Connection,
    home: i32,
    options: BTreeMap<i32, DcOption>,
}

impl AccountSession {
    /// Opens the session of an account that is logged in. The home key is guarded.
    ///
    /// # Errors
    /// The file is missing, foreign, damaged or holds no key for its home.
    pub fn open(path: &Path) -> Result<Self, SessionError> {
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SessionError::Missing(path.to_owned()));
            }
            Err(error) => return Err(file_error(path, error)),
        }
        let session = Self::load(path, OpenFlags::SQLITE_OPEN_READ_WRITE, true)?;
        let home = session.lock().home;
        if session.key(home).is_none() {
            return Err(SessionError::NoKey(path.to_owned()));
        }
        Ok(session)
    }

    /// Opens or creates the session for a login. The home key may be negotiated anew.
    ///
    /// # Errors
    /// The file is foreign or damaged, or cannot be created.
    pub fn open_for_login(path: &Path) -> Result<Self, SessionError> {
        let fresh = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        if fresh {
            let database = Connection::open(path).map_err(|error| file_error(path, error))?;
            database
                .execute_batch(&format!("BEGIN; {LAYOUT} COMMIT;"))
                .map_err(|error| file_error(path, error))?;
        }
        Self::load(path, OpenFlags::SQLITE_OPEN_READ_WRITE, false)
    }

    /// Remembers who is logged in, as grammers' tools expect it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember_self(&self, user_id: i64, access_hash: i64) -> Result<(), SessionError> {
        self.lock()
            .database
            .execute(
                "INSERT OR REPLACE INTO peer_info VALUES (?1, ?2, ?3)",
                params![user_id, access_hash, SUBTYPE_SELF],
            )
            .map(|_| ())
            .map_err(|error| file_error(&self.path, error))
    }

    /// Returns the home data centre.
    #[must_use]
    pub fn home(&self) -> i32 {
        self.lock().home
    }

    fn load(path: &Path, flags: OpenFlags, guarded: bool) -> Result<Self, SessionError> {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .map_err(|error| file_error(path, error))?;
        let database =
            Connection::open_with_flags(path, flags).map_err(|error| file_error(path, error))?;
        check(&database, path)?;
        let home = database
            .query_row("SELECT dc_id FROM dc_home LIMIT 1", [], |row| row.get(0))
            .optional()
            .map_err(|error| damaged(path, &error))?
            .unwrap_or_else(|| SessionData::default().home_dc);
        let options = read_options(&database, path)?;
        Ok(Self {
            path: path.to_owned(),
            inner: Mutex::new(Inner {
                database,
                home,
                options,
            }),
            guarded,
        })
    }

    fn key(&self, dc: i32) -> Option<[u8; 256]> {
        self.lock()
            .options
            .get(&dc)
            .and_then(|option| option.auth_key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Every change under the lock is one statement or transaction: a panic leaves it whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_option(&self, option: &DcOption) -> Result<(), SessionError> {
        let mut inner = self.lock();
        let known = inner.options.get(&option.id);
        if known == Some(option) {
            return Ok(());
        }
        let old_key = known.and_then(|known| known.auth_key);
        if self.guarded
            && option.id == inner.home
            && old_key.is_some()
            && old_key != option.auth_key
        {
            return Err(SessionError::KeyReplaced);
        }
        inner
            .database
            .execute(
                "INSERT OR REPLACE INTO dc_option VALUES (?1, ?2, ?3, ?4)",
                params![
                    option.id,
                    option.ipv4.to_string(),
                    option.ipv6.to_string(),
                    option.auth_key.map(|key| key.to_vec())
                ],
            )
            .map_err(|error| file_error(&self.path, error))?;
        inner.options.insert(option.id, option.clone());
        Ok(())
    }

    fn store_home(&self, dc: i32) -> Result<(), SessionError> {
        let mut inner = self.lock();
        let transaction = inner
            .database
            .transaction()
            .map_err(|error| file_error(&self.path, error))?;
        transaction
            .execute("DELETE FROM dc_home", [])
            .and_then(|_| transaction.execute("INSERT INTO dc_home VALUES (?1)", [dc]))
            .map_err(|error| file_error(&self.path, error))?;
        transaction
            .commit()
            .map_err(|error| file_error(&self.path, error))?;
        inner.home = dc;
        Ok(())
    }
}

impl Session for AccountSession {
    type Error = SessionError;

    fn home_dc_id(&self) -> Result<i32, SessionError> {
        Ok(self.home())
    }

    fn set_home_dc_id(&self, dc_id: i32) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async move { self.store_home(dc_id) })
    }

    fn dc_option(&self, dc_id: i32) -> Result<Option<DcOption>, SessionError> {
        let known = self.lock().options.get(&dc_id).cloned();
        Ok(known.or_else(|| SessionData::default().dc_options.get(&dc_id).cloned()))
    }

    fn set_dc_option(&self, dc_option: &DcOption) -> BoxFuture<'_, Result<(), SessionError>> {
        let option = dc_option.clone();
        Box::pin(async move { self.store_option(&option) })
    }

    fn peer(&self, _: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, SessionError>> {
        Box::pin(async { Err(SessionError::NotKept) })
    }

    fn cache_peer(&self, _: PeerInfo) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async { Err(SessionError::NotKept) })
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, SessionError>> {
        Box::pin(async { Err(SessionError::NotKept) })
    }

    fn set_update_state(&self, _: UpdateState) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async { Err(SessionError::NotKept) })
    }
}

/// Says whether the open file is a session of the layout, whole.
fn check(database: &Connection, path: &Path) -> Result<(), SessionError> {
    let verdict: String = database
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| {
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
                SessionError::Foreign {
                    path: path.to_owned(),
                    what: "it is no SQLite database".into(),
                }
            } else {
                damaged(path, &error)
            }
        })?;
    if verdict != "ok" {
        return Err(damaged(path, &verdict));
    }
    let tables = table_names(database).map_err(|error| damaged(path, &error))?;
    let foreign = |what: &str| SessionError::Foreign {
        path: path.to_owned(),
        what: what.into(),
    };
    if !tables.iter().any(|name| name == "dc_option") {
        return Err(foreign(
            match tables.iter().map(String::as_str).collect::<Vec<_>>() {
                names if names.contains(&"update_state") && names.contains(&"sent_files") => {
                    "it looks like Telethon's"
                }
                names if names.contains(&"sessions") => "it looks like Pyrogram's or Telethon's",
                names if names.is_empty() => "it is an empty database",
                _ => "its tables are others",
            },
        ));
    }
    let version: i64 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| damaged(path, &error))?;
    if version != VERSION {
        return Err(foreign(&format!(
            "its layout has version {version}, this program knows version {VERSION}"
        )));
    }
    Ok(())
}

fn table_names(database: &Connection) -> rusqlite::Result<Vec<String>> {
    database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn read_options(
    database: &Connection,
    path: &Path,
) -> Result<BTreeMap<i32, DcOption>, SessionError> {
    let rows: Vec<(i32, String, String, Option<Vec<u8>>)> = database
        .prepare("SELECT dc_id, ipv4, ipv6, auth_key FROM dc_option")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect()
        })
        .map_err(|error| damaged(path, &error))?;
    rows.into_iter()
        .map(|(id, ipv4, ipv6, key)| {
            let auth_key = key.map(<[u8; 256]>::try_from).transpose().map_err(|key| {
                damaged(
                    path,
                    &format!(
                        "the key of data centre {id} has {} bytes, not 256",
                        key.len()
                    ),
                )
            })?;
            let address = |text: &str| format!("data centre {id} has no valid address: {text:?}");
            Ok((
                id,
                DcOption {
                    id,
                    ipv4: ipv4.parse().map_err(|_| damaged(path, &address(&ipv4)))?,
                    ipv6: ipv6.parse().map_err(|_| damaged(path, &address(&ipv6)))?,
                    auth_key,
                },
            ))
        })
        .collect()
}

fn damaged(path: &Path, what: &dyn std::fmt::Display) -> SessionError {
    SessionError::Damaged {
        path: path.to_owned(),
        what: what.to_string(),
    }
}

fn file_error(path: &Path, cause: impl std::fmt::Display) -> SessionError {
    SessionError::File {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(key: u8) -> DcOption {
        DcOption {
            id: 2,
            ipv4: "127.0.0.1:4430".parse().expect("an address"),
            ipv6: "[::1]:4430".parse().expect("an address"),
            auth_key: Some([key; 256]),
        }
    }

    #[test]
    fn the_home_key_is_never_overwritten_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        let login = AccountSession::open_for_login(&path).expect("created");
        login.store_home(2).expect("stored");
        login.store_option(&option(7)).expect("stored");
        login.store_option(&option(8)).expect("a login may");
        drop(login);

        let session = AccountSession::open(&path).expect("opened");
        assert!(matches!(
            session.store_option(&option(9)),
            Err(SessionError::KeyReplaced)
        ));
        let moved = DcOption {
            ipv4: "127.0.0.1:4431".parse().expect("an address"),
            ..option(8)
        };
        session.store_option(&moved).expect("an address may move");
        let foreign = DcOption { id: 4, ..option(1) };
        session
            .store_option(&foreign)
            .expect("another data centre's");
        session
            .store_option(&DcOption { id: 4, ..option(2) })
            .expect("may be replaced");
        drop(session);

        let session = AccountSession::open(&path).expect("opened again");
        assert_eq!(session.home(), 2);
        assert_eq!(session.dc_option(2).expect("known"), Some(moved));
        assert_eq!(session.key(4), Some([2; 256]));
    }

    #[test]
    fn a_file_that_does_not_serve_says_why() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        let why = || {
            AccountSession::open(&path)
                .expect_err("refused")
                .to_string()
        };
        assert!(why().contains("there is no session file"), "{}", why());

        std::fs::write(&path, b"not a database at all, whatever it may be").expect("written");
        assert!(why().contains("no SQLite database"), "{}", why());

        std::fs::write(&path, b"").expect("written");
        assert!(why().contains("an empty database"), "{}", why());

        std::fs::remove_file(&path).expect("removed");
        let other = Connection::open(&path).expect("created");
        other
            .execute_batch("CREATE TABLE sessions (dc_id INTEGER, auth_key BLOB, user_id INTEGER)")
            .expect("made");
        drop(other);
        assert!(why().contains("Pyrogram"), "{}", why());

        std::fs::remove_file(&path).expect("removed");
        drop(AccountSession::open_for_login(&path).expect("created"));
        assert!(why().contains("holds no login"), "{}", why());

        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
        assert!(why().contains("damaged"), "{}", why());

        std::fs::remove_file(&path).expect("removed");
        let short = AccountSession::open_for_login(&path).expect("created");
        short
            .lock()
            .database
            .execute(
                "INSERT INTO dc_option VALUES (2, '127.0.0.1:1', '[::1]:1', x'00')",
                [],
            )
            .expect("inserted");
        drop(short);
        assert!(why().contains("1 bytes, not 256"), "{}", why());
    }
}
