//! The JSON form of ids and times in the output of `status` and `why`: channels in Bot API form, times as RFC 3339
//! in UTC. The functions are for serde's `serialize_with`.

use serde::{Serialize as _, Serializer};

use super::{ChannelId, Timestamp};

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
