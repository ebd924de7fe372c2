//! Pages that cannot be read, connections that end during pulls, and differences that stay unavailable.

use super::*;

/// Ends the step of `channel` as a cut, and lets the check of the connection succeed.
fn cut(scene: &mut Scene, channel: ChannelId) -> Vec<Action> {
    let actions = scene.ended(channel, PullEnd::Cut);
    assert_eq!(
        actions,
        [Action::CheckConnection],
        "no pull before the check"
    );
    let reconnected = false;
    scene.handle(Event::ConnectionChecked { reconnected })
}

#[test]
fn a_pull_continues_page_by_page_and_in_turn_with_other_channels() {
    let mut scene = Scene::new();
    for channel in [A, B, C] {
        let _ = scene.moved(channel);
    }
    assert_eq!(scene.ended(A, PAGE_APPLIED), [pull(C)]);
    assert_eq!(scene.ended(B, UP_TO_DATE), [pull(A)]);
    assert_eq!(scene.ended(A, UP_TO_DATE), []);
}

#[test]
fn pushes_during_a_gap_are_applied_after_the_pull_that_follows_it() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    assert_eq!(scene.ended(A, PullEnd::TooLong(GAP)), [close_gap(A)]);
    let _ = scene.handle(Event::Pushed(push(A, 101)));
    assert_eq!(scene.ended(A, PAGE_APPLIED), [close_gap(A)]);
    let _ = scene.handle(Event::Pushed(push(A, 102)));
    assert_eq!(scene.ended(A, PullEnd::GapClosed), [pull(A)]);
    let applied = [101, 102].map(|to| Action::ApplyPush(push(A, to)));
    assert_eq!(scene.ended(A, UP_TO_DATE), applied);
}

#[test]
fn an_unreadable_page_is_halved_at_once_and_at_last_read_by_message_ids() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    for limit in [25, 12, 6, 3, 1] {
        let actions = scene.ended(A, PullEnd::Unreadable);
        assert_eq!(actions, [pull_at_most(limit, A)]);
    }
    let actions = scene.ended(A, PullEnd::Unreadable);
    assert_eq!(actions, [ask([A])]);
    let actions = scene.handle(shown(A, DialogState::Behind));
    assert_eq!(actions, [fetch_at_most(1, A)]);
    assert_eq!(scene.ended(A, PullEnd::Unreadable), [step_over(A)]);
    let actions = scene.ended(A, PAGE_APPLIED);
    assert_eq!(actions, [fetch_at_most(2, A)]);
    let actions = scene.ended(A, PAGE_APPLIED);
    assert_eq!(actions, [fetch_at_most(4, A)]);
    assert_eq!(scene.ended(A, PullEnd::GapClosed), [pull_at_most(8, A)]);
    assert_eq!(scene.ended(A, UP_TO_DATE), []);
    assert_eq!(scene.moved(A), [pull_at_most(16, A)], "the limit is kept");
}

#[test]
fn an_unreadable_channel_that_the_dialogs_lack_is_pulled_ever_more_rarely() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    for _ in 0..5 {
        let _ = scene.ended(A, PullEnd::Unreadable);
    }
    let lacking = Event::ChannelsListed(DialogSync {
        missing: vec![A],
        ..DialogSync::default()
    });
    let mut asks = 0;
    while scene.now < SECOND * 3600 {
        let mut actions = scene.run_until(scene.now + SECOND);
        while let Some(action) = actions.pop() {
            let event = match action {
                Action::AskKnownChannels(channels) => {
                    asks += usize::from(channels != AskedChannels::All);
                    actions.extend(scene.handle(lacking.clone()));
                    asked(AskEnd::Answered)
                }
                Action::SyncDialogs => Event::DialogsRead(DialogSync::default()),
                Action::Pull { channel, .. } => Event::PullEnded {
                    channel,
                    end: PullEnd::Unreadable,
                },
                Action::CheckConnection => Event::ConnectionChecked { reconnected: false },
                Action::ApplyPush(_) => continue,
            };
            actions.extend(scene.handle(event));
        }
        if scene.now == SECOND {
            let _ = scene.ended(A, PullEnd::Unreadable);
        }
    }
    assert!(asks < 140, "{asks} calls");
}

#[test]
fn after_a_cut_the_suspected_channels_are_pulled_one_at_a_time_until_the_guilty_one_is_known() {
    let mut scene = Scene::new();
    for channel in [A, B, C] {
        let _ = scene.moved(channel);
    }
    assert_eq!(
        scene.ended(A, PullEnd::Cut),
        [Action::CheckConnection],
        "C waits, too"
    );
    assert_eq!(scene.ended(B, PullEnd::Cut), []);
    let reconnected = false;
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(actions, [Action::CheckConnection, pull(A)], "A alone");
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(actions, [], "A alone");
    // A is innocent: now B alone, which is guilty.
    assert_eq!(scene.ended(A, PAGE_APPLIED), [pull(B)]);
    assert_eq!(cut(&mut scene, B), [pull_at_most(25, B)]);
    assert_eq!(scene.ended(B, PAGE_APPLIED), [pull(C), pull(A)]);
}

