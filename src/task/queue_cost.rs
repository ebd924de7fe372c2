//! Checks that the cost of a step does not grow with the rows that wait. The cost is the number of steps in SQLite's
//! virtual machine, which is the same in every run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::fixture::{Fixture, HIDE, NOW, PTS};
use crate::model::{
    AccessHash, AddedBy, Avatar, Channel, ChannelId, ChannelKind, FoundBy, Join, JoinOutcome,
    MessageId, Photo, PhotoId, ProfilePhoto, Purpose, Sender, Timestamp, User, UserId,
};
use crate::store::{FailedDownload, PhotoOf, PostedAs, SenderState, StoreError, Tx};

const FEW: i64 = 100;
const MANY: i64 = 10_000;
const GROUPS: i64 = 40;
/// How much more a step may cost with many rows, in percent.
const TOLERANCE: i64 = 20;
/// How many temporary tables a change of a waiting row may need. A condition of an index or a table with more than two
/// words needs one at each change.
const TEMPORARY_TABLES: usize = 3;

/// Databases with few and many rows that wait, as files. Each is filled once.
static FEW_ROWS: LazyLock<Vec<u8>> = LazyLock::new(|| filled(FEW));
static MANY_ROWS: LazyLock<Vec<u8>> = LazyLock::new(|| filled(MANY));

fn filled(waiting: i64) -> Vec<u8> {
    let fixture = Fixture::new();
    fixture.write(|tx| fill(tx, waiting));
    fixture.into_state()
}

/// Asserts that `work` costs the same beside few and many rows that wait, and reads no large table as a whole; and
/// that SQLite prepares each statement once.
pub(super) fn assert_flat(work: impl Fn(&Fixture)) {
    let cost = |filled: &[u8]| {
        let fixture = Fixture::with_state(filled);
        let statements = fixture.store.record_statements();
        work(&fixture);
        let steps = statements.take();
        assert_eq!(statements.prepared_again(), BTreeSet::new());
        for sql in steps.keys() {
            let scans = fixture.store.full_scans(sql);
            assert!(scans.is_empty(), "{scans:?}: {sql}");
            let tables = fixture.store.temporary_tables(sql);
            assert!(tables <= Some(TEMPORARY_TABLES), "{tables:?} tables: {sql}");
        }
        steps
    };
    let (few, many) = (cost(&FEW_ROWS), cost(&MANY_ROWS));
    let sum = |steps: &BTreeMap<String, i64>| steps.values().sum::<i64>();
    assert!(sum(&few) > 0, "no statement ran");
    assert!(
        sum(&many) * 100 <= sum(&few) * (100 + TOLERANCE),
        "{FEW} rows: {} {few:#?}\n{MANY} rows: {} {many:#?}",
        sum(&few),
        sum(&many)
    );
}

