//! Pushes and differences.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{JoinKind, Options, Simulator, UserSpec};

use crate::client::{Client, TIMEOUT, difference, simulator};

#[tokio::test]
async fn a_join_is_pushed_with_its_users_to_clients_that_asked_for_updates() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let quiet = Client::with_session(&sim, true);
    quiet.call(&functions::help::GetNearestDc {}).await.unwrap();
    assert!(!sim.connected());
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let pts = sim.pts(group);
    let adder = sim.add_user(UserSpec::new("Adder"));
    let user = sim.add_user(UserSpec::new("Eve"));
    let message = sim.join(group, user, JoinKind::AddedBy(adder));
    let updates = client.pushed().await;
    let [enums::Update::NewChannelMessage(update)] = updates.as_slice() else {
        panic!("one new message: {updates:?}");
    };
    assert_eq!((update.pts, update.pts_count), (pts + 1, 1));
    let enums::Message::Service(service) = &update.message else {
        panic!("a service message");
    };
    assert_eq!(service.id, message);
    assert_eq!(
        service.from_id,
        Some(enums::Peer::User(types::PeerUser { user_id: adder }))
    );
    assert!(quiet.updates.is_empty());
}

#[tokio::test]
async fn pushes_come_late_and_overtake_each_other_by_default() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve"));
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let sent: Vec<i32> = (0..20)
        .map(|n| sim.send_message(group, user, &format!("{n}")))
        .collect();
    let mut arrived = Vec::new();
    while arrived.len() < sent.len() {
        arrived.extend(
            client
                .pushed()
                .await
                .iter()
                .filter_map(|update| match update {
                    enums::Update::NewChannelMessage(update) => Some(update.message.id()),
                    _ => None,
                }),
        );
    }
    assert_ne!(arrived, sent);
    arrived.sort_unstable();
    assert_eq!(arrived, sent);
}

#[tokio::test]
async fn differences_are_ordered_and_paged_without_deleted_messages() {
    let sim = Simulator::start(Options {
        longest_difference: 1000,
        ..Options::default()
    })
    .unwrap();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve"));
    let start = sim.pts(group);
    let mut messages: Vec<i32> = (0..150)
        .map(|n| sim.send_message(group, user, &format!("{n}")))
        .collect();
    sim.skip_pts(group, 3);
    sim.delete_messages(group, &[messages[10]]);
    sim.edit_message(group, messages[20], "edited");
    messages.remove(10);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;

    let mut pts = start;
    let mut pages = 0;
    let mut found = Vec::new();
    let mut others = Vec::new();
    loop {
        let answer = client.call(&difference(&channel, pts, 100)).await.unwrap();
        let enums::updates::ChannelDifference::Difference(page) = answer else {
            panic!("a difference");
        };
        pages += 1;
        assert!(page.pts > pts);
        pts = page.pts;
        found.extend(
            page.new_messages
                .iter()
                .map(grammers_tl_types::enums::Message::id),
        );
        others.extend(page.other_updates);
        if page.r#final {
            break;
        }
    }
    assert_eq!((found, pages, pts), (messages, 2, sim.pts(group)));
    assert!(matches!(
        others.as_slice(),
        [
            enums::Update::DeleteChannelMessages(_),
            enums::Update::EditChannelMessage(_)
        ]
    ));
    assert!(matches!(
        client.call(&difference(&channel, pts, 100)).await.unwrap(),
        enums::updates::ChannelDifference::Empty(empty) if empty.r#final && empty.pts == pts
    ));
    for (pts, limit, name) in [
        (0, 100, "PERSISTENT_TIMESTAMP_INVALID"),
        (pts + 1, 100, "PERSISTENT_TIMESTAMP_INVALID"),
        (pts, 0, "LIMIT_INVALID"),
        (pts, 101, "LIMIT_INVALID"),
    ] {
        assert_eq!(
            client.refusal(&difference(&channel, pts, limit)).await,
            name
        );
    }
}

#[tokio::test]
async fn a_difference_is_too_long_if_scripted_or_beyond_the_limit() {
    let sim = Simulator::start(Options {
        longest_difference: 5,
        too_long_messages: 2,
        ..Options::default()
    })
    .unwrap();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve"));
    let pts = sim.pts(group);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    sim.send_message(group, user, "one");
    sim.difference_too_long(group, 1);
    for too_long in [true, false] {
        let answer = client.call(&difference(&channel, pts, 100)).await.unwrap();
        assert_eq!(
            matches!(answer, enums::updates::ChannelDifference::TooLong(_)),
            too_long
        );
    }
    sim.skip_pts(group, 5);
    let enums::updates::ChannelDifference::TooLong(answer) =
        client.call(&difference(&channel, pts, 100)).await.unwrap()
    else {
        panic!("six events are more than five");
    };
    let enums::Dialog::Dialog(dialog) = answer.dialog else {
        panic!("a dialog");
    };
    assert_eq!(dialog.pts, Some(sim.pts(group)));
    assert_eq!(answer.messages.len(), 2);
}

#[tokio::test]
async fn pushes_can_be_dropped_and_replaced_by_too_long() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve"));
    let mut client = Client::new(&sim).await;
    sim.drop_pushes(1);
    sim.send_message(group, user, "dropped");
    sim.suppress_pushes(true);
    sim.send_message(group, user, "dropped too");
    sim.suppress_pushes(false);
    sim.push_too_long(group);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::ChannelTooLong(update)] if update.pts == Some(sim.pts(group))
    ));
    sim.kick_me(group);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(_)]
    ));
    let other = sim.add_group("Another");
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(update)] if update.channel_id == other
    ));
}
