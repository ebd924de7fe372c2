//! `channels.*`: messages by id, full information, and members, as far as an ordinary member sees them.

use grammers_tl_types::{enums, functions, types};

use crate::blank;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::{Chat, Member, Message};

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
            can_view_participants: !chat.broadcast,
            participants_hidden: chat.hides_members,
            id: chat.id,
            participants_count: Some(count(chat.members.len())),
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
            chats.push(chat.object(world.me));
        }
        Ok(enums::messages::Chats::Chats(types::messages::Chats {
            chats,
        }))
    }
}

impl Handler for functions::channels::GetParticipants {
    fn handle(self, caller: &mut Caller) -> Result<enums::channels::ChannelParticipants, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        let is_admin = chat.members[&world.me].admin;
        if chat.broadcast && !is_admin {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let only_admins = match &self.filter {
            enums::ChannelParticipantsFilter::ChannelParticipantsAdmins => true,
            enums::ChannelParticipantsFilter::ChannelParticipantsRecent => {
                chat.hides_members && !is_admin
            }
            enums::ChannelParticipantsFilter::ChannelParticipantsSearch(search)
                if search.q.is_empty() =>
            {
                chat.hides_members && !is_admin
            }
            other => {
                let other = format!("{other:?}");
                caller
                    .world
                    .record_failure(format!("this filter of members is not simulated: {other}"));
                return Err(RpcError::bad("INPUT_FILTER_INVALID"));
            }
        };
        let mut members: Vec<(i64, &Member)> = chat
            .members
            .iter()
            .map(|(id, member)| (*id, member))
            .filter(|(_, member)| member.admin || !only_admins)
            .collect();
        let total = members.len();
        members
            .sort_by_key(|(id, member)| (std::cmp::Reverse(member.date), std::cmp::Reverse(*id)));
        let mut page: Vec<(i64, &Member)> = members
            .into_iter()
            .skip(usize::try_from(self.offset).unwrap_or(0))
            .take(usize::try_from(self.limit.clamp(0, 200)).expect("between 0 and 200"))
            .collect();
        // "Do not rely on its order": another order makes a client that does fail.
        page.sort_by_key(|(id, _)| *id);
        Ok(enums::channels::ChannelParticipants::Participants(
            types::channels::ChannelParticipants {
                count: count(total),
                participants: page
                    .iter()
                    .map(|(id, member)| participant(world, *id, member))
                    .collect(),
                chats: world.chat_objects(&[chat.id]),
                users: world.full_users(page.iter().map(|(id, _)| *id).collect()),
            },
        ))
    }
}

impl Handler for functions::channels::GetParticipant {
    fn handle(self, caller: &mut Caller) -> Result<enums::channels::ChannelParticipant, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        let user = match world.peer_user(&self.participant)? {
            crate::world::lookup::ResolvedUser::Full(user) => user,
            crate::world::lookup::ResolvedUser::Min(_) => {
                return Err(RpcError::bad("PARTICIPANT_ID_INVALID"));
            }
        };
        let member = chat
            .members
            .get(&user.id)
            .ok_or_else(|| RpcError::bad("USER_NOT_PARTICIPANT"))?;
        if chat.broadcast && !chat.members[&world.me].admin && user.id != world.me {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        Ok(enums::channels::ChannelParticipant::Participant(
            types::channels::ChannelParticipant {
                participant: participant(world, user.id, member),
                chats: world.chat_objects(&[chat.id]),
                users: world.full_users(vec![user.id]),
            },
        ))
    }
}

fn participant(world: &World, user_id: i64, member: &Member) -> enums::ChannelParticipant {
    if member.admin {
        return enums::ChannelParticipant::Admin(types::ChannelParticipantAdmin {
            can_edit: false,
            is_self: user_id == world.me,
            user_id,
            inviter_id: (user_id == world.me).then_some(member.inviter),
            promoted_by: member.inviter,
            date: member.date,
            admin_rights: enums::ChatAdminRights::Rights(types::ChatAdminRights {
                delete_messages: true,
                ban_users: true,
                other: true,
                ..blank::admin_rights()
            }),
            rank: None,
        });
    }
    if user_id == world.me {
        return enums::ChannelParticipant::ParticipantSelf(types::ChannelParticipantSelf {
            via_request: member.via_request,
            user_id,
            inviter_id: member.inviter,
            date: member.date,
            subscription_until_date: None,
            rank: None,
        });
    }
    enums::ChannelParticipant::Participant(types::ChannelParticipant {
        user_id,
        date: member.date,
        subscription_until_date: None,
        rank: None,
    })
}

fn count(of: usize) -> i32 {
    i32::try_from(of).expect("fewer than 2^31 members")
}
