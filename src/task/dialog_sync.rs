//! Compares the dialogs with the ledger, part by part as they are read.
//!
//! The comparison adds new channels to the ledger and finds the channels that moved. The pages of the
//! list are no snapshot, so a channel that the list lacks is pulled and not taken for left.

mod reader;

use std::collections::{BTreeMap, BTreeSet};

pub use self::reader::DialogReader;
pub(super) use self::reader::ReadStep;

use super::{Database, PostingChannels, TaskError};
use crate::decide;
use crate::decide::channel_tracker::{DialogState, DialogSync, GapEnd, ListedChannel};
use crate::model::{Channel, ChannelId, ChannelKind, MessageId, Timestamp};
use crate::store::{KnownChannel, Recorded, StoreError, Tx};

/// How many messages are read back of a group that the account joined while the program was not running or not
/// connected.
const MAX_READ_BACK: i32 = 1000;
/// The `pts` that the ledger has for a channel until it was read back. Telegram's counts from 1.
pub(super) const NOT_READ_BACK: i32 = 0;
/// The setting that is present once a first list of dialogs was taken over.
const FIRST_DIALOG_SYNC: &str = "first_census";

/// The result of a comparison.
pub(super) struct Comparison {
    pub(super) sync: DialogSync,
    /// How many watched channels the ledger lacked.
    pub(super) added: usize,
    /// The member count of a group rose by more than the joins that were seen.
    pub(super) is_scan_due: bool,
}

/// Compares a part of the dialogs with the ledger. `unknown` are the channels that pushed before they were listed, with
/// the `pts` before their first push.
pub(super) async fn compare(
    database: &Database,
    channels: PostingChannels,
    dialogs: &[Channel],
    unknown: &BTreeMap<ChannelId, i32>,
    now: Timestamp,
) -> Result<Comparison, TaskError> {
    let (watched, unwatched): (Vec<&Channel>, Vec<&Channel>) = dialogs
        .iter()
        .partition(|channel| channels.is_watched(channel));
    let mut comparison = database
        .write(|tx| take_over_all(tx, &watched, &unwatched, unknown, now))
        .await?;
    comparison.sync.unwatched = unwatched.iter().map(|channel| channel.id).collect();
    Ok(comparison)
}

/// Ends a reading of the whole list. Returns the channels of the ledger that the list lacks.
pub(super) async fn complete(
    database: &Database,
    listed: &BTreeSet<ChannelId>,
    now: Timestamp,
) -> Result<Vec<ChannelId>, TaskError> {
    database
        .write(|tx| {
            let is_first_sync = tx.setting(FIRST_DIALOG_SYNC)?.is_none();
            tx.set_setting(FIRST_DIALOG_SYNC, "done")?;
            if let Some(from) = tx.read_back_from()?.filter(|_| is_first_sync) {
                let earliest = decide::earliest_join(from, now);
                if earliest > from {
                    tracing::warn!(%from, until = %earliest, "joins more than 24 hours old are left out");
                }
            }
            let known = tx.channels()?.into_iter().map(|known| known.channel.id);
            Ok(known.filter(|id| !listed.contains(id)).collect())
        })
        .await
}

/// Ends the reading back of the groups, unless one of them is left. Returns true if it ended.
pub(super) async fn end_reading_back(database: &Database) -> Result<bool, TaskError> {
    let is_left = |known: &KnownChannel| {
        known.channel.kind == ChannelKind::Group && known.channel.pts == NOT_READ_BACK
    };
    database
        .write(|tx| {
            let is_over = tx.read_back_from()?.is_some()
                && tx.setting(FIRST_DIALOG_SYNC)?.is_some()
                && !tx.channels()?.iter().any(is_left);
            if is_over {
                tx.clear_read_back_from()?;
            }
            Ok(is_over)
        })
        .await
}

