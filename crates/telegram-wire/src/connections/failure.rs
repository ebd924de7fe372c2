//! Errors that end a connection or keep it from opening, and transport errors whose number grammers does not report.

use std::sync::Arc;

use grammers_client::InvocationError;
use grammers_mtproto::mtp::DeserializeError;
use grammers_mtproto::transport;
use secrecy::ExposeSecret as _;

use super::{Connection, Connections, InvokeError, proxy};
use crate::probe;

impl Connections {
    /// Closes the connection after an error that ended it, and returns the error for the call.
    pub(super) async fn connection_failed(
        &self,
        dc: i32,
        connection: &Arc<Connection>,
        error: InvocationError,
    ) -> InvokeError {
        // All calls of a connection fail together. The first one acts.
        let is_first = self.close(dc, connection);
        match error {
            InvocationError::Deserialize(DeserializeError::MessageBufferTooSmall) if is_first => {
                self.read_transport_error(dc).await
            }
            InvocationError::Deserialize(error) => InvokeError::Network {
                cause: format!("the connection ended: {error}"),
                is_cut: true,
            },
            InvocationError::Dropped(_) if is_first => {
                log_ended_task(dc);
                InvokeError::Network {
                    cause: "the task of the connection ended, which is a bug".into(),
                    is_cut: true,
                }
            }
            // The monitor replaces silent connections, and those from before a jump of the clock.
            InvocationError::Dropped(_) => InvokeError::Network {
                cause: self
                    .silence_of_proxy(connection)
                    .unwrap_or_else(|| "no answer, so the connection was closed".into()),
                is_cut: true,
            },
            InvocationError::Io(error) => {
                let proxy = self.proxy_url();
                match proxy.and_then(|url| proxy::cause_of(&error, url)) {
                    Some(cause) => InvokeError::Network {
                        cause,
                        is_cut: true,
                    },
                    None => {
                        let way = proxy.map_or_else(String::new, proxy::way_through);
                        InvokeError::Network {
                            cause: format!("the connection{way} failed ({error})"),
                            is_cut: true,
                        }
                    }
                }
            }
            error => InvokeError::Reported(error),
        }
    }

    /// Returns the cause for the log if `connection` goes through a proxy and never carried an answer.
    pub(super) fn silence_of_proxy(&self, connection: &Connection) -> Option<String> {
        let url = self.proxy_url()?;
        (!connection.activity.is_live()).then(|| proxy::silence(url))
    }

    fn proxy_url(&self) -> Option<&str> {
        let url = self.identity.proxy_url.as_ref();
        url.map(|url| url.expose_secret())
    }

    /// Reads the number of a transport error that came as a framed payload of four bytes. grammers reports only that
    /// the payload is too small, so a new connection has to find out.
    async fn read_transport_error(&self, dc: i32) -> InvokeError {
        let key = self
            .option(dc)
            .and_then(|option| Some((self.address(&option), option.auth_key?)));
        let number = match key {
            Some((address, auth_key)) => probe::transport_error(address, auth_key).await,
            None => None,
        };
        match number {
            Some(status) => InvokeError::Reported(transport::Error::BadStatus { status }.into()),
            None => InvokeError::UnreadTransportError,
        }
    }
}

/// Returns true for an error of one call. Any other error ends the connection.
pub(super) const fn concerns_call(error: &InvocationError) -> bool {
    matches!(
        error,
        InvocationError::Rpc(_)
            | InvocationError::Deserialize(
                DeserializeError::DecompressionFailed
                    | DeserializeError::UnexpectedConstructor { .. }
            )
    )
}

pub(super) fn log_ended_task(dc: i32) {
    tracing::error!(dc, "the connection's task has ended and is started again");
}
