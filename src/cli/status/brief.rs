//! `status --brief`: five lines.

use super::verdict_line::{self, counted, waiting_photos};
use crate::app::instance_overview::{Activity, Overview};
use crate::cli::terminal::{relative, time};
use crate::model::Timestamp;

/// Returns the five lines: verdict, groups, queue, posts, limits.
pub(super) fn lines(overview: &Overview) -> Vec<String> {
    let now = overview.now;
    let activity = overview.activity.as_ref();
    let line = |name: &str, describe: fn(&Activity, Timestamp) -> String| {
        let text = activity.map_or_else(
            || "unknown: it has never run".into(),
            |activity| describe(activity, now),
        );
        format!("{name:<8}{text}")
    };
    vec![
        verdict_line::line(overview),
        line("groups", groups),
        line("queue", queue),
        line("posts", posts),
        line("limits", limits),
    ]
}

fn groups(activity: &Activity, now: Timestamp) -> String {
    let present = activity.groups.iter().filter(|group| group.present);
    let watched = present.clone().filter(|group| group.watched).count();
    let left = activity.groups.iter();
    let left = left.filter(|group| group.is_left_lately(now)).count();
    let joins: u64 = activity.joins_today.values().sum();
    let last = activity
        .groups
        .iter()
        .filter_map(|group| group.last_join_at)
        .max();
    let last = last.map_or_else(String::new, |at| {
        format!(", the last one {}", relative(at, now))
    });
    format!(
        "{}, {watched} watched, {left} left in 24 h; joins today: {joins}{last}",
        counted(present.count(), "group")
    )
}

fn queue(activity: &Activity, now: Timestamp) -> String {
    let others = activity.queue.waiting.iter();
    let others = others.filter(|rows| rows.class != "avatars");
    let others: u64 = others.map(|rows| rows.total).sum();
    format!(
        "{}; reports and lists that wait: {others}",
        waiting_photos(activity, now)
    )
}

fn posts(activity: &Activity, _now: Timestamp) -> String {
    let queue = &activity.queue;
    let sent = |class: &str| queue.sent_24h.get(class).copied().unwrap_or_default();
    let dropped = queue.dropped_24h.iter();
    let dropped = dropped.filter(|dropped| dropped.class == "avatars");
    let dropped: u64 = dropped.map(|dropped| dropped.count).sum();
    let given_up = queue.given_up_1h.expired + queue.given_up_1h.failed;
    format!(
        "photos in 24 h: {} posted, {dropped} dropped, {given_up} given up in the last hour; go to {}",
        sent("avatars"),
        activity.delivery.posts_go_to.to_uppercase()
    )
}

fn limits(activity: &Activity, now: Timestamp) -> String {
    let floods = &activity.floods;
    let mut parts: Vec<String> = floods
        .methods
        .iter()
        .map(|limit| format!("{} until {}", limit.method, time(limit.until, now)))
        .collect();
    if !floods.groups.is_empty() {
        parts.push(counted(floods.groups.len(), "flooded group"));
    }
    if parts.is_empty() {
        "none".into()
    } else {
        parts.join(", ")
    }
}
