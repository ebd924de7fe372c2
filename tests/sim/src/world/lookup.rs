//! Looking things up as a client names them, with Telegram's errors where the name is wrong.

use grammers_tl_types::enums;

use super::World;
use super::chat::{Chat, Message};
use super::person::User;
use crate::record::RpcError;

/// How a client named a user.
pub(crate) enum Named<'a> {
    /// By its full access hash, from a message, or as itself.
    Fully(&'a User),
    /// By the hash of a `min` object, which opens photos only.
    Min(&'a User),
}

impl World {
    /// Returns the objects of users as they appear in passing, each once, in order of id.
    pub(crate) fn seen_users(&self, mut users: Vec<i64>) -> Vec<enums::User> {
        users.sort_unstable();
        users.dedup();
        users
            .iter()
            .filter_map(|id| self.users.get(id))
            .map(|user| user.seen(self.me))
            .collect()
    }

    pub(crate) fn full_users(&self, mut users: Vec<i64>) -> Vec<enums::User> {
        users.sort_unstable();
        users.dedup();
        users
            .iter()
            .filter_map(|id| self.users.get(id))
            .map(|user| user.full(self.me))
            .collect()
    }

    pub(crate) fn chat_objects(&self, chats: &[i64]) -> Vec<enums::Chat> {
        chats
            .iter()
            .filter_map(|id| self.chats.get(id))
            .map(|chat| chat.object(self.me))
            .collect()
    }

    /// Finds a chat by id and hash, whether or not the account is in it.
    pub(crate) fn known_chat(&self, id: i64, access_hash: i64) -> Result<&Chat, RpcError> {
        self.chats
            .get(&id)
            .filter(|chat| chat.access_hash == access_hash)
            .ok_or_else(|| RpcError::bad("CHANNEL_INVALID"))
    }

    /// Finds a chat that the account is in.
    pub(crate) fn own_chat(&self, id: i64, access_hash: i64) -> Result<&Chat, RpcError> {
        let chat = self.known_chat(id, access_hash)?;
        if chat.members.contains_key(&self.me) {
            Ok(chat)
        } else {
            Err(RpcError::bad("CHANNEL_PRIVATE"))
        }
    }

    pub(crate) fn channel(&self, input: &enums::InputChannel) -> Result<&Chat, RpcError> {
        match input {
            enums::InputChannel::Channel(input) => {
                self.own_chat(input.channel_id, input.access_hash)
            }
            enums::InputChannel::Empty | enums::InputChannel::FromMessage(_) => {
                Err(RpcError::bad("CHANNEL_INVALID"))
            }
        }
    }

    pub(crate) fn peer_chat(&self, input: &enums::InputPeer) -> Result<&Chat, RpcError> {
        match input {
            enums::InputPeer::Channel(input) => self.own_chat(input.channel_id, input.access_hash),
            _ => Err(RpcError::bad("PEER_ID_INVALID")),
        }
    }

    /// Finds the user that a message is about, if the message is still there.
    pub(crate) fn user_from_message(
        &self,
        peer: &enums::InputPeer,
        msg_id: i32,
        user_id: i64,
    ) -> Result<&User, RpcError> {
        let chat = self.peer_chat(peer)?;
        chat.messages
            .get(&msg_id)
            .map(Message::users)
            .filter(|users| users.contains(&user_id))
            .and_then(|_| self.users.get(&user_id))
            .ok_or_else(|| RpcError::bad("MSG_ID_INVALID"))
    }

    pub(crate) fn user_by_hash(&self, id: i64, hash: i64) -> Result<Named<'_>, RpcError> {
        match self.users.get(&id) {
            Some(user) if user.access_hash == hash => Ok(Named::Fully(user)),
            Some(user) if user.min_hash == hash => Ok(Named::Min(user)),
            _ => Err(RpcError::bad("PEER_ID_INVALID")),
        }
    }

    /// Finds a user named as a peer.
    pub(crate) fn peer_user(&self, input: &enums::InputPeer) -> Result<Named<'_>, RpcError> {
        match input {
            enums::InputPeer::PeerSelf => Ok(Named::Fully(self.myself())),
            enums::InputPeer::User(input) => self.user_by_hash(input.user_id, input.access_hash),
            enums::InputPeer::UserFromMessage(input) => self
                .user_from_message(&input.peer, input.msg_id, input.user_id)
                .map(Named::Fully),
            _ => Err(RpcError::bad("PEER_ID_INVALID")),
        }
    }

    /// Finds a user whose whole object may be asked for.
    pub(crate) fn input_user(&self, input: &enums::InputUser) -> Result<&User, RpcError> {
        let named = match input {
            enums::InputUser::UserSelf => return Ok(self.myself()),
            enums::InputUser::User(input) => self.user_by_hash(input.user_id, input.access_hash),
            enums::InputUser::FromMessage(input) => {
                return self.user_from_message(&input.peer, input.msg_id, input.user_id);
            }
            enums::InputUser::Empty => Err(RpcError::bad("USER_ID_INVALID")),
        };
        match named {
            Ok(Named::Fully(user)) => Ok(user),
            _ => Err(RpcError::bad("USER_ID_INVALID")),
        }
    }

    pub(crate) fn myself(&self) -> &User {
        &self.users[&self.me]
    }
}
