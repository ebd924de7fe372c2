//! Uploads and posts, and their checks.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{Fault, Match};

use crate::client::{Client, TIMEOUT, peer, simulator};

pub(crate) fn message(
    peer: enums::InputPeer,
    text: &str,
    random_id: i64,
) -> functions::messages::SendMessage {
    functions::messages::SendMessage {
        no_webpage: false,
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        message: text.to_owned(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    }
}

pub(crate) fn document(
    peer: enums::InputPeer,
    file: enums::InputFile,
    caption: &str,
    random_id: i64,
) -> functions::messages::SendMedia {
    functions::messages::SendMedia {
        silent: true,
        background: true,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        media: enums::InputMedia::UploadedDocument(types::InputMediaUploadedDocument {
            nosound_video: false,
            force_file: true,
            spoiler: false,
            file,
            thumb: None,
            mime_type: "application/octet-stream".to_owned(),
            attributes: vec![enums::DocumentAttribute::Filename(
                types::DocumentAttributeFilename {
                    file_name: "abcd1234".to_owned(),
                },
            )],
            stickers: None,
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
        }),
        message: caption.to_owned(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    }
}

pub(crate) fn small(id: i64, parts: i32, md5: &str) -> enums::InputFile {
    enums::InputFile::File(types::InputFile {
        id,
        parts,
        name: "name".to_owned(),
        md5_checksum: md5.to_owned(),
    })
}

pub(crate) async fn save(client: &Client, file_id: i64, file_part: i32, bytes: Vec<u8>) -> String {
    let part = functions::upload::SaveFilePart {
        file_id,
        file_part,
        bytes,
    };
    client.refusal(&part).await
}

#[tokio::test]
async fn a_document_that_is_sent_repeatedly_is_posted_once() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let client = Client::new(&sim).await;
    let to = peer(&client.channel(hide).await);
    let file = [vec![1; 1024], vec![2; 1024], vec![3; 5]];
    for (part, bytes) in (0..).zip(&file) {
        assert_eq!(save(&client, 7, part, bytes.clone()).await, "no error");
    }
    let request = document(to, small(7, 3, ""), "caption", 42);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let enums::Updates::Updates(updates) = client.call(&request).await.unwrap() else {
            panic!("updates");
        };
        let [
            enums::Update::MessageId(id),
            enums::Update::NewChannelMessage(new),
        ] = updates.updates.as_slice()
        else {
            panic!("an id and a message");
        };
        assert_eq!((id.random_id, new.pts), (42, sim.pts(hide)));
        ids.push(id.id);
    }
    assert_eq!(ids, [ids[0]; 3]);
    let posts = sim.posts(hide);
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].text, "caption");
    assert!(posts[0].silent && posts[0].by_account);
    let posted = posts[0].file.clone().unwrap();
    assert_eq!(
        (posted.name.as_str(), posted.bytes),
        ("abcd1234", file.concat())
    );
}

/// Returns the document of the message in the answer to a post.
fn document_in(updates: enums::Updates) -> types::Document {
    let enums::Updates::Updates(updates) = updates else {
        panic!("updates");
    };
    let found = updates.updates.into_iter().find_map(|update| match update {
        enums::Update::NewChannelMessage(new) => Some(new.message),
        _ => None,
    });
    let Some(enums::Message::Message(message)) = found else {
        panic!("a message");
    };
    let Some(enums::MessageMedia::Document(media)) = message.media else {
        panic!("a document");
    };
    let Some(enums::Document::Document(document)) = media.document else {
        panic!("a document");
    };
    document
}

/// Makes a post of a document that was posted before.
fn repost(
    peer: enums::InputPeer,
    known: &types::Document,
    random_id: i64,
) -> functions::messages::SendMedia {
    let media = types::InputMediaDocument {
        spoiler: false,
        id: enums::InputDocument::Document(types::InputDocument {
            id: known.id,
            access_hash: known.access_hash,
            file_reference: known.file_reference.clone(),
        }),
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
        query: None,
    };
    functions::messages::SendMedia {
        media: enums::InputMedia::Document(media),
        ..document(peer, small(0, 0, ""), "again", random_id)
    }
}

