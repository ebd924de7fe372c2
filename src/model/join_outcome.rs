//! The outcome of a join: the word in `state.db`, its explanation for people, and its meaning for a recheck.
//!
//! A new outcome is one variant here. The compiler then reports the matches below that need it; no other module matches
//! on all outcomes. Reasons to skip are in `skip_reason`.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::Serialize;
use strum::IntoEnumIterator as _;

use super::{Explanation, SkipReason};

/// The outcome of a join (docs/outcomes.md).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumIter, Serialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(into = "&'static str")]
pub enum JoinOutcome {
    /// The user has to be looked up before the program can decide.
    #[strum(serialize = "lookup")]
    LookUp,
    /// A photo waits to be fetched or posted.
    Queued,
    /// The photo was posted.
    Forwarded,
    /// No photo is forwarded, for this reason.
    #[strum(transparent)]
    Skipped(SkipReason),
    /// The photo could not be downloaded, or could not be posted.
    Failed,
    /// The group is under a group flood: the program decides again when the flood ends.
    Held,
    /// CAPTCHA ended the recheck of the user in the group, and no photo waited.
    Kicked,
    /// The photo waited longer than `delivery.max_age_hours`.
    Expired,
    /// Another instance posted the photo.
    Taken,
    /// The join came back with a restored list, and was not decided when that list was saved.
    Restored,
}

/// The effect of an outcome on a recheck of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectOnRecheck {
    /// A recheck forwards a photo that the user shows later, for this join.
    Recheck,
    /// A recheck ignores the joins in this group, and may use an earlier join in another group.
    IgnoreThisGroup,
    /// The user is not rechecked: the outcome concerns the user, or the join is not decided yet.
    Stop,
}

/// A word that does not name an outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an outcome of a join that this version knows")]
pub struct UnknownOutcome(String);

impl JoinOutcome {
    /// Returns every outcome.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
            .filter(|outcome| !matches!(outcome, Self::Skipped(_)))
            .chain(SkipReason::iter().map(Self::Skipped))
    }

    /// Returns the word that `state.db` stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Parses the word of a list's file or of `state.db`. A word that this version does not know, because another
    /// version wrote it or the disk damaged it, is a restored join: one such record must not stop a backup.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        word.parse().unwrap_or(Self::Restored)
    }

    /// Returns true if the join is not settled: the program still has work to do for it.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        match self {
            Self::LookUp | Self::Queued | Self::Held => true,
            Self::Forwarded
            | Self::Skipped(_)
            | Self::Failed
            | Self::Kicked
            | Self::Expired
            | Self::Taken
            | Self::Restored => false,
        }
    }

    /// Returns the effect of this outcome on a recheck.
    #[must_use]
    pub const fn effect_on_recheck(self) -> EffectOnRecheck {
        match self {
            Self::Skipped(reason) => reason.effect_on_recheck(),
            Self::Queued
            | Self::Forwarded
            | Self::Failed
            | Self::Expired
            | Self::Taken
            | Self::Restored => EffectOnRecheck::Recheck,
            Self::Kicked => EffectOnRecheck::IgnoreThisGroup,
            Self::LookUp | Self::Held => EffectOnRecheck::Stop,
        }
    }

    /// Explains the outcome to a maintainer.
    #[must_use]
    pub const fn explanation(self) -> Explanation {
        match self {
            Self::Skipped(reason) => reason.explanation(),
            Self::LookUp => Explanation::with_remedy(
                "the user is being looked up: the join did not show the photo, or the bio is to be checked",
                "nothing at first. If the outcome stays, look for a rate limit in `status`, and for `users cannot be looked up` in the log",
            ),
            Self::Queued => Explanation::of("a photo is on its way; see below"),
            Self::Forwarded => Explanation::of("a photo was posted; see below"),
            Self::Failed => Explanation::with_remedy(
                "the photo could not be downloaded completely or could not be posted; the reason is below, for a week",
                "if it happens to many users, report it. A later join or recheck retries",
            ),
            Self::Held => Explanation::with_remedy(
                "CAPTCHA says that the group is flooded: the join is decided again when CAPTCHA reports the end",
                "if the flood is over, have CAPTCHA post flood / status with `end`",
            ),
            Self::Kicked => Explanation::of(
                "CAPTCHA ended the recheck of the user in this group (help / delete to USER), and no photo waited",
            ),
            Self::Expired => Explanation::with_remedy(
                "the photo waited longer than delivery.max_age_hours and was dropped",
                "look for rate limits and a closed channel in `status`, or raise max_age_hours",
            ),
            Self::Taken => Explanation::of(
                "another account that does the same job posted the photo, and HIDE showed it before this one began",
            ),
            Self::Restored => Explanation::of(
                "a rollback or restore of user_ids brought the join back; it was undecided when that list was saved",
            ),
        }
    }
}

impl FromStr for JoinOutcome {
    type Err = UnknownOutcome;

    fn from_str(word: &str) -> Result<Self, UnknownOutcome> {
        Self::all()
            .find(|outcome| outcome.as_str() == word)
            .ok_or_else(|| UnknownOutcome(word.to_owned()))
    }
}

/// Outcomes are ordered by their words, so that the JSON of `status` is.
impl Ord for JoinOutcome {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for JoinOutcome {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_outcome_has_its_own_word_and_explanation() {
        let all: Vec<JoinOutcome> = JoinOutcome::all().collect();
        assert_eq!(all.len(), 9 + SkipReason::iter().count());
        let mut sentences = BTreeSet::new();
        for outcome in &all {
            let word = outcome.as_str();
            assert_eq!(word.parse(), Ok(*outcome));
            let explanation = outcome.explanation();
            assert!(sentences.insert(explanation.meaning), "{word}");
            for sentence in [Some(explanation.meaning), explanation.remedy]
                .into_iter()
                .flatten()
            {
                let ends = sentence.ends_with(['.', ',', ' ']);
                assert!(sentence.len() > 10 && !ends, "{word}: {sentence}");
            }
        }
        let words: BTreeSet<&str> = all.iter().map(|outcome| outcome.as_str()).collect();
        assert_eq!(words.len(), all.len());
        assert!(words.contains("lookup") && words.contains("added_by_trusted"));
        let unknown = "sung".parse::<JoinOutcome>().expect_err("unknown");
        assert!(unknown.to_string().contains("\"sung\""));
    }

    #[test]
    fn the_json_of_an_outcome_is_its_word() {
        let skipped = JoinOutcome::Skipped(SkipReason::NoPhoto);
        let json = serde_json::to_string(&skipped).expect("JSON");
        assert_eq!(json, "\"no_photo\"");
    }
}
