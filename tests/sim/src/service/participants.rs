//! `channels.getParticipants` and `channels.getParticipant`, as far as an ordinary member may use them.

use std::cmp::Reverse;

use grammers_tl_types::{enums, functions, types};

use crate::blank;
use crate::dispatch::{Caller, Handler};
use crate::picture::mix;
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::Chat;
use crate::world::lookup::ResolvedUser;
use crate::world::member::Member;

/// The most members of one page.
const MAX_PAGE: usize = 200;
/// The number of members that a list shows at most, on all its pages.
const MAX_LISTED: usize = 10_000;
/// The number of places by which a member may stand too far behind in a list by activity.
const SHUFFLED_NEIGHBOURS: u64 = 8;

type Row<'a> = (i64, &'a Member);

impl Handler for functions::channels::GetParticipants {
    fn handle(self, caller: &mut Caller) -> Result<enums::channels::ChannelParticipants, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        let is_admin = chat.members[&world.me].admin;
        if chat.broadcast && !is_admin {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let is_closed = chat.closes_member_list() && !is_admin;
        let is_visible = |(id, member): &Row| {
            !is_closed || member.admin || world.users.get(id).is_some_and(|user| user.bot)
        };
        let all = chat.members.iter().map(|(id, member)| (*id, member));
        let (total, page) = match &self.filter {
            enums::ChannelParticipantsFilter::ChannelParticipantsAdmins => {
                let rows: Vec<Row> = all.filter(|(_, member)| member.admin).collect();
                (rows.len(), self.page_by_id(rows))
            }
            enums::ChannelParticipantsFilter::ChannelParticipantsRecent => {
                let rows: Vec<Row> = all.filter(is_visible).collect();
                (rows.len(), self.page(by_activity(world, chat, rows)))
            }
            enums::ChannelParticipantsFilter::ChannelParticipantsSearch(search)
                if search.q.is_empty() =>
            {
                let rows: Vec<Row> = all.filter(is_visible).collect();
                (rows.len(), self.page_by_id(rows))
            }
            other => {
                let other = format!("{other:?}");
                caller
                    .world
                    .record_failure(format!("this filter of members is not simulated: {other}"));
                return Err(RpcError::bad("INPUT_FILTER_INVALID"));
            }
        };
        Ok(enums::channels::ChannelParticipants::Participants(
            types::channels::ChannelParticipants {
                count: i32::try_from(total).expect("fewer than 2^31 members"),
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

trait Page {
    /// Returns the page of a list in its final order.
    fn page<'a>(&self, rows: Vec<Row<'a>>) -> Vec<Row<'a>>;

    /// Returns the page of a list by date, newest first, in the order of the ids. The order is not documented, and this
    /// one makes a client that relies on another one fail.
    fn page_by_id<'a>(&self, mut rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
        rows.sort_by_key(|(id, member)| Reverse((member.date, *id)));
        let mut page = self.page(rows);
        page.sort_by_key(|(id, _)| *id);
        page
    }
}

impl Page for functions::channels::GetParticipants {
    fn page<'a>(&self, rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
        let offset = usize::try_from(self.offset).unwrap_or(0);
        let limit = usize::try_from(self.limit).unwrap_or(0);
        rows.into_iter()
            .filter(|(_, member)| {
                let restriction = member.restriction.as_ref();
                restriction.is_none_or(|restriction| restriction.listed)
            })
            .take(MAX_LISTED)
            .skip(offset)
            .take(limit.min(MAX_PAGE))
            .collect()
    }
}

/// Sorts members by their activity, newest first, and then shuffles neighbours.
fn by_activity<'a>(world: &World, chat: &Chat, mut rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    rows.sort_unstable_by_key(|(id, member)| Reverse((member.activity, *id)));
    let seed = world.options.seed ^ chat.id.cast_unsigned().rotate_left(32);
    let mut placed: Vec<(u64, Row)> = (0..)
        .zip(rows)
        .map(|(place, row): (u64, Row)| {
            let delay = mix(seed ^ row.0.cast_unsigned()) % SHUFFLED_NEIGHBOURS;
            (place + delay, row)
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, row)| row).collect()
}

impl Handler for functions::channels::GetParticipant {
    fn handle(self, caller: &mut Caller) -> Result<enums::channels::ChannelParticipant, RpcError> {
        let world = &*caller.world;
        let chat = world.channel(&self.channel)?;
        let user = match world.peer_user(&self.participant)? {
            ResolvedUser::Full(user) => user,
            ResolvedUser::Min(_) => return Err(RpcError::bad("PARTICIPANT_ID_INVALID")),
        };
        let is_secret = chat.broadcast || (chat.closes_member_list() && chat.refuses_join_dates);
        if is_secret && !chat.members[&world.me].admin && user.id != world.me {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let member = chat
            .members
            .get(&user.id)
            .ok_or_else(|| RpcError::bad("USER_NOT_PARTICIPANT"))?;
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
            date: member.promoted,
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
    if let Some(restriction) = &member.restriction {
        return enums::ChannelParticipant::Banned(types::ChannelParticipantBanned {
            left: false,
            peer: enums::Peer::User(types::PeerUser { user_id }),
            kicked_by: restriction.by,
            date: restriction.date,
            banned_rights: enums::ChatBannedRights::Rights(types::ChatBannedRights {
                send_messages: true,
                until_date: i32::MAX,
                ..blank::banned_rights()
            }),
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
