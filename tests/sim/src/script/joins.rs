//! Joins: with a service message, without one, and with one that a bot deletes.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{enums, types};

use super::Simulator;
use super::chats::{announce, create};
use crate::picture::mix;
use crate::world::World;
use crate::world::chat::Content;
use crate::world::member::Member;

/// The time after a migration in which joins have no service message.
const SILENCE_AFTER_MIGRATION: Duration = Duration::from_secs(600);

/// The way in which a user joins a group, and the service message that announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Another member adds the user: `ChatAddUser` from that member.
    AddedBy(i64),
    /// The user joins a public group: `ChatAddUser` from and with the user.
    BySelf,
    /// The user joins by a link of the group's owner: `ChatJoinedByLink`.
    ByLink,
    /// A request of the user is approved: `ChatJoinedByRequest`.
    ByRequest,
    /// The user joins through a community: `ChatJoinedViaCommunity`.
    ViaCommunity,
    /// The user joins by a shared folder of chats, which has no service message.
    BySharedFolder,
    /// The user joins without a service message.
    Silent,
}

impl Simulator {
    /// Lets a user join, and returns the id of the service message. The id is 0 if there is no service message, because
    /// of the kind of the join or because the group hides joins.
    pub fn join(&self, group: i64, user: i64, kind: JoinKind) -> i32 {
        let owner = self.owner();
        let message = self
            .shared
            .change(|world| join(world, owner, group, user, kind));
        self.schedule_deletion(group, message);
        message
    }

    /// Lets a member add several users with one `ChatAddUser`; returns the message's id, or 0 if the group hides joins.
    pub fn join_many(&self, group: i64, users: &[i64], by: i64) -> i32 {
        let message = self.shared.change(|world| {
            for user in users {
                world.add_member(group, *user, by, false);
            }
            announce(world, group, by, added(users.to_vec()))
        });
        self.schedule_deletion(group, message);
        message
    }

    /// Lets a user join, and deletes the service message before any client can read it: only the deletion is pushed.
    /// Returns the id of the deleted message, or 0 if the join has none.
    pub fn join_and_delete_unseen(&self, group: i64, user: i64, kind: JoinKind) -> i32 {
        let owner = self.owner();
        self.shared.change(|world| {
            let suppressed = std::mem::replace(&mut world.pushes_suppressed, true);
            let message = join(world, owner, group, user, kind);
            world.pushes_suppressed = suppressed;
            world.delete(group, &[message]);
            message
        })
    }

    /// Lets a bot delete the service message of each later join after a seeded time in this range, such as 1 to 5 s.
    pub fn captcha_bot(&self, group: i64, delay: RangeInclusive<Duration>) {
        self.with_chat(group, |chat| chat.captcha_delay = Some(delay));
    }

    /// Undoes [`captcha_bot`](Self::captcha_bot) for later joins.
    pub fn remove_captcha_bot(&self, group: i64) {
        self.with_chat(group, |chat| chat.captcha_delay = None);
    }

    /// Sets whether later joins of a group have no service message.
    pub fn hide_joins(&self, group: i64, hidden: bool) {
        self.with_chat(group, |chat| chat.hides_joins = hidden);
    }

    /// Lets the joins of a group have no service message for this time from now on, as in a new supergroup.
    pub fn hide_joins_for(&self, group: i64, time: Duration) {
        let until = self.shared.read(World::elapsed) + time;
        self.with_chat(group, |chat| chat.hides_joins_until = until);
    }

    /// Migrates a basic group to a supergroup, and pushes `updateChannel`; returns the supergroup's bare id. `members`
    /// are ids of users and the dates of their joins, in seconds since 1970.
    ///
    /// The first message is `ChannelMigrateFrom`. Joins have no service message for ten minutes, unless
    /// [`hide_joins_for`](Self::hide_joins_for) sets another time.
    pub fn migrate_group(&self, title: &str, members: &[(i64, i32)]) -> i64 {
        let owner = self.owner();
        self.shared.change(|world| {
            let id = create(world, owner, title, false);
            let basic_group = world.serial();
            let until = world.elapsed() + SILENCE_AFTER_MIGRATION;
            let chat = world.chats.get_mut(&id).expect("created above");
            chat.migrated_from = Some(basic_group);
            chat.hides_joins_until = until;
            for (user, date) in members {
                chat.members.insert(*user, Member::since(*date, owner));
            }
            let first = chat.messages.get_mut(&1).expect("every chat has it");
            first.content = Content::Service(Box::new(enums::MessageAction::ChannelMigrateFrom(
                types::MessageActionChannelMigrateFrom {
                    title: title.to_owned(),
                    chat_id: basic_group,
                },
            )));
            world.push_channel_update(id);
            id
        })
    }

    /// Lets the group's bot, if there is one, delete the service message of a join.
    fn schedule_deletion(&self, group: i64, message: i32) {
        let scheduled = self.shared.read(|world| {
            let delay = world.chats.get(&group)?.captcha_delay.as_ref()?;
            let seed = world.options.seed ^ group.cast_unsigned().rotate_left(32);
            let drawn = drawn_from(delay, seed ^ u64::from(message.unsigned_abs()));
            Some((world.runtime.clone()?, drawn))
        });
        let Some((runtime, delay)) = scheduled.filter(|_| message != 0) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            shared.change(|world| world.delete(group, &[message]));
        });
    }
}

fn join(world: &mut World, owner: i64, group: i64, user: i64, kind: JoinKind) -> i32 {
    let inviter = match kind {
        JoinKind::AddedBy(other) => other,
        JoinKind::ByLink | JoinKind::BySharedFolder => owner,
        JoinKind::BySelf | JoinKind::ByRequest | JoinKind::ViaCommunity | JoinKind::Silent => user,
    };
    world.add_member(group, user, inviter, kind == JoinKind::ByRequest);
    let (from, action) = match kind {
        JoinKind::AddedBy(other) => (other, added(vec![user])),
        JoinKind::BySelf => (user, added(vec![user])),
        JoinKind::ByLink => (
            user,
            enums::MessageAction::ChatJoinedByLink(types::MessageActionChatJoinedByLink {
                inviter_id: owner,
            }),
        ),
        JoinKind::ByRequest => (user, enums::MessageAction::ChatJoinedByRequest),
        JoinKind::ViaCommunity => (
            user,
            enums::MessageAction::ChatJoinedViaCommunity(
                types::MessageActionChatJoinedViaCommunity { community_id: 1 },
            ),
        ),
        JoinKind::BySharedFolder | JoinKind::Silent => return 0,
    };
    announce(world, group, from, action)
}

fn added(users: Vec<i64>) -> enums::MessageAction {
    enums::MessageAction::ChatAddUser(types::MessageActionChatAddUser { users })
}

/// Draws a time from a range.
fn drawn_from(range: &RangeInclusive<Duration>, seed: u64) -> Duration {
    const STEPS: u32 = 1000;
    let step = u32::try_from(mix(seed) % u64::from(STEPS)).expect("less than STEPS");
    *range.start() + range.end().saturating_sub(*range.start()) * step / STEPS
}
