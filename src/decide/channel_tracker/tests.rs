mod moved_channels;
mod pages;

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::model::Advance;
use crate::model::MessageId;

const A: ChannelId = ChannelId::from_bare(1);
const B: ChannelId = ChannelId::from_bare(2);
const C: ChannelId = ChannelId::from_bare(3);
const D: ChannelId = ChannelId::from_bare(4);
const GAP: GapEnd = GapEnd {
    top: MessageId::new(90),
    pts: 100,
};

const UP_TO_DATE: PullEnd = PullEnd::UpToDate(NOTHING_READ);
const PAGE_APPLIED: PullEnd = PullEnd::PageApplied(NOTHING_READ);
const NOTHING_READ: PageRead = PageRead {
    events: 0,
    timeout: None,
};

/// A tracker whose time the test advances.
struct Scene {
    tracker: ChannelTracker,
    now: Duration,
}

/// How many jobs a tracker began.
#[derive(Debug, Default, PartialEq, Eq)]
struct Jobs {
    checks: usize,
    asks: usize,
    syncs: usize,
    pulls: usize,
}

impl Scene {
    fn new() -> Self {
        Self {
            tracker: ChannelTracker::default(),
            now: Duration::ZERO,
        }
    }

    /// Hands in an event and checks what must hold after each one.
    fn handle(&mut self, event: Event) -> Vec<Action> {
        let actions = self.tracker.handle(event, self.now);
        let deadline = self.tracker.deadline();
        assert!(deadline > self.now, "{deadline:?} at {:?}", self.now);
        actions
    }

    /// Advances the time to the deadline as the caller does, until `moment`.
    fn run_until(&mut self, moment: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        while self.tracker.deadline() <= moment {
            self.now = self.tracker.deadline();
            actions.extend(self.handle(Event::Tick));
        }
        self.now = moment;
        actions
    }

    /// Advances the time until `moment` and answers every job at once. Returns how many jobs there were of each kind.
    fn count_jobs(&mut self, moment: Duration) -> Jobs {
        let mut jobs = Jobs::default();
        while self.tracker.deadline() <= moment {
            self.now = self.tracker.deadline();
            let mut actions = self.handle(Event::Tick);
            while let Some(action) = actions.pop() {
                let event = match action {
                    Action::CheckConnection => {
                        jobs.checks += 1;
                        Event::ConnectionChecked { reconnected: false }
                    }
                    Action::SyncDialogs => {
                        jobs.syncs += 1;
                        Event::DialogsRead(DialogSync::default())
                    }
                    Action::AskKnownChannels(AskedChannels::All) => {
                        jobs.asks += 1;
                        Event::KnownChannelsAsked(AskEnd::Answered)
                    }
                    Action::Pull { channel, .. } => {
                        jobs.pulls += 1;
                        up_to_date(channel)
                    }
                    other => panic!("{other:?}"),
                };
                actions.extend(self.handle(event));
            }
        }
        jobs
    }

    fn moved(&mut self, channel: ChannelId) -> Vec<Action> {
        self.handle(Event::ChannelChanged(channel))
    }

    fn ended(&mut self, channel: ChannelId, end: PullEnd) -> Vec<Action> {
        self.handle(Event::PullEnded { channel, end })
    }
}

fn push(channel: ChannelId, to: i32) -> Page {
    Page::empty(channel, Advance::Pushed { to, count: 1 })
}

fn pull(channel: ChannelId) -> Action {
    pull_at_most(50, channel)
}

fn pull_at_most(limit: i32, channel: ChannelId) -> Action {
    let step = PullStep::Differences { limit };
    Action::Pull { channel, step }
}

fn close_gap(channel: ChannelId) -> Action {
    fetch_at_most(50, channel)
}

fn fetch_at_most(limit: i32, channel: ChannelId) -> Action {
    let step = PullStep::Messages {
        gap: GAP,
        limit,
        replaces_pts: false,
    };
    Action::Pull { channel, step }
}

