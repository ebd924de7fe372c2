//! Lists of members, and members one by one.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{JoinKind, Options, Simulator, UserSpec};

use crate::client::{Client, input, peer, simulator};

/// A date long ago, in seconds since 1970.
const LONG_AGO: i32 = 1_600_000_000;

fn members(
    channel: &types::InputChannel,
    filter: enums::ChannelParticipantsFilter,
    offset: i32,
    limit: i32,
) -> functions::channels::GetParticipants {
    functions::channels::GetParticipants {
        channel: input(channel),
        filter,
        offset,
        limit,
        hash: 0,
    }
}

fn recent(
    channel: &types::InputChannel,
    offset: i32,
    limit: i32,
) -> functions::channels::GetParticipants {
    let filter = enums::ChannelParticipantsFilter::ChannelParticipantsRecent;
    members(channel, filter, offset, limit)
}

async fn list(
    client: &Client,
    request: &functions::channels::GetParticipants,
) -> types::channels::ChannelParticipants {
    match client.call(request).await.unwrap() {
        enums::channels::ChannelParticipants::Participants(found) => found,
        enums::channels::ChannelParticipants::NotModified => panic!("no hash was sent"),
    }
}

/// Returns the id and the date of each member, in the order of the list.
fn rows(found: &types::channels::ChannelParticipants) -> Vec<(i64, i32)> {
    found.participants.iter().map(row).collect()
}

fn row(participant: &enums::ChannelParticipant) -> (i64, i32) {
    match participant {
        enums::ChannelParticipant::Participant(member) => (member.user_id, member.date),
        enums::ChannelParticipant::ParticipantSelf(member) => (member.user_id, member.date),
        enums::ChannelParticipant::Admin(member) => (member.user_id, member.date),
        enums::ChannelParticipant::Banned(types::ChannelParticipantBanned {
            left: false,
            peer: enums::Peer::User(user),
            date,
            ..
        }) => (user.user_id, *date),
        other => panic!("not a member: {other:?}"),
    }
}

fn ids(found: &types::channels::ChannelParticipants) -> Vec<i64> {
    rows(found).into_iter().map(|(id, _)| id).collect()
}

fn one(
    channel: &types::InputChannel,
    participant: enums::InputPeer,
) -> functions::channels::GetParticipant {
    functions::channels::GetParticipant {
        channel: input(channel),
        participant,
    }
}

fn by_message(channel: &types::InputChannel, msg_id: i32, user_id: i64) -> enums::InputPeer {
    enums::InputPeer::UserFromMessage(Box::new(types::InputPeerUserFromMessage {
        peer: peer(channel),
        msg_id,
        user_id,
    }))
}

fn by_hash(user_id: i64, access_hash: i64) -> enums::InputPeer {
    enums::InputPeer::User(types::InputPeerUser {
        user_id,
        access_hash,
    })
}

async fn date_of(client: &Client, request: &functions::channels::GetParticipant) -> i32 {
    let enums::channels::ChannelParticipant::Participant(found) =
        client.call(request).await.unwrap();
    row(&found.participant).1
}

async fn full(client: &Client, channel: &types::InputChannel) -> types::ChannelFull {
    let request = functions::channels::GetFullChannel {
        channel: input(channel),
    };
    let enums::messages::ChatFull::Full(found) = client.call(&request).await.unwrap();
    match found.full_chat {
        enums::ChatFull::ChannelFull(full) => full,
        other => panic!("not a channel: {other:?}"),
    }
}

#[tokio::test]
async fn recent_members_are_listed_by_activity_and_neighbours_are_shuffled() {
    let sim = simulator();
    let group = sim.add_group("Group");
    sim.age_chat(group, 3600);
    let old = sim.add_members(group, 300, LONG_AGO..=LONG_AGO + 300);
    let talkers = &old[..40];
    for user in talkers {
        sim.send_message(group, *user, "hello");
    }
    let joiner = sim.add_user(UserSpec::new("Eve").min(false));
    sim.join(group, joiner, JoinKind::Silent);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;

    let page = list(&client, &recent(&channel, 0, 1000)).await;
    assert_eq!((page.count, page.participants.len()), (303, 200));
    // Everybody on the page has a full access hash.
    let has_hash = |user: &enums::User| matches!(user, enums::User::User(user) if !user.min && user.access_hash.is_some());
    assert_eq!(page.users.len(), 200);
    assert!(page.users.iter().all(has_hash));
    let listed = ids(&page);
    let place = |user: i64| listed.iter().position(|id| *id == user).unwrap();
    let mut by_activity: Vec<i64> = talkers.to_vec();
    by_activity.push(joiner);
    by_activity.reverse();
    for (wanted, user) in by_activity.iter().enumerate() {
        assert!(
            place(*user).abs_diff(wanted) < 8,
            "{user} at {}",
            place(*user)
        );
    }
    assert_ne!(listed[..by_activity.len()], by_activity);
    // The dates are those of the joins, so they do not fall along the list.
    assert_eq!(rows(&page)[place(old[0])].1, LONG_AGO);

    let rest = list(&client, &recent(&channel, 200, 200)).await;
    let mut all = [listed, ids(&rest)].concat();
    assert_eq!(all.len(), 303);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 303);
    sim.leave(group, joiner);
    let page = list(&client, &recent(&channel, 0, 200)).await;
    assert_eq!(page.count, 302);
    assert!(!ids(&page).contains(&joiner));
}

