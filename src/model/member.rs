//! The members of a group, as Telegram lists them.

use super::{Timestamp, User};

/// A user in a list of members. Telegram lists full user objects, whose access hash names the user everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: User,
    pub membership: Membership,
}

/// How a user belongs to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// A plain or a restricted member, since this time.
    Member { since: Timestamp },
    /// An administrator or the creator. Telegram shows the time of the promotion, not of the join.
    Administrator,
    /// The user left or was banned.
    Gone,
}

/// A page of the list of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersPage {
    pub members: Vec<Member>,
    /// How many rows Telegram returned: the next page begins after them. Rows without a user object count.
    pub rows: usize,
    /// How many members the list has in all.
    pub count: u32,
}

/// The answer to the question whether a user is a member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipAnswer {
    Known(Box<Member>),
    /// The user is not a member, such as a commenter of a linked channel.
    NotMember,
    /// The group keeps the dates of its members secret.
    DateRefused,
    /// Telegram accepts no reference to this user.
    NoReference,
}

/// The part of `channels.getFullChannel` that tells how a group shows its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullGroup {
    pub shows_members: bool,
    pub member_count: Option<u32>,
    /// The `pts` at which the member count was read.
    pub pts: i32,
}
