//! Asks who the account is, if the start went on with the account of the last run.

use std::time::Duration;

use super::call_retry::{Reply, until_answered};
use super::{Database, Runtime, TaskError};
use crate::model::UserId;
use crate::telegram::Telegram;

/// The pause after a refusal.
const REFUSED_PAUSE: Duration = Duration::from_secs(600);

/// Asks until Telegram names the account, and then waits for the shutdown.
///
/// # Errors
/// Telegram names another account than `assumed`. The next start uses that one.
pub async fn confirm_account(
    database: Database,
    runtime: Runtime,
    telegram: Telegram,
    assumed: UserId,
) -> Result<(), TaskError> {
    let own = loop {
        match until_answered(&runtime, || telegram.own_user()).await? {
            Reply::Answer(user) => break user.id,
            Reply::Refusal(error) => {
                tracing::warn!(%error, "Telegram does not name the account; the program asks again");
                runtime.pause(REFUSED_PAUSE).await?;
            }
        }
    };
    if own == assumed {
        return runtime.until_woken(std::future::pending()).await;
    }
    database.write(|tx| tx.set_account(own)).await?;
    Err(TaskError::System(format!(
        "the session belongs to another account ({own}) than in the last run ({assumed}); the program has to start again"
    )))
}
