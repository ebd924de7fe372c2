//! Makes sure that concurrent calls import the authorization into a data centre once.
//!
//! Each data centre has a lock and a count of imports. A call that Telegram refuses for lack of an
//! authorization imports it only if no other call has imported it since that call started.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::error::CallError;

/// How often the authorization was imported into each data centre.
#[derive(Debug, Default)]
pub(crate) struct AuthorizationImports(Mutex<BTreeMap<i32, Arc<AsyncMutex<u64>>>>);

impl AuthorizationImports {
    /// Returns how often the authorization was imported into `dc`, once no import is in progress.
    pub(crate) async fn generation(&self, dc: i32) -> u64 {
        *self.lock_for(dc).lock().await
    }

    /// Runs `import`, unless another call has imported since `generation` was read.
    pub(crate) async fn import_once<F>(
        &self,
        dc: i32,
        generation: u64,
        import: impl FnOnce() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<(), CallError>>,
    {
        let count = self.lock_for(dc);
        let mut imported = count.lock().await;
        if *imported == generation {
            import().await?;
            *imported += 1;
        }
        Ok(())
    }

    fn lock_for(&self, dc: i32) -> Arc<AsyncMutex<u64>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(dc)
            .or_default()
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_calls_import_once() {
        let imports = AuthorizationImports::default();
        let runs = AtomicU32::new(0);
        let before = imports.generation(4).await;
        let import = || async {
            runs.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(())
        };
        let (first, second) = tokio::join!(
            imports.import_once(4, before, import),
            imports.import_once(4, before, import)
        );
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_import_is_left_to_the_next_call() {
        let imports = AuthorizationImports::default();
        let failure = CallError::NotSent {
            method: "auth.exportAuthorization",
            reason: "test",
        };
        let failed = imports.import_once(4, 0, || async { Err(failure.clone()) });
        assert_eq!(failed.await, Err(failure.clone()));
        assert_eq!(imports.import_once(4, 0, || async { Ok(()) }).await, Ok(()));
        assert_eq!(imports.generation(4).await, 1);
    }
}
