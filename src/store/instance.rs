//! The record that a running instance keeps about itself, for `status`: when it started and ended, its account, and the
//! channels of its posts.

use std::collections::BTreeMap;

use super::{ReadTx, StoreError, Tx, schema};
use crate::model::{ChannelId, Timestamp, UserId};

/// The record of a start.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub pid: u32,
    pub version: &'a str,
    pub commit: &'a str,
    pub hide: ChannelId,
    pub exchange: Option<ChannelId>,
}

/// The record of the last instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    pub pid: Option<u32>,
    pub version: Option<String>,
    pub commit: Option<String>,
    pub started_at: Option<Timestamp>,
    /// When the process last gave a sign of life.
    pub alive_at: Option<Timestamp>,
    /// When Telegram last answered this instance or an earlier one.
    pub last_contact_at: Option<Timestamp>,
    /// `None` while the instance runs, and if it was killed.
    pub ended_at: Option<Timestamp>,
    /// The error that ended the instance.
    pub ended_because: Option<String>,
    /// The time of the copy from which the database was restored, until the posts since then were read.
    pub restored_from: Option<Timestamp>,
    pub account: Option<UserId>,
    pub hide: Option<ChannelId>,
    pub exchange: Option<ChannelId>,
    /// The word for the channel of the posts, if the choice was ever changed.
    pub route: Option<String>,
    /// How many posts were not envelopes, ever.
    pub malformed: u64,
    /// The layout of the file.
    pub layout: i64,
}

impl ReadTx<'_> {
    /// Returns the record of the last instance.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn instance(&self) -> Result<Instance, StoreError> {
        let mut statement = self.db.prepare("SELECT key, value FROM settings")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut kept: BTreeMap<String, String> = rows.collect::<Result<_, _>>()?;
        let number = |key: &str| kept.get(key).and_then(|value| value.parse::<i64>().ok());
        let channel = |key: &str| number(key).and_then(ChannelId::from_bot_api);
        Ok(Instance {
            pid: number("pid").and_then(|pid| u32::try_from(pid).ok()),
            started_at: number("started_at").map(Timestamp::new),
            alive_at: number("alive_at").map(Timestamp::new),
            last_contact_at: number("last_contact_at").map(Timestamp::new),
            ended_at: number("ended_at").map(Timestamp::new),
            restored_from: number("restored_from").map(Timestamp::new),
            account: number("account").map(UserId::new),
            hide: channel("hide"),
            exchange: channel("exchange"),
            malformed: number("malformed").map_or(0, |count| u64::try_from(count).unwrap_or(0)),
            layout: schema::layout(self.db)?,
            version: kept.remove("version"),
            commit: kept.remove("commit"),
            ended_because: kept.remove("ended_because"),
            route: kept.remove("route"),
        })
    }
}

impl Tx<'_> {
    /// Records that an instance starts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_start(&self, start: &Start<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.db.execute(
            "DELETE FROM settings WHERE key IN ('ended_at', 'ended_because', 'exchange')",
            [],
        )?;
        self.set_setting("started_at", &now.to_string())?;
        self.record_life(None, now)?;
        self.set_setting("pid", &start.pid.to_string())?;
        self.set_setting("version", start.version)?;
        self.set_setting("commit", start.commit)?;
        self.set_setting("hide", &start.hide.to_string())?;
        match start.exchange {
            Some(exchange) => self.set_setting("exchange", &exchange.to_string()),
            None => Ok(()),
        }
    }

    /// Records that the instance lives, and when Telegram last answered it, if it did.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_life(
        &self,
        last_contact_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_setting("alive_at", &now.to_string())?;
        match last_contact_at {
            Some(at) => self.set_setting("last_contact_at", &at.to_string()),
            None => Ok(()),
        }
    }

    /// Records the account of the instance. Another account than before cannot use the documents of earlier posts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_account(&self, account: UserId) -> Result<(), StoreError> {
        let account = account.to_string();
        if self.setting("account")?.as_ref() != Some(&account) {
            self.forget_documents()?;
        }
        self.set_setting("account", &account)
    }

    /// Records that an instance ends, with the error that ended it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_end(&self, because: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        self.set_setting("ended_at", &now.to_string())?;
        match because {
            Some(because) => self.set_setting("ended_because", because),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_start_clears_the_end_of_the_last_instance() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let hide = ChannelId::from_bare(7);
        let start = Start {
            pid: 5,
            version: "1",
            commit: "abc",
            hide,
            exchange: Some(ChannelId::from_bare(8)),
        };
        let done: Result<(), StoreError> = store.write(|tx| {
            assert_eq!(tx.instance()?.started_at, None);
            tx.record_start(&start, Timestamp::new(100))?;
            tx.set_account(UserId::new(9))?;
            tx.record_life(Some(Timestamp::new(150)), Timestamp::new(160))?;
            tx.record_end(Some("frozen"), Timestamp::new(200))?;
            let ended = tx.instance()?;
            assert_eq!(ended.ended_at, Some(Timestamp::new(200)));
            assert_eq!(ended.ended_because.as_deref(), Some("frozen"));
            assert_eq!(ended.exchange, start.exchange);

            let start = Start {
                exchange: None,
                ..start
            };
            tx.record_start(&start, Timestamp::new(300))?;
            let runs = tx.instance()?;
            assert_eq!((runs.ended_at, runs.ended_because), (None, None));
            assert_eq!((runs.exchange, runs.hide), (None, Some(hide)));
            assert_eq!(runs.started_at, Some(Timestamp::new(300)));
            assert_eq!(runs.alive_at, Some(Timestamp::new(300)));
            assert_eq!(
                runs.last_contact_at,
                Some(Timestamp::new(150)),
                "the last contact survives a restart"
            );
            assert_eq!(
                runs.account,
                Some(UserId::new(9)),
                "the account stays until it is known again"
            );
            Ok(())
        });
        done.expect("done");
    }
}
