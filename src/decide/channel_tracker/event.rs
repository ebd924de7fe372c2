//! The events that the tracker handles, and the actions that it returns.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{ChannelId, MessageId, Page};

/// The end of a gap that differences cannot bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapEnd {
    /// The newest message of the channel.
    pub top: MessageId,
    /// The `pts` to continue from once all messages up to `top` were fetched.
    pub pts: i32,
}

/// An input of the tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Telegram pushed one update of a channel.
    Pushed(Page),
    /// A pushed update does not follow the stored `pts`, or needs files or administrators first.
    PushNeedsPull(ChannelId),
    /// A pushed update belongs to a channel that the ledger lacks; `pts` is the one before it.
    PushOfUnknownChannel { channel: ChannelId, pts: i32 },
    /// Telegram reported that a channel moved, without the updates themselves.
    ChannelChanged(ChannelId),
    /// Telegram reported that a channel changed, or that the account joined or left it.
    ChannelUpdated(ChannelId),
    /// Some channel may have moved: a push could not be read.
    ChannelsMoved,
    /// Some channel may have moved, or the account joined or left one.
    DialogsChanged,
    /// The connection was lost, and updates with it.
    Disconnected,
    /// The check of the connection got an answer; `reconnected` if a new connection was needed.
    ConnectionChecked { reconnected: bool },
    /// An [`Action::Pull`] ended.
    PullEnded { channel: ChannelId, end: PullEnd },
    /// The channels that the ledger knew when the program started.
    LedgerRead(Vec<LedgerChannel>),
    /// A part of the dialogs was read and compared with the ledger.
    ChannelsListed(DialogSync),
    /// An [`Action::AskKnownChannels`] ended. [`Event::ChannelsListed`] brought its answers.
    KnownChannelsAsked(AskEnd),
    /// The list of dialogs was read to its end and compared with the ledger.
    DialogsRead(DialogSync),
    /// Telegram refused to list the dialogs.
    DialogsRefused,
    /// The deadline passed.
    Tick,
}

/// One step of bringing a channel up to date: at most one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullStep {
    /// Pull at most `limit` events.
    Differences { limit: i32 },
    /// Fetch at most `limit` messages of a gap by their ids. If none is left, adopt the `pts` of the gap; unless
    /// `replaces_pts`, only if the stored one is smaller.
    Messages {
        gap: GapEnd,
        limit: i32,
        replaces_pts: bool,
    },
    /// Leave out the next message of a gap, because no answer that holds it can be read.
    StepOver { gap: GapEnd },
    /// Leave out the next event: no answer that holds it can be read, and no list of dialogs names the end of the gap.
    StepOverEvent,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullEnd {
    /// A page was applied, or a message left out, and more follow.
    PageApplied(PageRead),
    /// All messages of the gap were fetched, and its `pts` was adopted.
    GapClosed,
    /// Every update was applied.
    UpToDate(PageRead),
    /// The account is not in the channel.
    Left,
    /// Telegram answered `channelDifferenceTooLong`: the messages have to be fetched by their ids.
    TooLong(GapEnd),
    /// Telegram does not accept the stored `pts`: the list of dialogs has the current one.
    PtsRejected,
    /// Telegram cannot compute the differences of the channel, perhaps for hours.
    DifferencesUnavailable,
    /// The answer cannot be parsed, because something in the page has an unknown constructor.
    Unreadable,
    /// Telegram does not return the messages of a gap, perhaps because of one of them.
    MessagesRefused,
    /// The connection ended before the answer, perhaps because the page is too large. All calls in flight fail with it.
    Cut,
    /// Telegram limits the method for the time `pause`.
    Limited { pause: Duration },
    /// The step failed for a reason that has nothing to do with the page. `pause` is the minimum time before the next one.
    Failed { pause: Duration },
}

/// The facts about a page that decide when a group is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRead {
    /// How many events or messages the page covered.
    pub events: u32,
    /// The time after which Telegram wants to be asked again.
    pub timeout: Option<Duration>,
}

/// A channel of the ledger that the account is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerChannel {
    pub channel: ChannelId,
    pub is_group: bool,
}

/// The channels of the ledger that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedChannels {
    All,
    These(BTreeSet<ChannelId>),
}

/// How the query for known channels ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskEnd {
    /// Telegram answered for each channel.
    Answered,
    /// Telegram limits the method for the time `pause`.
    Limited { pause: Duration },
    /// Telegram refused the method, or did not answer.
    Failed,
}

/// The result of a dialog sync.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialogSync {
    /// Watched channels in the list.
    pub listed: Vec<ListedChannel>,
    /// Channels of the ledger that the list lacks. Its pages are no snapshot, so the account may
    /// still be in them.
    pub missing: Vec<ChannelId>,
    /// Listed channels that are not watched.
    pub unwatched: Vec<ChannelId>,
}

/// A watched channel as the list of dialogs shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedChannel {
    pub channel: ChannelId,
    pub is_group: bool,
    /// The newest message and the `pts` of the list.
    pub current: GapEnd,
    pub state: DialogState,
}

/// How a channel in the ledger compares with the list of dialogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// The ledger has the `pts` of the list.
    Current,
    /// Differences have to be pulled.
    Behind,
    /// The messages have to be fetched by their ids: the account joined while the program was not running or not
    /// connected, or Telegram rejected the stored `pts`.
    NeedsReadBack,
}

/// A step that the caller has to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Apply a pushed update if it follows the stored `pts`; report a gap or an unknown channel.
    ApplyPush(Page),
    /// Carry out one step for a channel.
    Pull { channel: ChannelId, step: PullStep },
    /// Read the list of dialogs and compare it with the ledger.
    SyncDialogs,
    /// Ask for the present `pts` of channels that the ledger knows, and compare it with the ledger.
    AskKnownChannels(AskedChannels),
    /// Check that the connection answers and pushes updates; replace it if not.
    CheckConnection,
}