#[test]
fn a_guilty_channel_clears_the_others() {
    let mut scene = Scene::new();
    for channel in [A, B] {
        let _ = scene.moved(channel);
    }
    let _ = scene.ended(A, PullEnd::Cut);
    let _ = scene.ended(B, PullEnd::Cut);
    let reconnected = false;
    let _ = scene.handle(Event::ConnectionChecked { reconnected });
    let _ = scene.handle(Event::ConnectionChecked { reconnected });
    // A is guilty down to a page of one event; B needs not wait for its pauses.
    for limit in [25, 12, 6, 3, 1] {
        assert_eq!(cut(&mut scene, A), [pull_at_most(limit, A)]);
    }
    assert_eq!(cut(&mut scene, A), [pull(B)]);
    assert_eq!(scene.ended(B, UP_TO_DATE), []);
    let actions = scene.run_until(scene.now + SECOND);
    assert_eq!(actions, [pull_at_most(1, A)]);
}

#[test]
fn a_message_that_always_ends_the_connection_is_stepped_over_after_several_checks() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, PullEnd::TooLong(GAP));
    for limit in [25, 12, 6, 3, 1] {
        assert_eq!(cut(&mut scene, A), [fetch_at_most(limit, A)]);
    }
    for pause in [1, 2, 4] {
        assert_eq!(cut(&mut scene, A), []);
        let actions = scene.run_until(scene.now + SECOND * pause);
        assert_eq!(actions, [fetch_at_most(1, A)]);
    }
    assert_eq!(cut(&mut scene, A), [step_over(A)]);
}

#[test]
fn an_outage_costs_one_halving_because_only_a_checked_connection_counts() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.ended(A, PullEnd::Cut);
    assert_eq!(scene.moved(B), []);
    // The check does not end. A pull once a minute does no harm, and teaches nothing.
    for minute in 1..=60 {
        let actions = scene.run_until(SECOND * 60 * minute);
        assert_eq!(actions, [pull_at_most(25, A)], "minute {minute}");
        assert_eq!(scene.ended(A, PullEnd::Cut), []);
    }
    let reconnected = true;
    let actions = scene.handle(Event::ConnectionChecked { reconnected });
    assert_eq!(
        actions.last(),
        Some(&pull_at_most(25, A)),
        "alone: {actions:?}"
    );
}

#[test]
fn differences_that_stay_unavailable_are_replaced_by_message_ids_after_three_tries() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    for pause in [1, 2] {
        assert_eq!(scene.ended(A, PullEnd::DifferencesUnavailable), []);
        assert_eq!(scene.run_until(scene.now + SECOND * pause), [pull(A)]);
    }
    let actions = scene.ended(A, PullEnd::DifferencesUnavailable);
    assert_eq!(actions, [ask([A])]);
    let _ = scene.handle(shown(A, DialogState::Behind));
    let _ = scene.handle(asked(AskEnd::Answered));
    let _ = scene.run_until(scene.now + SECOND * 4);
    let _ = scene.handle(Event::Pushed(push(A, 101)));
    // The gap leads to the present pts, from which on pushes are applied. Differences would fail again.
    let applied = [Action::ApplyPush(push(A, 101))];
    assert_eq!(scene.ended(A, PullEnd::GapClosed), applied);
    let applied = [Action::ApplyPush(push(A, 102))];
    assert_eq!(scene.handle(Event::Pushed(push(A, 102))), applied);
    // Another gap is looked for at once, but not three times.
    assert_eq!(scene.moved(A), [pull(A)]);
    assert_eq!(scene.ended(A, PullEnd::DifferencesUnavailable).len(), 1);
}

#[test]
fn pushes_that_follow_are_applied_while_pulls_fail() {
    let mut scene = Scene::new();
    let _ = scene.moved(A);
    let _ = scene.handle(Event::Pushed(push(A, 5)));
    let applied = |to| [Action::ApplyPush(push(A, to))];
    assert_eq!(scene.ended(A, failed(0)), applied(5));
    assert_eq!(scene.handle(Event::Pushed(push(A, 6))), applied(6));
    let actions = scene.run_until(SECOND);
    assert_eq!(actions, [pull(A)]);
    for _ in 0..3 {
        let _ = scene.ended(A, PullEnd::DifferencesUnavailable);
        let _ = scene.run_until(scene.now + SECOND * 10);
    }
    assert_eq!(scene.handle(Event::Pushed(push(A, 7))), applied(7));
    // The dialogs show that nothing else happened.
    let actions = scene.handle(listed(A, DialogState::Current));
    assert_eq!(actions, []);
    assert_eq!(scene.run_until(scene.now + SECOND * 10), []);
}
