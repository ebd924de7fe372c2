//! The learned pace of posts, by channel. A lost row costs some time of learning.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::decide::LearnedPace;
use crate::model::ChannelId;

impl ReadTx<'_> {
    /// Returns the learned paces.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn learned_paces(&self) -> Result<BTreeMap<ChannelId, LearnedPace>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT channel_id, interval_ms, limit_ms FROM paces")?;
        let rows = statement.query_map([], |row| {
            let learned = LearnedPace {
                interval: duration(row.get(1)?),
                limit: row.get::<_, Option<i64>>(2)?.map(duration),
            };
            Ok((ChannelId::from_bare(row.get(0)?), learned))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Stores the learned pace of a channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_learned_pace(
        &self,
        channel: ChannelId,
        learned: LearnedPace,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO paces VALUES (?1, ?2, ?3)")?
            .execute(params![
                channel.bare(),
                millis(learned.interval),
                learned.limit.map(millis)
            ])?;
        Ok(())
    }
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn the_pace_of_each_channel_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let [hide, exchange] = [5, 6].map(ChannelId::from_bare);
        let pace = |interval, limit: Option<u64>| LearnedPace {
            interval: Duration::from_millis(interval),
            limit: limit.map(Duration::from_millis),
        };
        let kept: Result<_, StoreError> = store.write(|tx| {
            tx.set_learned_pace(hide, pace(3000, None))?;
            tx.set_learned_pace(exchange, pace(1200, Some(1150)))?;
            tx.set_learned_pace(hide, pace(2000, Some(1900)))?;
            tx.learned_paces()
        });
        let expected = [
            (hide, pace(2000, Some(1900))),
            (exchange, pace(1200, Some(1150))),
        ];
        assert_eq!(kept.expect("kept"), expected.into());
    }
}
