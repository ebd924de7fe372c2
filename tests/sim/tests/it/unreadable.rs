//! Answers that a client cannot read, and chats that are no groups.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{Options, Simulator};

use crate::client::{Client, dialogs, input, messages_by_id, peer, simulator};

fn difference(
    channel: &types::InputChannel,
    pts: i32,
    limit: i32,
) -> functions::updates::GetChannelDifference {
    functions::updates::GetChannelDifference {
        force: false,
        channel: input(channel),
        filter: enums::ChannelMessagesFilter::Empty,
        pts,
        limit,
    }
}

#[tokio::test]
async fn a_message_of_an_unknown_constructor_spoils_every_answer_that_holds_it() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let start = sim.pts(group);
    let owner = sim.owner();
    let before = sim.send_message(group, owner, "before");
    let unknown = sim.send_message(group, owner, "of a newer layer");
    let after = sim.send_message(group, owner, "after");
    sim.make_unreadable(group, unknown);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    client.call(&difference(&channel, start, 1)).await.unwrap();
    for readable in [before, after] {
        let request = messages_by_id(&channel, &[readable]);
        client.call(&request).await.unwrap();
    }
    let error = client.call(&difference(&channel, start, 2)).await;
    assert!(error.unwrap_err().to_string().contains("constructor"));
    let error = client.call(&messages_by_id(&channel, &[unknown])).await;
    assert!(error.unwrap_err().to_string().contains("constructor"));
}

#[tokio::test]
async fn a_dialog_of_an_unknown_constructor_spoils_every_answer_that_holds_it() {
    let sim = simulator();
    let (group, other) = (sim.add_group("Group"), sim.add_group("Other"));
    sim.set_dialog_date(group, 1_700_000_000);
    let client = Client::new(&sim).await;
    let (channel, other_channel) = (client.channel(group).await, client.channel(other).await);
    let by_peer = |channel: &types::InputChannel| functions::messages::GetPeerDialogs {
        peers: vec![enums::InputDialogPeer::Peer(types::InputDialogPeer {
            peer: peer(channel),
        })],
    };
    sim.set_unreadable_dialog(group, true);
    sim.difference_too_long(group, 1);
    let answers = [
        client.call(&dialogs(100)).await.err(),
        client.call(&by_peer(&channel)).await.err(),
        client.call(&difference(&channel, 1, 10)).await.err(),
    ];
    for error in answers {
        let error = error.expect("an answer that cannot be parsed").to_string();
        assert!(error.contains("constructor"), "{error}");
    }
    // The page before that of the dialog, and the dialog of another group, are readable.
    client.call(&dialogs(1)).await.unwrap();
    client.call(&by_peer(&other_channel)).await.unwrap();
    sim.set_unreadable_dialog(group, false);
    client.call(&dialogs(100)).await.unwrap();
}

#[tokio::test]
async fn a_large_page_is_packed_and_one_that_is_too_large_closes_the_connection() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let start = sim.pts(group);
    let owner = sim.owner();
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    for _ in 0..100 {
        sim.send_message(group, owner, &"\u{10348}".repeat(4096));
    }
    // 1.64 MB of equal characters are few bytes when they are packed.
    client
        .call(&difference(&channel, start, 100))
        .await
        .unwrap();
    // These characters cannot be packed well: a step of SplitMix64 for each.
    let mixed: String = (0..1_200_000_u64)
        .map(|n| {
            let mixed = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            char::from(33 + (mixed >> 57) as u8 % 90)
        })
        .collect();
    let large = sim.send_message(group, owner, &mixed.repeat(2));
    let error = client.call(&messages_by_id(&channel, &[large])).await;
    assert!(error.unwrap_err().to_string().contains("read 0 bytes"));
}

#[tokio::test]
async fn a_gap_beyond_the_limit_is_too_long_if_the_options_say_so() {
    let sim = Simulator::start(Options {
        too_long_beyond_limit: true,
        ..Options::default()
    })
    .unwrap();
    let group = sim.add_group("Group");
    let start = sim.pts(group);
    for _ in 0..11 {
        sim.send_message(group, sim.owner(), "hello");
    }
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    for (limit, is_too_long) in [(10, true), (11, false)] {
        let answer = client
            .call(&difference(&channel, start, limit))
            .await
            .unwrap();
        let found = matches!(answer, enums::updates::ChannelDifference::TooLong(_));
        assert_eq!(found, is_too_long, "limit {limit}");
    }
    sim.too_long_after(5);
    let answer = client.call(&difference(&channel, start, 11)).await.unwrap();
    assert!(matches!(
        answer,
        enums::updates::ChannelDifference::TooLong(_)
    ));
}

#[tokio::test]
async fn differences_of_one_chat_are_refused_until_they_are_restored() {
    let sim = simulator();
    let (sick, healthy) = (sim.add_group("Sick"), sim.add_group("Healthy"));
    let client = Client::new(&sim).await;
    let request = |channel| difference(&channel, 1, 10);
    let (sick_channel, healthy_channel) =
        (client.channel(sick).await, client.channel(healthy).await);
    sim.refuse_differences(sick, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
    let error = client.refusal(&request(sick_channel.clone())).await;
    assert!(error.contains("PERSISTENT_TIMESTAMP_OUTDATED"), "{error}");
    client.call(&request(healthy_channel)).await.unwrap();
    sim.restore_differences(sick);
    client.call(&request(sick_channel)).await.unwrap();
}

#[tokio::test]
async fn gigagroups_and_monoforums_are_marked_in_the_list_of_dialogs() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let gigagroup = sim.add_group("Gigagroup");
    sim.make_gigagroup(gigagroup);
    let monoforum = sim.add_monoforum("Direct messages");
    let client = Client::new(&sim).await;
    client.call(&dialogs(100)).await.unwrap();
    for chat in client.chats().await {
        assert_eq!(chat.gigagroup, chat.id == gigagroup);
        assert_eq!(chat.monoforum, chat.id == monoforum);
        assert!(chat.megagroup, "{group}");
    }
}