/// Adds joins with photos that wait: in five, two are to be fetched, one of them from another data centre; two are to be
/// posted; and one was postponed after a failure. A quarter as many were posted, and a quarter dropped. Each user also
/// has a join that waits for a look-up.
fn fill(tx: &Tx<'_>, waiting: i64) -> Result<(), StoreError> {
    for group in 0..GROUPS {
        tx.record_channel(&Channel {
            id: group_of(group),
            access_hash: AccessHash::new(1),
            kind: ChannelKind::Group,
            title: String::new(),
            can_post: false,
            since: Timestamp::new(0),
            pts: PTS,
            top_message: MessageId::new(0),
            member_count: None,
        })?;
    }
    for number in 0..waiting + waiting / 2 {
        let avatar = avatar(number);
        // Half a day of joins: all of them are younger than the oldest that may wait.
        let at = NOW.plus(-43_000 + number % 40_000);
        let of = PhotoOf {
            user: avatar.user,
            photo: avatar.photo.id,
        };
        let join = Join {
            group: avatar.group,
            message: avatar.message,
            user: avatar.user,
            added_by: AddedBy::Themselves,
            date: at,
        };
        let user = User {
            id: avatar.user,
            access_hash: Some(AccessHash::new(5)),
            min: false,
            name: "A name".into(),
            bot: false,
            deleted: false,
            photo: ProfilePhoto::Present(avatar.photo),
        };
        tx.record_user(&user, None)?;
        tx.record_join(&join, JoinOutcome::Queued, FoundBy::Push, at)?;
        tx.enqueue_avatar(&avatar, at)?;
        if number % 10 == 0 {
            add_first_message(tx, &join)?;
        }
        let to_look_up = Join {
            message: MessageId::new(5_000_000 + join.message.get()),
            ..join
        };
        tx.record_join(&to_look_up, JoinOutcome::LookUp, FoundBy::Push, at)?;
        let row = tx.rows_wanting(of)?.remove(0).id;
        let fetch = || tx.set_fetched(row, &format!("file{number}"), 97_000, at);
        let post = PostedAs {
            channel: HIDE,
            message: MessageId::new(i32::try_from(number).expect("small") + 1000),
        };
        // A row that waits, and otherwise how it was settled.
        let is_posted = (number >= waiting).then_some(number < waiting + waiting / 4);
        match (is_posted, number % 5) {
            (None, 0 | 1) => {}
            (None, 2 | 3) => {
                fetch()?;
            }
            (None, _) => tx.download_failed(
                of,
                FailedDownload {
                    due_at: NOW.plus(60),
                    reason: "no answer",
                    refused_at: None,
                },
            )?,
            (Some(true), _) => {
                fetch()?;
                tx.set_sending(row, HIDE)?;
                tx.set_sent(row, post.message, at)?;
                tx.record_forwarded(&avatar, post, at)?;
                tx.settle_row(row, JoinOutcome::Forwarded)?;
            }
            (Some(false), _) => {
                tx.set_dropped(row, "expired", at)?;
                tx.settle_row(row, JoinOutcome::Expired)?;
            }
        }
    }
    tx.enqueue_text(Purpose::Online, "online", NOW)
}

/// Adds the join of a member who was found by a first message, the sender, and one who is still pending.
fn add_first_message(tx: &Tx<'_>, join: &Join) -> Result<(), StoreError> {
    let unseen = Join {
        message: MessageId::new(-join.message.get()),
        ..*join
    };
    tx.record_join(
        &unseen,
        JoinOutcome::Expired,
        FoundBy::FirstMessage,
        join.date,
    )?;
    for (offset, state) in [(0, SenderState::Known), (1, SenderState::Pending)] {
        let sender = Sender {
            user: UserId::new(join.user.get() + offset),
            message: join.message,
            date: join.date,
        };
        tx.note_sender(join.group, sender, state)?;
    }
    Ok(())
}

fn group_of(number: i64) -> ChannelId {
    ChannelId::from_bare(2_000_000_000 + number % GROUPS)
}

/// A photo that [`fill`] adds.
pub(super) fn avatar(number: i64) -> Avatar {
    Avatar {
        group: group_of(number),
        user: UserId::new(1_000 + number),
        message: MessageId::new(i32::try_from(number).expect("small") + 1),
        photo: Photo {
            id: PhotoId::new(10_000_000 + number),
            dc: if number % 5 == 0 { 4 } else { 2 },
        },
        recheck: false,
    }
}

#[test]
fn a_first_message_costs_the_same_however_many_senders_wait() {
    let group = group_of(0);
    assert_flat(|fixture| {
        fixture.write(|tx| {
            assert_eq!(tx.pending_senders()?.len(), 4, "every tenth of 40 groups");
            let pending = tx.pending_senders_of(group, 1)?;
            assert_eq!(tx.count_senders(group, 2)?, 2);
            assert_eq!(
                tx.count_first_message_joins(group, NOW.plus(-1))?,
                0,
                "in the last second"
            );
            let sender = pending[0].sender;
            tx.set_sender_state(group, sender.user, SenderState::Known)?;
            let avatar = avatar(0);
            // The message of a join that was found without one.
            let join = Join {
                group,
                message: MessageId::new(3_000_000),
                user: avatar.user,
                added_by: AddedBy::Themselves,
                date: NOW.plus(-43_000),
            };
            assert!(tx.fill_in_message(&join)?);
            Ok(())
        });
    });
}

#[test]
fn the_history_of_a_user_costs_the_same_however_many_joins_are_kept() {
    let user = avatar(0).user;
    assert_flat(|fixture| {
        fixture.write(|tx| {
            tx.user_roles(user)?;
            assert!(!tx.user_joins(user, None)?.is_empty());
            assert!(!tx.user_photos(user, None)?.is_empty());
            tx.clear_times()?;
            tx.titles()?;
            tx.group_signs()?;
            Ok(())
        });
    });
}
