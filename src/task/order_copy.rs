//! Recognises an order that arrives in both channels: the HIDE bot copies posts from EXCHANGE into HIDE.
//!
//! The first post of an order is its source, whichever channel it is in. A post with the same envelope text in the other
//! channel within an hour is a copy, and has no effect. A copy is no source, so the same order may be given again. The
//! caller decides within the transaction that records the order: the two channels may be read at the same time.

use sha2::{Digest as _, Sha256};

use super::PostingChannels;
use super::posted_order::PostedOrder;
use crate::model::ChannelId;
use crate::store::{ReadTx, StoreError};

/// How far the dates of two posts of one order may lie apart, in seconds.
const SAME_ORDER_SECONDS: i64 = 3600;

/// Returns true if the order needs no work: its verdict is recorded, or it is a copy.
pub(super) fn is_settled(
    tx: &ReadTx<'_>,
    channels: &PostingChannels,
    channel: ChannelId,
    posted: &PostedOrder<'_>,
) -> Result<bool, StoreError> {
    Ok(tx.has_order(channel, posted.post.message)? || is_copy(tx, channels, channel, posted)?)
}

/// Returns true if the post is a copy of one in the other channel.
pub(super) fn is_copy(
    tx: &ReadTx<'_>,
    channels: &PostingChannels,
    channel: ChannelId,
    posted: &PostedOrder<'_>,
) -> Result<bool, StoreError> {
    match channels.other(channel) {
        Some(other) => {
            let (digest, date) = (digest(posted), posted.post.date);
            tx.has_order_near(other, digest, date, SAME_ORDER_SECONDS)
        }
        None => Ok(false),
    }
}

/// Returns the digest of the envelope's text, without what surrounds it.
pub(super) fn digest(posted: &PostedOrder<'_>) -> [u8; 32] {
    let text = &posted.post.text;
    Sha256::digest(fleet_exchange::object_text(text).unwrap_or(text)).into()
}
