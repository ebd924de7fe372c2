//! The reasons to read a list of members: a member count that the seen joins do not explain, and the order of reasons.

use super::*;
use crate::model::{AccessHash, Channel, ChannelKind, ScanReason};

const GROUP: ChannelId = AVATAR.group;

fn with_group(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
    with_tx(|tx| {
        tx.record_channel(&Channel {
            id: GROUP,
            access_hash: AccessHash::new(1),
            kind: ChannelKind::Group,
            title: String::new(),
            can_post: false,
            since: Timestamp::new(1),
            pts: 1,
            top_message: MessageId::new(1),
            member_count: None,
        })?;
        check(tx)
    });
}

#[test]
fn a_member_count_is_explained_by_the_joins_and_leaves_that_were_seen() {
    // From 100 members on: the present count, the joins and leaves that were seen, the joins that nothing explains.
    for (count, joins, leaves, unexplained) in [
        (100, 0, 0, 0),
        (103, 0, 0, 3),
        (103, 3, 0, 0),
        (103, 2, 0, 1),
        // Three joined and two left, one of them unseen.
        (101, 3, 2, 0),
        (101, 3, 1, 0),
        (101, 2, 2, 1),
        // A member left without a message, which is no join.
        (99, 0, 0, 0),
        (99, 1, 0, 0),
    ] {
        with_group(|tx| {
            tx.compare_member_count(GROUP, 100, NOW)?;
            assert_eq!(
                tx.group_scans()?.remove(0).unexplained_joins,
                0,
                "the first count"
            );
            tx.count_membership_changes(GROUP, joins, leaves)?;
            tx.compare_member_count(GROUP, count, NOW)?;
            let scan = tx.group_scans()?.remove(0);
            let case = format!("{count} {joins} {leaves}");
            assert_eq!(scan.unexplained_joins, unexplained, "{case}");
            assert_eq!(scan.member_count, Some(count));
            let wanted = (unexplained > 0).then_some((ScanReason::MemberCount, NOW));
            assert_eq!(scan.wanted, wanted, "{case}");
            Ok(())
        });
    }
}

#[test]
fn joins_are_compared_once_and_may_explain_an_earlier_rise() {
    with_group(|tx| {
        tx.compare_member_count(GROUP, 100, NOW)?;
        tx.compare_member_count(GROUP, 105, NOW)?;
        assert_eq!(tx.group_scans()?.remove(0).unexplained_joins, 5);
        // Two of the five joins are seen later.
        tx.count_membership_changes(GROUP, 1, 0)?;
        tx.count_membership_changes(GROUP, 1, 0)?;
        tx.compare_member_count(GROUP, 105, NOW)?;
        assert_eq!(tx.group_scans()?.remove(0).unexplained_joins, 3);
        tx.compare_member_count(GROUP, 105, NOW)?;
        assert_eq!(
            tx.group_scans()?.remove(0).unexplained_joins,
            3,
            "the same joins counted twice"
        );
        tx.count_membership_changes(GROUP, 9, 0)?;
        tx.compare_member_count(GROUP, 105, NOW)?;
        assert_eq!(tx.group_scans()?.remove(0).unexplained_joins, 0);
        tx.compare_member_count(GROUP, 106, NOW)?;
        assert_eq!(tx.group_scans()?.remove(0).unexplained_joins, 1);
        Ok(())
    });
}

#[test]
fn the_better_of_two_reasons_stays_with_the_time_of_the_first() {
    let reasons = [
        ScanReason::Gap,
        ScanReason::MemberCount,
        ScanReason::FirstMessage,
    ];
    for first in reasons {
        for second in reasons {
            with_group(|tx| {
                tx.want_scan(GROUP, first, NOW)?;
                tx.want_scan(GROUP, second, NOW.plus(1))?;
                let wanted = tx.group_scans()?.remove(0).wanted;
                assert_eq!(wanted, Some((first.min(second), NOW)), "{first:?}");
                Ok(())
            });
        }
    }
}
