use super::*;
use crate::config::UnseenPolicy;
use crate::model::{
    Advance, DatedMessage, FullGroup, Member, MembersPage, Membership, MessageId, Page, Sender,
};
use crate::store::{SenderState, StoreError};
use crate::task::fixture::{ADMIN, Fixture, GROUP, JOINER, NOW, PTS, join, user};

fn recorder(fixture: &Fixture) -> MemberRecorder {
    fixture.write(|tx| tx.replace_admins(GROUP, &[ADMIN, crate::task::fixture::NOSPAM], NOW));
    MemberRecorder {
        database: fixture.database.clone(),
        runtime: fixture.runtime.clone(),
        join_policy: fixture.join_policy.clone(),
        member_recheck: fixture.member_recheck.clone(),
        post_commit: fixture.transactions.post_commit.clone(),
        time_new: 1800,
        unseen: UnseenPolicy::Forward,
    }
}

/// A page with one member, who joined that many seconds ago.
fn page_with(id: UserId, seconds_ago: i64) -> MembersPage {
    MembersPage {
        members: vec![Member {
            user: user(id, Some(7)),
            membership: Membership::Member {
                since: NOW.plus(-seconds_ago),
            },
        }],
        rows: 1,
        count: 1,
    }
}

const END: ScanEnd = ScanEnd {
    reason: None,
    period: 120,
    found_before: 0,
};

fn group_scan(fixture: &Fixture) -> GroupScan {
    fixture.write(|tx| tx.group_scan(GROUP)).expect("watched")
}

/// Returns the messages of the joins of [`JOINER`], oldest first.
fn messages(fixture: &Fixture) -> Vec<i32> {
    fixture.write(|tx| {
        let crate::model::ListData::Users(users) = tx.list(crate::model::List::UserIds)? else {
            panic!("another list");
        };
        let joins = users.joins.iter().filter(|join| join.user == JOINER);
        Ok::<_, StoreError>(joins.map(|join| join.message.get()).collect())
    })
}

#[tokio::test]
async fn a_member_is_recorded_once_and_a_message_that_came_meanwhile_wins() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    let page = page_with(JOINER, 10);
    let found = recorder.new_members(GROUP, &page).await.expect("read");
    assert_eq!((found.count, found.youngest), (1, Some(NOW.plus(-10))));
    // The push comes between the page and its transaction.
    fixture.write(|tx| {
        let pushed = crate::model::Join {
            date: NOW.plus(-9),
            ..join(5, JOINER)
        };
        let policy = &fixture.join_policy;
        let found_by = crate::model::FoundBy::Push;
        policy.record_join(tx, &pushed, Some(&user(JOINER, Some(7))), found_by, NOW)
    });
    assert_eq!(
        recorder
            .record(GROUP, &page, Some(END))
            .await
            .expect("written"),
        0
    );
    assert_eq!(messages(&fixture), [5]);
    assert_eq!(group_scan(&fixture).scanned_at, Some(NOW));
    // A later date is another join.
    let again = page_with(JOINER, 0);
    assert_eq!(
        recorder
            .record(GROUP, &again, Some(END))
            .await
            .expect("written"),
        1
    );
    assert_eq!(
        recorder
            .record(GROUP, &again, Some(END))
            .await
            .expect("written"),
        0
    );
    assert_eq!(messages(&fixture).len(), 2);
    assert!(messages(&fixture).contains(&0), "no message");
    let class = group_scan(&fixture).class;
    assert_eq!(class, GroupClass::Scanned, "a join without a message");
}

#[tokio::test]
async fn a_message_after_the_scan_shows_that_the_group_announces_its_joins() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    let page = page_with(JOINER, 0);
    fixture.write(|tx| tx.compare_member_count(GROUP, 100, NOW));
    assert_eq!(
        recorder
            .record(GROUP, &page, Some(END))
            .await
            .expect("written"),
        1
    );
    let late = Page {
        joins: vec![join(9, JOINER)],
        messages: vec![DatedMessage {
            id: MessageId::new(9),
            date: NOW,
        }],
        last_message: Some(MessageId::new(9)),
        ..Page::empty(
            GROUP,
            Advance::Pushed {
                to: PTS + 1,
                count: 1,
            },
        )
    };
    fixture.write(|tx| fixture.transactions.apply_pushed(tx, &late, NOW));
    assert_eq!(messages(&fixture), [9]);
    let scan = group_scan(&fixture);
    assert_eq!((scan.unseen_join_at, scan.full_wanted), (None, true));
    assert_eq!(scan.class, GroupClass::Scanned);
    let full = FullGroup {
        shows_members: true,
        member_count: None,
        pts: PTS + 1,
    };
    recorder.record_full(GROUP, full).await.expect("written");
    assert_eq!(group_scan(&fixture).class, GroupClass::Announced);
    let rose = |count| fixture.write(|tx| tx.compare_member_count(GROUP, count, NOW));
    assert!(!rose(101), "the join is counted");
    assert!(rose(102), "and counted once");
}

