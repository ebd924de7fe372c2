//! The decision on a join: a photo to forward, or the first reason to skip it (docs/outcomes.md).

use std::collections::BTreeSet;

use crate::model::{Join, Photo, PhotoId, ProfilePhoto, SkipReason, User, UserId};

/// Everything that a decision on a join depends on.
#[derive(Clone, Debug)]
pub struct JoinContext<'a> {
    /// This account.
    pub own: UserId,
    /// True if NOSPAM is an administrator of the group. `None` if that does not matter (no `nospam_id`), and if the
    /// administrators could not be read: the group then counts as watched, because forwarding an unneeded photo costs
    /// less than missing one.
    pub nospam_is_admin: Option<bool>,
    /// True if the user who added the member is trusted.
    pub adder_trusted: bool,
    /// True if the member is trusted.
    pub is_trusted: bool,
    /// True if the member is on the bad list.
    pub on_bad_list: bool,
    /// True if the member's name or bio hits a rule.
    pub hits_rule: bool,
    /// True if another bot declared the join message as handled.
    pub handled_by_other_bot: bool,
    /// True if the group is under a group flood.
    pub has_group_flood: bool,
    /// The member as last shown; `None` without a user object.
    pub user: Option<&'a User>,
    /// True if Telegram was asked for the member: a photo that is still unknown cannot be learned by a look-up.
    pub was_looked_up: bool,
    /// True if the photo shown is on the exception list.
    pub photo_is_excepted: bool,
    /// True if nothing proves that the user, who wrote a first message in a hidden group, is a new member.
    pub is_unproven: bool,
    /// The member's photos that were forwarded for this group, or are queued for it.
    pub forwarded: &'a BTreeSet<PhotoId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Forward nothing, for this reason.
    Skip(SkipReason),
    /// Ask Telegram for the user first: the join does not show the photo.
    LookUp,
    /// Wait for the end of the group flood, and decide again then.
    Hold,
    /// Forward this photo.
    Forward(Photo),
}

