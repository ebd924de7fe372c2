//! Joins without a message, joins whose message is deleted, and groups that are read by polling.

use std::time::Duration;

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{JoinKind, Options, Simulator, UserSpec};

use crate::client::{Client, TIMEOUT, difference, input, peer};

/// Starts a simulator that pushes at once and in order.
fn simulator() -> Simulator {
    Simulator::start(Options {
        latest_push: Duration::ZERO,
        ..Options::default()
    })
    .unwrap()
}

/// Returns the ids of all members that the account may see.
async fn member_ids(client: &Client, channel: &types::InputChannel) -> Vec<i64> {
    let request = functions::channels::GetParticipants {
        channel: input(channel),
        filter: enums::ChannelParticipantsFilter::ChannelParticipantsRecent,
        offset: 0,
        limit: 200,
        hash: 0,
    };
    match client.call(&request).await.unwrap() {
        enums::channels::ChannelParticipants::Participants(found) => {
            found.users.iter().map(enums::User::id).collect()
        }
        enums::channels::ChannelParticipants::NotModified => panic!("no hash was sent"),
    }
}

/// Returns the differences after `pts`: the ids of new messages and the other updates.
async fn differences(
    client: &Client,
    channel: &types::InputChannel,
    pts: i32,
) -> (Vec<i32>, Vec<enums::Update>) {
    match client.call(&difference(channel, pts, 100)).await.unwrap() {
        enums::updates::ChannelDifference::Difference(page) => (
            page.new_messages.iter().map(enums::Message::id).collect(),
            page.other_updates,
        ),
        enums::updates::ChannelDifference::Empty(_) => (Vec::new(), Vec::new()),
        enums::updates::ChannelDifference::TooLong(_) => panic!("few events"),
    }
}

#[tokio::test]
async fn a_group_that_hides_joins_shows_them_only_in_its_list_of_members() {
    let sim = simulator();
    let group = sim.add_group("Group");
    sim.hide_joins(group, true);
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let channel = client.channel(group).await;
    let pts = sim.pts(group);
    let pushes = sim.read(telegram_sim::World::pushes);
    let user = sim.add_user(UserSpec::new("Eve"));
    let other = sim.add_user(UserSpec::new("Mallory"));
    assert_eq!(sim.join(group, user, JoinKind::ByLink), 0);
    assert_eq!(sim.join_many(group, &[other], user), 0);
    sim.leave(group, other);
    assert_eq!(sim.pts(group), pts);
    assert_eq!(sim.read(telegram_sim::World::pushes), pushes);
    assert!(member_ids(&client, &channel).await.contains(&user));
    assert_eq!(
        differences(&client, &channel, pts).await,
        (Vec::new(), Vec::new())
    );
    // The next push is that of a message, whose id follows without a gap.
    let before = sim.send_message(group, user, "hello");
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::NewChannelMessage(update)] if update.message.id() == before
    ));
    assert_eq!(before, 2);
}

#[tokio::test]
async fn a_join_by_a_shared_folder_has_no_message() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let pts = sim.pts(group);
    let user = sim.add_user(UserSpec::new("Eve"));
    assert_eq!(sim.join(group, user, JoinKind::BySharedFolder), 0);
    assert_eq!(sim.pts(group), pts);
    assert!(member_ids(&client, &channel).await.contains(&user));
}

#[tokio::test]
async fn a_captcha_bot_deletes_join_messages_and_leaves_holes() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let delay = Duration::from_millis(100);
    sim.captcha_bot(group, delay..=2 * delay);
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let channel = client.channel(group).await;
    let pts = sim.pts(group);
    let user = sim.add_user(UserSpec::new("Eve"));
    let message = sim.join(group, user, JoinKind::ByLink);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::NewChannelMessage(update)] if update.message.id() == message
    ));
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::DeleteChannelMessages(update)]
            if update.messages == [message] && update.pts == pts + 2
    ));
    assert!(!sim.read(|world| world.has_message(group, message)));
    let text = sim.send_message(group, user, "hello");
    assert_eq!(text, message + 1);
    let (new, others) = differences(&client, &channel, pts).await;
    assert_eq!(new, [text]);
    assert!(matches!(
        others.as_slice(),
        [enums::Update::DeleteChannelMessages(_)]
    ));
    let found = client.messages(&channel, &[message]).await;
    assert!(matches!(
        found.messages.as_slice(),
        [enums::Message::Empty(_)]
    ));
    assert!(member_ids(&client, &channel).await.contains(&user));
    sim.remove_captcha_bot(group);
    let kept = sim.join(group, sim.owner(), JoinKind::ByLink);
    client.pushed().await;
    assert!(sim.read(|world| world.has_message(group, kept)));
}

#[tokio::test]
async fn a_join_that_is_deleted_unseen_shows_only_its_deletion() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let channel = client.channel(group).await;
    let pts = sim.pts(group);
    let user = sim.add_user(UserSpec::new("Eve"));
    let message = sim.join_and_delete_unseen(group, user, JoinKind::ByLink);
    assert_eq!(sim.pts(group), pts + 2);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::DeleteChannelMessages(update)] if update.messages == [message]
    ));
    let (new, others) = differences(&client, &channel, pts).await;
    assert!(new.is_empty());
    assert_eq!(others.len(), 1);
    assert_eq!(sim.send_message(group, user, "hello"), message + 1);
    assert!(client.updates.len() <= 1);
}

