//! Replaces connections that fall silent, and all of them when this machine's clock jumps.
//!
//! A silent connection is tested with a ping before it is replaced, because a single call may be slow. While calls are
//! answered and updates are pushed, the module sends nothing.

use std::convert::Infallible;
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_client::tl::{Serializable as _, functions as f};
use tokio::task::JoinSet;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::{Connection, Connections};
use crate::activity::PONG_TIMEOUT;
use crate::clock_guard::{ClockAhead, JumpDetector, Reason};

/// The time between two looks at the clocks and at the signs of life of each connection.
const INTERVAL: Duration = Duration::from_secs(1);

impl Connections {
    /// Watches over the connections: replaces silent ones, and drops all of them when the clock jumps. Returns only if
    /// this machine's clock is too far ahead of Telegram's.
    pub(crate) async fn monitor(&self) -> ClockAhead {
        tokio::select! {
            ahead = self.clock_guard.found_ahead() => ahead,
            never = self.replace_silent() => match never {},
        }
    }

    async fn replace_silent(&self) -> Infallible {
        let mut jumps = JumpDetector::new(self.clock.now(), self.clock.instant());
        let mut tests = JoinSet::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {
                    if let Some(seconds) = jumps.jump(self.clock.now(), self.clock.instant()) {
                        tracing::warn!(seconds, "the clock jumped; the program connects again");
                        self.clock_guard.forget().await;
                        self.quit();
                    }
                    let open = self.lock().clone();
                    for (dc, connection) in open {
                        if connection.activity.begin_test(self.clock.instant()) {
                            if connection.activity.has_pending_calls() {
                                // A finding ends the monitor.
                                let _ = self.compare_clock(Reason::NoAnswer).await;
                            }
                            tests.spawn(async move {
                                let outcome = connection.test(dc).await;
                                (dc, connection, outcome)
                            });
                        }
                    }
                }
                Some(Ok((dc, connection, outcome))) = tests.join_next() => {
                    connection.activity.end_test();
                    match outcome {
                        Ok(Ok(_)) => connection.activity.note_answer(self.clock.instant()),
                        // The calls in progress report the error.
                        Ok(Err(error)) => {
                            let _ = self.connection_failed(dc, &connection, error).await;
                        }
                        Err(_) => if self.close(dc, &connection) {
                            tracing::warn!(dc, "the connection is silent and is replaced");
                        }
                    }
                }
            }
        }
    }
}

impl Connection {
    /// Sends a ping and waits for the pong. A ping belongs to MTProto and is no call of Telegram's API.
    async fn test(&self, dc: i32) -> Result<Result<Vec<u8>, InvocationError>, Elapsed> {
        let ping = f::Ping { ping_id: 0 };
        timeout(
            PONG_TIMEOUT,
            self.pool.raw_invoke_in_dc(dc, ping.to_bytes()),
        )
        .await
    }
}
