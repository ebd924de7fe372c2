//! The reasons why a join leads to no photo (docs/outcomes.md).
//!
//! A new reason is one variant here and its condition in `decide::join_decision`. The compiler then reports the matches
//! that need it: here, `decide::overrides_outcome`, and `task::join_policy::concerns_photo_only`.

use std::fmt;

use super::EffectOnRecheck;

/// Why a join led to no photo. The order is that of the decision: the first reason that holds is recorded.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
#[strum(serialize_all = "snake_case")]
pub enum SkipReason {
    /// The account itself joined. The default exists only for the iteration over `JoinOutcome`.
    #[default]
    Own,
    /// NOSPAM is not an administrator of the group.
    UnwatchedGroup,
    /// A trusted user added the member.
    AddedByTrusted,
    Bot,
    /// The account was deleted.
    Deleted,
    /// The user is on the bad list: the fleet bans them everywhere.
    Bad,
    /// The user is an administrator of any group, or one of the fleet.
    Trusted,
    /// The name or bio hits a rule: NOSPAM bans such users without needing the photo.
    Named,
    /// Another bot declared the join message as handled.
    Declared,
    /// The user shows this account no photo.
    NoPhoto,
    /// Telegram names no usable reference to the user: a full object of them decides.
    Unreadable,
    /// The photo is on the exception list.
    Excepted,
    /// The photo was forwarded for this group before, or waits to be.
    Repeat,
    /// The user wrote a first message in a hidden group, and may or may not be a new member.
    Unproven,
}

/// An outcome in words for a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub meaning: &'static str,
    /// A remedy for the maintainer, if there is one.
    pub remedy: Option<&'static str>,
}

impl Explanation {
    pub(super) const fn of(meaning: &'static str) -> Self {
        Self {
            meaning,
            remedy: None,
        }
    }

    pub(super) const fn with_remedy(meaning: &'static str, remedy: &'static str) -> Self {
        Self {
            meaning,
            remedy: Some(remedy),
        }
    }
}

impl SkipReason {
    /// Returns the word that `state.db` stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the effect of this reason on a recheck.
    pub(super) const fn effect_on_recheck(self) -> EffectOnRecheck {
        match self {
            Self::NoPhoto | Self::Unreadable | Self::Excepted | Self::Repeat => {
                EffectOnRecheck::Recheck
            }
            Self::UnwatchedGroup | Self::AddedByTrusted | Self::Declared | Self::Unproven => {
                EffectOnRecheck::IgnoreThisGroup
            }
            Self::Own | Self::Bot | Self::Deleted | Self::Bad | Self::Trusted | Self::Named => {
                EffectOnRecheck::Stop
            }
        }
    }

    pub(super) const fn explanation(self) -> Explanation {
        match self {
            Self::Own => Explanation::of("this is the account itself"),
            Self::UnwatchedGroup => Explanation::with_remedy(
                "nospam_id is set, and NOSPAM was not an administrator of the group",
                "make NOSPAM an administrator there, then have MANAGE post update / refresh",
            ),
            Self::AddedByTrusted => Explanation::of(
                "an administrator of any group, or one of the fleet, added the user: such members are trusted",
            ),
            Self::Bot => Explanation::of("it is a bot"),
            Self::Deleted => Explanation::of("the account was deleted"),
            Self::Bad => Explanation::with_remedy(
                "the user was on the bad list, at the join or while the photo waited: the fleet has already banned the user",
                "if that is wrong, have NOSPAM, MANAGE or USER post remove / bad",
            ),
            Self::Trusted => Explanation::of(
                "the user was an administrator of a group that the account is in, or one of the fleet",
            ),
            Self::Named => Explanation::with_remedy(
                "the name or bio hits a rule: NOSPAM bans such users without needing the photo",
                "if that is wrong, correct the rule in REGEX; its hits are in the count report",
            ),
            Self::Declared => Explanation::of(
                "another bot declared the join message as handled, before the join was seen or while the photo waited",
            ),
            Self::NoPhoto => Explanation::of(
                "the user shows no photo to this account: there is none, or it is private",
            ),
            Self::Unreadable => Explanation::of(
                "Telegram names no usable reference to the user; the join is decided as soon as an update or a page shows the user",
            ),
            Self::Excepted => Explanation::with_remedy(
                "the photo was on the exception list",
                "if that is wrong, have NOSPAM or MANAGE post remove / except",
            ),
            Self::Repeat => Explanation::of(
                "this photo of this user was forwarded for this group before, or was on its way",
            ),
            Self::Unproven => Explanation::with_remedy(
                "the user wrote a first message in a group that keeps the dates of joins secret: nothing proves that the user is new",
                "with unseen = \"forward\" the photos of such users are forwarded, at most 30 per group and hour",
            ),
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
