//! `updates.*`: the account's own state, which never changes here, and the differences of channels.

use grammers_tl_types::{enums, functions, types};

use crate::clock;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::{Chat, Event, EventKind};

impl Handler for functions::updates::GetState {
    fn handle(self, _: &mut Caller) -> Result<enums::updates::State, RpcError> {
        Ok(state())
    }
}

pub(super) fn state() -> enums::updates::State {
    enums::updates::State::State(types::updates::State {
        pts: 1,
        qts: 0,
        date: clock::unix(),
        seq: 0,
        unread_count: 0,
    })
}

impl Handler for functions::updates::GetDifference {
    fn handle(self, _: &mut Caller) -> Result<enums::updates::Difference, RpcError> {
        Ok(enums::updates::Difference::Empty(
            types::updates::DifferenceEmpty {
                date: clock::unix(),
                seq: 0,
            },
        ))
    }
}

impl Handler for functions::updates::GetChannelDifference {
    fn handle(self, caller: &mut Caller) -> Result<enums::updates::ChannelDifference, RpcError> {
        let world = &mut *caller.world;
        let id = world.channel(&self.channel)?.id;
        // "for user accounts the limit is 100"; a limit of zero would return no events.
        let limit = usize::try_from(self.limit)
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| RpcError::bad("LIMIT_INVALID"))?;
        let longest = if world.options.too_long_beyond_limit {
            world.options.longest_difference.min(self.limit)
        } else {
            world.options.longest_difference
        };
        let chat = world.chats.get_mut(&id).expect("found above");
        if self.pts < 1 || self.pts > chat.pts {
            return Err(RpcError::bad("PERSISTENT_TIMESTAMP_INVALID"));
        }
        if let Some(error) = &chat.difference_error {
            return Err(error.clone());
        }
        if chat.too_long > 0 {
            chat.too_long -= 1;
            return Ok(too_long(world, id));
        }
        if chat.pts - self.pts > longest {
            return Ok(too_long(world, id));
        }
        Ok(page(world, &world.chats[&id], self.pts, limit))
    }
}

/// Returns the events after `pts`, oldest first and at most `limit` of them.
fn page(world: &World, chat: &Chat, pts: i32, limit: usize) -> enums::updates::ChannelDifference {
    let start = chat.events.partition_point(|event| event.pts <= pts);
    let rest = &chat.events[start..];
    let events = &rest[..rest.len().min(limit)];
    let Some(last) = events.last() else {
        return enums::updates::ChannelDifference::Empty(types::updates::ChannelDifferenceEmpty {
            r#final: true,
            pts: chat.pts,
            timeout: Some(chat.difference_timeout),
        });
    };
    let mut users = Vec::new();
    let mut new_messages = Vec::new();
    let mut other_updates = Vec::new();
    for event in events {
        users.extend(world.users_of_event(chat, event));
        match event {
            // A deleted message is left out; its deletion is an event of its own.
            Event {
                kind: EventKind::New(id),
                ..
            } => new_messages.extend(
                chat.messages
                    .get(id)
                    .map(|message| message.object(chat, world)),
            ),
            _ => other_updates.extend(world.update_of(chat, event)),
        }
    }
    enums::updates::ChannelDifference::Difference(types::updates::ChannelDifference {
        r#final: events.len() == rest.len(),
        pts: last.pts,
        timeout: Some(chat.difference_timeout),
        new_messages,
        other_updates,
        chats: world.chat_objects(&[chat.id]),
        users: world.visible_users(users),
    })
}

fn too_long(world: &World, id: i64) -> enums::updates::ChannelDifference {
    let chat = &world.chats[&id];
    let newest: Vec<_> = chat
        .messages
        .values()
        .rev()
        .take(world.options.too_long_messages)
        .collect();
    let users = newest.iter().flat_map(|message| message.users()).collect();
    enums::updates::ChannelDifference::TooLong(types::updates::ChannelDifferenceTooLong {
        r#final: true,
        timeout: Some(chat.difference_timeout),
        dialog: chat.dialog(),
        messages: newest
            .iter()
            .map(|message| message.object(chat, world))
            .collect(),
        chats: world.chat_objects(&[id]),
        users: world.visible_users(users),
    })
}
