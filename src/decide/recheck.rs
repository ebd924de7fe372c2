//! A second look at a member who is still new (SPEC §4.1): which photo is news, and which decisions
//! change what is recorded of the join.

use std::collections::BTreeSet;

use super::{Decision, SkipReason};
use crate::model::{Photo, PhotoId, ProfilePhoto};

/// Returns the photo that is shown, if it is not among those that are `known` for the group.
#[must_use]
pub fn news(shown: ProfilePhoto, known: &BTreeSet<PhotoId>) -> Option<Photo> {
    match shown {
        ProfilePhoto::Present(photo) if !known.contains(&photo.id) => Some(photo),
        _ => None,
    }
}

/// Returns whether a decision on news is carried out. What else speaks against the photo leaves the
/// record as it is: the join was decided on before, and its next look may turn out otherwise.
#[must_use]
pub const fn changes_the_record(decision: &Decision) -> bool {
    match decision {
        Decision::Forward(_) | Decision::Hold | Decision::LookUp => true,
        // The hit counts one, and nothing more is looked for.
        Decision::Skip(reason) => matches!(reason, SkipReason::Named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_photo_that_is_shown_and_not_known_is_news() {
        let photo = Photo {
            id: PhotoId::new(7),
            dc: 2,
        };
        let shown = ProfilePhoto::Present(photo);
        let none = BTreeSet::new();
        assert_eq!(news(shown, &none), Some(photo));
        assert_eq!(news(shown, &BTreeSet::from([PhotoId::new(8)])), Some(photo));
        assert_eq!(news(shown, &BTreeSet::from([photo.id])), None);
        assert_eq!(news(ProfilePhoto::Absent, &none), None);
        assert_eq!(news(ProfilePhoto::Unknown, &none), None);
    }

    #[test]
    fn a_reason_to_skip_leaves_the_record_but_for_a_rules_hit() {
        let photo = Photo {
            id: PhotoId::new(7),
            dc: 2,
        };
        for decision in [
            Decision::Forward(photo),
            Decision::Hold,
            Decision::LookUp,
            Decision::Skip(SkipReason::Named),
        ] {
            assert!(changes_the_record(&decision), "{decision:?}");
        }
        for reason in [
            SkipReason::Own,
            SkipReason::UnwatchedGroup,
            SkipReason::AddedByTrusted,
            SkipReason::Bot,
            SkipReason::Deleted,
            SkipReason::Bad,
            SkipReason::Trusted,
            SkipReason::Declared,
            SkipReason::NoPhoto,
            SkipReason::Excepted,
            SkipReason::Repeat,
        ] {
            assert!(!changes_the_record(&Decision::Skip(reason)), "{reason}");
        }
    }
}
