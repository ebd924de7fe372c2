//! Telegram's widest constructors with every optional field absent, for struct update syntax (`..`).
//!
//! The encoding of a constructor without optional fields is a zero flag word and its few required fields. Decoding that
//! is shorter than writing sixty `None`s, and remains correct when a layer adds a field.

use grammers_tl_types::{Deserializable, Serializable, enums, types};

/// A function that encodes one required field.
type Field<'a> = &'a dyn Fn(&mut Vec<u8>);

/// Decodes a bare constructor from its required fields.
fn decode<T: Deserializable>(fields: &[Field]) -> T {
    let mut bytes = Vec::new();
    for field in fields {
        field(&mut bytes);
    }
    T::from_bytes(&bytes).expect("these are exactly the constructor's required fields")
}

fn int(bytes: &mut Vec<u8>) {
    0i32.serialize(bytes);
}

fn long(bytes: &mut Vec<u8>) {
    0i64.serialize(bytes);
}

fn string(bytes: &mut Vec<u8>) {
    String::new().serialize(bytes);
}

fn notify_settings(bytes: &mut Vec<u8>) {
    notify().serialize(bytes);
}

/// Returns notification settings without any value.
pub(crate) fn notify() -> enums::PeerNotifySettings {
    enums::PeerNotifySettings::Settings(types::PeerNotifySettings {
        show_previews: None,
        silent: None,
        mute_until: None,
        ios_sound: None,
        android_sound: None,
        other_sound: None,
        stories_muted: None,
        stories_hide_sender: None,
        stories_ios_sound: None,
        stories_android_sound: None,
        stories_other_sound: None,
    })
}

pub(crate) fn user() -> types::User {
    decode(&[&int, &int, &long])
}

pub(crate) fn channel() -> types::Channel {
    decode(&[
        &int,
        &int,
        &long,
        &string,
        &|bytes| enums::ChatPhoto::Empty.serialize(bytes),
        &int,
    ])
}

pub(crate) fn message() -> types::Message {
    decode(&[
        &int,
        &int,
        &int,
        &|bytes| enums::Peer::Channel(types::PeerChannel { channel_id: 0 }).serialize(bytes),
        &int,
        &string,
    ])
}

pub(crate) fn channel_full() -> types::ChannelFull {
    decode(&[
        &int,
        &int,
        &long,
        &string,
        &int,
        &int,
        &int,
        &|bytes| enums::Photo::Empty(types::PhotoEmpty { id: 0 }).serialize(bytes),
        &notify_settings,
        &|bytes| Vec::<enums::BotInfo>::new().serialize(bytes),
        &int,
    ])
}

pub(crate) fn user_full() -> types::UserFull {
    decode(&[
        &int,
        &int,
        &long,
        // peerSettings#f47741f7 without flags.
        &|bytes| 0xf477_41f7_u32.serialize(bytes),
        &int,
        &notify_settings,
        &int,
    ])
}

pub(crate) fn banned_rights() -> types::ChatBannedRights {
    decode(&[&int, &int])
}

pub(crate) fn admin_rights() -> types::ChatAdminRights {
    decode(&[&int])
}
