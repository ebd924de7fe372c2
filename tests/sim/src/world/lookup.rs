//! Lookups of users and chats by the references that clients send, with Telegram's errors for invalid references.

use grammers_tl_types::enums;

use super::World;
use super::chat::{Chat, Message};
use super::person::User;
use crate::record::RpcError;

/// A user that a client referred to.
pub(crate) enum ResolvedUser<'a> {
    /// The reference had the full access hash or a message, or was `inputPeerSelf`.
    Full(&'a User),
    /// The reference had the access hash of a `min` object, which opens photos only.
    Min(&'a User),
}

impl World {
    /// Returns the objects of users as updates show them, each once, in the order of their ids.
    pub(crate) fn visible_users(&self, mut users: Vec<i64>) -> Vec<enums::User> {
        users.sort_unstable();
        users.dedup();
        users
            .iter()
            .filter_map(|id| self.users.get(id))
            .map(|user| user.visible(self.me))
            .collect()
    }

    /// Returns the full objects of users, each once, in the order of their ids.
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
            .map(|chat| chat.object(self))
            .collect()
    }

    /// Finds a chat by id and access hash, whether or not the account is a member.
    pub(crate) fn known_chat(&self, id: i64, access_hash: i64) -> Result<&Chat, RpcError> {
        self.chats
            .get(&id)
            .filter(|chat| chat.access_hash == access_hash)
            .ok_or_else(|| RpcError::bad("CHANNEL_INVALID"))
    }

    /// Finds a chat of which the account is a member.
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

    /// Finds a user that a message refers to, if the message still exists.
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

    pub(crate) fn user_by_hash(&self, id: i64, hash: i64) -> Result<ResolvedUser<'_>, RpcError> {
        match self.users.get(&id) {
            Some(user) if user.access_hash == hash => Ok(ResolvedUser::Full(user)),
            Some(user) if user.min_hash == hash => Ok(ResolvedUser::Min(user)),
            _ => Err(RpcError::bad("PEER_ID_INVALID")),
        }
    }

    /// Finds a user by an `InputPeer`.
    pub(crate) fn peer_user(&self, input: &enums::InputPeer) -> Result<ResolvedUser<'_>, RpcError> {
        match input {
            enums::InputPeer::PeerSelf => Ok(ResolvedUser::Full(self.myself())),
            enums::InputPeer::User(input) => self.user_by_hash(input.user_id, input.access_hash),
            enums::InputPeer::UserFromMessage(input) => self
                .user_from_message(&input.peer, input.msg_id, input.user_id)
                .map(ResolvedUser::Full),
            _ => Err(RpcError::bad("PEER_ID_INVALID")),
        }
    }

    /// Finds a user by an `InputUser`, which has to give access to the full user.
    pub(crate) fn input_user(&self, input: &enums::InputUser) -> Result<&User, RpcError> {
        let resolved = match input {
            enums::InputUser::UserSelf => return Ok(self.myself()),
            enums::InputUser::User(input) => self.user_by_hash(input.user_id, input.access_hash),
            enums::InputUser::FromMessage(input) => {
                return self.user_from_message(&input.peer, input.msg_id, input.user_id);
            }
            enums::InputUser::Empty => Err(RpcError::bad("USER_ID_INVALID")),
        };
        match resolved {
            Ok(ResolvedUser::Full(user)) => Ok(user),
            _ => Err(RpcError::bad("USER_ID_INVALID")),
        }
    }

    pub(crate) fn myself(&self) -> &User {
        &self.users[&self.me]
    }
}
