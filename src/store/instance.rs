//! What an instance leaves about itself, so that `state.db` alone tells of it: when it started and
//! ended, as which account, and where its posts go.

use std::collections::BTreeMap;

use super::{StoreError, Tx, schema};
use crate::model::{ChannelId, Timestamp, UserId};

/// What is kept when an instance starts.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: &'a str,
    /// The commit that it was built from.
    pub commit: &'a str,
    /// HIDE.
    pub hide: ChannelId,
    /// EXCHANGE, if there is one.
    pub exchange: Option<ChannelId>,
}

/// What the last instance left about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its process.
    pub pid: Option<u32>,
    /// Its version.
    pub version: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it runs, and if it could not say.
    pub ended_at: Option<Timestamp>,
    /// What ended it, if that was not a signal.
    pub ended_because: Option<String>,
    /// The account, once it was learned.
    pub account: Option<UserId>,
    /// HIDE.
    pub hide: Option<ChannelId>,
    /// EXCHANGE.
    pub exchange: Option<ChannelId>,
    /// The word for where posts go, if that was ever turned.
    pub route: Option<String>,
    /// How many posts were no envelopes, ever.
    pub malformed: u64,
    /// The layout of the file.
    pub layout: i64,
}

impl Tx<'_> {
    /// Notes that an instance starts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_start(&self, start: &Start<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM settings WHERE key IN ('ended_at', 'ended_because', 'exchange')",
            [],
        )?;
        self.keep_setting("started_at", &now.to_string())?;
        self.keep_setting("pid", &start.pid.to_string())?;
        self.keep_setting("version", start.version)?;
        self.keep_setting("commit", start.commit)?;
        self.keep_setting("hide", &start.hide.to_string())?;
        match start.exchange {
            Some(exchange) => self.keep_setting("exchange", &exchange.to_string()),
            None => Ok(()),
        }
    }

    /// Notes as which account it runs.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_account(&self, account: UserId) -> Result<(), StoreError> {
        self.keep_setting("account", &account.to_string())
    }

    /// Notes that an instance ends, and because of what, if it was not told to.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_end(&self, because: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        self.keep_setting("ended_at", &now.to_string())?;
        match because {
            Some(because) => self.keep_setting("ended_because", because),
            None => Ok(()),
        }
    }

    /// Returns what the last instance left about itself.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn instance(&self) -> Result<Instance, StoreError> {
        let mut statement = self.0.prepare("SELECT key, value FROM settings")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut kept: BTreeMap<String, String> = rows.collect::<Result<_, _>>()?;
        let number = |key: &str| kept.get(key).and_then(|value| value.parse::<i64>().ok());
        let channel = |key: &str| number(key).and_then(ChannelId::from_bot_api);
        Ok(Instance {
            pid: number("pid").and_then(|pid| u32::try_from(pid).ok()),
            started_at: number("started_at").map(Timestamp::new),
            ended_at: number("ended_at").map(Timestamp::new),
            account: number("account").map(UserId::new),
            hide: channel("hide"),
            exchange: channel("exchange"),
            malformed: number("malformed").map_or(0, |count| u64::try_from(count).unwrap_or(0)),
            layout: schema::layout(self.0)?,
            version: kept.remove("version"),
            commit: kept.remove("commit"),
            ended_because: kept.remove("ended_because"),
            route: kept.remove("route"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_start_takes_back_what_the_last_end_said() {
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
        let done: Result<(), StoreError> = store.transaction(|tx| {
            assert_eq!(tx.instance()?.started_at, None);
            tx.note_start(&start, Timestamp::new(100))?;
            tx.note_account(UserId::new(9))?;
            tx.note_end(Some("frozen"), Timestamp::new(200))?;
            let ended = tx.instance()?;
            assert_eq!(ended.ended_at, Some(Timestamp::new(200)));
            assert_eq!(ended.ended_because.as_deref(), Some("frozen"));
            assert_eq!(ended.exchange, start.exchange);

            let start = Start {
                exchange: None,
                ..start
            };
            tx.note_start(&start, Timestamp::new(300))?;
            let runs = tx.instance()?;
            assert_eq!((runs.ended_at, runs.ended_because), (None, None));
            assert_eq!((runs.exchange, runs.hide), (None, Some(hide)));
            assert_eq!(runs.started_at, Some(Timestamp::new(300)));
            assert_eq!(runs.account, Some(UserId::new(9)), "it stays until learned");
            Ok(())
        });
        done.expect("done");
    }
}
