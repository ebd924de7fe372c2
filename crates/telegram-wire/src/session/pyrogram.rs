//! Reads a session of Pyrogram, and writes its login as a session of this program.
//!
//! The reader opens a copy of the file in memory, so that nothing beside the original is created or changed. Pyrogram
//! keeps no addresses; the list of grammers has those of all data centres.

use std::fmt;
use std::path::{Path, PathBuf};

use grammers_client::session::SessionData;
use rusqlite::{Connection, MAIN_DB, params};
use thiserror::Error;

use super::{AccountSession, SessionError, file_error};

/// The bytes of an authorization key.
const KEY_BYTES: usize = 256;

/// The reason why a session of Pyrogram cannot be used.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub struct PyrogramError {
    path: PathBuf,
    reason: String,
}

/// The login that a session of Pyrogram holds.
#[derive(Clone)]
pub struct PyrogramSession {
    /// The number of the home data centre.
    pub dc: i32,
    key: [u8; KEY_BYTES],
    /// The id of the account, if Pyrogram has stored it.
    pub user_id: Option<i64>,
}

impl PyrogramSession {
    /// Reads the bytes of a session file of Pyrogram 0.17 to 2.0. `path` is for errors.
    ///
    /// # Errors
    /// The file is not a session of Pyrogram, is damaged, or is the session of a bot or of Telegram's test servers.
    pub fn parse(path: &Path, file: Vec<u8>) -> Result<Self, PyrogramError> {
        read(file).map_err(|reason| PyrogramError {
            path: path.to_owned(),
            reason,
        })
    }
}

impl fmt::Debug for PyrogramSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PyrogramSession")
            .field("dc", &self.dc)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl AccountSession {
    /// Creates a session file with the login of a session of Pyrogram.
    ///
    /// # Errors
    /// The data centre is unknown, or the file exists or cannot be written.
    pub fn create_from_pyrogram(path: &Path, login: &PyrogramSession) -> Result<(), SessionError> {
        if path.symlink_metadata().is_ok() {
            return Err(file_error(path, "it exists already"));
        }
        let mut option = SessionData::default()
            .dc_options
            .remove(&login.dc)
            .ok_or_else(|| file_error(path, format!("data centre {} is unknown", login.dc)))?;
        option.auth_key = Some(login.key);
        let session = Self::open_for_login(path)?;
        session.store_home(login.dc)?;
        session.store_option(&option)?;
        if let Some(user_id) = login.user_id {
            session
                .lock()
                .database
                .execute(
                    "INSERT OR REPLACE INTO peer_info VALUES (?1, NULL, ?2)",
                    params![user_id, super::SUBTYPE_SELF],
                )
                .map_err(|error| file_error(path, error))?;
        }
        Ok(())
    }
}

/// A row of Pyrogram's table `sessions`.
struct Row {
    dc: Option<i32>,
    test_mode: Option<i64>,
    key: Option<Vec<u8>>,
    user_id: Option<i64>,
    is_bot: Option<i64>,
}

/// Reads the login; the error is the reason why there is none.
fn read(file: Vec<u8>) -> Result<PyrogramSession, String> {
    if !file.starts_with(b"SQLite format 3\0") {
        return Err("this is not a session of Pyrogram: it is not an SQLite database".into());
    }
    let damaged = |error: rusqlite::Error| format!("the session is damaged ({error})");
    let database = open_in_memory(file).map_err(damaged)?;
    let columns: Vec<String> = database
        .prepare("SELECT name FROM pragma_table_info('sessions')")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(damaged)?;
    let has = |column: &str| columns.iter().any(|name| name == column);
    if has("server_address") {
        return Err("this is a session of Telethon, not of Pyrogram".into());
    }
    let wanted = ["dc_id", "test_mode", "auth_key", "user_id", "is_bot"];
    if let Some(missing) = wanted.into_iter().find(|column| !has(column)) {
        return Err(format!(
            "this is not a session of Pyrogram: there is no {missing} in a table sessions"
        ));
    }
    let mut rows: Vec<Row> = database
        .prepare("SELECT dc_id, test_mode, auth_key, user_id, is_bot FROM sessions")
        .and_then(|mut statement| {
            let rows = statement.query_map([], |row| {
                Ok(Row {
                    dc: row.get(0)?,
                    test_mode: row.get(1)?,
                    key: row.get(2)?,
                    user_id: row.get(3)?,
                    is_bot: row.get(4)?,
                })
            })?;
            rows.collect()
        })
        .map_err(damaged)?;
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => row.login(),
        (Some(_), false) => Err("the session holds several logins".into()),
        (None, _) => Err("the session holds no login".into()),
    }
}

