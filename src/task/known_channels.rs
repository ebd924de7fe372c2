//! Asks for the present `pts` of channels that the ledger knows, in batches.
//!
//! Telegram refuses a whole batch for one channel that the account is not in, and a batch may hold something that
//! cannot be read. Such a batch is halved, down to the one channel to blame. The pull of that channel then shows
//! whether the account has left. A query that a rate limit interrupts is continued where it was.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Database, Runtime, TaskError};
use crate::decide::channel_tracker::{AskEnd, AskedChannels};
use crate::model::{AccessHash, Channel, ChannelId, ChannelKind, Timestamp};
use crate::store::KnownChannel;
use crate::telegram::{CallError, Telegram};

/// How many channels one call asks for.
const MAX_BATCH: usize = 50;
/// After so many refusals in a row that do not concern one channel, the method itself is refused.
const MAX_REFUSALS: u32 = 3;
/// After so many failures a query ends. The batches are halved meanwhile, down to one channel.
const MAX_FAILURES: u32 = 8;
/// The pause after each of them.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// The refusals that mean that the account is not in the channel.
const ABSENT: [&str; 6] = [
    "CHANNEL_INVALID",
    "CHANNEL_PRIVATE",
    "CHANNEL_PUBLIC_GROUP_NA",
    "CHAT_FORBIDDEN",
    "PEER_ID_INVALID",
    "USER_BANNED_IN_CHANNEL",
];

type Batch = Vec<(ChannelId, AccessHash)>;

/// The channels that are still to be asked for.
#[derive(Debug, Default)]
pub struct KnownChannels {
    batches: VecDeque<Batch>,
    refusals: u32,
}

/// The answer about some channels.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KnownPart {
    pub channels: Vec<Channel>,
    /// Channels of which Telegram shows nothing.
    pub missing: Vec<ChannelId>,
}

/// The result of a step.
#[derive(Debug)]
pub(super) enum AskStep {
    Part(KnownPart),
    Ended(AskEnd),
}

/// The consequence of a failed call.
#[derive(Debug)]
enum Narrowed {
    /// Smaller batches are to be asked for.
    Retry,
    /// One channel is to blame.
    Missing(ChannelId),
    GivenUp,
}

