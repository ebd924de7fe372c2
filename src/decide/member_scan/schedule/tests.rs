use super::*;
use crate::model::{AccessHash, MessageId, Sender, UserId};

const NOW: Timestamp = Timestamp::new(1_800_000_000);
const DAY: i64 = 24 * 3600;

/// Makes an `announced` group that was scanned and read an hour ago.
pub(in crate::decide::member_scan) fn group(id: i64) -> GroupScan {
    GroupScan {
        group: ChannelId::from_bare(id),
        access_hash: AccessHash::new(1),
        class: GroupClass::Announced,
        since: Timestamp::new(1_700_000_000),
        watched_from: Timestamp::new(0),
        administrators_known: true,
        has_seen_join: true,
        full_at: Some(NOW.plus(-3600)),
        full_wanted: false,
        member_count: Some(100),
        unexplained_joins: 0,
        wanted: None,
        scanned_at: Some(NOW.plus(-3600)),
        gap_scanned_at: None,
        first_message_scanned_at: None,
        period: 120,
        unseen_join_at: None,
        dates_refused_at: None,
        learning_since: None,
    }
}

fn wanted(id: i64, reason: ScanReason, seconds_ago: i64) -> GroupScan {
    GroupScan {
        wanted: Some((reason, NOW.plus(-seconds_ago))),
        ..group(id)
    }
}

fn scanned(id: i64, seconds_ago: i64) -> GroupScan {
    GroupScan {
        class: GroupClass::Scanned,
        scanned_at: Some(NOW.plus(-seconds_ago)),
        ..group(id)
    }
}

fn hidden(id: i64) -> GroupScan {
    GroupScan {
        class: GroupClass::Hidden,
        ..group(id)
    }
}

fn pending(group: i64, seconds_ago: i64) -> PendingSender {
    PendingSender {
        group: ChannelId::from_bare(group),
        sender: Sender {
            user: UserId::new(group + 1_000),
            message: MessageId::new(5),
            date: NOW.plus(-seconds_ago),
        },
    }
}

fn next(groups: &[GroupScan]) -> NextStep {
    ScanSchedule::default().next(groups, &[], NOW)
}

fn scan(group: usize, reason: Option<ScanReason>) -> NextStep {
    NextStep::Step(ScanStep::Members { group, reason })
}

fn wait(seconds: i64) -> NextStep {
    NextStep::Wait(Some(NOW.plus(seconds)))
}

#[test]
fn a_quiet_group_is_only_read_once_a_day() {
    assert_eq!(next(&[]), NextStep::Wait(None));
    assert_eq!(next(&[group(1)]), wait(DAY - 3600));
    let full_at = Some(NOW.plus(-DAY));
    let due = GroupScan {
        full_at,
        ..group(1)
    };
    let read = |group| NextStep::Step(ScanStep::FullGroup { group });
    assert_eq!(next(std::slice::from_ref(&due)), read(0));
    let never = GroupScan {
        full_at: None,
        ..group(2)
    };
    let silent = GroupScan {
        has_seen_join: false,
        ..never.clone()
    };
    assert_eq!(next(&[due.clone(), never.clone()]), read(1));
    assert_eq!(next(&[due, never, silent]), read(2), "no joins were seen");
    let set_back = GroupScan {
        full_at: Some(NOW.plus(1)),
        ..group(1)
    };
    assert_eq!(next(&[set_back]), read(0), "the clock was set back");
}

#[test]
fn a_full_group_that_is_wanted_is_read_before_its_time() {
    let at = |seconds_ago: i64| GroupScan {
        full_at: Some(NOW.plus(-seconds_ago)),
        full_wanted: true,
        ..group(1)
    };
    assert_eq!(next(&[at(59)]), wait(1));
    let read = NextStep::Step(ScanStep::FullGroup { group: 0 });
    assert_eq!(next(&[at(60)]), read);
    let mut schedule = ScanSchedule::default();
    schedule.record_call(ScanCall::FullGroup, NOW);
    assert_eq!(schedule.next(&[at(60)], &[], NOW), wait(10));
}

#[test]
fn a_young_group_is_read_again_when_it_is_not_young_any_more() {
    let young = GroupScan {
        since: NOW.plus(-600),
        full_at: Some(NOW.plus(-590)),
        ..group(1)
    };
    assert_eq!(next(std::slice::from_ref(&young)), wait(600));
    let read_again = GroupScan {
        full_at: Some(NOW.plus(600)),
        ..young
    };
    let next = ScanSchedule::default().next(&[read_again], &[], NOW.plus(600));
    assert_eq!(next, wait(600 + DAY));
}

