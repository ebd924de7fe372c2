//! The faults of a storm: which kinds there are, when each is raised, and when it ends.

use std::time::Duration;

use rustix::process::Signal;
use strum::{Display, EnumIter, IntoEnumIterator as _};
use telegram_sim::{Fault, Framing, HOME_DC, Match, OTHER_DC, Simulator};

use crate::daemon::Daemon;

/// The shortest and the longest time between two faults.
const INTERVAL: (f64, f64) = (0.2, 1.6);
/// The shortest and the longest time for which a fault lasts, unless it ends with its calls.
const LENGTH: (f64, f64) = (0.5, 8.0);
/// The most calls that one fault refuses, loses or delays.
const MAX_CALLS: usize = 6;

/// The sizes of an answer at which grammers panics, and at which it takes it for the end of the connection.
const OVERSIZED: [usize; 2] = [1_050_000, 1_100_000];
/// How far the server's clock is from this machine's, in seconds. Message ids up to 30 s ahead of it are accepted.
const CLOCK_OFFSETS: [i64; 2] = [-20, 20];
/// The window of the limits on the calls of a method.
const LIMIT_WINDOW: Duration = Duration::from_secs(5);
/// How many messages of the greatest length make a page that grammers cannot read.
const LONG_MESSAGES: usize = 70;

/// The methods that faults apply to.
const METHODS: [&str; 9] = [
    "updates.getChannelDifference",
    "upload.getFile",
    "messages.sendMedia",
    "upload.saveFilePart",
    "users.getUsers",
    "messages.getDialogs",
    "messages.getPeerDialogs",
    "channels.getMessages",
    "channels.getParticipants",
];

/// A kind of fault.
#[derive(Clone, Copy, Debug, Display, EnumIter, PartialEq, Eq, PartialOrd, Ord)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Kind {
    FloodWait,
    InternalError,
    ReplyLost,
    CutBeforeCall,
    ReplyDelayed,
    ReplyHeld,
    CallHeld,
    AllConnectionsCut,
    OtherDcCut,
    ConnectionsRefused,
    PushesSuppressed,
    PushesDropped,
    TooLongPushed,
    DifferenceTooLong,
    PtsSkipped,
    AuthorizationForgotten,
    AuthorizationRefused,
    LimitWithoutNumber,
    ConnectionNotInited,
    InitConnectionForgotten,
    TransportError,
    FramedTransportErrors,
    AnswerOversized,
    ConnectionsSilent,
    DuplicateRandomId,
    PhotosRefused,
    PostsRefused,
    DifferencesRefused,
    UnreadableMessage,
    UnreadableDialog,
    TopMessageHidden,
    LongMessages,
    PhotosTruncated,
    ClockWrong,
    DialogsLimited,
    UsersLimited,
    GroupLeft,
    GigagroupMade,
    Killed,
    Terminated,
}

/// A fault that was raised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    pub(crate) kind: Kind,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

/// Raises faults at random.
pub(crate) struct Weather {
    random: fastrand::Rng,
    groups: Vec<i64>,
    /// A group that no member joins. The account leaves it and enters it again: joins of the meantime would be no joins
    /// for the program.
    spare_group: i64,
    /// The kinds that are drawn before any is drawn again.
    deck: Vec<Kind>,
    next: Duration,
    active: Vec<Raised>,
    pub(crate) raised: Vec<Raised>,
}

impl Weather {
    pub(crate) fn new(random: fastrand::Rng, groups: Vec<i64>, spare_group: i64) -> Self {
        Self {
            random,
            groups,
            spare_group,
            deck: Vec::new(),
            next: Duration::ZERO,
            active: Vec::new(),
            raised: Vec::new(),
        }
    }