fn replace_pts(channel: ChannelId) -> Action {
    let step = PullStep::Messages {
        gap: GAP,
        limit: 50,
        replaces_pts: true,
    };
    Action::Pull { channel, step }
}

fn step_over(channel: ChannelId) -> Action {
    let step = PullStep::StepOver { gap: GAP };
    Action::Pull { channel, step }
}

fn failed(seconds: u64) -> PullEnd {
    PullEnd::Failed {
        pause: Duration::from_secs(seconds),
    }
}

fn listed(channel: ChannelId, state: DialogState) -> Event {
    Event::DialogsRead(DialogSync {
        listed: vec![ListedChannel {
            channel,
            is_group: false,
            current: GAP,
            state,
        }],
        ..DialogSync::default()
    })
}

fn unknown(channel: ChannelId) -> Event {
    Event::PushOfUnknownChannel { channel, pts: 41 }
}

const SECOND: Duration = Duration::from_secs(1);

fn ask(channels: impl IntoIterator<Item = ChannelId>) -> Action {
    let channels = channels.into_iter().collect();
    Action::AskKnownChannels(AskedChannels::These(channels))
}

const ASK_ALL: Action = Action::AskKnownChannels(AskedChannels::All);

fn asked(end: AskEnd) -> Event {
    Event::KnownChannelsAsked(end)
}

fn limited(seconds: u64) -> AskEnd {
    AskEnd::Limited {
        pause: Duration::from_secs(seconds),
    }
}

/// The part of an answer about known channels that concerns `channel`.
fn shown(channel: ChannelId, state: DialogState) -> Event {
    let Event::DialogsRead(sync) = listed(channel, state) else {
        unreachable!("a list");
    };
    Event::ChannelsListed(sync)
}

#[test]
fn a_push_of_an_up_to_date_channel_is_applied() {
    let mut scene = Scene::new();
    let actions = scene.handle(Event::Pushed(push(A, 5)));
    assert_eq!(actions, [Action::ApplyPush(push(A, 5))]);
}

#[test]
fn a_push_that_does_not_follow_causes_one_pull() {
    let mut scene = Scene::new();
    assert_eq!(scene.handle(Event::PushNeedsPull(A)), [pull(A)]);
    assert_eq!(scene.ended(A, UP_TO_DATE), []);
    let actions = scene.handle(Event::Pushed(push(A, 5)));
    assert_eq!(actions, [Action::ApplyPush(push(A, 5))]);
}

#[test]
fn at_most_two_channels_are_pulled_at_once_in_the_order_of_their_requests() {
    let mut scene = Scene::new();
    assert_eq!(scene.moved(C), [pull(C)]);
    assert_eq!(scene.moved(A), [pull(A)]);
    assert_eq!(scene.moved(D), []);
    assert_eq!(scene.moved(B), []);
    assert_eq!(scene.moved(D), [], "it waits already");
    assert_eq!(scene.ended(A, UP_TO_DATE), [pull(D)]);
    assert_eq!(scene.ended(C, PullEnd::Left), [pull(B)]);
}

#[test]
fn a_queued_channel_drops_pushes_because_its_pull_brings_them() {
    let mut scene = Scene::new();
    for channel in [A, B, C] {
        let _ = scene.moved(channel);
    }
    assert_eq!(scene.handle(Event::Pushed(push(C, 5))), []);
    assert_eq!(scene.ended(A, UP_TO_DATE), [pull(C)]);
    assert_eq!(scene.ended(C, UP_TO_DATE), []);
}

#[test]
fn pushes_during_a_pull_are_applied_after_it() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    assert_eq!(scene.handle(Event::Pushed(push(A, 5))), []);
    assert_eq!(scene.handle(Event::Pushed(push(A, 6))), []);
    let applied = [Action::ApplyPush(push(A, 5)), Action::ApplyPush(push(A, 6))];
    assert_eq!(scene.ended(A, UP_TO_DATE), applied);
}

