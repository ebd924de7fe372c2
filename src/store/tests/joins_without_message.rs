//! Joins without a message: their message may be read later, and a list of members may show them again.

use super::*;
use crate::model::FoundBy;

const DATE: Timestamp = NOW.plus(-60);

/// A join that the list of members showed.
fn unseen(date: Timestamp) -> Join {
    Join {
        group: AVATAR.group,
        message: MessageId::unseen(date),
        user: AVATAR.user,
        added_by: AddedBy::Themselves,
        date,
    }
}

/// The join message of the same member.
fn announced(message: i32, date: Timestamp) -> Join {
    Join {
        message: MessageId::new(message),
        ..unseen(date)
    }
}

#[test]
fn a_message_within_five_seconds_belongs_to_the_join_without_one() {
    for (offset, same) in [(-6, false), (-5, true), (0, true), (5, true), (6, false)] {
        with_tx(|tx| {
            tx.record_join(&unseen(DATE), JoinOutcome::Queued, FoundBy::Scan, NOW)?;
            let message = announced(40, DATE.plus(offset));
            assert_eq!(tx.fill_in_message(&message)?, same, "{offset}");
            assert_eq!(tx.has_join(&message)?, same, "{offset}");
            let joins = tx.user_joins(AVATAR.user, None)?;
            assert_eq!(joins.len(), 1);
            assert_eq!(joins[0].message_id.get(), if same { 40 } else { 0 });
            assert_eq!(joins[0].found_by, Some(FoundBy::Scan));
            // A second message is another join.
            let again = announced(41, DATE.plus(offset));
            assert!(!tx.fill_in_message(&again)?);
            Ok(())
        });
    }
}

#[test]
fn a_message_is_filled_in_only_for_its_member_and_group() {
    with_tx(|tx| {
        tx.record_join(&unseen(DATE), JoinOutcome::Queued, FoundBy::Scan, NOW)?;
        let message = announced(40, DATE);
        let other_user = Join {
            user: UserId::new(60),
            ..message
        };
        let other_group = Join {
            group: ChannelId::from_bare(50),
            ..message
        };
        assert!(!tx.fill_in_message(&other_user)?);
        assert!(!tx.fill_in_message(&other_group)?);
        assert!(tx.fill_in_message(&message)?);
        Ok(())
    });
}

#[test]
fn the_nearest_of_two_joins_gets_the_message() {
    with_tx(|tx| {
        for date in [DATE, DATE.plus(4)] {
            tx.record_join(&unseen(date), JoinOutcome::Queued, FoundBy::Scan, NOW)?;
        }
        assert!(tx.fill_in_message(&announced(40, DATE.plus(3)))?);
        let joins = tx.user_joins(AVATAR.user, None)?;
        let shown: Vec<_> = joins
            .iter()
            .map(|join| (join.joined_at, join.message_id.get()))
            .collect();
        assert_eq!(shown, [(DATE.plus(4), 40), (DATE, 0)]);
        Ok(())
    });
}

#[test]
fn the_photo_of_a_join_follows_its_message() {
    with_tx(|tx| {
        let join = unseen(DATE);
        tx.record_join(&join, JoinOutcome::Queued, FoundBy::Scan, NOW)?;
        let avatar = Avatar {
            message: join.message,
            ..AVATAR
        };
        tx.enqueue_avatar(&avatar, NOW)?;
        assert!(tx.fill_in_message(&announced(40, DATE))?);
        let photos = tx.user_photos(AVATAR.user, None)?;
        assert_eq!(photos[0].join_message_id, Some(MessageId::new(40)));
        // A declaration of the message cancels the photo.
        let scope = CancelScope::Message {
            group: AVATAR.group,
            message: MessageId::new(40),
        };
        let declared = JoinOutcome::Skipped(SkipReason::Declared);
        tx.cancel(scope, declared, NOW)?;
        assert_eq!(tx.avatars_to_fetch(NOW, 9)?, []);
        assert_eq!(tx.user_joins(AVATAR.user, None)?[0].outcome, declared);
        Ok(())
    });
}

#[test]
fn a_list_of_members_shows_a_recorded_join_and_no_earlier_one() {
    for join in [announced(40, DATE), unseen(DATE)] {
        with_tx(|tx| {
            tx.record_join(&join, JoinOutcome::Queued, FoundBy::Push, NOW)?;
            let has_join = |user: i64, group: i64, date: Timestamp| {
                tx.has_join_since(ChannelId::from_bare(group), UserId::new(user), date)
            };
            // The clocks of a message and of a list may differ by a few seconds.
            for (date, recorded) in [
                (DATE.plus(-100), true),
                (DATE, true),
                (DATE.plus(5), true),
                (DATE.plus(6), false),
            ] {
                assert_eq!(has_join(6, 5, date)?, recorded, "{date}");
            }
            assert!(!has_join(60, 5, DATE)?);
            assert!(!has_join(6, 50, DATE)?);
            Ok(())
        });
    }
}
