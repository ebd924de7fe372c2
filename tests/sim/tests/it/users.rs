//! Users by access hash and by message, and `min` users.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{JoinKind, PhotoSpec, UserSpec};

use crate::client::{Client, peer, simulator};

#[tokio::test]
async fn a_min_user_is_returned_by_its_message_and_not_by_its_hash() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let spec = UserSpec::new("Eve")
        .last_name("E")
        .about("a bio")
        .photo(PhotoSpec::jpeg());
    let user = sim.add_user(spec.min(false));
    let other = sim.add_user(UserSpec::new("Mallory"));
    let message = sim.join(group, user, JoinKind::BySelf);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;

    let found = client.messages(&channel, &[message]).await;
    let [enums::User::User(seen)] = found.users.as_slice() else {
        panic!("one user");
    };
    assert!(seen.min && seen.photo.is_none());
    let by_hash = |id: i64, access_hash: i64| {
        enums::InputUser::User(types::InputUser {
            user_id: id,
            access_hash,
        })
    };
    let from = |msg_id: i32, user_id: i64| {
        enums::InputUser::FromMessage(types::InputUserFromMessage {
            peer: peer(&channel),
            msg_id,
            user_id,
        })
    };
    let ask = functions::users::GetUsers {
        id: vec![
            by_hash(user, seen.access_hash.unwrap()),
            from(message, user),
            enums::InputUser::UserSelf,
        ],
    };
    let answer = client.call(&ask).await.unwrap();
    let [
        enums::User::Empty(_),
        enums::User::User(whole),
        enums::User::User(me),
    ] = answer.as_slice()
    else {
        panic!("one empty, two whole: {answer:?}");
    };
    assert!(!whole.min && whole.photo.is_some());
    assert_ne!(whole.access_hash, seen.access_hash);
    assert!(me.is_self);

    let full = functions::users::GetFullUser {
        id: by_hash(user, whole.access_hash.unwrap()),
    };
    let enums::users::UserFull::Full(full) = client.call(&full).await.unwrap();
    let enums::UserFull::Full(full) = full.full_user;
    assert_eq!(full.about.as_deref(), Some("a bio"));
    // A message that does not refer to the user, or was deleted, fails the call for all users in it.
    for (lost, is_there) in [(other, true), (user, false)] {
        if !is_there {
            sim.delete_messages(group, &[message]);
        }
        let lost = from(message, lost);
        let ask = functions::users::GetUsers {
            id: vec![enums::InputUser::UserSelf, lost],
        };
        let refusal = client.call(&ask).await.unwrap_err();
        assert!(refusal.is("MSG_ID_INVALID"), "{refusal:?}");
    }
}