#[test]
fn pushes_beyond_the_limit_cause_one_more_pull() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    for to in 0..=i32::try_from(MAX_KEPT_PUSHES).expect("small") {
        assert_eq!(scene.handle(Event::Pushed(push(A, to))), []);
    }
    let actions = scene.ended(A, UP_TO_DATE);
    assert_eq!(actions.len(), MAX_KEPT_PUSHES + 1);
    assert_eq!(actions.last(), Some(&pull(A)));
}

#[test]
fn a_channel_that_moves_during_its_pull_is_pulled_once_more() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    assert_eq!(scene.moved(A), []);
    assert_eq!(scene.ended(A, UP_TO_DATE), [pull(A)]);
    assert_eq!(scene.ended(A, UP_TO_DATE), []);
}

#[test]
fn pushes_of_a_channel_that_was_left_are_dropped() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.handle(Event::Pushed(push(A, 5)));
    assert_eq!(scene.ended(A, PullEnd::Left), []);
}

#[test]
fn a_long_gap_is_closed_beside_two_pulls_and_one_at_a_time() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.moved(B);
    assert_eq!(scene.ended(A, PullEnd::TooLong(GAP)), [close_gap(A)]);
    assert_eq!(scene.moved(C), [pull(C)], "the gap takes no pull's place");
    assert_eq!(scene.ended(B, PullEnd::TooLong(GAP)), []);
    assert_eq!(scene.ended(A, UP_TO_DATE), [close_gap(B)]);
}

#[test]
fn a_gap_replaces_a_pull_that_waits_or_comes_next() {
    let mut scene = Scene::new();
    for channel in [A, B, C] {
        let _ = scene.moved(channel);
    }
    let actions = scene.handle(listed(C, DialogState::NeedsReadBack));
    assert_eq!(actions, [close_gap(C)]);
    let _ = scene.moved(A);
    assert_eq!(scene.handle(listed(A, DialogState::NeedsReadBack)), []);
    assert_eq!(scene.ended(C, UP_TO_DATE), []);
    assert_eq!(scene.ended(A, UP_TO_DATE), [close_gap(A)]);
}

#[test]
fn a_failed_pull_is_repeated_after_a_growing_pause() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    for pause in [1, 2, 4, 8, 16] {
        let began = scene.now;
        assert_eq!(scene.ended(A, failed(0)), []);
        assert_eq!(scene.tracker.deadline(), began + SECOND * pause);
        let actions = scene.run_until(began + SECOND * pause);
        assert_eq!(actions, [pull(A)], "after {pause} s");
    }
    let _ = scene.ended(A, UP_TO_DATE);
    let _ = scene.moved(A);
    let began = scene.now;
    let _ = scene.ended(A, failed(0));
    assert_eq!(
        scene.tracker.deadline(),
        began + SECOND,
        "a success resets it"
    );
}

#[test]
fn a_pause_that_telegram_asks_for_is_kept_and_holds_up_no_other_channel() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, failed(30));
    assert_eq!(scene.moved(A), []);
    assert_eq!(scene.moved(B), [pull(B)]);
    assert_eq!(scene.run_until(SECOND * 29), []);
    assert_eq!(scene.run_until(SECOND * 30), [pull(A)]);
}

#[test]
fn a_failure_while_closing_a_gap_keeps_the_gap() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, PullEnd::TooLong(GAP));
    assert_eq!(scene.ended(A, failed(0)), []);
    assert_eq!(scene.run_until(SECOND), [close_gap(A)]);
}

#[test]
fn a_failed_pull_does_not_lose_the_gap_that_comes_next() {
    let mut scene = Scene::new();
    assert_eq!(scene.moved(A), [pull(A)]);
    // The account joined while nobody watched, and the list of dialogs shows that during the pull.
    assert_eq!(scene.handle(listed(A, DialogState::NeedsReadBack)), []);
    assert_eq!(scene.ended(A, failed(0)), []);
    assert_eq!(scene.run_until(SECOND), [close_gap(A)]);
}

