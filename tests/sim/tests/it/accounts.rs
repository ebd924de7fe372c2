//! Several accounts in the same chats.

use std::time::Duration;

use grammers_tl_types::{enums, functions};
use telegram_sim::{Fault, JoinKind, Match};

use crate::client::{Client, difference, peer, simulator};
use crate::posting::message;

fn out_flags(updates: &[enums::Update]) -> Vec<(bool, String)> {
    let new = updates.iter().filter_map(|update| match update {
        enums::Update::NewChannelMessage(new) => Some(&new.message),
        _ => None,
    });
    new.filter_map(|message| match message {
        enums::Message::Message(message) => Some((message.out, message.message.clone())),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn each_account_reads_the_posts_of_the_others_as_not_its_own() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let second = sim.add_account("Second");
    let group = sim.add_group("A group");
    let mut clients = [
        Client::new(&sim).await,
        Client::of_account(&sim, second).await,
    ];
    let text = |number: usize| format!("from {number}");
    let pts = sim.pts(hide);
    for (number, client) in clients.iter().enumerate() {
        assert!(client.chats().await.iter().any(|chat| chat.id == group));
        let channel = client.channel(hide).await;
        let post = message(peer(&channel), &text(number), number as i64 + 1);
        client.call(&post).await.unwrap();
    }
    for number in [0, 1] {
        let client = &mut clients[number];
        // The client passes the updates of its own reply on, too.
        let mut seen = [(); 2].map(|()| Vec::new());
        for pushed in &mut seen {
            *pushed = out_flags(&client.pushed().await);
        }
        seen.sort();
        let expected = [(false, text(1 - number)), (true, text(number))];
        assert_eq!(seen.concat(), expected);
        let channel = client.channel(hide).await;
        let pulled = client.call(&difference(&channel, pts, 10)).await;
        let enums::updates::ChannelDifference::Difference(page) = pulled.unwrap() else {
            panic!("no difference");
        };
        let out = page.new_messages.iter().map(|message| match message {
            enums::Message::Message(message) => message.out,
            _ => false,
        });
        assert_eq!(out.collect::<Vec<_>>(), [number == 0, number == 1]);
    }
    let posts = sim.posts(hide);
    assert!(posts.iter().all(|post| post.by_account));
    assert_eq!([posts[0].from, posts[1].from], [sim.me(), second]);
}

#[tokio::test]
async fn a_join_is_pushed_to_every_account() {
    let sim = simulator();
    let group = sim.add_group("A group");
    let second = sim.add_account("Second");
    let clients = [
        Client::new(&sim).await,
        Client::of_account(&sim, second).await,
    ];
    let user = sim.add_user(telegram_sim::UserSpec::new("Eve"));
    sim.join(group, user, JoinKind::ByLink);
    for mut client in clients {
        assert_eq!(client.pushed().await.len(), 1);
    }
}

#[tokio::test]
async fn limits_and_faults_concern_one_account() {
    let sim = simulator();
    let second = sim.add_account("Second");
    let clients = [
        Client::new(&sim).await,
        Client::of_account(&sim, second).await,
    ];
    sim.limit_calls("users.getUsers", 1, Duration::from_secs(60));
    let users = || functions::users::GetUsers {
        id: vec![enums::InputUser::UserSelf],
    };
    for (client, id) in clients.iter().zip([sim.me(), second]) {
        let found = client.call(&users()).await.unwrap();
        assert!(matches!(&found[0], enums::User::User(user) if user.id == id && user.is_self));
        assert!(client.refusal(&users()).await.starts_with("FLOOD_WAIT"));
    }
    let fault = Match::method("updates.getState").account(second);
    sim.fault(fault, Fault::error(500, "INTERNAL"));
    let state = functions::updates::GetState {};
    clients[0].call(&state).await.unwrap();
    assert_eq!(clients[1].refusal(&state).await, "INTERNAL");
    let calls = sim.calls_of("updates.getState");
    let second_calls = calls.iter().filter(|call| call.account == second);
    assert_eq!(second_calls.count(), 2);
}
