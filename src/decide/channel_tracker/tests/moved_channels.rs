//! Channels whose pushes never come: the queries for the known channels, and the polls of the liveliest groups.

use super::*;

/// Tells the tracker of `count` groups of the ledger, numbered from 1, and of HIDE.
fn know(scene: &mut Scene, count: i64) {
    let groups = (1..=count).map(|number| LedgerChannel {
        channel: ChannelId::from_bare(number),
        is_group: true,
    });
    let hide = LedgerChannel {
        channel: ChannelId::from_bare(1000),
        is_group: false,
    };
    let channels = groups.chain([hide]).collect();
    assert_eq!(scene.handle(Event::LedgerRead(channels)), []);
}

fn read(events: u32, seconds: u64) -> PullEnd {
    PullEnd::UpToDate(PageRead {
        events,
        timeout: Some(Duration::from_secs(seconds)),
    })
}

/// Advances the time until `moment`, and answers every job at once: pulls with `end`, which may depend on the channel.
/// Returns the pulls and the queries with their times.
fn live(
    scene: &mut Scene,
    moment: Duration,
    end: impl Fn(ChannelId) -> PullEnd,
) -> (Vec<(Duration, ChannelId)>, Vec<Duration>) {
    let (mut pulls, mut asks) = (Vec::new(), Vec::new());
    while scene.tracker.deadline() <= moment {
        scene.now = scene.tracker.deadline();
        let mut actions = scene.handle(Event::Tick);
        while let Some(action) = actions.pop() {
            let event = match action {
                Action::CheckConnection => Event::ConnectionChecked { reconnected: false },
                Action::SyncDialogs => Event::DialogsRead(DialogSync::default()),
                Action::AskKnownChannels(_) => {
                    asks.push(scene.now);
                    asked(AskEnd::Answered)
                }
                Action::Pull { channel, .. } => {
                    pulls.push((scene.now, channel));
                    let end = end(channel);
                    Event::PullEnded { channel, end }
                }
                Action::ApplyPush(_) => continue,
            };
            actions.extend(scene.handle(event));
        }
    }
    scene.now = moment;
    (pulls, asks)
}

fn longest_gap(times: &[Duration]) -> Duration {
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().unwrap_or_default()
}

#[test]
fn the_known_channels_are_asked_for_every_minute_while_the_list_is_limited() {
    let mut scene = Scene::new();
    know(&mut scene, 0);
    let actions = scene.handle(Event::DialogsChanged);
    assert_eq!(actions, [ASK_ALL, Action::SyncDialogs]);
    // The list waits for the end of its limit.
    let _ = scene.handle(asked(AskEnd::Answered));
    let (_, asks) = live(&mut scene, SECOND * 600, |_| UP_TO_DATE);
    assert_eq!(asks.len(), 10);
    assert_eq!(longest_gap(&asks), SECOND * 60);
}

#[test]
fn a_limit_on_the_queries_is_obeyed_and_stops_no_list() {
    let mut scene = Scene::new();
    let _ = scene.handle(Event::DialogsChanged);
    assert_eq!(scene.handle(asked(limited(30))), []);
    let read = Event::DialogsRead(DialogSync::default());
    assert_eq!(scene.handle(read), []);
    assert_eq!(scene.run_until(SECOND * 29), []);
    let actions = scene.handle(Event::DialogsChanged);
    assert_eq!(actions, [Action::SyncDialogs]);
    // The channels that are left are asked for at once.
    assert_eq!(scene.run_until(SECOND * 30), [ASK_ALL]);
}

#[test]
fn limits_double_the_interval_of_the_queries_and_answers_shorten_it_step_by_step() {
    let mut scene = Scene::new();
    let _ = scene.handle(Event::ChannelsMoved);
    for longest in [120, 240, 300, 300] {
        let _ = scene.handle(asked(limited(10)));
        let _ = scene.run_until(scene.now + SECOND * 10);
        assert_eq!(
            scene.tracker.asks.next(),
            scene.now + SECOND * longest,
            "the query that is left began"
        );
    }
    let mut at = scene.now;
    let _ = scene.handle(asked(AskEnd::Answered));
    let (_, asks) = live(&mut scene, SECOND * 3000, |_| UP_TO_DATE);
    let intervals: Vec<u64> = asks
        .iter()
        .map(|next| (*next - std::mem::replace(&mut at, *next)).as_secs())
        .collect();
    assert_eq!(
        intervals[..11],
        [270, 240, 210, 180, 150, 120, 90, 60, 60, 60, 60]
    );
}

