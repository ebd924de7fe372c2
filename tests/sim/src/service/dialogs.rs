//! `messages.getDialogs`, `messages.getPeerDialogs` and `messages.getHistory`: pages of dialogs and of messages, newest
//! first, and dialogs by their peers.

use grammers_tl_types::{enums, functions, types};

use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::{Chat, Message};

/// The most peers of one `messages.getPeerDialogs`.
const MAX_PEERS: usize = 100;

impl Handler for functions::messages::GetDialogs {
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::Dialogs, RpcError> {
        let world = &*caller.world;
        let archived = match self.folder_id {
            None | Some(0) => false,
            Some(1) => true,
            Some(_) => return Err(RpcError::bad("FOLDER_ID_INVALID")),
        };
        let mut chats: Vec<&Chat> = world
            .chats
            .values()
            .filter(|chat| chat.archived == archived && chat.members.contains_key(&world.me))
            .collect();
        chats.sort_by_key(|chat| std::cmp::Reverse(sort_key(chat)));
        let total = chats.len();
        let start = match offset(world, &self)? {
            Some(offset) => chats.partition_point(|chat| sort_key(chat) >= offset),
            None => 0,
        };
        let limit = if self.limit <= 0 {
            20
        } else {
            self.limit.min(100)
        };
        let page: Vec<&Chat> = chats
            .into_iter()
            .skip(start)
            .take(usize::try_from(limit).expect("between 1 and 100"))
            .collect();
        let Listed {
            dialogs,
            messages,
            chats,
            users,
        } = Listed::new(world, &page);
        if dialogs.len() == total {
            return Ok(enums::messages::Dialogs::Dialogs(
                types::messages::Dialogs {
                    dialogs,
                    messages,
                    chats,
                    users,
                },
            ));
        }
        Ok(enums::messages::Dialogs::Slice(
            types::messages::DialogsSlice {
                count: i32::try_from(total).expect("few chats"),
                dialogs,
                messages,
                chats,
                users,
            },
        ))
    }
}

impl Handler for functions::messages::GetPeerDialogs {
    /// "CHANNEL_PRIVATE" for one peer refuses the whole call.
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::PeerDialogs, RpcError> {
        let world = &*caller.world;
        let mut asked = Vec::new();
        for peer in &self.peers {
            let enums::InputDialogPeer::Peer(peer) = peer else {
                return Err(RpcError::bad("PEER_ID_INVALID"));
            };
            asked.push(world.peer_chat(&peer.peer)?);
        }
        if asked.len() > MAX_PEERS {
            return Err(RpcError::bad("LIMIT_INVALID"));
        }
        let Listed {
            dialogs,
            messages,
            chats,
            users,
        } = Listed::new(world, &asked);
        Ok(enums::messages::PeerDialogs::Dialogs(
            types::messages::PeerDialogs {
                dialogs,
                messages,
                chats,
                users,
                state: super::updates::state(),
            },
        ))
    }
}

/// Some dialogs with the objects that accompany them.
struct Listed {
    dialogs: Vec<enums::Dialog>,
    messages: Vec<enums::Message>,
    chats: Vec<enums::Chat>,
    users: Vec<enums::User>,
}

impl Listed {
    fn new(world: &World, page: &[&Chat]) -> Self {
        let tops: Vec<(&Chat, &Message)> = page
            .iter()
            .filter(|chat| !chat.hides_top_message)
            .filter_map(|chat| Some((*chat, chat.messages.values().next_back()?)))
            .collect();
        let users = tops.iter().flat_map(|(_, message)| message.users());
        let ids: Vec<i64> = page.iter().map(|chat| chat.id).collect();
        Self {
            dialogs: page.iter().map(|chat| chat.dialog()).collect(),
            messages: tops
                .iter()
                .map(|(chat, message)| message.object(chat, world))
                .collect(),
            chats: world.chat_objects(&ids),
            users: world.visible_users(users.collect()),
        }
    }
}

/// Returns the sort key of a dialog: the date and id of its newest message, then its own id.
fn sort_key(chat: &Chat) -> (i32, i32, i64) {
    chat.messages
        .values()
        .next_back()
        .map_or((chat.date, 0, chat.id), |message| {
            (message.date, message.id, chat.id)
        })
}

/// Returns the sort key after which the page begins.
fn offset(
    world: &World,
    request: &functions::messages::GetDialogs,
) -> Result<Option<(i32, i32, i64)>, RpcError> {
    let peer = match &request.offset_peer {
        enums::InputPeer::Empty => None,
        enums::InputPeer::Channel(input) => {
            Some(world.known_chat(input.channel_id, input.access_hash)?.id)
        }
        _ => return Err(RpcError::bad("OFFSET_PEER_ID_INVALID")),
    };
    Ok(match (request.offset_date, request.offset_id, peer) {
        (0, 0, None) => None,
        (0, _, None) => None,
        (0, _, Some(peer)) => world.chats.get(&peer).map(sort_key),
        (date, id, peer) => Some((
            date,
            if id == 0 { i32::MAX } else { id },
            peer.unwrap_or(i64::MIN),
        )),
    })
}

impl Handler for functions::messages::GetHistory {
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::Messages, RpcError> {
        let world = &*caller.world;
        let chat = world.peer_chat(&self.peer)?;
        let limit = usize::try_from(self.limit.clamp(0, 100)).expect("between 0 and 100");
        let newest_first: Vec<&Message> = chat
            .messages
            .values()
            .rev()
            .filter(|message| self.max_id == 0 || message.id < self.max_id)
            .filter(|message| message.id > self.min_id)
            .filter(|message| self.offset_date == 0 || message.date < self.offset_date)
            .collect();
        let before = if self.offset_id == 0 {
            0
        } else {
            newest_first.partition_point(|message| message.id >= self.offset_id)
        };
        let start = i64::try_from(before).expect("few messages") + i64::from(self.add_offset);
        let skip = usize::try_from(start.max(0)).expect("not negative");
        let missing = usize::try_from((-start).max(0)).expect("not negative");
        let page: Vec<&Message> = newest_first
            .into_iter()
            .skip(skip)
            .take(limit.saturating_sub(missing))
            .collect();
        Ok(super::channels::messages(
            world,
            chat,
            &page,
            chat.messages.len(),
        ))
    }
}
