//! Recognises an order that arrives in both channels: the HIDE bot copies posts from EXCHANGE into HIDE.
//!
//! The first post of an order is its source, whichever channel it is in. A post with the same envelope text in the other
//! channel within an hour is its copy, and has no effect. Each source has one copy, and a copy is no source, so the same
//! order may be given again: the orders keep their order if a channel lags behind. The caller decides within the
//! transaction that records the order: the two channels may be read at the same time.

use sha2::{Digest as _, Sha256};

use super::PostingChannels;
use super::posted_order::PostedOrder;
use crate::model::ChannelId;
use crate::store::{ReadTx, StoreError, Tx};

/// How far the dates of two posts of one order may lie apart, in seconds.
const SAME_ORDER_SECONDS: i64 = 3600;

/// Returns true if the order needs no work: its verdict is recorded, or it is a copy. `earlier` has the posts that are
/// carried out before it, which may be the copies of the same sources.
pub(super) fn is_settled(
    tx: &ReadTx<'_>,
    channels: &PostingChannels,
    channel: ChannelId,
    earlier: &[PostedOrder<'_>],
    posted: &PostedOrder<'_>,
) -> Result<bool, StoreError> {
    if tx.has_order(channel, posted.post.message)? {
        return Ok(true);
    }
    let Some(other) = channels.other(channel) else {
        return Ok(false);
    };
    let (digest, date) = (digest(posted), posted.post.date);
    let mut sources = tx.count_uncopied_orders(other, digest, date, SAME_ORDER_SECONDS)?;
    for post in earlier.iter().filter(|post| self::digest(post) == digest) {
        if sources > 0 && !tx.has_order(channel, post.post.message)? {
            sources -= 1;
        }
    }
    Ok(sources > 0)
}

/// Returns true if the post is the copy of one in the other channel, which then has its copy.
pub(super) fn take_copy(
    tx: &Tx<'_>,
    channels: &PostingChannels,
    channel: ChannelId,
    posted: &PostedOrder<'_>,
) -> Result<bool, StoreError> {
    match channels.other(channel) {
        Some(other) => {
            tx.set_order_copied(other, digest(posted), posted.post.date, SAME_ORDER_SECONDS)
        }
        None => Ok(false),
    }
}

/// Returns the digest of the envelope's text, without what surrounds it.
pub(super) fn digest(posted: &PostedOrder<'_>) -> [u8; 32] {
    let text = &posted.post.text;
    Sha256::digest(fleet_exchange::object_text(text).unwrap_or(text)).into()
}
