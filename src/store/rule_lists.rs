//! The rule lists, and the number of hits of each rule.

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::WordList;

/// The setting that counts the replacements of rule lists.
const VERSION: &str = "rules";

impl ReadTx<'_> {
    /// Returns how many times a rule list was replaced: two moments with the same number have the same rules.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rules_version(&self) -> Result<u64, StoreError> {
        let version = self.setting(VERSION)?;
        Ok(version.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    /// Returns the rules of a list in their order, each with its number of hits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rules(&self, list: WordList) -> Result<Vec<(String, u64)>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT pattern, hits FROM rules WHERE list = ?1 ORDER BY position")?;
        let rows = statement.query_map([list.as_str()], |row| {
            Ok((
                row.get(0)?,
                u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            ))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Replaces the rules of a list. With `keep_hits`, a rule that stays keeps its number of hits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn replace_rules(
        &self,
        list: WordList,
        rules: &[(String, u64)],
        keep_hits: bool,
    ) -> Result<(), StoreError> {
        let before = self.rules(list)?;
        self.set_setting(VERSION, &(self.rules_version()? + 1).to_string())?;
        self.db
            .execute("DELETE FROM rules WHERE list = ?1", [list.as_str()])?;
        let mut insert = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO rules VALUES (?1, ?2, ?3, ?4)")?;
        let hits: std::collections::BTreeMap<&str, u64> = before
            .iter()
            .map(|(pattern, hits)| (pattern.as_str(), *hits))
            .collect();
        for (position, (pattern, given)) in rules.iter().enumerate() {
            let hits = match hits.get(pattern.as_str()) {
                Some(hits) if keep_hits => *hits,
                _ => *given,
            };
            insert.execute(params![
                list.as_str(),
                i64::try_from(position).unwrap_or(i64::MAX),
                pattern,
                i64::try_from(hits).unwrap_or(i64::MAX),
            ])?;
        }
        Ok(())
    }

    /// Counts one hit of a rule. The count saturates, because a file may bring any number.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_hit(&self, list: WordList, pattern: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE rules SET hits = MIN(hits, ?3) + 1 WHERE list = ?1 AND pattern = ?2",
            )?
            .execute(params![list.as_str(), pattern, i64::MAX - 1])?;
        Ok(())
    }

    /// Sets the number of hits of every rule of a list to zero.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reset_hits(&self, list: WordList) -> Result<(), StoreError> {
        self.db
            .execute("UPDATE rules SET hits = 0 WHERE list = ?1", [list.as_str()])?;
        Ok(())
    }
}
