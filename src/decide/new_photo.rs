//! The recheck of a member who is still new (docs/outcomes.md): which photo is new, and which decisions replace the
//! recorded outcome of the join.

use std::collections::BTreeSet;

use super::Decision;
use crate::model::{Photo, PhotoId, ProfilePhoto, SkipReason};

/// Returns the photo that the user shows, unless it is one of those `known` for the group.
#[must_use]
pub fn new_photo(shown: ProfilePhoto, known: &BTreeSet<PhotoId>) -> Option<Photo> {
    match shown {
        ProfilePhoto::Present(photo) if !known.contains(&photo.id) => Some(photo),
        _ => None,
    }
}

/// Returns true if a decision on a new photo replaces the recorded outcome. Most reasons to skip do not: the join was
/// decided before, and its next recheck may end differently.
#[must_use]
pub const fn overrides_outcome(decision: &Decision) -> bool {
    match decision {
        Decision::Forward(_) | Decision::Hold | Decision::LookUp => true,
        // The hit is counted once; as `named`, the join is not rechecked again.
        Decision::Skip(reason) => match reason {
            SkipReason::Named => true,
            SkipReason::Own
            | SkipReason::UnwatchedGroup
            | SkipReason::AddedByTrusted
            | SkipReason::Bot
            | SkipReason::Deleted
            | SkipReason::Bad
            | SkipReason::Trusted
            | SkipReason::Declared
            | SkipReason::NoPhoto
            | SkipReason::Unreadable
            | SkipReason::Excepted
            | SkipReason::Repeat
            | SkipReason::Unproven => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    const PHOTO: Photo = Photo {
        id: PhotoId::new(7),
        dc: 2,
    };

    #[test]
    fn a_photo_is_new_only_if_it_is_shown_and_not_known() {
        let shown = ProfilePhoto::Present(PHOTO);
        let none = BTreeSet::new();
        assert_eq!(new_photo(shown, &none), Some(PHOTO));
        let other = BTreeSet::from([PhotoId::new(8)]);
        assert_eq!(new_photo(shown, &other), Some(PHOTO));
        assert_eq!(new_photo(shown, &BTreeSet::from([PHOTO.id])), None);
        assert_eq!(new_photo(ProfilePhoto::Absent, &none), None);
        assert_eq!(new_photo(ProfilePhoto::Unknown, &none), None);
    }

    #[test]
    fn a_reason_to_skip_keeps_the_outcome_except_for_a_rule_hit() {
        for decision in [Decision::Forward(PHOTO), Decision::Hold, Decision::LookUp] {
            assert!(overrides_outcome(&decision), "{decision:?}");
        }
        for reason in SkipReason::iter() {
            let overrides = overrides_outcome(&Decision::Skip(reason));
            assert_eq!(overrides, reason == SkipReason::Named, "{reason}");
        }
    }
}
