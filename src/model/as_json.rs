//! The JSON form of ids and times in the output of `status`, `why` and `joins`: channels in Bot API form, photos as
//! text, times as RFC 3339 in UTC. The functions are for serde's `serialize_with`.

use serde::{Serialize as _, Serializer};

use super::{ChannelId, PhotoId, Timestamp};

/// Serializes a time.
///
/// # Errors
/// The serializer's.
pub fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}

/// Serializes a time, or null.
///
/// # Errors
/// The serializer's.
pub fn time_if_known<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::rfc3339).serialize(serializer)
}

/// Serializes a channel's id.
///
/// # Errors
/// The serializer's.
pub fn channel<S: Serializer>(id: &ChannelId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(id.bot_api())
}

/// Serializes a channel's id, or null.
///
/// # Errors
/// The serializer's.
pub fn channel_if_known<S: Serializer>(
    id: &Option<ChannelId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    id.map(ChannelId::bot_api).serialize(serializer)
}

/// Serializes the ids of several channels.
///
/// # Errors
/// The serializer's.
pub fn channels<S: Serializer>(ids: &[ChannelId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.bot_api()))
}

/// Serializes a photo's id as text: as a number, a reader that keeps numbers as `f64`, such as JavaScript and jq 1.6,
/// would round it. The ids of users, channels and messages are below 2^53.
///
/// # Errors
/// The serializer's.
pub fn photo<S: Serializer>(id: &PhotoId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Serializes a photo's id as text, or null.
///
/// # Errors
/// The serializer's.
pub fn photo_if_known<S: Serializer>(
    id: &Option<PhotoId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    id.map(|id| id.to_string()).serialize(serializer)
}
