//! Records what a page says of members who joined without a readable message: deleted messages, leaves, and senders.
//!
//! The signs are recorded in the transaction that moves `pts`. The loop that reads the lists of members acts on them.

use crate::decide;
use crate::model::{ChannelKind, GroupClass, Page, ScanReason, Timestamp};
use crate::store::{KnownChannel, SenderState, StoreError, Tx};
use crate::task::dialog_sync::NOT_READ_BACK;

/// Records the signs of a page that was applied; `before` is its channel as it was before, and `joins` counts the joins
/// that were not known. Returns true if the list of members, or a sender, should be looked at.
pub(super) fn record(
    tx: &Tx<'_>,
    before: &KnownChannel,
    page: &Page,
    joins: usize,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if before.channel.kind != ChannelKind::Group {
        return Ok(false);
    }
    let group = page.channel;
    let mut is_scan_due = false;
    // A group that is read back has messages from before the account entered it.
    if before.is_position_exact && before.channel.pts != NOT_READ_BACK {
        let deleted = decide::deleted_unread(before.channel.top_message, page);
        if deleted > 0 {
            tracing::debug!(%group, deleted, "messages were deleted before they were read");
            tx.count_deleted_unread(group, deleted)?;
            tx.want_scan(group, ScanReason::Gap, now)?;
            is_scan_due = true;
        }
    }
    tx.count_membership_changes(group, joins, page.leavers.len())?;
    let state = if before.class == GroupClass::Hidden {
        SenderState::Pending
    } else {
        SenderState::Known
    };
    for sender in &page.senders {
        let has_joined = tx.has_join_since(group, sender.user, Timestamp::new(0))?;
        let state = if has_joined {
            SenderState::Known
        } else {
            state
        };
        if tx.note_sender(group, *sender, state)? && !has_joined {
            if state == SenderState::Known {
                tx.want_scan(group, ScanReason::FirstMessage, now)?;
            }
            is_scan_due = true;
        }
    }
    Ok(is_scan_due)
}