#[tokio::test]
async fn a_list_of_fifty_thousand_members_ends_after_ten_thousand() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let old = sim.add_members(group, 50_000, LONG_AGO..=LONG_AGO + 1_000_000);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    sim.send_message(group, old[25_000], "hello");
    let page = list(&client, &recent(&channel, 0, 200)).await;
    assert_eq!(page.count, 50_002);
    assert!(ids(&page)[..16].contains(&old[25_000]));
    for (offset, length) in [(9_900, 100), (10_000, 0), (30_000, 0)] {
        let page = list(&client, &recent(&channel, offset, 200)).await;
        assert_eq!((page.participants.len(), page.count), (length, 50_002));
    }
    assert_eq!(
        full(&client, &channel).await.participants_count,
        Some(50_002)
    );
}

#[tokio::test]
async fn restricted_members_may_be_missing_and_administrators_show_their_promotion() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let old = sim.add_members(group, 3, LONG_AGO..=LONG_AGO);
    sim.restrict_member(group, old[0], LONG_AGO + 1, true);
    sim.restrict_member(group, old[1], LONG_AGO + 2, false);
    sim.set_admin(group, old[2], true);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let page = list(&client, &recent(&channel, 0, 200)).await;
    let found = rows(&page);
    assert_eq!(page.count, 5);
    assert_eq!(found.len(), 4);
    assert!(found.contains(&(old[0], LONG_AGO + 1)));
    let admin = found.iter().find(|(id, _)| *id == old[2]).unwrap();
    assert!(admin.1 > LONG_AGO + 1_000_000);
}

#[tokio::test]
async fn a_rejoin_has_a_new_date() {
    let sim = simulator();
    let group = sim.add_group("Group");
    sim.hide_joins(group, true);
    let user = sim.add_user(UserSpec::new("Eve"));
    sim.add_member(group, user, LONG_AGO);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let date = async || {
        let page = list(&client, &recent(&channel, 0, 200)).await;
        rows(&page).into_iter().find(|(id, _)| *id == user)
    };
    assert_eq!(date().await, Some((user, LONG_AGO)));
    sim.leave(group, user);
    assert_eq!(date().await, None);
    assert_eq!(sim.join(group, user, JoinKind::ByLink), 0);
    let again = date().await.unwrap().1;
    assert!(again > LONG_AGO + 1_000_000);
    assert_eq!(sim.join_date(group, user), Some(again));
}

#[tokio::test]
async fn a_closed_list_shows_administrators_and_bots() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let other = sim.add_group("Another");
    let user = sim.add_user(UserSpec::new("Eve"));
    let bot = sim.add_user(UserSpec::new("Bot").bot());
    for chat in [group, other] {
        sim.add_member(chat, user, LONG_AGO);
        sim.add_member(chat, bot, LONG_AGO);
    }
    sim.hide_members(group, true);
    sim.set_can_view_participants(other, false);
    let client = Client::new(&sim).await;
    for (chat, hidden, can_view) in [(group, true, true), (other, false, false)] {
        let channel = client.channel(chat).await;
        let full = full(&client, &channel).await;
        assert_eq!(
            (full.participants_hidden, full.can_view_participants),
            (hidden, can_view)
        );
        assert_eq!(full.participants_count, Some(4));
        let mut listed = ids(&list(&client, &recent(&channel, 0, 200)).await);
        listed.sort_unstable();
        assert_eq!(listed, [sim.owner(), bot]);
        let admins = enums::ChannelParticipantsFilter::ChannelParticipantsAdmins;
        let admins = list(&client, &members(&channel, admins, 0, 200)).await;
        assert_eq!(ids(&admins), [sim.owner()]);
    }
}

