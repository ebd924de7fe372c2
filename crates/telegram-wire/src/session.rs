//! The session file: the home data centre, the addresses of all data centres, and their keys.
//!
//! The file has the table layout of grammers' `SqliteSession` version 1, so that the sessions of
//! grammers' tools open here and vice versa. The file keeps no peers and no update states. The
//! home key is guarded: after a transport error −404 the sender pool negotiates a new key and wants
//! to store it over the old one, which would lose the login, so the session refuses that. Every change
//! is one SQLite transaction; after a crash the file is as it was before the change or after it.

mod layout;
mod pyrogram;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use grammers_client::session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_client::session::{BoxFuture, Session, SessionData};
use rusqlite::{Connection, params};
use thiserror::Error;

pub use self::pyrogram::{PyrogramError, PyrogramSession};

/// The value of `peer_info.subtype` for the account itself.
const SUBTYPE_SELF: i64 = 1;

/// The reason why a session file cannot be used.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The file does not exist.
    #[error("there is no session file {}", .0.display())]
    Missing(PathBuf),
    /// The file is not a session in this layout.
    #[error("{} is not a session of this program ({found})", path.display())]
    Foreign {
        /// The path of the file.
        path: PathBuf,
        /// A clause that describes what the file is instead.
        found: String,
    },
    /// The file is a session of Pyrogram.
    #[error("{} is a session of Pyrogram, not of this program", .0.display())]
    Pyrogram(PathBuf),
    /// The file is a session, but parts of it are damaged.
    #[error("the session file {} is damaged ({cause})", path.display())]
    Damaged {
        /// The path of the file.
        path: PathBuf,
        /// A clause that describes the damage.
        cause: String,
    },
    /// The file holds no key of its home data centre.
    #[error("the session file {} holds no login", .0.display())]
    NoKey(PathBuf),
    /// The sender pool tried to replace the key of the home data centre.
    #[error("refusing to replace the account's authorization key")]
    KeyReplacementRefused,
    /// The library asked for peers or update states.
    #[error("the session file keeps no peers and no update states")]
    NotKept,
    /// The file cannot be read or written.
    #[error("session file {}: {cause}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system or of SQLite.
        cause: String,
    },
}

