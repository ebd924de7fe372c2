//! When the list of members of a group is read, and for which reason.

use crate::model::{GroupClass, GroupScan, ScanReason, Timestamp};

/// The time between two scans of one group, whatever the reason, in seconds.
const GROUP_INTERVAL: i64 = 60;
/// The time between two scans of one group for a gap.
const GAP_INTERVAL: i64 = 120;
/// The time between two scans of one group for a first message, if its joins have messages.
const FIRST_MESSAGE_INTERVAL: i64 = 600;
/// A first scan waits that long for the administrators of its group, who are not new members.
const WAIT_FOR_ADMINISTRATORS: i64 = 120;
/// How long Telegram's refusal to tell dates is believed.
const REFUSAL_PERIOD: i64 = 24 * 3600;

/// Returns true if Telegram refused the dates of a group's members not long ago.
#[must_use]
pub fn dates_are_refused(group: &GroupScan, now: Timestamp) -> bool {
    past(group.dates_refused_at, now).is_some_and(|at| now < at.plus(REFUSAL_PERIOD))
}

/// Returns when the list of members of a group is to be read, and why.
pub(super) fn scan_due(
    group: &GroupScan,
    now: Timestamp,
) -> Option<(Timestamp, Option<ScanReason>)> {
    if !matches!(group.class, GroupClass::Announced | GroupClass::Scanned) {
        return None;
    }
    let Some(scanned_at) = past(group.scanned_at, now) else {
        let known_since = group.since.max(group.watched_from);
        let due = if group.administrators_known || group.wanted.is_some() {
            known_since
        } else {
            known_since.plus(WAIT_FOR_ADMINISTRATORS)
        };
        return Some((due, group.wanted.map(|(reason, _)| reason)));
    };
    let after = |last: Option<Timestamp>, interval: i64| {
        past(last, now).map_or(Timestamp::new(0), |at| at.plus(interval))
    };
    let wanted = group.wanted.map(|(reason, since)| {
        let due = match reason {
            ScanReason::Gap => since.max(after(group.gap_scanned_at, GAP_INTERVAL)),
            ScanReason::MemberCount => since,
            ScanReason::FirstMessage if group.class == GroupClass::Scanned => {
                since.max(scanned_at.plus(2 * GROUP_INTERVAL))
            }
            ScanReason::FirstMessage => since.max(after(
                group.first_message_scanned_at,
                FIRST_MESSAGE_INTERVAL,
            )),
        };
        (due, Some(reason))
    });
    let regular =
        (group.class == GroupClass::Scanned).then(|| (scanned_at.plus(group.period), None));
    let earliest = scanned_at.plus(GROUP_INTERVAL);
    let later = |(due, reason): (Timestamp, Option<ScanReason>)| (due.max(earliest), reason);
    match (wanted.map(later), regular.map(later)) {
        (Some(wanted), Some(regular)) if wanted.0 <= now => {
            Some((wanted.0.min(regular.0), wanted.1))
        }
        (Some(wanted), Some(regular)) => Some(if wanted.0 < regular.0 {
            wanted
        } else {
            regular
        }),
        (wanted, regular) => wanted.or(regular),
    }
}

/// Returns how many seconds of waiting a reason counts for.
pub(super) const fn head_start(reason: Option<ScanReason>) -> i64 {
    match reason {
        Some(ScanReason::Gap) => 180,
        Some(ScanReason::MemberCount) => 120,
        Some(ScanReason::FirstMessage) => 60,
        None => 0,
    }
}

/// Returns a stored time unless it lies in the future, because the clock was set back since.
pub(super) fn past(at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    at.filter(|at| *at <= now)
}
