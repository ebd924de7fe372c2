//! Repeats a call to Telegram until Telegram answers or refuses it.

use super::{Runtime, TaskError};
use crate::decide;
use crate::model::Timestamp;
use crate::telegram::CallError;

/// The final reply of Telegram to a call.
#[derive(Debug)]
pub(super) enum Reply<T> {
    Answer(T),
    Refusal(CallError),
}

/// Makes a call until Telegram answers or refuses it: the program waits while the method is rate limited, and
/// retries after a network error.
///
/// # Errors
/// The program shuts down, or the account is unusable.
pub(super) async fn until_answered<T, F>(
    runtime: &Runtime,
    make: impl Fn() -> F + Send,
) -> Result<Reply<T>, TaskError>
where
    F: Future<Output = Result<T, CallError>> + Send,
{
    let mut attempts = 0;
    loop {
        let pause = match runtime.or_shutdown(make()).await? {
            Ok(answer) => return Ok(Reply::Answer(answer)),
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(
                error @ (CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. }),
            ) => return Ok(Reply::Refusal(error)),
            Err(CallError::RateLimited { until, .. }) => runtime.clock.until(Timestamp::new(until)),
            Err(error @ (CallError::Network { .. } | CallError::ServerError { .. })) => {
                tracing::debug!(%error, "a call is retried");
                decide::backoff(attempts)
            }
        };
        attempts += 1;
        runtime.pause(pause).await?;
    }
}