#[test]
fn every_group_gets_one_scan_once_its_administrators_are_known() {
    let new = GroupScan {
        scanned_at: None,
        since: NOW.plus(-10),
        ..group(1)
    };
    assert_eq!(next(std::slice::from_ref(&new)), scan(0, None));
    let unknown = GroupScan {
        administrators_known: false,
        ..new
    };
    assert_eq!(next(std::slice::from_ref(&unknown)), wait(110));
    let sign = GroupScan {
        wanted: Some((ScanReason::Gap, NOW)),
        ..unknown
    };
    assert_eq!(next(&[sign]), scan(0, Some(ScanReason::Gap)));
    assert_eq!(next(&[hidden(1)]), wait(DAY - 3600), "the list is closed");
}

#[test]
fn first_scans_take_turns_with_others() {
    let new = |id| GroupScan {
        scanned_at: None,
        ..group(id)
    };
    let mut groups = vec![
        new(1),
        new(2),
        wanted(3, ScanReason::Gap, 10),
        scanned(4, 500),
    ];
    let mut schedule = ScanSchedule::default();
    let mut order = Vec::new();
    while order.len() < 4 {
        let NextStep::Step(ScanStep::Members { group, .. }) = schedule.next(&groups, &[], NOW)
        else {
            panic!("a scan is due after {order:?}");
        };
        order.push(groups[group].group.bare());
        schedule.record_scan(&groups[group]);
        groups[group].scanned_at = Some(NOW);
        groups[group].wanted = None;
    }
    assert_eq!(order, [1, 4, 2, 3]);
}

#[test]
fn better_reasons_come_first_unless_a_group_waits_too_long() {
    let mut groups = vec![
        scanned(1, 130),
        wanted(2, ScanReason::FirstMessage, 10),
        wanted(3, ScanReason::MemberCount, 10),
        wanted(4, ScanReason::Gap, 10),
    ];
    for reason in [
        ScanReason::Gap,
        ScanReason::MemberCount,
        ScanReason::FirstMessage,
    ] {
        assert_eq!(next(&groups), scan(groups.len() - 1, Some(reason)));
        groups.pop();
    }
    assert_eq!(next(&groups), scan(0, None));
    let overdue = [scanned(1, 120 + 191), wanted(4, ScanReason::Gap, 10)];
    assert_eq!(next(&overdue), scan(0, None));
}

#[test]
fn a_reason_does_not_repeat_scans_too_soon() {
    let at = |reason, seconds_ago: i64| GroupScan {
        scanned_at: Some(NOW.plus(-seconds_ago)),
        ..wanted(1, reason, 0)
    };
    for reason in [
        ScanReason::Gap,
        ScanReason::MemberCount,
        ScanReason::FirstMessage,
    ] {
        assert_eq!(next(&[at(reason, 59)]), wait(1), "{reason:?}");
        assert_eq!(next(&[at(reason, 60)]), scan(0, Some(reason)));
    }
    let gap = GroupScan {
        gap_scanned_at: Some(NOW.plus(-119)),
        ..at(ScanReason::Gap, 119)
    };
    assert_eq!(next(&[gap]), wait(1));
    let first_message = GroupScan {
        first_message_scanned_at: Some(NOW.plus(-500)),
        ..at(ScanReason::FirstMessage, 500)
    };
    assert_eq!(next(&[first_message]), wait(100));
}

#[test]
fn calls_keep_their_pace_and_their_rate_limits() {
    let groups = [scanned(1, 600), hidden(2)];
    let senders = [pending(2, 5)];
    let mut schedule = ScanSchedule::default();
    let ask = NextStep::Step(ScanStep::Sender { sender: 0 });
    assert_eq!(schedule.next(&groups, &senders, NOW), scan(0, None));
    schedule.record_call(ScanCall::Members, NOW);
    assert_eq!(schedule.next(&groups, &senders, NOW), ask, "another method");
    schedule.limit(ScanCall::Sender, NOW.plus(30));
    assert_eq!(schedule.next(&groups, &senders, NOW), wait(3));
    schedule.limit(ScanCall::Members, NOW.plus(40));
    assert_eq!(schedule.next(&groups, &senders, NOW), wait(30));
    assert_eq!(schedule.next(&groups, &senders, NOW.plus(30)), ask);
    assert!(!schedule.is_scan_due(&groups, NOW));
    assert!(schedule.is_scan_due(&groups, NOW.plus(37)));
}

#[test]
fn a_group_in_which_calls_fail_does_not_hold_up_others() {
    let groups = [scanned(1, 600), scanned(2, 400)];
    let mut schedule = ScanSchedule::default();
    assert_eq!(schedule.next(&groups, &[], NOW), scan(0, None));
    schedule.record_failure(groups[0].group, NOW);
    assert_eq!(schedule.next(&groups, &[], NOW), scan(1, None));
    assert_eq!(schedule.next(&groups[..1], &[], NOW), wait(60));
    schedule.record_failure(groups[0].group, NOW);
    assert_eq!(schedule.next(&groups[..1], &[], NOW), wait(120));
    schedule.record_success(groups[0].group);
    assert_eq!(schedule.next(&groups[..1], &[], NOW), scan(0, None));
}

