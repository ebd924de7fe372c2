//! A sentence for each outcome of a join (SPEC §4): what it means, and what a maintainer may do.

use crate::decide::SkipReason;
use crate::store::Outcome;

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// In a sentence.
    pub(super) means: &'static str,
    /// What may be done about it, if anything.
    pub(super) remedy: Option<&'static str>,
}

/// Returns what a word of `state.db` means; `None` if this version does not know it.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    if word == "restored" {
        return Some(only(
            "it came back by a rollback or restore of user_ids; when that list was saved, it still waited",
        ));
    }
    let skip = SkipReason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == word);
    let outcome = Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == word);
    match (outcome, skip) {
        (Some(outcome), _) => of_outcome(outcome),
        (None, Some(reason)) => Some(of_reason(reason)),
        (None, None) => None,
    }
}

const fn of_outcome(outcome: Outcome) -> Option<Meaning> {
    Some(match outcome {
        Outcome::LookUp => with(
            "the user is being asked for: what came with the join does not tell the photo, or the bio is to be checked",
            "nothing at first. If it stays so, look for a flood in `status`, and for `users cannot be looked up` in the log",
        ),
        Outcome::Queued => only("a photo is on its way; see below"),
        Outcome::Forwarded => only("a photo was posted; see below"),
        Outcome::Failed => with(
            "the photo could not be had whole, or could not be posted; the reason is below, for a week",
            "if it happens to many, report it; when they join again, it is tried again",
        ),
        Outcome::Held => with(
            "CAPTCHA says that the group is flooded: the join is decided on anew when it says that this is over",
            "if there is no flood any more, have CAPTCHA post flood / status with `end`",
        ),
        Outcome::Kicked => only("CAPTCHA or WARN removed the user while the photo waited"),
        Outcome::Expired => with(
            "the photo waited for longer than delivery.max_age_hours, and was dropped",
            "look for floods and for a closed channel in `status`; or raise max_age_hours",
        ),
        Outcome::Skipped(_) => return None,
    })
}

const fn of_reason(reason: SkipReason) -> Meaning {
    match reason {
        SkipReason::Own => only("this is the account itself"),
        SkipReason::UnwatchedGroup => with(
            "nospam_id is set, and NOSPAM was no administrator of the group",
            "make NOSPAM an administrator there, then have MANAGE post update / refresh",
        ),
        SkipReason::AddedByTrusted => only(
            "who added them was an administrator of some group, or one of the fleet: such members are trusted",
        ),
        SkipReason::Bot => only("it is a bot"),
        SkipReason::Deleted => only("the account was deleted"),
        SkipReason::Bad => with(
            "the user was on the bad list, at the join or while the photo waited: banned everywhere already",
            "if that is wrong, have NOSPAM, MANAGE or USER post remove / bad",
        ),
        SkipReason::Trusted => only(
            "the user was an administrator of some group that the account is in, or one of the fleet",
        ),
        SkipReason::Named => with(
            "the name or bio hits a rule: NOSPAM bans these unaided",
            "if it should not, correct the rule in REGEX; its hits are in the count report",
        ),
        SkipReason::Declared => only(
            "another bot has declared the join message as dealt with, before the join was seen or while the photo waited",
        ),
        SkipReason::NoPhoto => only(
            "the user shows no photo to this account: there is none, or it is hidden from strangers",
        ),
        SkipReason::Excepted => with(
            "the photo was on the exception list",
            "if it should not be, have NOSPAM or MANAGE post remove / except",
        ),
        SkipReason::Repeat => {
            only("this photo of this user was forwarded for this group before, or was on its way")
        }
    }
}

const fn only(means: &'static str) -> Meaning {
    Meaning {
        means,
        remedy: None,
    }
}

const fn with(means: &'static str, remedy: &'static str) -> Meaning {
    Meaning {
        means,
        remedy: Some(remedy),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The words of an `as_str`, read from its source, so that a variant that `ALL` lacks is found.
    fn words(source: &str, enumeration: &str) -> Vec<String> {
        let body = source
            .split_once(&format!("impl {enumeration} {{"))
            .and_then(|(_, rest)| rest.split_once("fn as_str"))
            .and_then(|(_, rest)| rest.split_once("\n    }\n"))
            .map(|(body, _)| body)
            .expect("an as_str");
        let word = |line: &str| Some(line.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
        body.lines().filter_map(word).collect()
    }

    #[test]
    fn every_outcome_and_reason_has_a_sentence_of_its_own() {
        let mut all = words(include_str!("../../decide/join.rs"), "SkipReason");
        assert_eq!(all.len(), SkipReason::ALL.len(), "{all:?}");
        let outcomes = words(include_str!("../../store/joins.rs"), "Outcome");
        assert_eq!(outcomes.len(), Outcome::ALL.len(), "{outcomes:?}");
        all.extend(outcomes);
        all.push("restored".into());
        let mut said = BTreeSet::new();
        for word in all {
            let meaning = meaning(&word).unwrap_or_else(|| panic!("{word} has no sentence"));
            assert!(said.insert(meaning.means), "{word} has another's sentence");
            for sentence in [Some(meaning.means), meaning.remedy].into_iter().flatten() {
                let ends = sentence.ends_with(['.', ',', ' ']);
                assert!(sentence.len() > 10 && !ends, "{word}: {sentence}");
            }
        }
        assert_eq!(meaning("sung"), None);
    }
}
