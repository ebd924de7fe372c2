//! The decision on a join: a photo to forward, or the first reason that speaks against it (docs/outcomes.md).

use std::collections::BTreeSet;

use crate::model::{Join, Photo, PhotoId, ProfilePhoto, SkipReason, User, UserId};

/// Everything that a decision on a join depends on.
#[derive(Clone, Debug)]
pub struct JoinContext<'a> {
    /// This account.
    pub own: UserId,
    /// True if NOSPAM is an administrator of the group. `None` if that does not matter (no `nospam_id`), and if the
    /// administrators could not be learned: the group then counts as watched, because a photo too many costs less
    /// than one too few.
    pub nospam_is_admin: Option<bool>,
    /// True if the user who added the member is trusted.
    pub adder_trusted: bool,
    /// True if the member is trusted.
    pub trusted: bool,
    /// True if the member is on the bad list.
    pub bad: bool,
    /// True if the member's name or bio hits a rule.
    pub named: bool,
    /// True if another bot declared the join message as handled.
    pub declared: bool,
    /// True if the group is under a group flood.
    pub has_group_flood: bool,
    /// The member as last shown; `None` without a user object.
    pub user: Option<&'a User>,
    /// True if the photo shown is on the exception list.
    pub excepted: bool,
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
        return if context.bad {
            Decision::Skip(SkipReason::Bad)
        } else if context.trusted {
            Decision::Skip(SkipReason::Trusted)
        } else if context.has_group_flood {
            Decision::Hold
        } else {
            Decision::LookUp
        };
    };
    let by_user = [
        (user.bot, SkipReason::Bot),
        (user.deleted, SkipReason::Deleted),
        (context.bad, SkipReason::Bad),
        (context.trusted, SkipReason::Trusted),
        (context.named, SkipReason::Named),
        (context.declared, SkipReason::Declared),
    ];
    if let Some((_, reason)) = by_user.into_iter().find(|(holds, _)| *holds) {
        return Decision::Skip(reason);
    }
    if context.has_group_flood {
        return Decision::Hold;
    }
    match user.photo {
        ProfilePhoto::Unknown => Decision::LookUp,
        ProfilePhoto::Absent => Decision::Skip(SkipReason::NoPhoto),
        ProfilePhoto::Present(_) if context.excepted => Decision::Skip(SkipReason::Excepted),
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

    fn the_join(user: UserId) -> Join {
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
            trusted: false,
            bad: false,
            named: false,
            declared: false,
            has_group_flood: false,
            excepted: false,
            user: Some(&plain),
            forwarded: &none,
        };
        let all_wrong = JoinContext {
            nospam_is_admin: Some(false),
            adder_trusted: true,
            trusted: true,
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
                    trusted: true,
                    user: Some(&deleted),
                    ..base.clone()
                },
                skip(SkipReason::Deleted),
            ),
            (
                JOINER,
                JoinContext {
                    trusted: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::Trusted),
            ),
            (
                JOINER,
                JoinContext {
                    trusted: true,
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
                    user: None,
                    ..base.clone()
                },
                Decision::LookUp,
            ),
            (
                JOINER,
                JoinContext {
                    bad: true,
                    trusted: true,
                    named: true,
                    ..base.clone()
                },
                skip(SkipReason::Bad),
            ),
            (
                JOINER,
                JoinContext {
                    named: true,
                    declared: true,
                    ..base.clone()
                },
                skip(SkipReason::Named),
            ),
            (
                JOINER,
                JoinContext {
                    declared: true,
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
                    bad: true,
                    user: None,
                    ..base.clone()
                },
                skip(SkipReason::Bad),
            ),
            (
                JOINER,
                JoinContext {
                    excepted: true,
                    forwarded: &sent,
                    ..base.clone()
                },
                skip(SkipReason::Excepted),
            ),
            (JOINER, base, Decision::Forward(PHOTO)),
        ];
        for (who, context, expected) in table {
            assert_eq!(join(&the_join(who), &context), expected, "{context:?}");
        }
    }
}