#[test]
fn a_list_that_ends_the_connection_gives_way_for_a_minute_however_often() {
    let groups = [scanned(1, 600), scanned(2, 400)];
    let mut schedule = ScanSchedule::default();
    for _ in 0..10 {
        schedule.record_cut(groups[0].group, NOW);
    }
    assert_eq!(schedule.next(&groups, &[], NOW), scan(1, None));
    assert_eq!(schedule.next(&groups[..1], &[], NOW), wait(60));
    schedule.record_call(ScanCall::Members, NOW);
    let pause = |seconds| schedule.pause_before(ScanCall::Members, NOW.plus(seconds));
    assert_eq!([0, 2, 9].map(|at| pause(at).as_secs()), [3, 1, 0]);
}

#[test]
fn senders_of_different_groups_take_turns() {
    let groups = [hidden(1), hidden(2)];
    let senders = [pending(1, 500), pending(2, 5)];
    let mut schedule = ScanSchedule::default();
    let ask = |sender| NextStep::Step(ScanStep::Sender { sender });
    assert_eq!(schedule.next(&groups, &senders, NOW), ask(0));
    schedule.record_sender(groups[0].group, NOW);
    assert_eq!(schedule.next(&groups, &senders, NOW), ask(1));
    let refused = |seconds_ago: i64| GroupScan {
        dates_refused_at: Some(NOW.plus(-seconds_ago)),
        ..hidden(1)
    };
    let decide = NextStep::Step(ScanStep::Decide { sender: 0 });
    let next = |group: GroupScan| ScanSchedule::default().next(&[group], &senders[..1], NOW);
    assert_eq!(next(refused(DAY - 1)), decide);
    assert_eq!(next(refused(DAY)), ask(0), "Telegram is asked again");
    assert_eq!(next(group(1)), decide, "the group is not hidden any more");
}

/// Lets time pass over 200 groups, of which 40 are scanned regularly and the others for reasons that come up all the
/// time.
/// Returns the longest time between two scans of the 40, and of the others, and the number of calls of each kind.
fn simulate(seconds: i64) -> (i64, i64, BTreeMap<ScanCall, i64>) {
    let mut groups: Vec<GroupScan> = (0..200)
        .map(|id| {
            if id < 40 {
                scanned(id, 3600)
            } else {
                group(id)
            }
        })
        .collect();
    let mut schedule = ScanSchedule::default();
    let mut calls = BTreeMap::new();
    let mut longest = [0, 0];
    for second in 0..seconds {
        let now = NOW.plus(second);
        // Every ten seconds a message is deleted unread somewhere, and somebody writes first somewhere else.
        if second % 10 == 0 {
            let number = usize::try_from(second / 10).expect("positive");
            for (index, reason) in [
                (40 + number * 7 % 160, ScanReason::Gap),
                (40 + number * 11 % 160, ScanReason::FirstMessage),
            ] {
                let known = groups[index].wanted;
                if known.is_none_or(|(known, _)| reason < known) {
                    let since = known.map_or(now, |(_, since)| since);
                    groups[index].wanted = Some((reason, since));
                }
            }
        }
        match schedule.next(&groups, &[], now) {
            NextStep::Step(ScanStep::Members { group, reason }) => {
                *calls.entry(ScanCall::Members).or_default() += 1;
                schedule.record_call(ScanCall::Members, now);
                let group = &mut groups[group];
                schedule.record_scan(group);
                let is_regular = group.class == GroupClass::Scanned;
                let waited_since = match (second > 3600, is_regular) {
                    (false, _) => now,
                    (true, true) => group.scanned_at.expect("scanned"),
                    (true, false) => group.wanted.expect("a reason").1,
                };
                let kind = usize::from(!is_regular);
                longest[kind] = longest[kind].max(now.get() - waited_since.get());
                group.scanned_at = Some(now);
                group.wanted = None;
                match reason {
                    Some(ScanReason::Gap) => group.gap_scanned_at = Some(now),
                    Some(ScanReason::FirstMessage) => group.first_message_scanned_at = Some(now),
                    _ => {}
                }
            }
            NextStep::Step(ScanStep::FullGroup { group }) => {
                *calls.entry(ScanCall::FullGroup).or_default() += 1;
                schedule.record_call(ScanCall::FullGroup, now);
                groups[group].full_at = Some(now);
            }
            NextStep::Step(step) => panic!("{step:?}"),
            NextStep::Wait(_) => {}
        }
    }
    (longest[0], longest[1], calls)
}

#[test]
fn no_group_starves_among_two_hundred() {
    let (regular, others, calls) = simulate(DAY);
    println!("longest: {regular} s, {others} s; {calls:?}");
    assert!(regular <= 300, "{regular} s between two scans");
    assert!(others <= 600, "{others} s from a reason to its scan");
    assert!(calls[&ScanCall::Members] <= DAY / 3 + 1);
    assert_eq!(calls[&ScanCall::FullGroup], 200);
}