#[tokio::test]
async fn a_document_is_posted_again_by_its_hash_and_a_reference_that_has_not_expired() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let client = Client::new(&sim).await;
    let to = peer(&client.channel(hide).await);
    assert_eq!(save(&client, 7, 0, vec![1; 9]).await, "no error");
    let first = document(to.clone(), small(7, 1, ""), "first", 1);
    let known = document_in(client.call(&first).await.unwrap());
    let again = repost(to.clone(), &known, 2);
    assert_eq!(document_in(client.call(&again).await.unwrap()), known);
    let posts = sim.posts(hide);
    let files: Vec<_> = posts.iter().map(|post| post.file.clone()).collect();
    assert_eq!(files[0], files[1]);
    assert_eq!(posts[1].text, "again");

    let changed = |access_hash, file_reference: &[u8]| types::Document {
        access_hash,
        file_reference: file_reference.to_vec(),
        ..known.clone()
    };
    let hash = known.access_hash;
    let expired = known.file_reference.clone();
    sim.expire_file_references();
    for (document, error) in [
        (changed(hash ^ 1, &expired), "MEDIA_EMPTY"),
        (changed(hash, &[]), "FILE_REFERENCE_EMPTY"),
        (changed(hash, b"short"), "FILE_REFERENCE_INVALID"),
        (changed(hash, &expired), "FILE_REFERENCE_EXPIRED"),
    ] {
        let request = repost(to.clone(), &document, 3);
        assert_eq!(client.refusal(&request).await, error);
    }
    // Another upload shows what its answer gives out; the fresh reference works until no message has the document.
    assert_eq!(save(&client, 8, 0, vec![1; 9]).await, "no error");
    let second = document(to.clone(), small(8, 1, ""), "second", 4);
    let known = document_in(client.call(&second).await.unwrap());
    let again = repost(to.clone(), &known, 5);
    client.call(&again).await.unwrap();
    let ids: Vec<i32> = sim.posts(hide).iter().map(|post| post.id).collect();
    sim.delete_messages(hide, &ids[2..3]);
    client.call(&repost(to.clone(), &known, 6)).await.unwrap();
    let ids: Vec<i32> = sim.posts(hide).iter().map(|post| post.id).collect();
    sim.delete_messages(hide, &ids);
    let refused = client.refusal(&repost(to.clone(), &known, 7)).await;
    assert_eq!(refused, "FILE_REFERENCE_EXPIRED");
}

#[tokio::test]
async fn the_sender_is_not_pushed_its_own_post_but_another_session_is() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let client = Client::new(&sim).await;
    let mut other = Client::new(&sim).await;
    let to = peer(&client.channel(hide).await);
    client.call(&message(to, "hello", 1)).await.unwrap();
    let pushed = other.pushed().await;
    assert!(
        matches!(pushed.as_slice(), [enums::Update::NewChannelMessage(_)]),
        "{pushed:?}"
    );
    assert_eq!(sim.read(telegram_sim::World::pushes), 1);
}

#[tokio::test]
async fn invalid_posts_are_refused_with_telegrams_errors() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let read_only = sim.add_channel("READ-ONLY", false);
    let client = Client::new(&sim).await;
    let channel = client.channel(hide).await;
    let to = peer(&channel);
    let wrong = enums::InputPeer::Channel(types::InputPeerChannel {
        channel_id: hide,
        access_hash: channel.access_hash ^ 1,
    });
    let elsewhere = peer(&client.channel(read_only).await);
    let mut outside = message(to.clone(), "hello", 5);
    outside.entities = Some(vec![enums::MessageEntity::Pre(types::MessageEntityPre {
        offset: 0,
        length: 6,
        language: String::new(),
    })]);
    for (request, name) in [
        (message(wrong, "hello", 1), "CHANNEL_INVALID"),
        (message(elsewhere, "hello", 2), "CHAT_ADMIN_REQUIRED"),
        (
            message(enums::InputPeer::PeerSelf, "hello", 3),
            "PEER_ID_INVALID",
        ),
        (message(to.clone(), "hello", 0), "RANDOM_ID_EMPTY"),
        // A character outside the BMP counts twice.
        (
            message(to.clone(), &"😀".repeat(2049), 4),
            "MESSAGE_TOO_LONG",
        ),
        (message(to.clone(), "", 4), "MESSAGE_EMPTY"),
        (outside, "ENTITY_BOUNDS_INVALID"),
    ] {
        assert_eq!(client.refusal(&request).await, name);
    }
    assert_eq!(save(&client, 1, 0, vec![0; 1024]).await, "no error");
    assert_eq!(save(&client, 1, 1, vec![0; 1024]).await, "no error");
    assert_eq!(save(&client, 2, 0, vec![0; 1000]).await, "no error");
    assert_eq!(save(&client, 2, 1, vec![0; 1000]).await, "no error");
    assert_eq!(save(&client, 4, 0, vec![0; 1024]).await, "no error");
    assert_eq!(save(&client, 4, 1, vec![0; 2048]).await, "no error");
    for (part, bytes, name) in [
        (0, vec![], "FILE_PART_EMPTY"),
        (4000, vec![0; 1024], "FILE_PART_INVALID"),
        (0, vec![0; 512 * 1024 + 1024], "FILE_PART_TOO_BIG"),
    ] {
        assert_eq!(save(&client, 3, part, bytes).await, name);
    }
    // grammers takes every number out of an error's name, even that of MD5.
    for (file, caption, name) in [
        (small(1, 3, ""), "", "FILE_PART_MISSING 2"),
        (small(9, 1, ""), "", "FILE_PART_MISSING 0"),
        (small(1, 0, ""), "", "FILE_PARTS_INVALID"),
        (small(2, 2, ""), "", "FILE_PART_SIZE_INVALID"),
        (small(4, 2, ""), "", "FILE_PART_SIZE_CHANGED"),
        (small(1, 2, "00"), "", "MD5_CHECKSUM_INVALID 5"),
        (
            small(1, 2, ""),
            &"x".repeat(1025)[..],
            "MEDIA_CAPTION_TOO_LONG",
        ),
        (
            small(1, 2, "c99a74c555371a433d121f551d6c6398"),
            "",
            "no error",
        ),
        (small(1, 2, ""), "", "no error"),
    ] {
        // The last post repeats the `random_id` of the one before it, whose upload is removed.
        let request = document(to.clone(), file, caption, 77);
        assert_eq!(client.refusal(&request).await, name);
    }
    assert_eq!(sim.posts(hide).len(), 1);
    sim.kick_me(hide);
    assert_eq!(
        client.refusal(&message(to, "hello", 9)).await,
        "CHANNEL_PRIVATE"
    );
}