#[test]
fn a_rejected_pts_is_replaced_by_that_of_the_dialog() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let actions = scene.ended(A, PullEnd::PtsRejected);
    assert_eq!(actions, [ask([A])]);
    assert_eq!(scene.moved(A), [], "a pull would be rejected again");
    assert_eq!(scene.handle(Event::Pushed(push(A, 5))), []);
    let _ = scene.handle(shown(A, DialogState::Current));
    assert_eq!(scene.run_until(SECOND), [replace_pts(A)]);
}

#[test]
fn a_rejected_channel_that_the_dialogs_lack_is_pulled() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, PullEnd::PtsRejected);
    let actions = scene.handle(Event::DialogsRead(DialogSync {
        missing: vec![A],
        ..DialogSync::default()
    }));
    assert_eq!(actions, [pull(A)]);
}

#[test]
fn dialogs_that_are_ahead_or_lack_a_channel_cause_pulls() {
    let mut scene = Scene::new();
    assert_eq!(scene.handle(listed(A, DialogState::Current)), []);
    assert_eq!(scene.handle(listed(A, DialogState::Behind)), [pull(A)]);
    let actions = scene.handle(Event::DialogsRead(DialogSync {
        missing: vec![B],
        ..DialogSync::default()
    }));
    assert_eq!(actions, [pull(B)]);
}

#[test]
fn an_unknown_channel_is_looked_for_twice_and_then_ignored_until_it_is_listed() {
    let mut scene = Scene::new();
    let _ = scene.handle(Event::Pushed(push(A, 42)));
    assert_eq!(scene.handle(unknown(A)), [Action::SyncDialogs]);
    assert_eq!(scene.tracker.unknown_channels(), BTreeMap::from([(A, 41)]));
    assert_eq!(scene.moved(A), []);
    let other = Event::PushOfUnknownChannel {
        channel: A,
        pts: 43,
    };
    let _ = scene.handle(other);
    let first = scene.tracker.unknown_channels();
    assert_eq!(first, BTreeMap::from([(A, 41)]), "the first push counts");

    let none = Event::DialogsRead(DialogSync::default());
    assert_eq!(scene.handle(none.clone()), [], "not within three seconds");
    assert_eq!(scene.run_until(SECOND * 3), [Action::SyncDialogs]);
    assert_eq!(scene.handle(none), []);
    assert_eq!(scene.run_until(SECOND * 30), []);
    assert_eq!(scene.handle(Event::Pushed(push(A, 44))), []);
    assert_eq!(scene.moved(A), []);

    let _ = scene.handle(listed(A, DialogState::Current));
    let actions = scene.handle(Event::Pushed(push(A, 45)));
    assert_eq!(actions, [Action::ApplyPush(push(A, 45))]);
}

#[test]
fn an_unknown_channel_that_is_listed_is_pulled() {
    let mut scene = Scene::new();
    let _ = scene.handle(unknown(A));
    assert_eq!(scene.handle(listed(A, DialogState::Behind)), [pull(A)]);
    assert!(scene.tracker.unknown_channels().is_empty());
}

#[test]
fn a_channel_that_is_not_watched_is_ignored() {
    let mut scene = Scene::new();
    let _ = scene.handle(unknown(A));
    let actions = scene.handle(Event::DialogsRead(DialogSync {
        unwatched: vec![A],
        ..DialogSync::default()
    }));
    assert_eq!(actions, []);
    assert_eq!(scene.handle(Event::Pushed(push(A, 5))), []);
    assert_eq!(scene.run_until(SECOND * 30), []);
}

#[test]
fn bursts_of_moves_cause_one_dialog_sync_in_three_seconds() {
    let mut scene = Scene::new();
    let actions = scene.handle(Event::DialogsChanged);
    assert_eq!(actions, [ASK_ALL, Action::SyncDialogs]);
    assert_eq!(scene.handle(asked(AskEnd::Answered)), []);
    for _ in 0..9 {
        assert_eq!(scene.handle(Event::DialogsChanged), []);
    }
    let done = Event::DialogsRead(DialogSync::default());
    assert_eq!(scene.handle(done), []);
    assert_eq!(scene.run_until(SECOND * 3), [Action::SyncDialogs]);
}

