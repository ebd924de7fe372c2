//! Compares the list of dialogs with the ledger.
//!
//! The comparison adds new channels to the ledger and tells which channels moved. The pages of the
//! list are no snapshot, so a channel that the list lacks is pulled and not taken for left.

use std::collections::{BTreeMap, BTreeSet};

use super::{Shared, TaskError};
use crate::decide::channel_tracker::{DialogSync, Gap, ListedChannel, ReadPosition};
use crate::model::{Channel, ChannelId, MessageId};
use crate::store::{StoreError, Tx};

/// How many messages are read back of a group that the account joined while nobody watched.
const MAX_READ_BACK: i32 = 1000;
/// The setting that is present once a first list of dialogs was taken over.
const FIRST_DIALOG_SYNC: &str = "first_census";

/// Compares `dialogs` with the ledger. `unknown` are the channels that pushed before they were
/// listed, with the `pts` before their first push.
pub(super) async fn compare(
    shared: &Shared,
    dialogs: &[Channel],
    unknown: &BTreeMap<ChannelId, i32>,
) -> Result<DialogSync, TaskError> {
    let (watched, unwatched): (Vec<&Channel>, Vec<&Channel>) = dialogs
        .iter()
        .partition(|channel| shared.is_watched(channel));
    let (sync, added) = shared
        .commit(|tx| take_over_all(tx, &watched, unknown))
        .await?;
    if added > 0 {
        tracing::info!(watched = watched.len(), new = added, "channels");
        shared.wakes.admins.notify_one();
    }
    Ok(DialogSync {
        unwatched: unwatched.iter().map(|channel| channel.id).collect(),
        ..sync
    })
}

/// Takes over all watched channels of a list. Also returns how many of them the ledger lacked.
fn take_over_all(
    tx: &Tx<'_>,
    watched: &[&Channel],
    unknown: &BTreeMap<ChannelId, i32>,
) -> Result<(DialogSync, usize), StoreError> {
    let is_first_sync = tx.setting(FIRST_DIALOG_SYNC)?.is_none();
    let mut sync = DialogSync::default();
    let mut added = 0;
    for channel in watched {
        let position = if tx.note_channel(channel)? {
            added += 1;
            if is_first_sync {
                // Updates from before the first start are of no interest.
                ReadPosition::UpToDate
            } else {
                begin_reading(tx, channel, unknown.get(&channel.id).copied())?
            }
        } else {
            let stored = tx.channel(channel.id)?.map(|known| known.channel.pts);
            if stored == Some(channel.pts) {
                ReadPosition::UpToDate
            } else {
                ReadPosition::Behind
            }
        };
        sync.listed.push(ListedChannel {
            channel: channel.id,
            present: Gap {
                top: channel.top_message,
                pts: channel.pts,
            },
            position,
        });
    }
    tx.keep_setting(FIRST_DIALOG_SYNC, "done")?;
    let listed: BTreeSet<ChannelId> = watched.iter().map(|channel| channel.id).collect();
    sync.missing = tx
        .channels()?
        .into_iter()
        .map(|known| known.channel.id)
        .filter(|id| !listed.contains(id))
        .collect();
    Ok((sync, added))
}

/// Sets where a new channel is read from: from before its first push, or else its latest messages.
fn begin_reading(
    tx: &Tx<'_>,
    channel: &Channel,
    pts_before_push: Option<i32>,
) -> Result<ReadPosition, StoreError> {
    let back = MessageId::new((channel.top_message.get() - MAX_READ_BACK).max(0));
    if let Some(pts) = pts_before_push.filter(|pts| (1..channel.pts).contains(pts)) {
        tx.read_from(channel.id, pts, back)?;
        return Ok(ReadPosition::Behind);
    }
    tx.read_from(channel.id, channel.pts, back)?;
    Ok(ReadPosition::ReadBack)
}
