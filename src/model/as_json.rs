//! How ids and times are said to others: channels in Bot API form, times as RFC 3339 in UTC.
//!
//! For serde's `serialize_with`: what `status` and `why` print as JSON keeps these two forms alone.

use serde::{Serialize as _, Serializer};

use super::{ChannelId, Timestamp};

/// Says a time.
///
/// # Errors
/// The serializer's.
pub fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}

/// Says a time that may be unknown.
///
/// # Errors
/// The serializer's.
pub fn time_if_known<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::rfc3339).serialize(serializer)
}

/// Says a channel.
///
/// # Errors
/// The serializer's.
pub fn channel<S: Serializer>(id: &ChannelId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(id.bot_api())
}

/// Says a channel that may be unknown.
///
/// # Errors
/// The serializer's.
pub fn channel_if_known<S: Serializer>(
    id: &Option<ChannelId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    id.map(ChannelId::bot_api).serialize(serializer)
}

/// Says channels.
///
/// # Errors
/// The serializer's.
pub fn channels<S: Serializer>(ids: &[ChannelId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.bot_api()))
}