#[test]
fn a_refused_list_of_dialogs_is_read_again_after_the_interval() {
    let mut scene = Scene::new();
    let _ = scene.handle(Event::DialogsChanged);
    assert_eq!(scene.handle(Event::DialogsRefused), []);
    let _ = scene.handle(asked(AskEnd::Answered));
    let jobs = scene.count_jobs(FALLBACK_SYNC_INTERVAL + SECOND);
    assert_eq!(jobs.syncs, 1);
}

#[test]
fn a_channel_whose_dialog_is_refused_is_looked_for_in_the_list() {
    for moves in [Event::Pushed(push(A, 5)), Event::ChannelChanged(A)] {
        let mut scene = Scene::new();
        assert_eq!(scene.moved(A), [pull(A)]);
        assert_eq!(scene.ended(A, PullEnd::PtsRejected), [ask([A])]);
        let actions = scene.handle(asked(AskEnd::Failed));
        assert_eq!(actions, [Action::SyncDialogs]);
        assert_eq!(scene.handle(Event::DialogsRefused), []);
        scene.now = 3 * SECOND;
        assert_eq!(scene.handle(moves.clone()), [ask([A])]);
        // The answer that is awaited brings the pts.
        assert_eq!(scene.handle(moves), []);
        let actions = scene.handle(shown(A, DialogState::Behind));
        assert_eq!(actions, [replace_pts(A)]);
        assert_eq!(scene.handle(asked(AskEnd::Answered)), []);
        assert_eq!(scene.run_until(9 * SECOND), []);
    }
}

#[test]
fn a_lost_connection_is_checked_before_the_dialogs_are_read() {
    let mut scene = Scene::new();
    let actions = scene.handle(Event::Disconnected);
    assert_eq!(actions, [Action::CheckConnection]);
    assert_eq!(scene.handle(Event::DialogsChanged), []);
    let reconnected = true;
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(actions, [ASK_ALL, Action::SyncDialogs]);
}

#[test]
fn a_new_connection_ends_every_pause() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, failed(40));
    let _ = scene.handle(Event::Disconnected);
    let reconnected = true;
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(actions, [ASK_ALL, Action::SyncDialogs, pull(A)]);
}

#[test]
fn the_connection_is_checked_and_the_channels_are_asked_for_on_schedule() {
    let mut scene = Scene::new();
    let expected = Jobs {
        checks: 120,
        asks: 120,
        syncs: 2,
        pulls: 0,
    };
    assert_eq!(scene.count_jobs(SECOND * 3600 * 2), expected);
}

/// A check and a dialog sync that never end must not leave a deadline in the past: the caller would
/// loop without sleeping.
#[test]
fn an_outage_of_an_hour_wakes_the_caller_only_a_few_times_a_minute() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, failed(0));
    let _ = scene.handle(Event::Disconnected);
    let mut wakes = 0;
    while scene.tracker.deadline() <= SECOND * 3600 {
        scene.now = scene.tracker.deadline();
        for action in scene.handle(Event::Tick) {
            if let Action::Pull { channel, .. } = action {
                let _ = scene.ended(channel, failed(0));
            }
        }
        wakes += 1;
    }
    assert!(wakes < 60 * 5, "{wakes} wakes");
}