impl Row {
    fn login(self) -> Result<PyrogramSession, String> {
        if self.test_mode.unwrap_or(0) != 0 {
            return Err("this is a session of Telegram's test servers".into());
        }
        if self.is_bot.unwrap_or(0) != 0 {
            return Err("this is the session of a bot, and AVATAR is a user account".into());
        }
        let key = self.key.unwrap_or_default();
        if key.is_empty() {
            return Err("the session holds no login".into());
        }
        let key = <[u8; KEY_BYTES]>::try_from(key)
            .map_err(|key| format!("the key has {} bytes, not {KEY_BYTES}", key.len()))?;
        let dc = self
            .dc
            .filter(|dc| SessionData::default().dc_options.contains_key(dc))
            .ok_or("the session names no known data centre")?;
        Ok(PyrogramSession {
            dc,
            key,
            user_id: self.user_id,
        })
    }
}

/// Opens a copy of a database. The header's fields for the write-ahead log are cleared, because a database in memory
/// has no log.
pub(super) fn open_in_memory(mut file: Vec<u8>) -> rusqlite::Result<Connection> {
    if let Some(versions) = file.get_mut(18..20) {
        versions.fill(1);
    }
    let mut database = Connection::open_in_memory()?;
    database.deserialize_read_exact(MAIN_DB, &file[..], file.len(), true)?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a session file with these values in the layout of Pyrogram 0.17.
    fn session(dc: i32, test_mode: i32, key_bytes: usize, is_bot: i32) -> Vec<u8> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("avatar.session");
        let database = Connection::open(&path).expect("created");
        database
            .execute_batch(
                "CREATE TABLE sessions (dc_id INTEGER PRIMARY KEY, test_mode INTEGER, auth_key BLOB,
                     date INTEGER NOT NULL, user_id INTEGER, is_bot INTEGER)",
            )
            .expect("made");
        database
            .execute(
                "INSERT INTO sessions VALUES (?1, ?2, ?3, 1, 7, ?4)",
                params![dc, test_mode, vec![9_u8; key_bytes], is_bot],
            )
            .expect("inserted");
        drop(database);
        std::fs::read(&path).expect("read")
    }

    fn refusal(file: Vec<u8>) -> String {
        PyrogramSession::parse(Path::new("avatar.session"), file)
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn the_login_of_pyrogram_becomes_a_session_of_this_program() {
        let file = session(2, 0, 256, 0);
        let login = PyrogramSession::parse(Path::new("x"), file).expect("a login");
        assert_eq!((login.dc, login.user_id), (2, Some(7)));
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        AccountSession::create_from_pyrogram(&path, &login).expect("created");
        AccountSession::create_from_pyrogram(&path, &login).expect_err("it exists");
        AccountSession::examine(&path).expect("a session of this program");
        let session = AccountSession::open(&path).expect("opened");
        assert_eq!(session.home(), 2);
        assert_eq!(session.key(2), Some([9; 256]));
    }

    #[test]
    fn a_session_of_pyrogram_in_the_place_of_another_is_recognized() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        std::fs::write(&path, session(2, 0, 256, 0)).expect("written");
        for error in [
            AccountSession::examine(&path).expect_err("foreign"),
            AccountSession::open(&path).expect_err("foreign"),
        ] {
            assert!(matches!(error, SessionError::Pyrogram(_)), "{error}");
        }
        std::fs::write(&path, "").expect("written");
        AccountSession::examine(&path).expect("an empty file");
        std::fs::write(&path, "text").expect("written");
        AccountSession::examine(&path).expect_err("no database");
    }

    #[test]
    fn a_session_that_cannot_be_used_is_refused_with_its_reason() {
        assert!(refusal(session(2, 1, 256, 0)).contains("test servers"));
        assert!(refusal(session(2, 0, 256, 1)).contains("of a bot"));
        assert!(refusal(session(2, 0, 255, 0)).contains("255 bytes, not 256"));
        assert!(refusal(session(2, 0, 0, 0)).contains("no login"));
        assert!(refusal(session(9, 0, 256, 0)).contains("no known data centre"));
        assert!(refusal(b"text".to_vec()).contains("not an SQLite database"));
        let mut cut = session(2, 0, 256, 0);
        cut.truncate(5000);
        refusal(cut);
    }
}