#[test]
fn the_list_of_dialogs_replaces_queries_that_are_limited_for_long_or_refused() {
    for end in [limited(3600), AskEnd::Failed] {
        let mut scene = Scene::new();
        let _ = scene.handle(Event::ChannelsMoved);
        assert_eq!(scene.handle(asked(end)), []);
        let mut lists = 0;
        while scene.tracker.deadline() <= SECOND * 3000 {
            scene.now = scene.tracker.deadline();
            let mut actions = scene.handle(Event::Tick);
            while let Some(action) = actions.pop() {
                let event = match action {
                    Action::CheckConnection => Event::ConnectionChecked { reconnected: false },
                    Action::AskKnownChannels(_) => asked(end),
                    Action::SyncDialogs => {
                        lists += 1;
                        Event::DialogsRead(DialogSync::default())
                    }
                    other => panic!("{other:?}"),
                };
                actions.extend(scene.handle(event));
            }
        }
        assert_eq!(lists, 10, "{end:?}");
    }
}

#[test]
fn a_changed_channel_of_the_ledger_is_asked_for_alone() {
    let mut scene = Scene::new();
    know(&mut scene, 3);
    assert_eq!(scene.handle(Event::ChannelUpdated(A)), [ask([A])]);
    // Those that change meanwhile share the next call, three seconds later.
    for channel in [B, C, B, A] {
        assert_eq!(scene.handle(Event::ChannelUpdated(channel)), []);
    }
    let _ = scene.handle(shown(A, DialogState::Current));
    assert_eq!(scene.handle(asked(AskEnd::Answered)), []);
    assert_eq!(scene.run_until(SECOND * 2), []);
    assert_eq!(scene.run_until(SECOND * 3), [ask([A, B, C])]);
    // A and B have not moved; C is gone, which its pull shows.
    let _ = scene.handle(shown(A, DialogState::Current));
    let _ = scene.handle(shown(B, DialogState::Current));
    let missing = Event::ChannelsListed(DialogSync {
        missing: vec![C],
        ..DialogSync::default()
    });
    assert_eq!(scene.handle(missing), [pull(C)]);
    assert_eq!(scene.ended(C, PullEnd::Left), []);
    let _ = scene.handle(asked(AskEnd::Answered));
    assert_eq!(scene.run_until(SECOND * 20), []);
    // Only the list shows whether the account is back.
    let actions = scene.handle(Event::ChannelUpdated(C));
    assert_eq!(actions, [Action::SyncDialogs]);
}

#[test]
fn a_limited_query_for_single_channels_is_repeated_for_them() {
    let mut scene = Scene::new();
    know(&mut scene, 2);
    assert_eq!(scene.handle(Event::ChannelUpdated(A)), [ask([A])]);
    assert_eq!(scene.handle(asked(limited(20))), []);
    assert_eq!(scene.handle(Event::ChannelUpdated(B)), []);
    assert_eq!(scene.run_until(SECOND * 20), [ask([A, B])]);
    // The limit is long now: the list shows them sooner.
    let actions = scene.handle(asked(limited(600)));
    assert_eq!(actions, [Action::SyncDialogs]);
}

#[test]
fn a_changed_channel_that_is_not_watched_costs_no_call() {
    let mut scene = Scene::new();
    let actions = scene.handle(Event::ChannelUpdated(A));
    assert_eq!(actions, [Action::SyncDialogs], "it is unknown");
    let _ = scene.handle(Event::DialogsRead(DialogSync {
        unwatched: vec![A],
        ..DialogSync::default()
    }));
    let _ = scene.run_until(SECOND * 10);
    assert_eq!(scene.handle(Event::ChannelUpdated(A)), []);
    assert_eq!(scene.run_until(SECOND * 20), []);
}

