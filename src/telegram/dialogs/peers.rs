//! Asks for the dialogs of channels that are known by their access hashes.

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::super::{convert, peer};
use crate::model::{AccessHash, Channel, ChannelId};

/// Asks for some dialogs by their peers. Telegram refuses them all for one that the account is not in.
pub(in crate::telegram) async fn peer_dialogs(
    wire: &Wire,
    peers: &[(ChannelId, AccessHash)],
) -> Result<Vec<Channel>, CallError> {
    let peers = peers.iter().map(|(id, access_hash)| {
        let peer = peer::channel(*id, *access_hash);
        enums::InputDialogPeer::Peer(types::InputDialogPeer { peer })
    });
    let request = f::messages::GetPeerDialogs {
        peers: peers.collect(),
    };
    let enums::messages::PeerDialogs::Dialogs(answer) = wire.invoke(&request).await?;
    let shown = answer.dialogs.iter().filter_map(|dialog| match dialog {
        enums::Dialog::Dialog(dialog) => convert::channel(dialog, &answer.chats),
        enums::Dialog::Folder(_) | enums::Dialog::Community(_) => None,
    });
    Ok(shown.collect())
}