/// Takes over the watched channels of a part, and the groups of a kind that is not watched.
fn take_over_all(
    tx: &Tx<'_>,
    watched: &[&Channel],
    unwatched: &[&Channel],
    unknown: &BTreeMap<ChannelId, i32>,
    now: Timestamp,
) -> Result<Comparison, StoreError> {
    let is_first_sync = tx.setting(FIRST_DIALOG_SYNC)?.is_none();
    let read_back_from = tx.read_back_from()?.filter(|_| is_first_sync);
    let mut sync = DialogSync::default();
    let (mut added, mut is_scan_due) = (0, false);
    for channel in watched {
        let pts_before_push = unknown.get(&channel.id).copied();
        let recorded = tx.record_channel(channel)?;
        if recorded == Recorded::New && is_first_sync {
            let earliest = read_back_from.map(|from| decide::earliest_join(from, now));
            tx.set_watched_from(channel.id, earliest.unwrap_or(now))?;
        }
        let state = match recorded {
            Recorded::New if read_back_from.is_some() && channel.kind == ChannelKind::Group => {
                tx.set_position(channel.id, NOT_READ_BACK, decide::lowest_message(channel))?;
                DialogState::NeedsReadBack
            }
            Recorded::New if is_first_sync => begin_at_first_start(tx, channel, pts_before_push)?,
            Recorded::New => begin_reading(tx, channel, MessageId::new(0), pts_before_push)?,
            // Orders that were posted while the account was not in a private channel are carried out, so such a
            // channel is read from where it was left.
            Recorded::EnteredAgain if channel.kind == ChannelKind::Group => {
                tracing::info!(group = %channel.id, "the account entered this group again");
                let known = tx.channel(channel.id)?;
                let read_up_to = known.map_or(MessageId::new(0), |known| known.channel.top_message);
                begin_reading(tx, channel, read_up_to, None)?
            }
            Recorded::EnteredAgain | Recorded::Known => {
                match tx.channel(channel.id)?.map(|known| known.channel.pts) {
                    // A crash interrupted the reading.
                    Some(NOT_READ_BACK) => DialogState::NeedsReadBack,
                    Some(pts) if pts == channel.pts => DialogState::Current,
                    _ => DialogState::Behind,
                }
            }
        };
        added += usize::from(recorded == Recorded::New);
        if let (ChannelKind::Group, DialogState::Current, Some(count)) =
            (channel.kind, state, channel.member_count)
        {
            is_scan_due |= tx.compare_member_count(channel.id, count, now)?;
        }
        sync.listed.push(ListedChannel {
            channel: channel.id,
            is_group: channel.kind == ChannelKind::Group,
            current: GapEnd {
                top: channel.top_message,
                pts: channel.pts,
            },
            state,
        });
    }
    // A group may have turned into a gigagroup.
    let is_unsupported = |channel: &&&Channel| channel.kind == ChannelKind::Unsupported;
    for channel in unwatched.iter().filter(is_unsupported) {
        tx.record_channel(channel)?;
    }
    Ok(Comparison {
        sync,
        added,
        is_scan_due,
    })
}

/// Sets where a channel is read from that the first list of dialogs shows: from before its first push to this process,
/// or else from its present `pts`. Updates from before the first start are of no interest.
fn begin_at_first_start(
    tx: &Tx<'_>,
    channel: &Channel,
    pts_before_push: Option<i32>,
) -> Result<DialogState, StoreError> {
    let Some(pts) = pts_before_push.filter(|pts| (1..channel.pts).contains(pts)) else {
        return Ok(DialogState::Current);
    };
    // No more messages were posted since than the pts has moved.
    let newer = channel.pts - pts;
    let top = MessageId::new((channel.top_message.get() - newer).max(0));
    tx.set_position(channel.id, pts, top)?;
    Ok(DialogState::Behind)
}

/// Sets where a channel is read from that the account entered: from before its first push, or else its latest messages
/// after `read_up_to`.
fn begin_reading(
    tx: &Tx<'_>,
    channel: &Channel,
    read_up_to: MessageId,
    pts_before_push: Option<i32>,
) -> Result<DialogState, StoreError> {
    let back = MessageId::new(channel.top_message.get() - MAX_READ_BACK).max(read_up_to);
    if let Some(pts) = pts_before_push.filter(|pts| (1..channel.pts).contains(pts)) {
        tx.set_position(channel.id, pts, back)?;
        return Ok(DialogState::Behind);
    }
    tx.set_position(channel.id, NOT_READ_BACK, back)?;
    Ok(DialogState::NeedsReadBack)
}
