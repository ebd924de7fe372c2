//! The sections of `status`, each as lines without indentation.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::app::instance_overview::{
    FloodOverview, GroupOverview, JobOverview, OrderOverview, QueueOverview,
};
use crate::cli::terminal::{bytes, relative, sanitize, sanitize_sentence, table, time};
use crate::model::{GroupClass, JoinOutcome, Timestamp};

pub(super) fn groups(groups: &[GroupOverview], now: Timestamp) -> Vec<String> {
    if groups.is_empty() {
        return vec!["none: the account is in no group".into()];
    }
    let heading = [
        "GROUP",
        "WATCHED",
        "TODAY",
        "LAST JOIN",
        "ADMINISTRATORS",
        "TITLE",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut groups: Vec<&GroupOverview> = groups.iter().collect();
    groups.sort_by_key(|group| rank(group, now));
    for group in &groups {
        let watched = match (group.present, group.watched) {
            (false, _) => "left",
            (true, true) => "yes",
            (true, false) => "no",
        };
        let administrators = match (group.administrators, group.administrators_at) {
            (Some(count), Some(at)) => format!("{count}, {}", relative(at, now)),
            _ => "not known yet".into(),
        };
        rows.push(vec![
            group.id.to_string(),
            watched.into(),
            group.joins_today.to_string(),
            group
                .last_join_at
                .map_or_else(|| "never".into(), |at| relative(at, now)),
            administrators,
            sanitize(&group.title),
        ]);
    }
    let mut lines = table(&rows);
    let lacks_nospam =
        |group: &GroupOverview| group.present && !group.watched && group.class != GroupClass::None;
    if groups.iter().copied().any(lacks_nospam) {
        lines.push("watched no: NOSPAM is not an administrator there".into());
    }
    if groups.iter().any(|group| !group.present) {
        lines.push("left: the account is not in that group any more".into());
    }
    lines
}

/// Returns the place of a group in the table: those in trouble come first, and those that were left long ago last.
fn rank(group: &GroupOverview, now: Timestamp) -> u8 {
    if group.is_left_lately(now) {
        0
    } else if !group.present {
        3
    } else if !group.watched {
        1
    } else {
        2
    }
}

pub(super) fn queue(queue: &QueueOverview, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    if queue.waiting.is_empty() {
        lines.push("nothing waits".into());
    } else {
        let heading = [
            "CLASS", "STATE", "< 1 MIN", "< 1 H", "< 1 DAY", "OLDER", "TOTAL", "OLDEST",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for waiting in &queue.waiting {
            rows.push(vec![
                waiting.class.clone(),
                waiting.state.clone(),
                waiting.under_a_minute.to_string(),
                waiting.under_an_hour.to_string(),
                waiting.under_a_day.to_string(),
                waiting.older.to_string(),
                waiting.total.to_string(),
                relative(waiting.oldest_at, now),
            ]);
        }
        lines.extend(table(&rows));
        lines.push(
            "wanted: to be fetched; fetched: waits for its post; sending: the post has begun"
                .into(),
        );
    }
    lines.push(String::new());
    let sent: Vec<String> = queue
        .sent_24h
        .iter()
        .map(|(class, count)| format!("{class} {count}"))
        .collect();
    for (name, value) in [
        ("joins to look up", queue.joins_to_look_up.to_string()),
        ("joins held by a flood", queue.joins_held.to_string()),
        ("exceptions due", queue.exceptions_due.to_string()),
        (
            "photos that wait",
            format!(
                "{} of at most {}",
                bytes(queue.spool_bytes),
                bytes(queue.spool_max_bytes)
            ),
        ),
        (
            "posted in 24 hours",
            if sent.is_empty() {
                "nothing".into()
            } else {
                sent.join(", ")
            },
        ),
    ] {
        lines.push(format!("{name:<24}{value}"));
    }
    if queue.dropped_24h.is_empty() {
        lines.push(format!("{:<24}nothing", "dropped in 24 hours"));
    } else {
        lines.push("dropped in 24 hours".into());
        for dropped in &queue.dropped_24h {
            let (class, reason) = (&dropped.class, sanitize_sentence(&dropped.reason));
            lines.push(format!("{:>7}  {class:<8} {reason}", dropped.count));
        }
    }
    lines
}

pub(super) fn jobs(jobs: &[JobOverview], now: Timestamp) -> Vec<String> {
    let mut rows = vec![["JOB", "LAST RUN", "NEXT"].map(str::to_owned).to_vec()];
    for job in jobs {
        let next = match job.next_at {
            None => "unknown".into(),
            Some(_) if job.missed && job.catches_up => "missed: at the next start".into(),
            Some(_) if job.missed => "missed, and skipped".into(),
            Some(at) if at <= now => format!("{}, due", at.rfc3339()),
            Some(at) => time(at, now),
        };
        rows.push(vec![
            job.job.to_owned(),
            job.ran_at
                .map_or_else(|| "never".into(), |at| time(at, now)),
            next,
        ]);
    }
    table(&rows)
}

/// Returns today's joins by outcome, the most frequent first, and by the way in which they were found.
pub(super) fn joins(
    joins_today: &BTreeMap<JoinOutcome, u64>,
    found: &BTreeMap<String, u64>,
) -> Vec<String> {
    let mut outcomes: Vec<(&JoinOutcome, &u64)> = joins_today.iter().collect();
    outcomes.sort_by_key(|(_, count)| Reverse(**count));
    if outcomes.is_empty() {
        return vec!["none".into()];
    }
    let total: u64 = joins_today.values().sum();
    let mut lines: Vec<String> = outcomes
        .into_iter()
        .map(|(outcome, count)| format!("{count:>7}  {}", outcome.as_str()))
        .collect();
    let found: Vec<String> = found
        .iter()
        .map(|(way, count)| format!("{} {count}", sanitize(way)))
        .collect();
    lines.push(format!("{total:>7}  in all; found by {}", found.join(", ")));
    lines
}

pub(super) fn floods(floods: &FloodOverview, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    for limit in &floods.methods {
        let (method, until) = (&limit.method, time(limit.until, now));
        lines.push(format!("{method} is limited until {until}"));
    }
    for flooded in &floods.groups {
        let since = time(flooded.since, now);
        lines.push(format!("group {} is flooded since {since}", flooded.id));
    }
    if lines.is_empty() {
        lines.push("none".into());
    }
    lines
}

pub(super) fn orders(orders: &OrderOverview) -> Vec<String> {
    let mut lines = vec![format!("{:>7}  obeyed", orders.obeyed_24h)];
    for refused in &orders.refused_24h {
        let order = format!(
            "{}/{} from {}",
            refused.action, refused.kind, refused.sender
        );
        let line = format!(
            "{:>7}  refused: {}: {}",
            refused.count,
            sanitize(&order),
            sanitize_sentence(&refused.why)
        );
        lines.push(line);
    }
    if orders.refused_24h.is_empty() {
        lines.push(format!("{:>7}  refused", 0));
    }
    lines.push(format!(
        "{:>7}  malformed envelopes, ever",
        orders.malformed_ever
    ));
    lines
}
