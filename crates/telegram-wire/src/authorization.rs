//! Calls in other data centres, which may not know the account yet: the authorization is imported there.
//!
//! Each data centre has a lock and a count of imports. A call that Telegram refuses for lack of an
//! authorization imports it only if no other call has imported it since that call started. A refused import is
//! repeated once, from a new export. If the data centre still does not accept the authorization, only calls to it
//! fail, for a growing time. The state is kept in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grammers_client::tl::{enums, functions as f};
use tokio::sync::Mutex as AsyncMutex;

use crate::calls::Permitted;
use crate::classification::TransportError;
use crate::connection_backoff::{ConnectionBackoff, Consequence};
use crate::error::CallError;
use crate::wire::{Wire, paused};

/// The longest pause of a data centre that does not accept the authorization.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How often one call imports the authorization.
const MAX_IMPORTS: u32 = 2;

/// The imports of the authorization into other data centres.
#[derive(Debug)]
pub(crate) struct AuthorizationImports {
    /// How often the authorization was imported into each data centre.
    counts: Mutex<BTreeMap<i32, Arc<AsyncMutex<u64>>>>,
    backoff: ConnectionBackoff,
}

/// The reason why a call in another data centre failed.
enum Failed {
    Call(CallError),
    /// The data centre does not accept the authorization.
    Import(CallError),
}

impl Wire {
    /// Invokes `request` in the data centre `dc`. If that is not the home data centre and does not
    /// know the account yet, imports the authorization there and repeats the call. If the data centre does not
    /// accept the authorization, calls to it fail as [`CallError::Network`] for a while.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn invoke_in<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, CallError> {
        if dc == self.connections.home() {
            return self.attempt(dc, request).await;
        }
        let backoff = &self.imports.backoff;
        let began = self.clock.instant();
        if let Err(pause) = backoff.begin_call(dc, began) {
            return Err(paused(R::METHOD, "did not accept the authorization", pause));
        }
        match self.invoke_with_imports(dc, request).await {
            Ok(answer) => {
                backoff.answered(dc, began);
                Ok(answer)
            }
            Err(Failed::Call(error)) => {
                match error {
                    CallError::Refused { .. } => backoff.answered(dc, began),
                    _ => backoff.unanswered(dc, began, self.clock.instant()),
                }
                Err(error)
            }
            Err(Failed::Import(error)) => {
                let refusal = self.refusal(TransportError::Other, began);
                if let Consequence::Pause(pause) = backoff.refused(dc, refusal) {
                    let pause_s = pause.as_secs();
                    tracing::warn!(dc, %error, pause_s, "the authorization was not accepted");
                }
                let cause = format!("its data centre does not accept the authorization: {error}");
                Err(CallError::Network {
                    method: R::METHOD,
                    cause,
                    is_cut: false,
                })
            }
        }
    }

    async fn invoke_with_imports<R: Permitted>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, Failed> {
        let mut generation = self.imports.generation(dc).await;
        let mut imports = 0;
        loop {
            let refusal = match self.attempt(dc, request).await {
                Err(refusal @ CallError::Refused { code: 401, .. }) => refusal,
                answer => return answer.map_err(Failed::Call),
            };
            if imports == MAX_IMPORTS {
                return Err(Failed::Import(refusal));
            }
            imports += 1;
            let import = || self.copy_authorization(dc);
            generation = match self.imports.import_once(dc, generation, import).await {
                Ok(imported) => imported,
                Err(
                    error @ (CallError::Refused { .. }
                    | CallError::Unusable { .. }
                    | CallError::NotSent { .. }),
                ) => return Err(Failed::Import(error)),
                Err(error) => return Err(Failed::Call(error)),
            };
        }
    }

    /// Copies the authorization to another data centre; once more, from a new export, if it is refused
    /// (AUTH_BYTES_INVALID).
    async fn copy_authorization(&self, dc: i32) -> Result<(), CallError> {
        match self.copy_authorization_once(dc).await {
            Err(refusal @ CallError::Refused { .. }) => {
                tracing::debug!(dc, %refusal, "the authorization is exported again");
                self.copy_authorization_once(dc).await
            }
            result => result,
        }
    }

    async fn copy_authorization_once(&self, dc: i32) -> Result<(), CallError> {
        let request = f::auth::ExportAuthorization { dc_id: dc };
        let enums::auth::ExportedAuthorization::Authorization(exported) =
            self.invoke(&request).await?;
        let request = f::auth::ImportAuthorization {
            id: exported.id,
            bytes: exported.bytes,
        };
        match self.attempt(dc, &request).await {
            // The answer holds the account's user object, which the program does not need.
            Ok(_) | Err(CallError::Unusable { .. }) => {}
            Err(error) => return Err(error),
        }
        tracing::info!(dc, "imported the authorization");
        Ok(())
    }
}

impl Default for AuthorizationImports {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            backoff: ConnectionBackoff::new(LONGEST_PAUSE),
        }
    }
}

impl AuthorizationImports {
    /// Returns how often the authorization was imported into `dc`, once no import is in progress.
    pub(crate) async fn generation(&self, dc: i32) -> u64 {
        *self.lock_for(dc).lock().await
    }

    /// Runs `import`, unless another call has imported since `generation` was read. Returns the present generation.
    pub(crate) async fn import_once<F>(
        &self,
        dc: i32,
        generation: u64,
        import: impl FnOnce() -> F,
    ) -> Result<u64, CallError>
    where
        F: Future<Output = Result<(), CallError>>,
    {
        let count = self.lock_for(dc);
        let mut imported = count.lock().await;
        if *imported == generation {
            import().await?;
            *imported += 1;
        }
        Ok(*imported)
    }

    fn lock_for(&self, dc: i32) -> Arc<AsyncMutex<u64>> {
        self.counts
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
        assert_eq!((first, second), (Ok(1), Ok(1)));
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
        assert_eq!(imports.import_once(4, 0, || async { Ok(()) }).await, Ok(1));
        assert_eq!(imports.generation(4).await, 1);
    }
}
