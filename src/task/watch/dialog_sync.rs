//! Compares the list of dialogs with the ledger.
//!
//! Owns what is concluded from a list: which channels have moved, which are new and where they are
//! read from, and which pushes are of no interest. Its pages are no snapshot, so nothing is concluded
//! from what it lacks but that somebody has to look.

use std::collections::BTreeSet;

use super::Watch;
use crate::model::{Channel, ChannelId, MessageId};
use crate::store::{StoreError, Tx};
use crate::task::TaskError;
use crate::task::pull::Gap;

/// How many messages of a group that was joined unseen are read back at most.
const READ_BACK: i32 = 1000;
/// How many lists of dialogs may lack a channel that pushes before it is ignored.
const LISTS_WITHOUT: u8 = 2;
/// The setting that says that a first list of dialogs was taken over.
const FIRST_DIALOG_SYNC: &str = "first_census";

impl Watch {
    /// Compares the list of dialogs with the ledger: new channels, moved ones, and those missing.
    pub(super) async fn compare(&mut self, channels: &[Channel]) -> Result<(), TaskError> {
        let unknown_channels = self.unknown_channels.clone();
        let (watched, ignored): (Vec<&Channel>, Vec<&Channel>) = channels
            .iter()
            .partition(|channel| self.parts.is_watched(channel));
        let listed: BTreeSet<ChannelId> = watched.iter().map(|channel| channel.id).collect();
        let (found, missing) = self
            .parts
            .database
            .write(|tx| {
                let first = tx.setting(FIRST_DIALOG_SYNC)?.is_none();
                let mut found = Vec::new();
                for &channel in &watched {
                    let pushed = unknown_channels.get(&channel.id).map(|(pts, _)| *pts);
                    found.push((channel.id, take_over(tx, channel, first, pushed)?));
                }
                tx.keep_setting(FIRST_DIALOG_SYNC, "done")?;
                let missing: Vec<ChannelId> = tx
                    .channels()?
                    .into_iter()
                    .map(|known| known.channel.id)
                    .filter(|id| !listed.contains(id))
                    .collect();
                Ok((found, missing))
            })
            .await?;
        let new = found
            .iter()
            .filter(|(_, step)| !matches!(step, Found::Read | Found::Moved))
            .count();
        if new > 0 {
            tracing::info!(watched = watched.len(), new, "channels");
            self.parts.wakers.administrators.read_unknown();
        }
        let lost = std::mem::take(&mut self.lost);
        for (channel, (id, found)) in watched.iter().zip(found) {
            match found {
                _ if lost.contains(&id) => {
                    let gap = Gap {
                        top: channel.top_message,
                        pts: channel.pts,
                    };
                    self.gaps.insert(id, gap);
                }
                Found::Read | Found::New => {}
                Found::Moved => self.mark_dirty(id),
                Found::ReadBack(gap) => {
                    self.gaps.insert(id, gap);
                }
            }
        }
        // The pages of the list are no snapshot: what it lacks may just have moved between two of
        // them. Whether the account has left, the channel's own pull tells.
        for id in missing {
            self.mark_dirty(id);
        }
        self.judge_unknown_channels(&listed, &ignored);
        Ok(())
    }

    /// Who pushes and is not listed is asked for again, and in the end ignored until a list has them.
    fn judge_unknown_channels(&mut self, listed: &BTreeSet<ChannelId>, ignored: &[&Channel]) {
        self.unknown_channels.retain(|id, _| !listed.contains(id));
        self.ignored.retain(|id| !listed.contains(id));
        self.ignored
            .extend(ignored.iter().map(|channel| channel.id));
        for (id, (_, lists)) in &mut self.unknown_channels {
            *lists += 1;
            if *lists >= LISTS_WITHOUT {
                self.ignored.insert(*id);
            }
        }
        self.unknown_channels
            .retain(|id, _| !self.ignored.contains(id));
        self.dialog_sync_due |= !self.unknown_channels.is_empty();
    }
}

/// What the list of dialogs tells of one channel.
enum Found {
    /// It was read so far.
    Read,
    /// It has moved.
    Moved,
    /// It is new, and there is nothing to be read of it.
    New,
    /// It is new, and was joined unseen: its latest messages are read back.
    ReadBack(Gap),
}

/// Takes over what the list of dialogs tells of a channel. A new one is followed from the first push
/// of it that was seen; one that was joined unseen is read back; on the very first start every
/// channel is new, and what happened before is of no interest.
fn take_over(
    tx: &Tx<'_>,
    channel: &Channel,
    first: bool,
    pushed: Option<i32>,
) -> Result<Found, StoreError> {
    if !tx.note_channel(channel)? {
        let read = tx.channel(channel.id)?.map(|known| known.channel.pts);
        return Ok(if read == Some(channel.pts) {
            Found::Read
        } else {
            Found::Moved
        });
    }
    if first {
        return Ok(Found::New);
    }
    let back = MessageId::new((channel.top_message.get() - READ_BACK).max(0));
    if let Some(pts) = pushed.filter(|pts| (1..channel.pts).contains(pts)) {
        tx.read_from(channel.id, pts, back)?;
        return Ok(Found::Moved);
    }
    tx.read_from(channel.id, channel.pts, back)?;
    Ok(Found::ReadBack(Gap {
        top: channel.top_message,
        pts: channel.pts,
    }))
}