/// Whatever happens, the deadline lies ahead ([`Scene::handle`] checks it), no channel is pulled
/// twice at once, and every channel that moved is pulled once the trouble is over.
#[test]
fn random_events_keep_the_promises() {
    for seed in 1..=200_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut scene = Scene::new();
        let mut running = BTreeSet::new();
        let mut moved = BTreeSet::new();
        for _ in 0..300 {
            scene.now += Duration::from_millis(random.below(3_000));
            let event = random_event(&mut random, &mut running);
            if let Event::ChannelChanged(channel) = event {
                moved.insert(channel);
            }
            for action in scene.handle(event) {
                if let Action::Pull { channel, .. } = action {
                    assert!(running.insert(channel), "seed {seed}: pulled twice");
                    moved.remove(&channel);
                }
            }
        }
        // Every job that runs ends well, and every job that starts from here on, too.
        let mut events: VecDeque<Event> = running.into_iter().map(up_to_date).collect();
        events.push_back(Event::ConnectionChecked { reconnected: true });
        events.push_back(all_listed());
        events.push_back(asked(AskEnd::Answered));
        // Channels whose differences were unavailable are pulled after a pause.
        let end = scene.now + SECOND * 240;
        while let Some(event) = events.pop_front().or_else(|| {
            scene.now = scene.tracker.deadline();
            (scene.now < end).then_some(Event::Tick)
        }) {
            for action in scene.handle(event) {
                match action {
                    Action::Pull { channel, .. } => {
                        moved.remove(&channel);
                        events.push_back(up_to_date(channel));
                    }
                    Action::SyncDialogs => events.push_back(all_listed()),
                    Action::AskKnownChannels(_) => {
                        let Event::DialogsRead(sync) = all_listed() else {
                            unreachable!("a list");
                        };
                        events.push_back(Event::ChannelsListed(sync));
                        events.push_back(asked(AskEnd::Answered));
                    }
                    Action::CheckConnection => {
                        events.push_back(Event::ConnectionChecked { reconnected: false });
                    }
                    Action::ApplyPush(_) => {}
                }
            }
        }
        assert!(moved.is_empty(), "seed {seed}: {moved:?} not pulled");
    }
}

fn up_to_date(channel: ChannelId) -> Event {
    let end = UP_TO_DATE;
    Event::PullEnded { channel, end }
}

fn all_listed() -> Event {
    let listed = [A, B, C, D].map(|channel| ListedChannel {
        channel,
        is_group: true,
        current: GAP,
        state: DialogState::Current,
    });
    Event::DialogsRead(DialogSync {
        listed: listed.to_vec(),
        ..DialogSync::default()
    })
}

fn random_event(random: &mut Random, running: &mut BTreeSet<ChannelId>) -> Event {
    let channel = [A, B, C, D][usize::try_from(random.below(4)).expect("small")];
    match random.below(15) {
        0..3 => {
            let Some(channel) = running.pop_first() else {
                return Event::Tick;
            };
            let end = match random.below(11) {
                0 => UP_TO_DATE,
                1 => PullEnd::TooLong(GAP),
                2 => PullEnd::PtsRejected,
                3 => failed(random.below(40)),
                4 => PAGE_APPLIED,
                5 => PullEnd::GapClosed,
                6 => PullEnd::DifferencesUnavailable,
                7 => PullEnd::Unreadable,
                8 => PullEnd::Cut,
                9 => PullEnd::Limited {
                    pause: SECOND * u32::try_from(random.below(40)).expect("small"),
                },
                _ => PullEnd::Left,
            };
            Event::PullEnded { channel, end }
        }
        3 | 4 => Event::ChannelChanged(channel),
        5 => Event::Pushed(push(channel, 1)),
        6 => Event::PushNeedsPull(channel),
        7 => Event::DialogsChanged,
        8 => Event::Disconnected,
        9 => listed(channel, DialogState::Behind),
        10 => Event::DialogsRefused,
        11 => Event::ChannelUpdated(channel),
        12 => asked(match random.below(3) {
            0 => AskEnd::Answered,
            1 => limited(random.below(90)),
            _ => AskEnd::Failed,
        }),
        13 => shown(channel, DialogState::Behind),
        _ => Event::ConnectionChecked {
            reconnected: random.below(2) == 0,
        },
    }
}

/// Marsaglia's xorshift: the same sequence for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