    /// Ends the faults whose time is over, and raises the next one when it is due.
    pub(crate) fn advance(
        &mut self,
        sim: &Simulator,
        daemon: &mut Daemon,
        now: Duration,
    ) -> anyhow::Result<()> {
        let (ended, active) = self.active.iter().partition(|fault| fault.until <= now);
        self.active = active;
        let ended: Vec<Raised> = ended;
        for fault in ended {
            self.lift(sim, fault.kind);
        }
        if now < self.next {
            return Ok(());
        }
        self.next = now + self.between(INTERVAL);
        if self.deck.is_empty() {
            self.deck = Kind::iter().collect();
            self.random.shuffle(&mut self.deck);
        }
        let Some(kind) = self.deck.pop() else {
            return Ok(());
        };
        let length = self.between(LENGTH);
        self.raise(sim, daemon, kind)?;
        let fault = Raised {
            kind,
            from: now,
            until: now + length,
        };
        self.active.push(fault);
        self.raised.push(fault);
        Ok(())
    }

    /// Returns true while the first download of a new member's photo ends halfway. The program gives up a photo that is
    /// damaged three times, so no photo is damaged again.
    pub(crate) fn truncates_photos(&self) -> bool {
        self.is_active(Kind::PhotosTruncated)
    }

    fn is_active(&self, kind: Kind) -> bool {
        self.active.iter().any(|fault| fault.kind == kind)
    }

    /// Ends every fault. Returns true if each kind was raised.
    pub(crate) fn end(&mut self, sim: &Simulator) -> bool {
        sim.clear_faults();
        for fault in std::mem::take(&mut self.active) {
            self.lift(sim, fault.kind);
        }
        sim.release();
        Kind::iter().all(|kind| self.raised.iter().any(|fault| fault.kind == kind))
    }