#[tokio::test]
async fn a_repeated_post_is_a_duplicate_while_the_first_is_in_progress() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let client = Client::new(&sim).await;
    let to = peer(&client.channel(hide).await);
    sim.fault(
        Match::method("messages.sendMessage").once(),
        Fault::HoldBefore,
    );
    let request = message(to, "hello", 6);
    let (first, ()) = tokio::join!(client.call(&request), async {
        sim.wait_for_call_async("messages.sendMessage", 1, TIMEOUT)
            .await
            .unwrap();
        assert_eq!(client.refusal(&request).await, "RANDOM_ID_DUPLICATE");
        assert!(sim.posts(hide).is_empty());
        sim.release();
    });
    first.unwrap();
    assert_eq!(client.refusal(&request).await, "no error");
    assert_eq!(sim.posts(hide).len(), 1);
}

#[tokio::test]
async fn a_big_upload_is_accepted_only_if_it_is_complete_and_posted_as_big() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let client = Client::new(&sim).await;
    let to = peer(&client.channel(hide).await);
    let big = |id, parts| {
        enums::InputFile::Big(types::InputFileBig {
            id,
            parts,
            name: "name".to_owned(),
        })
    };
    let save_big =
        |file_id, file_part, file_total_parts, length| functions::upload::SaveBigFilePart {
            file_id,
            file_part,
            file_total_parts,
            bytes: vec![7; length],
        };
    for (request, name) in [
        (save_big(1, 0, 2, 1024), "no error"),
        (save_big(1, 1, 3, 1024), "FILE_PARTS_INVALID"),
        (save_big(1, 2, 2, 1024), "FILE_PART_INVALID"),
        (save_big(2, 0, 4001, 1024), "FILE_PARTS_INVALID"),
        (save_big(2, 0, 2, 1000), "FILE_PART_SIZE_INVALID"),
    ] {
        assert_eq!(client.refusal(&request).await, name);
    }
    // An upload cannot mix parts of both kinds.
    assert_eq!(
        save(&client, 1, 1, vec![7; 1024]).await,
        "FILE_PARTS_INVALID"
    );
    assert_eq!(save(&client, 3, 0, vec![7; 1024]).await, "no error");
    for (file, name) in [
        (big(1, 2), "FILE_PART_MISSING 1"),
        (big(3, 1), "FILE_PARTS_INVALID"),
        (small(1, 2, ""), "FILE_PARTS_INVALID"),
    ] {
        let request = document(to.clone(), file, "", 77);
        assert_eq!(client.refusal(&request).await, name);
    }
    assert!(sim.posts(hide).is_empty());
    assert_eq!(client.refusal(&save_big(1, 1, 2, 5)).await, "no error");
    let request = document(to, big(1, 2), "", 77);
    assert_eq!(client.refusal(&request).await, "no error");
    let posts = sim.posts(hide);
    assert_eq!(
        posts[0].file.as_ref().map(|file| file.bytes.len()),
        Some(1029)
    );
}
