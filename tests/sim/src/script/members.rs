//! Members: many of them, restricted ones, and groups that close the list of their members.

use std::ops::RangeInclusive;

use super::Simulator;
use super::chats::member;
use super::people::FIRST_USER;
use crate::options::UserSpec;
use crate::world::member::{Member, Restriction};
use crate::world::person::User;

impl Simulator {
    /// Makes a user a member who joined at `date`, in seconds since 1970, and has written nothing since. Clients learn
    /// of the member only from lists of members.
    pub fn add_member(&self, group: i64, user: i64, date: i32) {
        self.with_chat(group, |chat| {
            chat.members.insert(user, Member::since(date, user));
        });
    }

    /// Adds that many users without photos as members like [`add_member`](Self::add_member); returns their ids. The
    /// dates are spread over the range.
    pub fn add_members(&self, group: i64, count: usize, dates: RangeInclusive<i32>) -> Vec<i64> {
        let first = i64::from(*dates.start());
        let span = i64::from(*dates.end()) - first;
        self.shared.change(|world| {
            let mut users = Vec::with_capacity(count);
            for number in 0..count {
                let id = FIRST_USER + world.serial();
                let user =
                    User::from_spec(world, id, UserSpec::new(format!("Member {number}")), None);
                world.users.insert(id, user);
                users.push(id);
            }
            let Some(chat) = world.chats.get_mut(&group) else {
                world.record_failure(format!("unknown chat: {group}"));
                return users;
            };
            let steps = i64::try_from(count).unwrap_or(i64::MAX).max(2) - 1;
            for (number, user) in (0..).zip(&users) {
                let date = i32::try_from(first + span * number / steps)
                    .expect("between the ends of the range");
                chat.members.insert(*user, Member::since(date, *user));
            }
            users
        })
    }

    /// Restricts a member, who is then a `ChannelParticipantBanned` that has not left, with this date. Lists of members
    /// leave the member out unless `listed`.
    pub fn restrict_member(&self, group: i64, user: i64, date: i32, listed: bool) {
        let by = self.owner();
        self.shared
            .change(|world| match member(world, group, user) {
                Some(member) => member.restriction = Some(Restriction { date, listed, by }),
                None => world.record_failure(format!("{user} is not a member of chat {group}")),
            });
    }

    /// Sets whether the members of a group are hidden (`participants_hidden`): lists of members then show only
    /// administrators and bots to the account.
    pub fn hide_members(&self, group: i64, hidden: bool) {
        self.with_chat(group, |chat| chat.hides_members = hidden);
    }

    /// Sets the flag `can_view_participants` of a group. Without it, lists of members are as in a group with hidden
    /// members.
    pub fn set_can_view_participants(&self, group: i64, can_view: bool) {
        self.with_chat(group, |chat| chat.can_view_participants = can_view);
    }

    /// Sets whether `channels.getParticipant` is refused with `CHAT_ADMIN_REQUIRED` in a group that closes the list of
    /// its members. Otherwise it returns the date of the join there, too.
    pub fn refuse_join_dates(&self, group: i64, refuse: bool) {
        self.with_chat(group, |chat| chat.refuses_join_dates = refuse);
    }
}