    fn raise(&mut self, sim: &Simulator, daemon: &mut Daemon, kind: Kind) -> anyhow::Result<()> {
        let group = self.groups[self.random.usize(..self.groups.len())];
        match kind {
            Kind::FloodWait => {
                let seconds = self.random.u32(1..=5);
                sim.fault(self.calls(), Fault::FloodWait(seconds));
            }
            Kind::InternalError => sim.fault(self.calls(), Fault::error(500, "INTERNAL")),
            Kind::ReplyLost => sim.fault(self.calls(), Fault::LoseReply),
            Kind::CutBeforeCall => sim.fault(self.calls(), Fault::CutBefore),
            Kind::ReplyDelayed => {
                let delay = self.between(LENGTH);
                sim.fault(self.calls(), Fault::Delay(delay));
            }
            Kind::ReplyHeld => sim.fault(self.calls(), Fault::Hold),
            Kind::CallHeld => sim.fault(self.calls(), Fault::HoldBefore),
            Kind::AllConnectionsCut => sim.cut_all(),
            Kind::OtherDcCut => sim.cut_dc(OTHER_DC),
            Kind::ConnectionsRefused => {
                sim.refuse_connections(true);
                sim.cut_all();
            }
            Kind::PushesSuppressed => sim.suppress_pushes(true),
            Kind::PushesDropped => sim.drop_pushes(self.random.usize(1..=MAX_CALLS)),
            Kind::TooLongPushed => sim.push_too_long(group),
            Kind::DifferenceTooLong => sim.difference_too_long(group, 1),
            Kind::PtsSkipped => sim.skip_pts(group, self.random.usize(1..=3)),
            Kind::AuthorizationForgotten => sim.forget_imported_authorization(),
            Kind::AuthorizationRefused => {
                sim.forget_imported_authorization();
                let imports = Match::method("auth.importAuthorization").times(2);
                sim.fault(imports, Fault::error(400, "AUTH_BYTES_INVALID"));
            }
            Kind::LimitWithoutNumber => {
                let calls = Match::method("users.getUsers").once();
                sim.fault(calls, Fault::error(420, "FLOOD_WAIT_X"));
            }
            Kind::ConnectionNotInited => {
                sim.fault(self.calls(), Fault::error(400, "CONNECTION_NOT_INITED"));
            }
            Kind::InitConnectionForgotten => sim.forget_init_connection(),
            Kind::TransportError => {
                // After a −404 from the other data centre the program negotiates a key, which the simulator cannot.
                let code = if self.random.bool() { -404 } else { -429 };
                let call = Match::any().dc(HOME_DC).once();
                sim.fault(call, Fault::TransportError(code));
            }
            Kind::FramedTransportErrors => {
                let dc = if self.random.bool() {
                    HOME_DC
                } else {
                    OTHER_DC
                };
                sim.send_transport_errors(dc, -429, Framing::Framed);
            }
            Kind::AnswerOversized => {
                let size = OVERSIZED[self.random.usize(..OVERSIZED.len())];
                let method = METHODS[self.random.usize(..METHODS.len())];
                sim.fault(Match::method(method).once(), Fault::Oversized(size));
            }
            Kind::ConnectionsSilent => sim.silence_connections(),
            Kind::DuplicateRandomId => {
                let posts = Match::method("messages.sendMedia").times(2);
                sim.fault(posts, Fault::error(500, "RANDOM_ID_DUPLICATE"));
            }
            Kind::PhotosRefused => {
                let downloads = Match::method("upload.getFile").times(MAX_CALLS);
                sim.fault(downloads, Fault::error(400, "FILE_ID_INVALID"));
            }
            Kind::PostsRefused => {
                let posts = Match::method("messages.sendMedia").times(MAX_CALLS);
                sim.fault(posts, Fault::error(400, "MEDIA_INVALID"));
            }
            Kind::DifferencesRefused => {
                sim.refuse_differences(group, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
            }
            Kind::UnreadableMessage => {
                let message = sim.send_message(group, sim.owner(), "unreadable");
                sim.make_unreadable(group, message);
            }
            Kind::UnreadableDialog => sim.set_unreadable_dialog(group, true),
            Kind::TopMessageHidden => sim.hide_top_message(group, true),
            Kind::LongMessages => {
                let text = "\u{1F600}".repeat(4096);
                for _ in 0..LONG_MESSAGES {
                    sim.send_message(group, sim.owner(), &text);
                }
            }
            // The joins ask for this one.
            Kind::PhotosTruncated => {}
            Kind::ClockWrong => {
                sim.set_clock_offset(CLOCK_OFFSETS[self.random.usize(..CLOCK_OFFSETS.len())]);
            }
            Kind::DialogsLimited => sim.limit_calls("messages.getDialogs", 0, LIMIT_WINDOW),
            Kind::UsersLimited => sim.limit_calls("users.getUsers", 1, LIMIT_WINDOW),
            Kind::GroupLeft => sim.kick_me(self.spare_group),
            Kind::GigagroupMade => {
                // A gigagroup never becomes an ordinary group again.
                let group = sim.add_group("A gigagroup");
                sim.make_gigagroup(group);
            }
            Kind::Killed => daemon.restart_after(Signal::KILL)?,
            Kind::Terminated => daemon.restart_after(Signal::TERM)?,
        }
        Ok(())
    }

    /// Ends a fault that does not end by itself, unless another one of its kind is active.
    fn lift(&self, sim: &Simulator, kind: Kind) {
        if self.is_active(kind) {
            return;
        }
        match kind {
            Kind::ReplyHeld | Kind::CallHeld => sim.release(),
            Kind::ConnectionsRefused => sim.refuse_connections(false),
            Kind::PushesSuppressed => sim.suppress_pushes(false),
            Kind::FramedTransportErrors => {
                sim.end_transport_errors(HOME_DC);
                sim.end_transport_errors(OTHER_DC);
            }
            Kind::DifferencesRefused => self.each_group(|group| sim.restore_differences(group)),
            Kind::UnreadableDialog => {
                self.each_group(|group| sim.set_unreadable_dialog(group, false));
            }
            Kind::TopMessageHidden => self.each_group(|group| sim.hide_top_message(group, false)),
            Kind::ClockWrong => sim.set_clock_offset(0),
            Kind::DialogsLimited => sim.restore_limit("messages.getDialogs"),
            Kind::UsersLimited => sim.restore_limit("users.getUsers"),
            Kind::GroupLeft => sim.add_me(self.spare_group),
            _ => {}
        }
    }

    fn each_group(&self, change: impl FnMut(i64)) {
        self.groups.iter().copied().for_each(change);
    }

    /// Draws the calls that a fault applies to: some of one method.
    fn calls(&mut self) -> Match {
        let method = METHODS[self.random.usize(..METHODS.len())];
        Match::method(method).times(self.random.usize(1..=MAX_CALLS))
    }

    fn between(&mut self, (least, most): (f64, f64)) -> Duration {
        Duration::from_secs_f64(least + self.random.f64() * (most - least))
    }
}
