//! Short connections beside the pools: they ask for the server's time, or for the number of a transport error.
//!
//! Neither makes a call of Telegram's API or keeps anything. Each runs in a task of its own, because grammers panics
//! on some answers; a probe that panics, fails or gets no answer in time knows nothing, and the program goes on.

use std::time::Duration;

use grammers_client::sender::{Sender, ServerAddr};
use grammers_client::tl::{self, functions as f};
use grammers_mtproto::authentication;
use grammers_mtproto::mtp::{Encrypted, Plain};
use grammers_mtproto::transport::{self, Full};
use tokio::task::JoinSet;

use crate::payload_head::KeepsHead;

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks for the server's time by `req_pq_multi`, the first message of a key exchange: the message id of its
/// unencrypted answer carries the time (core.telegram.org/mtproto/description). Returns Unix time.
pub(crate) async fn server_time(address: ServerAddr) -> Option<i64> {
    isolated(async {
        let (mtp, head) = KeepsHead::new(Plain::new());
        let mut sender = Sender::connect(Full::new(), mtp, address).await.ok()?;
        let (request, _) = authentication::step1().ok()?;
        let tl::enums::ResPq::Pq(answer) = sender.invoke(&request).await.ok()?;
        if answer.nonce != request.nonce {
            return None;
        }
        head.server_time()
    })
    .await
}

/// Connects with `auth_key` and returns the number of the transport error that Telegram sends, such as 404, if it
/// sends one.
pub(crate) async fn transport_error(address: ServerAddr, auth_key: [u8; 256]) -> Option<u32> {
    isolated(async move {
        let (mtp, head) = KeepsHead::new(Encrypted::build().finish(auth_key));
        let mut sender = Sender::connect(Full::new(), mtp, address).await.ok()?;
        match sender.invoke(&f::Ping { ping_id: 0 }).await {
            Err(grammers_client::InvocationError::Transport(transport::Error::BadStatus {
                status,
            })) => Some(status),
            Err(_) => head.transport_error(),
            Ok(_) => None,
        }
    })
    .await
}

/// Runs a probe in a task of its own, which ends with this future.
async fn isolated<T: Send + 'static>(
    probe: impl Future<Output = Option<T>> + Send + 'static,
) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn(probe);
    let ended = tokio::time::timeout(PROBE_TIMEOUT, task.join_next()).await;
    ended.ok()??.ok()?
}