#[test]
fn groups_are_polled_at_the_timeout_that_telegram_names() {
    // Below and above the bounds, and none.
    for (timeout, interval) in [(Some(1), 10), (Some(17), 17), (Some(900), 60), (None, 30)] {
        let mut scene = Scene::new();
        know(&mut scene, 1);
        let end = PullEnd::UpToDate(PageRead {
            events: 0,
            timeout: timeout.map(Duration::from_secs),
        });
        let (polls, _) = live(&mut scene, SECOND * 600, |_| end);
        assert_eq!(polls[0], (SECOND * 30, A), "until an interval is named");
        let times: Vec<Duration> = polls.into_iter().map(|(at, _)| at).collect();
        assert_eq!(longest_gap(&times), SECOND * interval, "{timeout:?}");
    }
}

#[test]
fn a_push_or_a_pull_postpones_the_next_poll() {
    let mut scene = Scene::new();
    know(&mut scene, 1);
    scene.now = SECOND * 20;
    let _ = scene.handle(Event::Pushed(push(A, 5)));
    assert_eq!(scene.run_until(SECOND * 49), []);
    assert_eq!(scene.moved(A), [pull(A)]);
    assert_eq!(scene.ended(A, read(3, 20)), []);
    let (polls, _) = live(&mut scene, SECOND * 69, |_| UP_TO_DATE);
    assert_eq!(polls, [(SECOND * 69, A)]);
}

#[test]
fn the_ten_liveliest_groups_are_polled_also_if_nothing_is_pushed_in_them() {
    let mut scene = Scene::new();
    know(&mut scene, 40);
    let lively = |channel: ChannelId| (21..=30).any(|n| channel == ChannelId::from_bare(n));
    // The queries show which groups move: their pulls bring events.
    for number in 1..=40 {
        let channel = ChannelId::from_bare(number);
        let actions = scene.moved(channel);
        assert!(actions.contains(&pull(channel)), "{actions:?}");
        let events = if lively(channel) { 50 } else { 1 };
        let _ = scene.ended(channel, read(events, 30));
    }
    let (polls, _) = live(&mut scene, SECOND * 300, |_| read(0, 30));
    let polled: BTreeSet<ChannelId> = polls.iter().map(|(_, channel)| *channel).collect();
    assert_eq!(polled.len(), 10);
    assert!(polled.into_iter().all(lively));
    // They fall silent for an hour, and then another group becomes livelier.
    let _ = live(&mut scene, SECOND * 3590, |_| read(0, 30));
    let newcomer = ChannelId::from_bare(40);
    for to in 0..5 {
        let _ = scene.handle(Event::Pushed(push(newcomer, to)));
    }
    let (polls, _) = live(&mut scene, SECOND * 3800, |_| read(0, 30));
    assert!(polls.iter().any(|(_, channel)| *channel == newcomer));
}

#[test]
fn ties_between_groups_are_broken_by_their_ids() {
    let mut scene = Scene::new();
    know(&mut scene, 400);
    let (polls, _) = live(&mut scene, SECOND * 100, |_| read(0, 30));
    let polled: BTreeSet<ChannelId> = polls.iter().map(|(_, channel)| *channel).collect();
    let first: BTreeSet<ChannelId> = (1..=10).map(ChannelId::from_bare).collect();
    assert_eq!(polled, first);
}

#[test]
fn polls_do_not_come_in_bursts() {
    let mut scene = Scene::new();
    know(&mut scene, 10);
    let (polls, _) = live(&mut scene, SECOND * 3600, |_| read(0, 10));
    let gaps = polls.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(gaps.min() >= Some(Duration::from_millis(500)));
    let of_a = polls.iter().filter(|(_, channel)| *channel == A);
    let times: Vec<Duration> = of_a.map(|(at, _)| *at).collect();
    assert!(longest_gap(&times) <= SECOND * 20, "timeout + 10 s");
}

#[test]
fn a_failing_limited_or_left_group_keeps_its_pause() {
    let mut scene = Scene::new();
    know(&mut scene, 1);
    assert_eq!(scene.moved(A), [pull(A)]);
    let _ = scene.ended(A, failed(200));
    assert_eq!(pulls_until(&mut scene, SECOND * 199), 0);
    assert_eq!(pulls_until(&mut scene, SECOND * 200), 1);
    let pause = SECOND * 300;
    let _ = scene.ended(A, PullEnd::Limited { pause });
    assert_eq!(pulls_until(&mut scene, SECOND * 499), 0);
    assert_eq!(pulls_until(&mut scene, SECOND * 500), 1);
    let _ = scene.ended(A, PullEnd::Left);
    assert_eq!(pulls_until(&mut scene, SECOND * 3600), 0);
}