/// Decides on one join: the first reason that holds wins.
#[must_use]
pub fn join(join: &Join, context: &JoinContext<'_>) -> Decision {
    let by_id = if join.user == context.own {
        Some(SkipReason::Own)
    } else if context.nospam_is_admin == Some(false) {
        Some(SkipReason::UnwatchedGroup)
    } else if context.adder_trusted {
        Some(SkipReason::AddedByTrusted)
    } else {
        None
    };
    if let Some(reason) = by_id {
        return Decision::Skip(reason);
    }
    let Some(user) = context.user else {
        return if context.on_bad_list {
            Decision::Skip(SkipReason::Bad)
        } else if context.is_trusted {
            Decision::Skip(SkipReason::Trusted)
        } else if context.is_unproven {
            Decision::Skip(SkipReason::Unproven)
        } else if context.has_group_flood {
            Decision::Hold
        } else {
            Decision::LookUp
        };
    };
    let by_user = [
        (user.bot, SkipReason::Bot),
        (user.deleted, SkipReason::Deleted),
        (context.on_bad_list, SkipReason::Bad),
        (context.is_trusted, SkipReason::Trusted),
        (context.hits_rule, SkipReason::Named),
        (context.handled_by_other_bot, SkipReason::Declared),
    ];
    if let Some((_, reason)) = by_user.into_iter().find(|(holds, _)| *holds) {
        return Decision::Skip(reason);
    }
    match user.photo {
        ProfilePhoto::Present(_) | ProfilePhoto::Unknown if context.is_unproven => {
            Decision::Skip(SkipReason::Unproven)
        }
        _ if context.has_group_flood => Decision::Hold,
        ProfilePhoto::Unknown if context.was_looked_up => Decision::Skip(SkipReason::Unreadable),
        ProfilePhoto::Unknown => Decision::LookUp,
        ProfilePhoto::Absent => Decision::Skip(SkipReason::NoPhoto),
        ProfilePhoto::Present(_) if context.photo_is_excepted => {
            Decision::Skip(SkipReason::Excepted)
        }
        ProfilePhoto::Present(photo) if context.forwarded.contains(&photo.id) => {
            Decision::Skip(SkipReason::Repeat)
        }
        ProfilePhoto::Present(photo) => Decision::Forward(photo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccessHash, AddedBy, ChannelId, MessageId, Timestamp};

    const OWN: UserId = UserId::new(1);
    const JOINER: UserId = UserId::new(2);
    const PHOTO: Photo = Photo {
        id: PhotoId::new(7),
        dc: 2,
    };

    fn join_of(user: UserId) -> Join {
        Join {
            group: ChannelId::from_bare(10),
            message: MessageId::new(5),
            user,
            added_by: AddedBy::Themselves,
            date: Timestamp::new(1_000),
        }
    }

    fn user(photo: ProfilePhoto) -> User {
        User {
            id: JOINER,
            access_hash: Some(AccessHash::new(3)),
            min: false,
            name: String::new(),
            bot: false,
            deleted: false,
            photo,
        }
    }

    #[test]
    fn the_first_reason_that_holds_is_recorded() {
        let plain = user(ProfilePhoto::Present(PHOTO));
        let bot = User {
            bot: true,
            deleted: true,
            ..plain.clone()
        };
        let deleted = User {
            deleted: true,
            ..plain.clone()
        };
        let bare = user(ProfilePhoto::Absent);
        let unknown = user(ProfilePhoto::Unknown);
        let none = BTreeSet::new();
        let sent = BTreeSet::from([PHOTO.id]);
        let base = JoinContext {
            own: OWN,
            nospam_is_admin: None,
            adder_trusted: false,
            is_trusted: false,
            on_bad_list: false,
            hits_rule: false,
            handled_by_other_bot: false,
            has_group_flood: false,
            photo_is_excepted: false,
            is_unproven: false,
            user: Some(&plain),
            was_looked_up: false,
            forwarded: &none,
        };
        let all_wrong = JoinContext {
            nospam_is_admin: Some(false),
            adder_trusted: true,
            is_trusted: true,
            user: Some(&bot),
            ..base.clone()
        };
        let skip = Decision::Skip;
        let table = [
            (OWN, all_wrong.clone(), skip(SkipReason::Own)),
            (JOINER, all_wrong.clone(), skip(SkipReason::UnwatchedGroup)),
            (
                JOINER,
                JoinContext {
                    nospam_is_admin: Some(true),
                    ..all_wrong.clone()
                },
                skip(SkipReason::AddedByTrusted),
            ),
            (
                JOINER,
                JoinContext {
                    nospam_is_admin: None,
                    adder_trusted: false,
                    ..all_wrong.clone()
                },
                skip(SkipReason::Bot),
            ),
            (
                JOINER,
                JoinContext {
                    is_trusted: true,
                    user: Some(&deleted),
                    ..base.clone()
                },
                skip(SkipReason::Deleted),
            ),
            (
                JOINER,
                JoinContext {
                    is_trusted: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::Trusted),
            ),
            (
                JOINER,
                JoinContext {
                    is_trusted: true,
                    user: None,
                    ..base.clone()
                },
                skip(SkipReason::Trusted),
            ),
            (
                JOINER,
                JoinContext {
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::NoPhoto),
            ),
            (
                JOINER,
                JoinContext {
                    forwarded: &sent,
                    ..base.clone()
                },
                skip(SkipReason::Repeat),
            ),
            (
                JOINER,
                JoinContext {
                    user: Some(&unknown),
                    ..base.clone()
                },
                Decision::LookUp,
            ),
            (
                JOINER,
                JoinContext {
                    user: Some(&unknown),
                    was_looked_up: true,
                    ..base.clone()
                },
                skip(SkipReason::Unreadable),
            ),
            (
                JOINER,
                JoinContext {
                    user: None,
                    ..base.clone()
                },
                Decision::LookUp,
            ),
            (
                JOINER,
                JoinContext {
                    on_bad_list: true,
                    is_trusted: true,
                    hits_rule: true,
                    ..base.clone()
                },
                skip(SkipReason::Bad),
            ),
            (
                JOINER,
                JoinContext {
                    hits_rule: true,
                    handled_by_other_bot: true,
                    ..base.clone()
                },
                skip(SkipReason::Named),
            ),
            (
                JOINER,
                JoinContext {
                    handled_by_other_bot: true,
                    has_group_flood: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::Declared),
            ),
            (
                JOINER,
                JoinContext {
                    has_group_flood: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                Decision::Hold,
            ),
            (
                JOINER,
                JoinContext {
                    has_group_flood: true,
                    user: None,
                    ..base.clone()
                },
                Decision::Hold,
            ),
            (
                JOINER,
                JoinContext {
                    on_bad_list: true,
                    user: None,
                    ..base.clone()
                },
                skip(SkipReason::Bad),
            ),
            (
                JOINER,
                JoinContext {
                    is_unproven: true,
                    user: None,
                    has_group_flood: true,
                    ..base.clone()
                },
                skip(SkipReason::Unproven),
            ),
            (
                JOINER,
                JoinContext {
                    is_unproven: true,
                    user: None,
                    on_bad_list: true,
                    ..base.clone()
                },
                skip(SkipReason::Bad),
            ),
            (
                JOINER,
                JoinContext {
                    is_unproven: true,
                    ..base.clone()
                },
                skip(SkipReason::Unproven),
            ),
            (
                JOINER,
                JoinContext {
                    is_unproven: true,
                    user: Some(&unknown),
                    ..base.clone()
                },
                skip(SkipReason::Unproven),
            ),
            (
                JOINER,
                JoinContext {
                    is_unproven: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::NoPhoto),
            ),
            (
                JOINER,
                JoinContext {
                    photo_is_excepted: true,
                    forwarded: &sent,
                    ..base.clone()
                },
                skip(SkipReason::Excepted),
            ),
            (JOINER, base, Decision::Forward(PHOTO)),
        ];
        for (who, context, expected) in table {
            assert_eq!(join(&join_of(who), &context), expected, "{context:?}");
        }
    }
}