impl KnownChannels {
    #[must_use]
    pub fn new<'a>(known: impl IntoIterator<Item = &'a KnownChannel>) -> Self {
        let peers: Batch = known
            .into_iter()
            .map(|known| (known.channel.id, known.channel.access_hash))
            .collect();
        Self {
            batches: peers.chunks(MAX_BATCH).map(<[_]>::to_vec).collect(),
            refusals: 0,
        }
    }

    /// Makes the query for channels of the ledger. Those of a kind that is never watched are left out.
    pub(super) async fn of_ledger(
        database: &Database,
        asked: &AskedChannels,
    ) -> Result<Self, TaskError> {
        let known = database.read(|tx| tx.channels()).await?;
        let is_asked = |known: &&KnownChannel| match asked {
            AskedChannels::All => known.channel.kind != ChannelKind::Unsupported,
            AskedChannels::These(ids) => ids.contains(&known.channel.id),
        };
        Ok(Self::new(known.iter().filter(is_asked)))
    }

    /// Asks until there is something to take over, or until the end.
    pub(super) async fn step(
        &mut self,
        runtime: &Runtime,
        telegram: &Telegram,
    ) -> Result<AskStep, TaskError> {
        let mut failures = 0;
        loop {
            let error = match runtime.or_shutdown(self.advance(telegram)).await? {
                Ok(Some(part)) => return Ok(AskStep::Part(part)),
                Ok(None) => return Ok(AskStep::Ended(AskEnd::Answered)),
                Err(error) => error,
            };
            match error {
                CallError::Account(trouble) => return Err(trouble.into()),
                CallError::RateLimited { until, .. } => {
                    let pause = runtime.clock.until(Timestamp::new(until));
                    return Ok(AskStep::Ended(AskEnd::Limited { pause }));
                }
                CallError::Network { .. } | CallError::ServerError { .. }
                    if failures < MAX_FAILURES =>
                {
                    failures += 1;
                    runtime.pause(FAILURE_PAUSE).await?;
                }
                error => {
                    tracing::debug!(%error, "the known channels cannot be asked for");
                    return Ok(AskStep::Ended(AskEnd::Failed));
                }
            }
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Asks for the next batch; `None` after the last one. After an error, the same channels are asked for again.
    ///
    /// # Errors
    /// See [`CallError`]. A refusal means that Telegram refuses the method; no channel is left then.
    pub async fn advance(&mut self, telegram: &Telegram) -> Result<Option<KnownPart>, CallError> {
        while let Some(batch) = self.batches.front() {
            let error = match telegram.peer_dialogs(batch).await {
                Ok(channels) => return Ok(Some(self.answered(channels))),
                Err(error) => error,
            };
            match error {
                CallError::RateLimited { .. }
                | CallError::Account(_)
                | CallError::NotSent { .. } => return Err(error),
                // An answer that is too large for the client looks like a lost connection.
                CallError::Network { .. } | CallError::ServerError { .. } => {
                    self.halve();
                    return Err(error);
                }
                CallError::Refused { .. } | CallError::Unusable { .. } => {
                    match self.narrow(&error) {
                        Narrowed::Retry => {}
                        Narrowed::Missing(channel) => {
                            tracing::debug!(%channel, %error, "no dialog of a known channel");
                            return Ok(Some(KnownPart {
                                channels: Vec::new(),
                                missing: vec![channel],
                            }));
                        }
                        Narrowed::GivenUp => return Err(error),
                    }
                }
            }
        }
        Ok(None)
    }

    fn answered(&mut self, channels: Vec<Channel>) -> KnownPart {
        self.refusals = 0;
        let asked = self.batches.pop_front().unwrap_or_default();
        let is_shown = |id| channels.iter().any(|channel| channel.id == id);
        let missing = asked.iter().map(|(id, _)| *id).filter(|id| !is_shown(*id));
        KnownPart {
            missing: missing.collect(),
            channels,
        }
    }

    fn narrow(&mut self, error: &CallError) -> Narrowed {
        if self.halve() {
            return Narrowed::Retry;
        }
        let Some((channel, _)) = self
            .batches
            .pop_front()
            .and_then(|batch| batch.first().copied())
        else {
            return Narrowed::Retry;
        };
        let concerns_channel =
            matches!(error, CallError::Unusable { .. }) || ABSENT.iter().any(|name| error.is(name));
        self.refusals = if concerns_channel {
            0
        } else {
            self.refusals + 1
        };
        if self.refusals >= MAX_REFUSALS {
            self.batches.clear();
            return Narrowed::GivenUp;
        }
        Narrowed::Missing(channel)
    }

    /// Halves the first batch. Returns false if it is one channel.
    fn halve(&mut self) -> bool {
        let Some(batch) = self.batches.front_mut().filter(|batch| batch.len() > 1) else {
            return false;
        };
        let rest = batch.split_off(batch.len() / 2);
        self.batches.insert(1, rest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChannelKind, MessageId, Timestamp};

    fn known(bare: i64) -> KnownChannel {
        KnownChannel {
            channel: Channel {
                id: ChannelId::from_bare(bare),
                access_hash: AccessHash::new(1),
                kind: ChannelKind::Group,
                title: String::new(),
                can_post: false,
                since: Timestamp::new(0),
                pts: 1,
                top_message: MessageId::new(1),
                member_count: None,
            },
            present: true,
            admins_at: None,
            class: crate::model::GroupClass::Announced,
            is_position_exact: true,
        }
    }

    fn refusal(name: &str) -> CallError {
        CallError::Refused {
            method: "messages.getPeerDialogs",
            code: 400,
            name: name.into(),
            value: None,
        }
    }

    #[test]
    fn one_refused_channel_is_found_and_the_others_are_asked_for() {
        let all: Vec<KnownChannel> = (1..=120).map(known).collect();
        let left = ChannelId::from_bare(77);
        let mut channels = KnownChannels::new(&all);
        let (mut answered, mut missing, mut calls) = (0, Vec::new(), 0);
        while let Some(batch) = channels.batches.front().cloned() {
            calls += 1;
            if batch.iter().any(|(id, _)| *id == left) {
                if let Narrowed::Missing(id) = channels.narrow(&refusal("CHANNEL_PRIVATE")) {
                    missing.push(id);
                }
            } else {
                answered += batch.len();
                channels.batches.pop_front();
            }
        }
        assert_eq!((answered, missing), (119, vec![left]));
        assert!(calls <= 16, "{calls}");
    }

    #[test]
    fn a_method_that_is_refused_is_given_up() {
        let all: Vec<KnownChannel> = (1..=120).map(known).collect();
        let mut channels = KnownChannels::new(&all);
        let mut calls = 0;
        while !channels.is_empty() {
            calls += 1;
            channels.narrow(&refusal("SOMETHING_NEW"));
        }
        assert!(calls <= 12, "{calls}");
    }
}
