//! The scheduled jobs: for each one, the time up to which its runs are done.

use rusqlite::{OptionalExtension as _, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The cron expression of the configuration, when the record was written.
    pub expression: String,
    /// The time up to which every run is done.
    pub due_at: Timestamp,
    /// The last run.
    pub ran_at: Option<Timestamp>,
    /// The next run.
    pub next_at: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// Returns the record of a job.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT expression, due_at, ran_at, next_at FROM runs WHERE job = ?1")?
            .query_row([name], |row| {
                Ok(JobRecord {
                    expression: row.get(0)?,
                    due_at: Timestamp::new(row.get(1)?),
                    ran_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::new),
                    next_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::new),
                })
            })
            .optional()?)
    }
}

impl Tx<'_> {
    /// Sets the record of a job.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_job(&self, name: &str, record: &JobRecord) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                name,
                record.expression,
                record.due_at.get(),
                record.ran_at.map(Timestamp::get),
                record.next_at.map(Timestamp::get),
            ])?;
        Ok(())
    }
}