#[tokio::test]
async fn a_reason_that_comes_up_during_a_scan_is_kept() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    fixture.write(|tx| tx.want_scan(GROUP, ScanReason::FirstMessage, NOW.plus(-20)));
    fixture.write(|tx| tx.want_scan(GROUP, ScanReason::Gap, NOW.plus(-10)));
    let reason = Some((ScanReason::Gap, NOW.plus(-20)));
    assert_eq!(group_scan(&fixture).wanted, reason);
    let nobody = MembersPage::default();
    // Both reasons are settled.
    fixture.write(|tx| tx.begin_scan(GROUP));
    recorder
        .record(GROUP, &nobody, Some(END))
        .await
        .expect("written");
    assert_eq!(group_scan(&fixture).wanted, None);
    fixture.write(|tx| tx.want_scan(GROUP, ScanReason::Gap, NOW));
    fixture.write(|tx| tx.begin_scan(GROUP));
    let under_way = group_scan(&fixture).wanted;
    assert_eq!(
        under_way,
        Some((ScanReason::Gap, Timestamp::new(0))),
        "a kill leaves it"
    );
    fixture.write(|tx| tx.want_scan(GROUP, ScanReason::FirstMessage, NOW));
    recorder
        .record(GROUP, &nobody, Some(END))
        .await
        .expect("written");
    assert_eq!(group_scan(&fixture).wanted, Some((ScanReason::Gap, NOW)));
}

#[tokio::test]
async fn the_member_count_is_compared_only_at_the_position_that_was_read() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    let full = |pts: i32, count: u32| FullGroup {
        shows_members: true,
        member_count: Some(count),
        pts,
    };
    for (pts, count) in [(PTS, 10), (PTS + 1, 20)] {
        recorder
            .record_full(GROUP, full(pts, count))
            .await
            .expect("written");
        let scan = group_scan(&fixture);
        assert_eq!((scan.member_count, scan.wanted), (Some(10), None));
    }
    recorder
        .record_full(GROUP, full(PTS, 11))
        .await
        .expect("written");
    let scan = group_scan(&fixture);
    assert_eq!(scan.wanted, Some((ScanReason::MemberCount, NOW)));
    assert_eq!(
        (scan.full_at, scan.class),
        (Some(NOW), GroupClass::Announced)
    );
    let large = full(PTS + 1, 9_000);
    recorder.record_full(GROUP, large).await.expect("written");
    assert_eq!(group_scan(&fixture).class, GroupClass::Scanned);
    recorder
        .record(GROUP, &MembersPage::default(), Some(END))
        .await
        .expect("written");
    assert_eq!(group_scan(&fixture).class, GroupClass::Scanned);
}

#[tokio::test]
async fn at_most_thirty_first_messages_an_hour_show_new_members() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    fixture.write(|tx| {
        tx.set_group_class(GROUP, GroupClass::Hidden, None)?;
        tx.begin_learning(GROUP, NOW.plus(-8 * 24 * 3600))?;
        tx.set_dates_refused(GROUP, NOW)?;
        for number in 0..35 {
            let sender = Sender {
                user: UserId::new(1_000 + number),
                message: MessageId::new(100),
                date: NOW.plus(-number),
            };
            tx.note_sender(GROUP, sender, SenderState::Pending)?;
        }
        // An administrator writes, and a user whose join was seen.
        for known in [ADMIN, JOINER] {
            let sender = Sender {
                user: known,
                message: MessageId::new(100),
                date: NOW,
            };
            tx.note_sender(GROUP, sender, SenderState::Pending)?;
        }
        let found_by = crate::model::FoundBy::Push;
        fixture
            .join_policy
            .record_join(tx, &join(5, JOINER), None, found_by, NOW)
    });
    recorder.decide_senders(GROUP).await.expect("written");
    let counted = fixture.write(|tx| {
        assert_eq!(tx.pending_senders()?, []);
        assert_eq!(
            tx.joins_to_look_up(100)?.len(),
            31,
            "with that of the message"
        );
        tx.count_first_message_joins(GROUP, NOW.plus(-3600))
    });
    assert_eq!(counted, 30);
    let unproven = fixture.write(|tx| {
        let crate::model::ListData::Users(users) = tx.list(crate::model::List::UserIds)? else {
            panic!("another list");
        };
        let outcomes = users.joins.iter().map(|join| join.outcome.as_str());
        Ok::<_, StoreError>(outcomes.filter(|outcome| *outcome == "unproven").count())
    });
    assert_eq!(unproven, 5);
}

#[tokio::test]
async fn the_first_list_shows_that_a_group_is_large() {
    let fixture = Fixture::new();
    let recorder = recorder(&fixture);
    for (count, class) in [(8_999, GroupClass::Announced), (9_000, GroupClass::Scanned)] {
        let page = MembersPage {
            count,
            ..MembersPage::default()
        };
        let recorded = recorder.record(GROUP, &page, Some(END)).await;
        recorded.expect("recorded");
        assert_eq!(group_scan(&fixture).class, class, "{count}");
    }
}
