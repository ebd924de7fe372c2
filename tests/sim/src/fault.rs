//! Things that go wrong on demand: which calls, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::record::RpcError;

/// Which calls a fault befalls.
#[derive(Clone)]
pub struct Match {
    method: Option<String>,
    dc: Option<i32>,
    skip: usize,
    times: Option<usize>,
    condition: Option<Arc<Condition>>,
}

/// Looks at a request: constructor id and arguments.
type Condition = dyn Fn(&[u8]) -> bool + Send + Sync;

impl Match {
    /// Any call at all.
    pub fn any() -> Self {
        Self {
            method: None,
            dc: None,
            skip: 0,
            times: None,
            condition: None,
        }
    }

    /// Calls of one method, for instance `"messages.sendMedia"`; every one until
    /// [`Simulator::clear_faults`](crate::Simulator::clear_faults), unless `times` says otherwise.
    pub fn method(name: impl Into<String>) -> Self {
        Self {
            method: Some(name.into()),
            ..Self::any()
        }
    }

    /// Only the first `times` of them.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Only one of them.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Only after `skip` of them went by unharmed.
    #[must_use]
    pub fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// Only in that data centre.
    #[must_use]
    pub fn dc(self, dc: i32) -> Self {
        Self {
            dc: Some(dc),
            ..self
        }
    }

    /// Only requests (constructor id and arguments, as bytes) for which `condition` holds.
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
            .field("skip", &self.skip)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// What befalls a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with `420 FLOOD_WAIT_x`, x in seconds.
    FloodWait(u32),
    /// It is refused with this code and message.
    Error(i32, String),
    /// It is done, and the connection is cut instead of a reply.
    LoseReply,
    /// The connection is cut, and nothing is done.
    CutBefore,
    /// It is done at once, and the reply comes that much later.
    Delay(Duration),
    /// It is done, and the reply waits for [`Simulator::release`](crate::Simulator::release).
    Hold,
    /// Neither is it done nor answered before [`Simulator::release`](crate::Simulator::release). It is then done even if its
    /// connection is gone, as a server would that had received it.
    HoldBefore,
}

impl Fault {
    /// Makes an `Error` without a `to_owned`.
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

/// A fault that waits for its calls.
pub(crate) struct Armed {
    matching: Match,
    fault: Fault,
}

impl Armed {
    pub(crate) fn new(matching: Match, fault: Fault) -> Self {
        Self { matching, fault }
    }
}

/// Takes the first fault that befalls this call, and counts it.
pub(crate) fn take(
    faults: &mut Vec<Armed>,
    method: &str,
    dc: i32,
    request: &[u8],
) -> Option<Fault> {
    let mut hit = None;
    for (index, armed) in faults.iter_mut().enumerate() {
        let matching = &mut armed.matching;
        let applies = matching.method.as_deref().is_none_or(|name| name == method)
            && matching.dc.is_none_or(|wanted| wanted == dc)
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

/// A call that a fault holds back.
pub(crate) enum Held {
    /// It is done; this is its reply.
    Reply {
        call: usize,
        connection: u64,
        body: Vec<u8>,
    },
    /// It is still to be done.
    Work(Box<crate::dispatch::Work>),
}