/// Advances the time until `moment`, and counts the pulls without answering them.
fn pulls_until(scene: &mut Scene, moment: Duration) -> usize {
    let mut pulls = 0;
    while scene.tracker.deadline() <= moment {
        scene.now = scene.tracker.deadline();
        for action in scene.handle(Event::Tick) {
            let event = match action {
                Action::Pull { .. } => {
                    pulls += 1;
                    continue;
                }
                Action::CheckConnection => Event::ConnectionChecked { reconnected: false },
                Action::AskKnownChannels(_) => asked(AskEnd::Answered),
                Action::SyncDialogs => Event::DialogsRead(DialogSync::default()),
                Action::ApplyPush(_) => continue,
            };
            let _ = scene.handle(event);
        }
    }
    scene.now = moment;
    pulls
}

#[test]
fn a_limit_on_differences_stops_the_polls_and_makes_them_rarer_for_a_while() {
    let mut scene = Scene::new();
    know(&mut scene, 2);
    // Both calls are refused by one limit.
    let _ = scene.moved(A);
    let _ = scene.moved(B);
    for channel in [A, B] {
        let pause = SECOND * 10;
        let _ = scene.ended(channel, PullEnd::Limited { pause });
    }
    let (polls, _) = live(&mut scene, SECOND * 1800, |_| read(0, 30));
    let of_a = polls.iter().filter(|(_, channel)| *channel == A);
    let times: Vec<u64> = of_a.map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times[..4], [10, 70, 130, 190], "twice the timeout");
    let last: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(last.last(), Some(&30), "{last:?}");
}

#[test]
fn a_group_whose_differences_are_unavailable_is_not_polled() {
    let mut scene = Scene::new();
    know(&mut scene, 1);
    let _ = scene.moved(A);
    for _ in 0..3 {
        let _ = scene.ended(A, PullEnd::DifferencesUnavailable);
        let _ = scene.run_until(scene.now + SECOND * 10);
    }
    // The dialog shows that the group is up to date.
    let _ = scene.handle(shown(A, DialogState::Current));
    let _ = scene.handle(asked(AskEnd::Answered));
    assert_eq!(pulls_until(&mut scene, SECOND * 600), 0);
}

#[test]
fn no_group_is_polled_or_asked_for_while_the_connection_is_checked() {
    let mut scene = Scene::new();
    know(&mut scene, 10);
    let actions = scene.handle(Event::Disconnected);
    assert_eq!(actions, [Action::CheckConnection]);
    assert_eq!(scene.run_until(SECOND * 600), []);
    let reconnected = true;
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(actions, [ASK_ALL, Action::SyncDialogs, pull(A)]);
}

/// A join is recorded `timeout` + 10 s after it in the groups that are polled, and within 90 s elsewhere.
#[test]
fn the_promised_times_are_kept_with_400_groups() {
    let mut scene = Scene::new();
    know(&mut scene, 400);
    let (polls, asks) = live(&mut scene, SECOND * 3600, |_| read(0, 30));
    for number in 1..=10 {
        let group = ChannelId::from_bare(number);
        let of_group = polls.iter().filter(|(_, channel)| *channel == group);
        let times: Vec<Duration> = of_group.map(|(at, _)| *at).collect();
        assert!(longest_gap(&times) <= SECOND * 40, "{number}");
    }
    // The eight batches of a query take half a second each, and so do the pulls.
    assert!(longest_gap(&asks) <= SECOND * 60);
}

/// The table "calls per minute" of docs/promises.md, for quiet groups.
#[test]
fn quiet_groups_cost_as_many_calls_as_documented() {
    let promises = include_str!("../../../../docs/promises.md");
    for groups in [10, 40, 200, 400] {
        let mut scene = Scene::new();
        know(&mut scene, groups);
        let (polls, asks) = live(&mut scene, SECOND * 3600, |_| read(0, 30));
        // HIDE is asked for, too; 50 channels share a call.
        let batches = usize::try_from(groups + 1).expect("few").div_ceil(50);
        let a_minute = |calls: usize| (calls as f64 / 60.0).round();
        let row = format!(
            "| {groups} | {} | {} | 1 |",
            a_minute(polls.len()),
            a_minute(asks.len() * batches)
        );
        assert!(promises.contains(&row), "{row}");
    }
}