#[tokio::test]
async fn a_migrated_group_appears_and_keeps_its_first_joins_secret() {
    let sim = simulator();
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let old = sim.add_user(UserSpec::new("Old"));
    let user = sim.add_user(UserSpec::new("Eve"));
    let group = sim.migrate_group("Group", &[(old, 1_600_000_000)]);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(update)] if update.channel_id == group
    ));
    let channel = client.channel(group).await;
    let first = client.messages(&channel, &[1]).await;
    assert!(matches!(
        first.messages.as_slice(),
        [enums::Message::Service(types::MessageService {
            action: enums::MessageAction::ChannelMigrateFrom(_),
            ..
        })]
    ));
    let request = functions::channels::GetFullChannel {
        channel: input(&channel),
    };
    let enums::messages::ChatFull::Full(full) = client.call(&request).await.unwrap();
    assert!(matches!(
        full.full_chat,
        enums::ChatFull::ChannelFull(full) if full.migrated_from_chat_id.is_some()
    ));
    assert_eq!(sim.join(group, user, JoinKind::ByLink), 0);
    let listed = member_ids(&client, &channel).await;
    assert!(listed.contains(&old) && listed.contains(&user));
    sim.hide_joins_for(group, Duration::ZERO);
    sim.leave(group, user);
    assert_eq!(sim.join(group, user, JoinKind::ByLink), 3);

    let created = sim.add_group("Created");
    sim.hide_joins_for(created, Duration::from_secs(600));
    assert_eq!(sim.join(created, user, JoinKind::ByLink), 0);
}

#[tokio::test]
async fn a_silent_group_is_read_by_polling_at_its_own_timeout() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let channel = client.channel(group).await;
    let pts = sim.pts(group);
    sim.set_silent(group, true);
    sim.set_difference_timeout(group, 17);
    let user = sim.add_user(UserSpec::new("Eve"));
    let message = sim.join(group, user, JoinKind::ByLink);
    let dialogs = functions::messages::GetPeerDialogs {
        peers: vec![enums::InputDialogPeer::Peer(types::InputDialogPeer {
            peer: peer(&channel),
        })],
    };
    let enums::messages::PeerDialogs::Dialogs(dialogs) = client.call(&dialogs).await.unwrap();
    assert!(matches!(
        dialogs.dialogs.as_slice(),
        [enums::Dialog::Dialog(dialog)]
            if dialog.pts == Some(pts + 1) && dialog.top_message == message
    ));
    let enums::updates::ChannelDifference::Difference(page) =
        client.call(&difference(&channel, pts, 100)).await.unwrap()
    else {
        panic!("a difference");
    };
    assert_eq!(page.timeout, Some(17));
    assert_eq!(page.new_messages.len(), 1);
    // The first push is that of another group.
    let other = sim.add_group("Another");
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(update)] if update.channel_id == other
    ));
}

#[tokio::test]
async fn update_channel_comes_without_a_reason_and_after_a_kick() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    let pts = sim.pts(group);
    sim.push_channel(group);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(update)] if update.channel_id == group
    ));
    sim.suppress_pushes(true);
    sim.kick_me(group);
    sim.suppress_pushes(false);
    sim.push_channel(group);
    assert!(matches!(
        client.pushed().await.as_slice(),
        [enums::Update::Channel(update)] if update.channel_id == group
    ));
    assert_eq!(sim.pts(group), pts);
    assert!(client.chats().await.is_empty());
}

#[tokio::test]
async fn one_private_channel_refuses_the_dialogs_of_fifty_peers() {
    let sim = simulator();
    let groups = sim.add_groups(50);
    let client = Client::new(&sim).await;
    let peers: Vec<_> = client
        .chats()
        .await
        .into_iter()
        .map(|chat| {
            let channel = types::InputChannel {
                channel_id: chat.id,
                access_hash: chat.access_hash.unwrap(),
            };
            enums::InputDialogPeer::Peer(types::InputDialogPeer {
                peer: peer(&channel),
            })
        })
        .collect();
    let request = functions::messages::GetPeerDialogs { peers };
    let enums::messages::PeerDialogs::Dialogs(found) = client.call(&request).await.unwrap();
    assert_eq!(found.dialogs.len(), 50);
    sim.kick_me(groups[20]);
    assert_eq!(client.refusal(&request).await, "CHANNEL_PRIVATE");
}

#[tokio::test]
async fn marking_as_read_and_showing_online_are_failures() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let read = functions::channels::ReadHistory {
        channel: input(&channel),
        max_id: 1,
    };
    let online = functions::account::UpdateStatus { offline: false };
    assert_eq!(client.refusal(&read).await, "INPUT_METHOD_INVALID");
    assert_eq!(client.refusal(&online).await, "INPUT_METHOD_INVALID");
    assert_eq!(sim.failures().len(), 2);
    let times = sim.call_times();
    assert_eq!(times["channels.readHistory"].len(), 1);
    assert_eq!(times["account.updateStatus"].len(), 1);
}
