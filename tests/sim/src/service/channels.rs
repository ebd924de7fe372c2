//! `channels.*` without members: messages by id, and full information.

use grammers_tl_types::{enums, functions, types};

use crate::blank;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::{Chat, Message};

impl Handler for functions::channels::GetMessages {
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::Messages, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        if self.id.is_empty() {
            return Err(RpcError::bad("MESSAGE_IDS_EMPTY"));
        }
        if self.id.len() > 200 {
            return Err(RpcError::bad("MESSAGE_IDS_TOO_MANY"));
        }
        let mut found = Vec::new();
        let mut users = Vec::new();
        for wanted in &self.id {
            let enums::InputMessage::Id(wanted) = wanted else {
                return Err(RpcError::bad("MESSAGE_ID_INVALID"));
            };
            match chat.messages.get(&wanted.id) {
                Some(message) => {
                    users.extend(message.users());
                    found.push(message.object(chat, world));
                }
                None => found.push(enums::Message::Empty(types::MessageEmpty {
                    id: wanted.id,
                    peer_id: None,
                })),
            }
        }
        Ok(wrap(world, chat, found, users, self.id.len()))
    }
}

/// Returns messages of a chat with the users that they refer to.
pub(super) fn messages(
    world: &World,
    chat: &Chat,
    page: &[&Message],
    total: usize,
) -> enums::messages::Messages {
    let users = page.iter().flat_map(|message| message.users()).collect();
    let messages = page
        .iter()
        .map(|message| message.object(chat, world))
        .collect();
    wrap(world, chat, messages, users, total)
}

fn wrap(
    world: &World,
    chat: &Chat,
    messages: Vec<enums::Message>,
    users: Vec<i64>,
    total: usize,
) -> enums::messages::Messages {
    enums::messages::Messages::ChannelMessages(types::messages::ChannelMessages {
        inexact: false,
        pts: chat.pts,
        count: i32::try_from(total).expect("few messages"),
        offset_id_offset: None,
        messages,
        topics: Vec::new(),
        chats: world.chat_objects(&[chat.id]),
        users: world.visible_users(users),
    })
}

impl Handler for functions::channels::GetFullChannel {
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::ChatFull, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        let full = types::ChannelFull {
            can_view_participants: chat.can_view_participants,
            participants_hidden: chat.hides_members,
            id: chat.id,
            participants_count: Some(chat.participants_count()),
            migrated_from_chat_id: chat.migrated_from,
            migrated_from_max_id: chat.migrated_from.map(|_| 1),
            pts: chat.pts,
            ..blank::channel_full()
        };
        Ok(enums::messages::ChatFull::Full(types::messages::ChatFull {
            full_chat: enums::ChatFull::ChannelFull(full),
            chats: world.chat_objects(&[chat.id]),
            users: Vec::new(),
        }))
    }
}

impl Handler for functions::channels::GetChannels {
    fn handle(self, caller: &mut Caller) -> Result<enums::messages::Chats, RpcError> {
        let world = &*caller.world;
        let mut chats = Vec::new();
        for input in &self.id {
            let enums::InputChannel::Channel(input) = input else {
                return Err(RpcError::bad("CHANNEL_INVALID"));
            };
            let chat = world.known_chat(input.channel_id, input.access_hash)?;
            chats.push(chat.object(world));
        }
        Ok(enums::messages::Chats::Chats(types::messages::Chats {
            chats,
        }))
    }
}
