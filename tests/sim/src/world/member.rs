//! Members of a chat: when they joined, and when they last wrote.

use super::World;
use super::chat::Chat;
use crate::clock;

#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) date: i32,
    pub(crate) inviter: i64,
    pub(crate) admin: bool,
    /// The time at which the member last became an administrator, in seconds since 1970.
    pub(crate) promoted: i32,
    pub(crate) via_request: bool,
    pub(crate) restriction: Option<Restriction>,
    pub(crate) activity: Activity,
}

#[derive(Clone)]
pub(crate) struct Restriction {
    pub(crate) date: i32,
    /// False if lists of members leave the member out.
    pub(crate) listed: bool,
    pub(crate) by: i64,
}

/// The time of a member's last message, or of the join.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Activity {
    pub(crate) date: i32,
    /// The order of the activities of one second. It is 0 for members who joined before the simulator started.
    serial: u64,
}

impl Member {
    fn new(activity: Activity, inviter: i64) -> Self {
        Self {
            date: activity.date,
            inviter,
            admin: false,
            promoted: activity.date,
            via_request: false,
            restriction: None,
            activity,
        }
    }

    /// Makes a member who joined at `date` and has written nothing since.
    pub(crate) fn since(date: i32, inviter: i64) -> Self {
        Self::new(Activity { date, serial: 0 }, inviter)
    }
}

impl Chat {
    pub(crate) fn participants_count(&self) -> i32 {
        i32::try_from(self.members.len()).expect("fewer than 2^31 members")
    }

    /// Returns whether the list of members is closed to ordinary members, who then see only administrators and bots.
    pub(crate) fn closes_member_list(&self) -> bool {
        self.hides_members || !self.can_view_participants
    }
}

impl World {
    /// Makes `user` a member who joined now. An unknown chat is ignored.
    pub(crate) fn add_member(&mut self, chat: i64, user: i64, inviter: i64, via_request: bool) {
        let activity = self.next_activity();
        if let Some(chat) = self.chats.get_mut(&chat) {
            let member = Member {
                via_request,
                ..Member::new(activity, inviter)
            };
            chat.members.insert(user, member);
        }
    }

    /// Records that a member wrote a message now. Other users may write in a group, too: they comment on the posts of
    /// its channel.
    pub(crate) fn record_activity(&mut self, chat: i64, user: i64) {
        let activity = self.next_activity();
        let chat = self.chats.get_mut(&chat);
        if let Some(member) = chat.and_then(|chat| chat.members.get_mut(&user)) {
            member.activity = activity;
        }
    }

    fn next_activity(&mut self) -> Activity {
        self.activities += 1;
        Activity {
            date: clock::unix(),
            serial: self.activities,
        }
    }
}
