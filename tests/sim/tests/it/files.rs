//! Downloads of photos in both data centres and of documents, and the rules on offsets.

use grammers_tl_types::{enums, functions, types};
use telegram_sim::{HOME_DC, JoinKind, OTHER_DC, PhotoSpec, UserSpec};

use crate::client::{Client, peer, simulator};

fn get(location: enums::InputFileLocation, offset: i64, limit: i32) -> functions::upload::GetFile {
    functions::upload::GetFile {
        precise: false,
        cdn_supported: false,
        location,
        offset,
        limit,
    }
}

fn photo(peer: enums::InputPeer, photo_id: i64) -> enums::InputFileLocation {
    enums::InputFileLocation::InputPeerPhotoFileLocation(types::InputPeerPhotoFileLocation {
        big: true,
        peer,
        photo_id,
    })
}

fn bytes(file: enums::upload::File) -> Vec<u8> {
    match file {
        enums::upload::File::File(file) => file.bytes,
        enums::upload::File::CdnRedirect(_) => panic!("no CDN here"),
    }
}

#[tokio::test]
async fn a_photo_in_the_other_data_centre_needs_the_imported_authorization() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(
        UserSpec::new("Eve")
            .photo(PhotoSpec::jpeg().dc(OTHER_DC))
            .min(true),
    );
    let message = sim.join(group, user, JoinKind::ByLink);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let from_message =
        enums::InputPeer::UserFromMessage(Box::new(types::InputPeerUserFromMessage {
            peer: peer(&channel),
            msg_id: message,
            user_id: user,
        }));
    let request = get(
        photo(from_message, sim.photo_id(user).unwrap()),
        0,
        1024 * 1024,
    );
    assert_eq!(client.refusal_in(HOME_DC, &request).await, "FILE_MIGRATE 4");
    assert_eq!(
        client.refusal_in(OTHER_DC, &request).await,
        "AUTH_KEY_UNREGISTERED"
    );
    client.import().await;
    let file = bytes(client.call_in(OTHER_DC, &request).await.unwrap());
    assert_eq!(file, sim.photo_bytes(user));
    assert!(file.len() > 1000);

    sim.truncate_photo(user, 1);
    let file = bytes(client.call_in(OTHER_DC, &request).await.unwrap());
    assert_eq!(file.len(), sim.photo_bytes(user).len() / 2);
    let file = bytes(client.call_in(OTHER_DC, &request).await.unwrap());
    assert_eq!(file, sim.photo_bytes(user));

    sim.forget_imported_authorization();
    assert_eq!(
        client.refusal_in(OTHER_DC, &request).await,
        "AUTH_KEY_UNREGISTERED"
    );
    let import = functions::auth::ImportAuthorization {
        id: sim.me(),
        bytes: vec![0; 128],
    };
    assert_eq!(
        client.refusal_in(OTHER_DC, &import).await,
        "AUTH_BYTES_INVALID"
    );
}

#[tokio::test]
async fn a_min_hash_opens_the_present_photo_and_not_an_old_one() {
    let sim = simulator();
    let group = sim.add_group("Group");
    let user = sim.add_user(UserSpec::new("Eve").photo(PhotoSpec::jpeg()).min(true));
    let message = sim.join(group, user, JoinKind::ByLink);
    let client = Client::new(&sim).await;
    let channel = client.channel(group).await;
    let found = client.messages(&channel, &[message]).await;
    let hash = found
        .users
        .iter()
        .find_map(|seen| match seen {
            enums::User::User(seen) if seen.id == user => seen.access_hash,
            _ => None,
        })
        .unwrap();
    let by_hash = |access_hash: i64| {
        enums::InputPeer::User(types::InputPeerUser {
            user_id: user,
            access_hash,
        })
    };
    let old = sim.photo_id(user).unwrap();
    let file = client
        .call(&get(photo(by_hash(hash), old), 0, 1024 * 1024))
        .await
        .unwrap();
    assert_eq!(bytes(file), sim.photo_bytes(user));
    assert_eq!(
        client
            .refusal(&get(photo(by_hash(hash ^ 2), old), 0, 4096))
            .await,
        "PEER_ID_INVALID"
    );

    let location = photo(by_hash(hash), old);
    for (offset, limit, name) in [
        (1, 4096, "OFFSET_INVALID"),
        (0, 4095, "LIMIT_INVALID"),
        (0, 12288, "LIMIT_INVALID"),
        (0, 2 * 1024 * 1024, "LIMIT_INVALID"),
        (4096, 1024 * 1024, "LIMIT_INVALID"),
    ] {
        assert_eq!(
            client.refusal(&get(location.clone(), offset, limit)).await,
            name
        );
    }
    assert_ne!(sim.set_photo(user, Some(PhotoSpec::jpeg())), old);
    assert_eq!(
        client.refusal(&get(location, 0, 4096)).await,
        "LOCATION_INVALID"
    );
}

#[tokio::test]
async fn a_posted_document_is_downloaded_in_chunks() {
    let sim = simulator();
    let hide = sim.add_channel("HIDE", true);
    let content: Vec<u8> = (0..9000u32).map(|n| (n % 251) as u8).collect();
    let message = sim.post(hide, sim.owner(), "order", Some(("list", &content)));
    let client = Client::new(&sim).await;
    let channel = client.channel(hide).await;
    let found = client.messages(&channel, &[message]).await;
    let [enums::Message::Message(message)] = found.messages.as_slice() else {
        panic!("one message");
    };
    assert!(message.post && message.from_id.is_none() && !message.out);
    let Some(enums::MessageMedia::Document(media)) = &message.media else {
        panic!("a document");
    };
    let Some(enums::Document::Document(document)) = &media.document else {
        panic!("a document");
    };
    let mut location = types::InputDocumentFileLocation {
        id: document.id,
        access_hash: document.access_hash,
        file_reference: document.file_reference.clone(),
        thumb_size: String::new(),
    };
    let mut read = Vec::new();
    for offset in [0, 4096, 8192, 12288] {
        let location = enums::InputFileLocation::InputDocumentFileLocation(location.clone());
        read.extend(bytes(
            client.call(&get(location, offset, 4096)).await.unwrap(),
        ));
    }
    assert_eq!(read, content);
    location.file_reference = vec![1];
    let location = enums::InputFileLocation::InputDocumentFileLocation(location);
    assert_eq!(
        client.refusal(&get(location, 0, 4096)).await,
        "FILE_REFERENCE_EXPIRED"
    );
}
