//! Faults that a test injects, and the calls to which they apply.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::PendingCall;
use crate::record::RpcError;
use crate::service;

/// The calls to which a fault applies.
#[derive(Clone)]
pub struct Match {
    method: Option<String>,
    dc: Option<i32>,
    account: Option<i64>,
    skip: usize,
    times: Option<usize>,
    condition: Option<Arc<Condition>>,
}

/// A condition on a request, which is its constructor id and arguments.
type Condition = dyn Fn(&[u8]) -> bool + Send + Sync;

impl Match {
    /// Matches every call.
    pub fn any() -> Self {
        Self {
            method: None,
            dc: None,
            account: None,
            skip: 0,
            times: None,
            condition: None,
        }
    }

    /// Matches the calls of one method, for instance `"messages.sendMedia"`. The fault applies to all of them until
    /// [`Simulator::clear_faults`](crate::Simulator::clear_faults), unless [`times`](Self::times) limits it.
    ///
    /// # Panics
    /// If the simulator has no such method.
    pub fn method(name: impl Into<String>) -> Self {
        let name = name.into();
        assert!(service::has_method(&name), "unknown method: {name}");
        Self {
            method: Some(name),
            ..Self::any()
        }
    }

    /// Limits the fault to the first `times` matching calls.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Limits the fault to one matching call.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Exempts the first `skip` matching calls.
    #[must_use]
    pub fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// Limits the fault to one data centre.
    #[must_use]
    pub fn dc(self, dc: i32) -> Self {
        Self {
            dc: Some(dc),
            ..self
        }
    }

    /// Limits the fault to the calls of one account.
    #[must_use]
    pub fn account(self, account: i64) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }

    /// Limits the fault to downloads of this user's profile photo.
    #[must_use]
    pub fn photo_of(self, user: i64) -> Self {
        self.when(move |request| service::files::photo_owner(request) == Some(user))
    }

    /// Limits the fault to requests that contain `bytes`, such as the caption of a post.
    #[must_use]
    pub fn containing(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.when(move |request| {
            request
                .windows(bytes.len())
                .any(|window| window == bytes.as_slice())
        })
    }

    /// Limits the fault to requests for which `condition` holds. The request is its constructor id and arguments.
    #[must_use]
    pub fn when(self, condition: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self {
            condition: Some(Arc::new(condition)),
            ..self
        }
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Match")
            .field("method", &self.method)
            .field("dc", &self.dc)
            .field("account", &self.account)
            .field("skip", &self.skip)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// The effect of a fault on a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is refused with `420 FLOOD_WAIT_x`, where x is in seconds.
    FloodWait(u32),
    /// The call is refused with this code and message.
    Error(i32, String),
    /// The call is not done, and the server sends this transport error, for instance −429, and closes the connection.
    TransportError(i32),
    /// The call is done, and the connection is closed before the reply.
    LoseReply,
    /// The connection is closed before the call is done.
    CutBefore,
    /// The call is done at once, and the reply is sent after this time.
    Delay(Duration),
    /// The call is done at once, and the reply is held until [`Simulator::release`](crate::Simulator::release).
    Hold,
    /// The call is held until [`Simulator::release`](crate::Simulator::release). The call is then done even if its
    /// connection is closed, like on a server that has received it.
    HoldBefore,
    /// The call is done, and its reply has this many bytes, without sense. grammers panics on a message of 1,044,448
    /// bytes, and takes one of more than 1,056,768 bytes for the end of the connection.
    Oversized(usize),
    /// The call is done, and its reply has a constructor that no client knows.
    Unreadable,
}

impl Fault {
    /// Makes an [`Error`](Self::Error).
    pub fn error(code: i32, message: impl Into<String>) -> Self {
        Self::Error(code, message.into())
    }

    pub(crate) fn refusal(&self) -> Option<RpcError> {
        match self {
            Self::FloodWait(seconds) => Some(RpcError::new(420, format!("FLOOD_WAIT_{seconds}"))),
            Self::Error(code, message) => Some(RpcError::new(*code, message)),
            _ => None,
        }
    }
}

/// A fault with the calls to which it still applies.
pub(crate) struct ArmedFault {
    matching: Match,
    fault: Fault,
}

impl ArmedFault {
    pub(crate) fn new(matching: Match, fault: Fault) -> Self {
        Self { matching, fault }
    }
}

/// Returns the first fault that applies to this call, and counts the call.
pub(crate) fn take(
    faults: &mut Vec<ArmedFault>,
    method: &str,
    (account, dc): (i64, i32),
    request: &[u8],
) -> Option<Fault> {
    let mut hit = None;
    for (index, armed) in faults.iter_mut().enumerate() {
        let matching = &mut armed.matching;
        let applies = matching.method.as_deref().is_none_or(|name| name == method)
            && matching.dc.is_none_or(|wanted| wanted == dc)
            && matching.account.is_none_or(|wanted| wanted == account)
            && matching
                .condition
                .as_ref()
                .is_none_or(|condition| condition(request));
        if !applies {
            continue;
        }
        if matching.skip > 0 {
            matching.skip -= 1;
            continue;
        }
        hit = Some(index);
        break;
    }
    let index = hit?;
    let fault = faults[index].fault.clone();
    if let Some(times) = &mut faults[index].matching.times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(index);
        }
    }
    Some(fault)
}

/// A call or reply that a fault holds.
pub(crate) enum Held {
    /// The call is done, and the reply is held.
    Reply {
        call: usize,
        connection: u64,
        body: Vec<u8>,
    },
    /// The call is held.
    Call(Box<PendingCall>),
}
