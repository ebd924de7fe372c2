//! Explains each outcome of a join, and the steps that a maintainer can take (docs/outcomes.md).

use crate::decide::SkipReason;
use crate::store::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) sentence: &'static str,
    pub(super) remedy: Option<&'static str>,
}

/// Explains an outcome's name in `state.db`; returns `None` if this version does not know it.
pub(super) fn explanation(name: &str) -> Option<Explanation> {
    if name == "restored" {
        return Some(only(
            "a rollback or restore of user_ids brought the join back; it was undecided when that list was saved",
        ));
    }
    let skip = SkipReason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == name);
    let outcome = Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == name);
    match (outcome, skip) {
        (Some(outcome), _) => of_outcome(outcome),
        (None, Some(reason)) => Some(of_reason(reason)),
        (None, None) => None,
    }
}

const fn of_outcome(outcome: Outcome) -> Option<Explanation> {
    Some(match outcome {
        Outcome::LookUp => with(
            "the user is being looked up: the join did not show the photo, or the bio is to be checked",
            "nothing at first. If the outcome stays, look for a flood limit in `status`, and for `users cannot be looked up` in the log",
        ),
        Outcome::Queued => only("a photo is on its way; see below"),
        Outcome::Forwarded => only("a photo was posted; see below"),
        Outcome::Failed => with(
            "the photo could not be downloaded completely or could not be posted; the reason is below, for a week",
            "if it happens to many users, report it; the next join is tried again",
        ),
        Outcome::Held => with(
            "CAPTCHA says that the group is flooded: the join is decided again when CAPTCHA reports the end",
            "if the flood is over, have CAPTCHA post flood / status with `end`",
        ),
        Outcome::Kicked => only("CAPTCHA or WARN removed the user while the photo waited"),
        Outcome::Expired => with(
            "the photo waited longer than delivery.max_age_hours and was dropped",
            "look for flood limits and a closed channel in `status`, or raise max_age_hours",
        ),
        Outcome::Skipped(_) => return None,
    })
}

const fn of_reason(reason: SkipReason) -> Explanation {
    match reason {
        SkipReason::Own => only("this is the account itself"),
        SkipReason::UnwatchedGroup => with(
            "nospam_id is set, and NOSPAM was no administrator of the group",
            "make NOSPAM an administrator there, then have MANAGE post update / refresh",
        ),
        SkipReason::AddedByTrusted => only(
            "an administrator of any group, or one of the fleet, added the user: such members are trusted",
        ),
        SkipReason::Bot => only("it is a bot"),
        SkipReason::Deleted => only("the account was deleted"),
        SkipReason::Bad => with(
            "the user was on the bad list, at the join or while the photo waited: banned everywhere already",
            "if that is wrong, have NOSPAM, MANAGE or USER post remove / bad",
        ),
        SkipReason::Trusted => only(
            "the user was an administrator of a group that the account is in, or one of the fleet",
        ),
        SkipReason::Named => with(
            "the name or bio hits a rule: NOSPAM bans these unaided",
            "if that is wrong, correct the rule in REGEX; its hits are in the count report",
        ),
        SkipReason::Declared => only(
            "another bot declared the join message as handled, before the join was seen or while the photo waited",
        ),
        SkipReason::NoPhoto => {
            only("the user shows no photo to this account: there is none, or it is private")
        }
        SkipReason::Excepted => with(
            "the photo was on the exception list",
            "if that is wrong, have NOSPAM or MANAGE post remove / except",
        ),
        SkipReason::Repeat => {
            only("this photo of this user was forwarded for this group before, or was on its way")
        }
    }
}

const fn only(sentence: &'static str) -> Explanation {
    Explanation {
        sentence,
        remedy: None,
    }
}

const fn with(sentence: &'static str, remedy: &'static str) -> Explanation {
    Explanation {
        sentence,
        remedy: Some(remedy),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the names in an `as_str`, read from its source, to find a variant that `ALL` lacks.
    fn names(source: &str, enumeration: &str) -> Vec<String> {
        let body = source
            .split_once(&format!("impl {enumeration} {{"))
            .and_then(|(_, rest)| rest.split_once("fn as_str"))
            .and_then(|(_, rest)| rest.split_once("\n    }\n"))
            .map(|(body, _)| body)
            .expect("an as_str");
        let name = |line: &str| Some(line.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
        body.lines().filter_map(name).collect()
    }

    #[test]
    fn every_outcome_and_skip_reason_has_an_explanation_of_its_own() {
        let mut all = names(include_str!("../../decide/join.rs"), "SkipReason");
        assert_eq!(all.len(), SkipReason::ALL.len(), "{all:?}");
        let outcomes = names(include_str!("../../store/joins.rs"), "Outcome");
        assert_eq!(outcomes.len(), Outcome::ALL.len(), "{outcomes:?}");
        all.extend(outcomes);
        all.push("restored".into());
        let mut sentences = BTreeSet::new();
        for name in all {
            let found = explanation(&name).unwrap_or_else(|| panic!("{name} has no sentence"));
            assert!(
                sentences.insert(found.sentence),
                "{name} has another's sentence"
            );
            for sentence in [Some(found.sentence), found.remedy].into_iter().flatten() {
                let ends = sentence.ends_with(['.', ',', ' ']);
                assert!(sentence.len() > 10 && !ends, "{name}: {sentence}");
            }
        }
        assert_eq!(explanation("unknown"), None);
    }
}
