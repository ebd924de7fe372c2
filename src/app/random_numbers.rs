//! Watches over the operating system's generator of random numbers.
//!
//! The client library panics if it gets no random numbers, which looks like a connection that ends again and again. So
//! the generator is tried before the start and once a second, and its failure ends the program.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::store::StoreError;

/// The time between two attempts to get random numbers.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs `run` with a shutdown signal that also the failure of the generator raises.
///
/// # Errors
/// The generator failed, or the error of `run`.
pub(super) async fn watched<R>(
    shutdown: CancellationToken,
    run: impl FnOnce(CancellationToken) -> R,
) -> Result<(), AppError>
where
    R: Future<Output = Result<(), AppError>>,
{
    try_random_numbers()?;
    let stop = shutdown.child_token();
    let mut running = pin!(run(stop.clone()));
    let failure = tokio::select! {
        ended = &mut running => return ended,
        Err(failure) = fail() => failure,
    };
    stop.cancel();
    if let Err(error) = running.await {
        tracing::debug!(%error, "the program ended without random numbers");
    }
    Err(failure)
}

/// Returns when the generator fails.
async fn fail() -> Result<Infallible, AppError> {
    loop {
        tokio::time::sleep(INTERVAL).await;
        try_random_numbers()?;
    }
}

/// Gets a random number from the operating system.
///
/// # Errors
/// The generator failed.
pub fn try_random_numbers() -> Result<(), AppError> {
    getrandom::u64().map_err(StoreError::NoRandomNumbers)?;
    Ok(())
}
