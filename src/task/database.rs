//! The loops' access to the store: transactions that are retried while the disk fails.
//!
//! A read uses a reading connection and does not wait for the writer. A decision that was made from a read and has to
//! hold at the write is checked again in the write's transaction.

use std::time::Duration;

use super::{Runtime, TaskError};
use crate::store::{ReadTx, Store, StoreError, Tx};

/// The pause before a failed transaction is retried.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// The store, with retries on disk errors. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    store: Store,
    runtime: Runtime,
}

impl Database {
    #[must_use]
    pub const fn new(store: Store, runtime: Runtime) -> Self {
        Self { store, runtime }
    }

    /// Does `work` in one transaction. After a transient error it logs the error, waits and calls `work` again. It
    /// returns only after the commit.
    ///
    /// # Errors
    /// The program shuts down, or the database is unusable.
    pub async fn write<T>(
        &self,
        mut work: impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        self.retry(|| self.store.write(&mut work)).await
    }

    /// Does the same as [`write`](Self::write), but a power failure may lose the changes: for those that the program makes
    /// again after a start. A crash of the program alone loses none.
    ///
    /// # Errors
    /// The program shuts down, or the database is unusable.
    pub async fn write_unflushed<T>(
        &self,
        mut work: impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        self.retry(|| self.store.write_unflushed(&mut work)).await
    }

    /// Does `work` in one transaction, once. After a transient error it logs the error, waits, and returns `None`: the
    /// caller repeats everything that `work` relies on.
    ///
    /// # Errors
    /// The program shuts down, or the database is unusable.
    pub async fn write_once<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, TaskError> {
        match self.store.write(work) {
            Ok(done) => Ok(Some(done)),
            Err(error) => self.wait_out(error).await.map(|()| None),
        }
    }

    /// Reads one moment of the database, on a reading connection. `work` must be short.
    ///
    /// # Errors
    /// The program shuts down, or the database is unusable.
    pub async fn read<T>(
        &self,
        mut work: impl FnMut(&ReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        self.retry(|| self.store.read(&mut work)).await
    }

    /// Does the same as [`read`](Self::read) for `work` that takes long: the other loops go on meanwhile.
    ///
    /// # Errors
    /// The program shuts down, or the database is unusable.
    pub async fn read_long<T>(
        &self,
        mut work: impl FnMut(&ReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        self.retry(|| self.store.read_long(&mut work)).await
    }

    async fn retry<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, TaskError> {
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => self.wait_out(error).await?,
            }
        }
    }

    /// Returns after a pause if the same transaction may succeed later.
    async fn wait_out(&self, error: StoreError) -> Result<(), TaskError> {
        if !error.is_transient() {
            return Err(error.into());
        }
        tracing::error!(%error, "a transaction failed; retrying");
        self.runtime.pause(DISK_PAUSE).await
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use super::*;
    use crate::app::AppError;
    use crate::file_codec::EncodeError;
    use crate::task::fixture::Fixture;

    #[tokio::test]
    async fn a_failed_transaction_waits_and_leaves_nothing_behind() {
        let fixture = Fixture::new();
        let mut attempts = 0;
        let written = fixture.database.write(|tx| {
            attempts += 1;
            tx.set_setting("attempt", "made")?;
            fixture.runtime.shutdown.cancel();
            Err::<(), _>(StoreError::DiskFull)
        });
        // The shutdown ends the pause before the next attempt.
        assert!(matches!(written.await, Err(TaskError::ShuttingDown)));
        assert_eq!(attempts, 1);
        let kept = fixture.database.read(|tx| tx.setting("attempt")).await;
        assert_eq!(kept.expect("read"), None);
    }

    #[tokio::test]
    async fn a_database_that_is_unusable_ends_the_loop() {
        let fixture = Fixture::new();
        let unusable = || StoreError::Unreadable("a row".into());
        let written = fixture.database.write(|_| Err::<(), _>(unusable())).await;
        assert!(matches!(written, Err(TaskError::Store(_))));
        fixture.runtime.shutdown.cancel();
        let written = fixture
            .database
            .write(|_| Err::<(), _>(StoreError::DiskFull));
        assert!(matches!(written.await, Err(TaskError::ShuttingDown)));
    }

    #[test]
    fn a_failed_random_number_generator_ends_the_loop_whatever_needed_it() {
        let cause = getrandom::Error::UNSUPPORTED;
        let sealing = EncodeError::Sealed(cause.into());
        let python = EncodeError::AesCrypt(cause.into());
        let name = anyhow::Error::new(io::Error::other(cause)).context("cannot choose a file name");
        for error in [&sealing as &(dyn Error + 'static), &python, name.as_ref()] {
            let found = StoreError::of_random_numbers(error).expect("found");
            assert!(matches!(found, StoreError::NoRandomNumbers(_)), "{error}");
            assert!(!found.is_transient());
            assert_eq!(AppError::from(TaskError::from(found)).exit_code(), 70);
        }
        let disk = io::Error::from(io::ErrorKind::StorageFull);
        assert!(StoreError::of_random_numbers(&disk).is_none());
    }
}
