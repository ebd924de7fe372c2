//! What the clock has done: of each job, up to when its times are dealt with.

use rusqlite::{OptionalExtension as _, params};

use super::{StoreError, Tx};
use crate::model::Timestamp;

/// What is kept of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// When it is due, in the words of the configuration.
    pub expression: String,
    /// Up to when its times are dealt with.
    pub due_at: Timestamp,
    /// When it last ran.
    pub ran_at: Option<Timestamp>,
    /// When it is due next.
    pub next_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Returns what is kept of a job.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self
            .0
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

    /// Keeps what is known of a job now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_job(&self, name: &str, record: &JobRecord) -> Result<(), StoreError> {
        self.0
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
