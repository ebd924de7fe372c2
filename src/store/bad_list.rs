//! The bad list: users and channels that the fleet bans everywhere.

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::{BadEntry, Timestamp, UserId};

impl ReadTx<'_> {
    /// Returns true if a user is on the bad list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_bad(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM bad WHERE kind = 'user' AND id = ?1")?
            .exists([user.get()])?)
    }
}

impl Tx<'_> {
    /// Puts a user or channel on the bad list, or removes it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_bad(&self, bad: BadEntry, is_bad: bool, now: Timestamp) -> Result<(), StoreError> {
        let (kind, id) = match bad {
            BadEntry::User(user) => ("user", user.get()),
            BadEntry::Channel(channel) => ("channel", channel.bare()),
        };
        if is_bad {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO bad VALUES (?1, ?2, ?3)")?
                .execute(params![kind, id, now.get()])?;
        } else {
            self.db
                .prepare_cached("DELETE FROM bad WHERE kind = ?1 AND id = ?2")?
                .execute(params![kind, id])?;
        }
        Ok(())
    }

    /// Removes every user from the bad list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_bad_users(&self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM bad WHERE kind = 'user'", [])?;
        Ok(())
    }

    /// Removes every channel from the bad list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_bad_channels(&self) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM bad WHERE kind = 'channel'", [])?;
        Ok(())
    }
}
