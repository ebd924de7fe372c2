//! Dialogs, messages by id, and members.

use std::time::Duration;

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{JoinKind, Options, UserSpec};

use crate::client::{Client, dialogs, input, messages_by_id, peer, simulator};

#[tokio::test]
async fn dialogs_are_paged_with_pts_and_separate_from_the_archive() {
    let sim = simulator();
    let groups: Vec<i64> = (0..7)
        .map(|number| sim.add_group(&format!("Group {number}")))
        .collect();
    sim.archive(groups[3], true);
    let client = Client::new(&sim).await;

    let mut seen = Vec::new();
    let mut request = dialogs(2);
    loop {
        let enums::messages::Dialogs::Slice(page) = client.call(&request).await.unwrap() else {
            panic!("a page of a longer list is a slice");
        };
        assert_eq!(page.count, 6);
        let Some(enums::Dialog::Dialog(last)) = page.dialogs.last() else {
            break;
        };
        for dialog in &page.dialogs {
            let enums::Dialog::Dialog(dialog) = dialog else {
                panic!("no folder");
            };
            let enums::Peer::Channel(peer) = &dialog.peer else {
                panic!("no user");
            };
            assert_eq!(dialog.pts, Some(sim.pts(peer.channel_id)));
            seen.push(peer.channel_id);
        }
        let enums::Peer::Channel(last_peer) = &last.peer else {
            panic!("no user");
        };
        let date = page.messages.iter().find_map(|message| match message {
            enums::Message::Service(message) if message.peer_id == last.peer => Some(message.date),
            _ => None,
        });
        let chat = page.chats.iter().find_map(|chat| match chat {
            enums::Chat::Channel(chat) if chat.id == last_peer.channel_id => chat.access_hash,
            _ => None,
        });
        request.offset_date = date.expect("the top message is there");
        request.offset_id = last.top_message;
        request.offset_peer = enums::InputPeer::Channel(types::InputPeerChannel {
            channel_id: last_peer.channel_id,
            access_hash: chat.expect("the chat is there"),
        });
    }
    seen.sort_unstable();
    let wanted: Vec<i64> = groups
        .iter()
        .copied()
        .filter(|group| *group != groups[3])
        .collect();
    assert_eq!(seen, wanted);

    let archive = functions::messages::GetDialogs {
        folder_id: Some(1),
        ..dialogs(100)
    };
    let enums::messages::Dialogs::Dialogs(archive) = client.call(&archive).await.unwrap() else {
        panic!("a whole list is no slice");
    };
    assert_eq!(archive.dialogs.len(), 1);
    assert_eq!(sim.failures(), Vec::<String>::new());
}

#[tokio::test]
async fn deleted_messages_are_empty_and_channels_after_a_kick_are_private() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve"));
    let kept = sim.join(group, user, JoinKind::BySelf);
    let deleted = sim.send_message(group, user, "hello");
    sim.delete_messages(group, &[deleted]);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let found = client.messages(&channel, &[kept, deleted]).await;
    assert!(matches!(
        &found.messages[0],
        enums::Message::Service(message) if matches!(message.action, enums::MessageAction::ChatAddUser(_))
    ));
    assert!(matches!(&found.messages[1], enums::Message::Empty(message) if message.id == deleted));
    assert_eq!(
        client.refusal(&messages_by_id(&channel, &[1; 201])).await,
        "MESSAGE_IDS_TOO_MANY"
    );

    let wrong = functions::channels::GetFullChannel {
        channel: enums::InputChannel::Channel(types::InputChannel {
            access_hash: channel.access_hash + 1,
            ..channel.clone()
        }),
    };
    assert_eq!(client.refusal(&wrong).await, "CHANNEL_INVALID");
    sim.kick_me(group);
    assert_eq!(
        client.refusal(&messages_by_id(&channel, &[kept])).await,
        "CHANNEL_PRIVATE"
    );
    assert!(client.chats().await.is_empty());
}

#[tokio::test]
async fn hidden_members_show_only_administrators() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve").min(false));
    let message = sim.join(group, user, JoinKind::ByLink);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let recent = functions::channels::GetParticipants {
        channel: input(&channel),
        filter: enums::ChannelParticipantsFilter::ChannelParticipantsRecent,
        offset: 0,
        limit: 200,
        hash: 0,
    };
    let ids = |found: enums::channels::ChannelParticipants| match found {
        enums::channels::ChannelParticipants::Participants(found) => found
            .users
            .iter()
            .map(grammers_tl_types::enums::User::id)
            .collect::<Vec<_>>(),
        enums::channels::ChannelParticipants::NotModified => panic!("no hash was sent"),
    };
    let all = ids(client.call(&recent).await.unwrap());
    assert!(all.contains(&user) && all.contains(&sim.owner()) && all.contains(&sim.me()));
    sim.hide_members(group, true);
    assert_eq!(ids(client.call(&recent).await.unwrap()), [sim.owner()]);

    let one = functions::channels::GetParticipant {
        channel: input(&channel),
        participant: enums::InputPeer::UserFromMessage(Box::new(types::InputPeerUserFromMessage {
            peer: peer(&channel),
            msg_id: message,
            user_id: user,
        })),
    };
    sim.set_join_date(group, user, 1_700_000_000);
    let enums::channels::ChannelParticipant::Participant(found) = client.call(&one).await.unwrap();
    assert!(matches!(
        found.participant,
        enums::ChannelParticipant::Participant(member) if member.date == 1_700_000_000
    ));
    sim.leave(group, user);
    assert_eq!(client.refusal(&one).await, "USER_NOT_PARTICIPANT");
}

#[tokio::test]
async fn lists_of_dialogs_are_flood_limited_by_default() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let limit = Options::default().flood_limits.remove(0);
    assert_eq!(limit.method, "messages.getDialogs");
    let request = dialogs(100);
    for _ in 0..limit.calls {
        assert_eq!(client.refusal(&request).await, "no error");
    }
    let refusal = client.refusal(&request).await;
    let seconds = refusal
        .strip_prefix("FLOOD_WAIT ")
        .and_then(|n| n.parse().ok());
    let window = limit.window.as_secs();
    assert!(
        seconds.is_some_and(|seconds| (1..=window + 1).contains(&seconds)),
        "{refusal}"
    );
    // Dialogs by their peers are not limited.
    let peers = functions::messages::GetPeerDialogs { peers: Vec::new() };
    assert_eq!(client.refusal(&peers).await, "no error");
    // Another limit takes the place of the default, which can be restored.
    sim.limit_calls("messages.getDialogs", 1, Duration::from_secs(600));
    assert_eq!(client.refusal(&request).await, "no error");
    assert!(client.refusal(&request).await.starts_with("FLOOD_WAIT "));
    sim.restore_limit("messages.getDialogs");
    for _ in 0..limit.calls {
        assert_eq!(client.refusal(&request).await, "no error");
    }
    assert!(client.refusal(&request).await.starts_with("FLOOD_WAIT "));
}
