//! A join becomes a photo to forward, or a reason why not (SPEC §4).

use std::collections::BTreeSet;
use std::fmt;

use crate::model::{Join, Photo, PhotoId, ProfilePhoto, User, UserId};

/// Why a join led to no photo. SPEC §4, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The account itself.
    Own,
    /// NOSPAM is no administrator of the group.
    UnwatchedGroup,
    /// A trusted user added them.
    AddedByTrusted,
    /// The account is a bot.
    Bot,
    /// The account is deleted.
    Deleted,
    /// On the bad list: already banned everywhere.
    Bad,
    /// An administrator of any group, or one of the fleet.
    Trusted,
    /// The name or bio hits a rule: NOSPAM bans these unaided.
    Named,
    /// Another bot has dealt with the join message.
    Declared,
    /// No photo, or one that is hidden from this account.
    NoPhoto,
    /// The photo is on the exception list.
    Excepted,
    /// This photo of this user was already forwarded for this group, or is on its way.
    Repeat,
}

impl SkipReason {
    /// All of them, in SPEC's order.
    pub const ALL: [Self; 12] = [
        Self::Own,
        Self::UnwatchedGroup,
        Self::AddedByTrusted,
        Self::Bot,
        Self::Deleted,
        Self::Bad,
        Self::Trusted,
        Self::Named,
        Self::Declared,
        Self::NoPhoto,
        Self::Excepted,
        Self::Repeat,
    ];

    /// Returns SPEC's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::UnwatchedGroup => "unwatched_group",
            Self::AddedByTrusted => "added_by_trusted",
            Self::Bot => "bot",
            Self::Deleted => "deleted",
            Self::Bad => "bad",
            Self::Trusted => "trusted",
            Self::Named => "named",
            Self::Declared => "declared",
            Self::NoPhoto => "no_photo",
            Self::Excepted => "excepted",
            Self::Repeat => "repeat",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known when a join is decided on.
#[derive(Clone, Debug)]
pub struct JoinContext<'a> {
    /// This account.
    pub own: UserId,
    /// Whether NOSPAM is an administrator of the group; `None` if it does not matter (no
    /// `nospam_id`) or the administrators could not be learned: then the group counts as watched,
    /// since a photo too many costs less than one too few.
    pub nospam_is_admin: Option<bool>,
    /// Whether the one who added them is trusted.
    pub adder_trusted: bool,
    /// Whether the joiner is trusted.
    pub trusted: bool,
    /// Whether the joiner is on the bad list.
    pub bad: bool,
    /// Whether their name or bio hits a rule.
    pub named: bool,
    /// Whether another bot has dealt with the join message.
    pub declared: bool,
    /// Whether the group is flooded.
    pub flooded: bool,
    /// The joiner as last shown; `None` if no user object came along.
    pub user: Option<&'a User>,
    /// Whether the photo shown is on the exception list.
    pub excepted: bool,
    /// The photos of this user that were forwarded for this group, or are queued for it.
    pub forwarded: &'a BTreeSet<PhotoId>,
}

/// What to do about a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, for this reason.
    Skip(SkipReason),
    /// Ask Telegram for the user first: what came along does not tell the photo.
    LookUp,
    /// Wait for the end of the group's flood, and decide anew then.
    Hold,
    /// Forward this photo.
    Forward(Photo),
}

/// Decides on one join; the first reason that holds wins (SPEC §4).
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
        } else if context.flooded {
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
    if context.flooded {
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
    fn the_first_reason_that_holds_is_the_one_recorded() {
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
            flooded: false,
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
                    flooded: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                skip(SkipReason::Declared),
            ),
            (
                JOINER,
                JoinContext {
                    flooded: true,
                    user: Some(&bare),
                    ..base.clone()
                },
                Decision::Hold,
            ),
            (
                JOINER,
                JoinContext {
                    flooded: true,
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