/// The reason why the account's home data centre cannot be changed.
#[derive(Debug, Error)]
pub enum MoveError {
    /// No address of this data centre is known.
    #[error("no address of data centre {0} is known")]
    UnknownAddress(i32),
    /// The session file cannot be written.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// An open session file. The sender pool reads it at every call, so reads are served from memory.
#[derive(Debug)]
pub struct AccountSession {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    database: Connection,
    home: i32,
    options: BTreeMap<i32, DcOption>,
}

impl AccountSession {
    /// Opens the session of an account that is logged in.
    ///
    /// # Errors
    /// The file is missing, foreign or damaged, or holds no key of its home data centre.
    pub fn open(path: &Path) -> Result<Self, SessionError> {
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SessionError::Missing(path.to_owned()));
            }
            Err(error) => return Err(file_error(path, error)),
        }
        let session = Self::load(path)?;
        if session.key(session.home()).is_none() {
            return Err(SessionError::NoKey(path.to_owned()));
        }
        Ok(session)
    }

    /// Opens or creates the session for a login, which may be without a key. A key of the home data centre that it has
    /// cannot be replaced: the account may be logged in with it.
    ///
    /// # Errors
    /// The file is foreign or damaged, or cannot be created.
    pub fn open_for_login(path: &Path) -> Result<Self, SessionError> {
        let is_new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        if is_new {
            layout::create(path)?;
        }
        Self::load(path)
    }

    /// Moves a session file whose login Telegram has ended to a name beside it, and returns that name. The next login
    /// begins with a new file and a new key. Nothing may write to the file meanwhile.
    ///
    /// # Errors
    /// The file cannot be moved.
    pub fn set_aside(path: &Path) -> Result<PathBuf, SessionError> {
        let mut aside = path.to_owned();
        for number in 1.. {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".old-{number}"));
            aside = name.into();
            if aside.symlink_metadata().is_err() {
                break;
            }
        }
        std::fs::rename(path, &aside).map_err(|error| file_error(path, error))?;
        Ok(aside)
    }

    /// Checks the layout of a session file on a copy in memory, and changes nothing. An empty file passes, because a
    /// login fills it.
    ///
    /// # Errors
    /// The file cannot be read, or is foreign or damaged.
    pub fn examine(path: &Path) -> Result<(), SessionError> {
        let file = std::fs::read(path).map_err(|error| file_error(path, error))?;
        if file.is_empty() {
            return Ok(());
        }
        let database = pyrogram::open_in_memory(file).map_err(|error| SessionError::Foreign {
            path: path.to_owned(),
            found: format!("it is not an SQLite database ({error})"),
        })?;
        layout::check(&database, path)
    }

    /// Returns the number of the home data centre.
    #[must_use]
    pub fn home(&self) -> i32 {
        self.lock().home
    }

    /// Writes which account is logged in, where grammers' tools expect it.
    pub(crate) fn save_account(&self, user_id: i64, access_hash: i64) -> Result<(), SessionError> {
        self.lock()
            .database
            .execute(
                "INSERT OR REPLACE INTO peer_info VALUES (?1, ?2, ?3)",
                params![user_id, access_hash, SUBTYPE_SELF],
            )
            .map(|_| ())
            .map_err(|error| file_error(&self.path, error))
    }

    fn load(path: &Path) -> Result<Self, SessionError> {
        let layout::Contents {
            database,
            home,
            options,
        } = layout::read(path)?;
        let compiled_in = SessionData::default();
        let home = home.unwrap_or(compiled_in.home_dc);
        if !options.contains_key(&home) && !compiled_in.dc_options.contains_key(&home) {
            let cause = format!("no address of its home data centre {home} is known");
            return Err(layout::damaged(path, cause));
        }
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                database,
                home,
                options,
            }),
        })
    }

    /// Deletes the key of a data centre, so that the next connection to it negotiates a new one. The home key stays,
    /// because the login would be lost with it.
    pub(crate) fn forget_key(&self, dc: i32) -> Result<(), SessionError> {
        let known = self.lock().options.get(&dc).cloned();
        match known {
            Some(option) if dc != self.home() => self.store_option(&DcOption {
                auth_key: None,
                ..option
            }),
            _ => Ok(()),
        }
    }

    /// Reports whether the file has a key of the home data centre.
    pub(crate) fn has_home_key(&self) -> bool {
        self.key(self.home()).is_some()
    }

    fn key(&self, dc: i32) -> Option<[u8; 256]> {
        let state = self.lock();
        state.options.get(&dc).and_then(|option| option.auth_key)
    }

    fn store_option(&self, option: &DcOption) -> Result<(), SessionError> {
        let mut state = self.lock();
        let known = state.options.get(&option.id);
        if known == Some(option) {
            return Ok(());
        }
        let old_key = known.and_then(|known| known.auth_key);
        let replaces_key = old_key.is_some() && old_key != option.auth_key;
        if option.id == state.home && replaces_key {
            return Err(SessionError::KeyReplacementRefused);
        }
        state
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
        state.options.insert(option.id, option.clone());
        Ok(())
    }

    fn store_home(&self, dc: i32) -> Result<(), SessionError> {
        let mut state = self.lock();
        let replaced = state.database.transaction().and_then(|transaction| {
            transaction.execute("DELETE FROM dc_home", [])?;
            transaction.execute("INSERT INTO dc_home VALUES (?1)", [dc])?;
            transaction.commit()
        });
        replaced.map_err(|error| file_error(&self.path, error))?;
        state.home = dc;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Memory changes after the database does, in one assignment: a panic leaves both consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn the_home_key_is_never_overwritten_and_everything_else_is_stored() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        let login = AccountSession::open_for_login(&path).expect("created");
        login.store_home(2).expect("stored");
        login.store_option(&option(8)).expect("stored");
        drop(login);

        let session = AccountSession::open(&path).expect("opened");
        let login = AccountSession::open_for_login(&path).expect("opened");
        for session in [&session, &login] {
            assert!(matches!(
                session.store_option(&option(9)),
                Err(SessionError::KeyReplacementRefused)
            ));
        }
        drop(login);
        let moved = DcOption {
            ipv4: "127.0.0.1:4431".parse().expect("an address"),
            ..option(8)
        };
        session
            .store_option(&moved)
            .expect("the address may change");
        let foreign = DcOption { id: 4, ..option(1) };
        session
            .store_option(&foreign)
            .expect("a key of another data centre is stored");
        session
            .store_option(&DcOption { id: 4, ..option(2) })
            .expect("a key of another data centre may be replaced");
        drop(session);

        let session = AccountSession::open(&path).expect("opened again");
        assert_eq!(session.home(), 2);
        assert_eq!(session.dc_option(2).expect("known"), Some(moved));
        assert_eq!(session.key(4), Some([2; 256]));
    }

    #[test]
    fn only_the_key_of_another_data_centre_can_be_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        let login = AccountSession::open_for_login(&path).expect("created");
        login.store_home(2).expect("stored");
        let foreign = DcOption { id: 4, ..option(1) };
        for known in [&option(7), &foreign] {
            login.store_option(known).expect("stored");
        }
        drop(login);

        let session = AccountSession::open(&path).expect("opened");
        for dc in [2, 4, 5] {
            session.forget_key(dc).expect("stored");
        }
        drop(session);
        let session = AccountSession::open(&path).expect("opened again");
        assert_eq!(session.key(2), Some([7; 256]));
        // grammers negotiates a key with a data centre that has an address and no key.
        let keyless = DcOption {
            auth_key: None,
            ..foreign
        };
        assert_eq!(session.dc_option(4).expect("known"), Some(keyless));
    }

    #[test]
    fn a_session_is_set_aside_beside_those_that_were_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        for (number, key) in [(1, 7), (2, 8)] {
            let ended = AccountSession::open_for_login(&path).expect("created");
            ended.store_home(2).expect("stored");
            ended.store_option(&option(key)).expect("stored");
            drop(ended);
            let aside = AccountSession::set_aside(&path).expect("moved");
            assert_eq!(
                aside,
                directory
                    .path()
                    .join(format!("account.session.old-{number}"))
            );
            assert!(!path.exists());
            let kept = AccountSession::open(&aside).expect("opened");
            assert_eq!(kept.key(2), Some([key; 256]));
        }
    }

    #[test]
    fn an_unusable_file_is_reported_with_its_cause() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("account.session");
        let cause = || {
            AccountSession::open(&path)
                .expect_err("refused")
                .to_string()
        };
        assert!(cause().contains("there is no session file"), "{}", cause());

        std::fs::write(&path, b"text that is not a database at all").expect("written");
        assert!(cause().contains("not an SQLite database"), "{}", cause());

        std::fs::write(&path, b"").expect("written");
        assert!(cause().contains("an empty database"), "{}", cause());

        std::fs::remove_file(&path).expect("removed");
        let other = Connection::open(&path).expect("created");
        other
            .execute_batch("CREATE TABLE sessions (dc_id INTEGER, auth_key BLOB, user_id INTEGER)")
            .expect("made");
        drop(other);
        assert!(cause().contains("Pyrogram"), "{}", cause());

        std::fs::remove_file(&path).expect("removed");
        drop(AccountSession::open_for_login(&path).expect("created"));
        assert!(cause().contains("holds no login"), "{}", cause());

        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
        assert!(cause().contains("damaged"), "{}", cause());

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
        assert!(cause().contains("1 bytes, not 256"), "{}", cause());

        std::fs::remove_file(&path).expect("removed");
        let homeless = AccountSession::open_for_login(&path).expect("created");
        homeless.store_home(99).expect("stored");
        drop(homeless);
        let expected = "no address of its home data centre 99 is known";
        assert!(cause().contains(expected), "{}", cause());
    }
}
