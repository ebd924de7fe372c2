//! Session files for clients, in version 1 of the layout of grammers' `SqliteSession`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddrV4;
use std::path::Path;

use rusqlite::{Connection, params};

use super::{Simulator, seed_key};
use crate::{HOME_DC, OTHER_DC};

/// The subtype of the account's own user in this layout.
const USER_SELF: i64 = 1;

const TABLES: &str = "
    CREATE TABLE dc_home (dc_id INTEGER NOT NULL, PRIMARY KEY(dc_id));
    CREATE TABLE dc_option (
        dc_id INTEGER NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL, auth_key BLOB, PRIMARY KEY (dc_id));
    CREATE TABLE peer_info (peer_id INTEGER NOT NULL, hash INTEGER, subtype INTEGER, PRIMARY KEY (peer_id));
    CREATE TABLE update_state (
        pts INTEGER NOT NULL, qts INTEGER NOT NULL, date INTEGER NOT NULL, seq INTEGER NOT NULL);
    CREATE TABLE channel_state (peer_id INTEGER NOT NULL, pts INTEGER NOT NULL, PRIMARY KEY (peer_id));
    PRAGMA user_version = 1;
";

impl Simulator {
    /// Writes a session that is logged in: the home data centre, both addresses and keys, and the account's own user.
    /// An existing file is replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_session(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let keys = [*self.keys.home.data(), *self.keys.other.data()];
        let me = self
            .shared
            .read(|world| (world.me, world.myself().access_hash));
        self.write(path.as_ref(), keys, Some(me))
    }

    /// Writes a session of [another account](Self::add_account) that is logged in. An existing file is replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_session_of(&self, account: i64, path: impl AsRef<Path>) -> io::Result<()> {
        let (keys, me) = self.shared.change(|world| {
            world.seen_as(account, |world| {
                let home = seed_key(world, HOME_DC, true)?;
                let other = seed_key(world, OTHER_DC, false)?;
                let me = (account, world.myself().access_hash);
                io::Result::Ok(([*home.data(), *other.data()], me))
            })
        })?;
        self.write(path.as_ref(), keys, Some(me))
    }

    /// Writes a session with keys that are not logged in. An existing file is replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_session_unauthorized(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let keys = [*self.keys.fresh_home.data(), *self.keys.fresh_other.data()];
        self.write(path.as_ref(), keys, None)
    }

    /// Sets the addresses that `help.getConfig` names, in place of those of the servers. Clients need a proxy that knows
    /// these addresses, such as [`Socks5Proxy::start_redirecting`](crate::Socks5Proxy::start_redirecting).
    pub fn publish_addresses(&self, addresses: &BTreeMap<i32, SocketAddrV4>) {
        self.shared
            .change(|world| addresses.clone_into(&mut world.addresses));
    }

    fn write(&self, path: &Path, keys: [[u8; 256]; 2], me: Option<(i64, i64)>) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.fill(path, keys, me).map_err(io::Error::other)
    }

    fn fill(
        &self,
        path: &Path,
        keys: [[u8; 256]; 2],
        me: Option<(i64, i64)>,
    ) -> rusqlite::Result<()> {
        let database = Connection::open(path)?;
        database.execute_batch(TABLES)?;
        database.execute("INSERT INTO dc_home VALUES (?1)", params![HOME_DC])?;
        for (dc, key) in [HOME_DC, OTHER_DC].into_iter().zip(keys) {
            let address = self.address(dc);
            let mapped = format!("[{}]:{}", address.ip().to_ipv6_mapped(), address.port());
            database.execute(
                "INSERT INTO dc_option VALUES (?1, ?2, ?3, ?4)",
                params![dc, address.to_string(), mapped, key],
            )?;
        }
        if let Some((id, access_hash)) = me {
            database.execute(
                "INSERT INTO peer_info VALUES (?1, ?2, ?3)",
                params![id, access_hash, USER_SELF],
            )?;
        }
        database.close().map_err(|(_, error)| error)
    }
}