#[tokio::test]
async fn a_group_with_hidden_members_gives_or_refuses_the_dates_of_joins() {
    let sim = simulator();
    let group = sim.add_group("Group");
    sim.hide_joins(group, true);
    sim.hide_members(group, true);
    let user = sim.add_user(UserSpec::new("Eve").min(false));
    let commenter = sim.add_user(UserSpec::new("Mallory").min(false));
    sim.add_member(group, user, LONG_AGO);
    let message = sim.send_message(group, user, "hello");
    let comment = sim.send_message(group, commenter, "a comment");
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;

    let member = one(&channel, by_message(&channel, message, user));
    assert_eq!(date_of(&client, &member).await, LONG_AGO);
    let stranger = one(&channel, by_message(&channel, comment, commenter));
    assert_eq!(client.refusal(&stranger).await, "USER_NOT_PARTICIPANT");
    let users = functions::users::GetUsers {
        id: vec![enums::InputUser::FromMessage(types::InputUserFromMessage {
            peer: peer(&channel),
            msg_id: message,
            user_id: user,
        })],
    };
    let found = client.call(&users).await.unwrap();
    let [enums::User::User(found)] = found.as_slice() else {
        panic!("one user: {found:?}");
    };
    let hash = found.access_hash.unwrap();
    let min_hash = match client.messages(&channel, &[message]).await.users.as_slice() {
        [enums::User::User(seen)] => seen.access_hash.unwrap(),
        other => panic!("one user: {other:?}"),
    };
    let known = one(&channel, by_hash(user, hash));
    assert_eq!(date_of(&client, &known).await, LONG_AGO);
    for (hash, refusal) in [
        (hash ^ 2, "PEER_ID_INVALID"),
        (min_hash, "PARTICIPANT_ID_INVALID"),
    ] {
        let request = one(&channel, by_hash(user, hash));
        assert_eq!(client.refusal(&request).await, refusal);
    }

    sim.refuse_join_dates(group, true);
    for request in [&member, &known, &stranger] {
        assert_eq!(client.refusal(request).await, "CHAT_ADMIN_REQUIRED");
    }
    let own = one(&channel, enums::InputPeer::PeerSelf);
    assert!(date_of(&client, &own).await > LONG_AGO);
    sim.refuse_join_dates(group, false);
    sim.delete_messages(group, &[message]);
    assert_eq!(client.refusal(&member).await, "MSG_ID_INVALID");
}

#[tokio::test]
async fn reading_members_too_often_is_refused_for_half_a_minute() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    for _ in 0..10 {
        list(&client, &recent(&channel, 0, 1)).await;
    }
    let refusal = client.refusal(&recent(&channel, 0, 1)).await;
    assert_eq!(refusal, "FLOOD_WAIT 30");
    for _ in 0..5 {
        full(&client, &channel).await;
    }
    let request = functions::channels::GetFullChannel {
        channel: input(&channel),
    };
    assert_eq!(client.refusal(&request).await, "FLOOD_WAIT 26");
    let times = sim.call_times();
    assert_eq!(times["channels.getParticipants"].len(), 11);
    assert_eq!(times["channels.getFullChannel"].len(), 6);
    assert!(times["channels.getParticipants"].is_sorted());

    let patient = Simulator::start(Options {
        flood_limits: Vec::new(),
        ..Options::default()
    })
    .unwrap();
    let group = patient.add_group("Group");
    let client = Client::new(&patient).await;
    let channel = client.channel(group).await;
    for _ in 0..11 {
        list(&client, &recent(&channel, 0, 1)).await;
    }
}

#[tokio::test]
async fn a_group_has_the_number_of_its_members_in_dialogs_only_if_asked() {
    let sim = simulator();
    let group = sim.add_group("Group");
    sim.hide_joins(group, true);
    let client = Client::new(&sim).await;
    let count = async || client.chats().await[0].participants_count;
    assert_eq!(count().await, None);
    sim.show_participants_counts(true);
    assert_eq!(count().await, Some(2));
    let user = sim.add_user(UserSpec::new("Eve"));
    sim.join(group, user, JoinKind::BySelf);
    assert_eq!(count().await, Some(3));
    let channel = client.channel(group).await;
    assert_eq!(full(&client, &channel).await.participants_count, Some(3));
}
