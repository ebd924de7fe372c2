//! Which photos an instance fetches and posts that is not the only one.

use super::*;
use crate::model::{Payload, Share};

/// The second of three instances: the members with the remainder 1 are its own.
fn members(silent: u64, now: Timestamp) -> Members {
    Members::Shared(shared_members(silent, now))
}

fn shared_members(silent: u64, now: Timestamp) -> SharedMembers {
    SharedMembers {
        share: Share::parse("2/3").expect("a share"),
        silent,
        made_until: now.plus(-60),
        turn: 5,
        made_from: now.plus(60),
    }
}

fn enqueue(tx: &Tx<'_>, user: i64, made_at: Timestamp) -> Result<OutboxRow, StoreError> {
    let avatar = Avatar {
        user: UserId::new(user),
        ..AVATAR
    };
    tx.enqueue_avatar(&avatar, made_at)?;
    Ok(tx.avatars_to_fetch(made_at, 1)?.remove(0))
}

fn fetch(tx: &Tx<'_>, user: i64, made_at: Timestamp) -> Result<OutboxRow, StoreError> {
    let row = enqueue(tx, user, made_at)?;
    assert!(tx.set_fetched(row.id, &format!("file{user}"), 1, made_at)?);
    Ok(row)
}

fn user_of(row: &OutboxRow) -> i64 {
    match &row.payload {
        Payload::Avatar(avatar) => avatar.user.get(),
        _ => panic!("{row}"),
    }
}

/// Returns the users whose photos are posted, in this order, if every post succeeds at once.
fn posted(tx: &Tx<'_>, members: Members) -> Result<Vec<i64>, StoreError> {
    let filter = SendFilter {
        members,
        ..SendFilter::ALL
    };
    let mut users = Vec::new();
    while let Some(row) = tx.next_to_send(NOW, filter)? {
        users.push(user_of(&row));
        tx.set_sent(row.id, MessageId::new(1), NOW)?;
    }
    Ok(users)
}

#[test]
fn own_members_are_posted_before_those_of_silent_instances_and_the_others_not_at_all() {
    // The bits of the silent remainders, and the users in the order of their posts.
    for (silent, users) in [
        (0b000, &[13, 10][..]),
        (0b001, &[13, 10, 12, 9]),
        (0b100, &[13, 10, 11]),
        (0b101, &[13, 10, 12, 11, 9]),
    ] {
        with_tx(|tx| {
            for (age, user) in [
                (90, 9),
                (80, 10),
                (75, 11),
                (70, 12),
                (1, 13),
                (59, 14),
                (59, 15),
            ] {
                fetch(tx, user, NOW.plus(-age))?;
            }
            assert_eq!(posted(tx, members(silent, NOW))?, users);
            Ok(())
        });
    }
}

#[test]
fn a_row_that_a_clock_set_back_left_in_the_future_counts_as_old() {
    with_tx(|tx| {
        let future = fetch(tx, 9, NOW.plus(3600))?;
        tx.postpone(future.id, NOW, false)?;
        assert_eq!(posted(tx, members(0b001, NOW))?, [9]);
        Ok(())
    });
}

#[test]
fn a_photo_whose_post_has_begun_goes_on_whosever_it_is() {
    with_tx(|tx| {
        let begun = fetch(tx, 9, NOW)?;
        tx.set_sending(begun.id, AVATAR.group)?;
        fetch(tx, 10, NOW)?;
        assert_eq!(posted(tx, members(0, NOW))?, [9, 10]);
        Ok(())
    });
}

#[test]
fn reports_come_first_also_for_several_instances() {
    with_tx(|tx| {
        fetch(tx, 10, NOW)?;
        tx.enqueue_text(Purpose::Online, "x", NOW)?;
        let filter = SendFilter {
            members: members(0, NOW),
            ..SendFilter::ALL
        };
        let next = tx.next_to_send(NOW, filter)?.expect("a row");
        assert_eq!(next.to_string(), "report online");
        Ok(())
    });
}

#[test]
fn own_members_are_fetched_first_and_alone_while_the_spool_is_half_full() {
    let share = Share::parse("2/3").expect("a share");
    with_tx(|tx| {
        for (age, user) in [(9, 10), (8, 9), (7, 13), (6, 11)] {
            enqueue(tx, user, NOW.plus(-age))?;
        }
        for (only_own, users) in [(false, &[13, 10, 11, 9][..]), (true, &[13, 10])] {
            let rows = tx.shared_avatars_to_fetch(share, only_own, &[], NOW, 9)?;
            let found: Vec<i64> = rows.iter().map(user_of).collect();
            assert_eq!(found, users);
        }
        assert_eq!(tx.shared_avatars_to_fetch(share, false, &[2], NOW, 9)?, []);
        assert_eq!(tx.count_others_waiting(share)?, 2);
        Ok(())
    });
}

/// The first instance covers for the third one, and this one for the first.
#[test]
fn an_instance_whose_turn_is_later_waits_for_a_row_to_be_older() {
    with_tx(|tx| {
        // 9 belongs to the first instance, and 11 to the third one.
        for (age, user) in [(62, 9), (62, 11), (64, 14), (65, 17)] {
            fetch(tx, user, NOW.plus(-age))?;
        }
        assert_eq!(posted(tx, members(0b101, NOW))?, [9, 17]);
        assert_eq!(posted(tx, members(0b101, NOW.plus(1)))?, [14]);
        Ok(())
    });
}

#[test]
fn the_next_age_is_that_of_the_oldest_photo_which_is_too_young() {
    with_tx(|tx| {
        for (age, user) in [(70, 9), (59, 10), (50, 12), (53, 11)] {
            fetch(tx, user, NOW.plus(-age))?;
        }
        let next = |now| tx.next_others_ready_from(shared_members(0, now));
        assert_eq!(next(NOW)?, Some(NOW.plus(-50)));
        // Another instance's turn is before this one's.
        assert_eq!(next(NOW.plus(10))?, Some(NOW.plus(-53 + 5)));
        assert_eq!(next(NOW.plus(12))?, None);
        Ok(())
    });
}

#[test]
fn reports_that_another_instance_sends_are_dropped_unless_they_are_begun() {
    with_tx(|tx| {
        tx.enqueue_text(Purpose::Online, "x", NOW)?;
        let begun = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
        tx.set_sending(begun.id, AVATAR.group)?;
        tx.enqueue_text(Purpose::Awake, "x", NOW)?;
        tx.enqueue_list(List::BadIds, "x", NOW)?;
        let list = tx.lists_to_make(None)?.remove(0);
        tx.set_fetched(list.id, "list", 1, NOW)?;
        fetch(tx, 10, NOW)?;
        assert_eq!(tx.drop_unsent_reports(NOW)?, ["list"]);
        let left = [begun.to_string(), "avatar".into()];
        for expected in left {
            let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
            assert!(row.to_string().starts_with(&expected), "{row}");
            tx.set_sent(row.id, MessageId::new(1), NOW)?;
        }
        assert_eq!(tx.next_to_send(NOW, SendFilter::ALL)?, None);
        Ok(())
    });
}
