//! The verdict in one line: the first line of `status`, and all of `status --check`.

use crate::app::instance_overview::{Activity, Condition, Overview, Reason, ReasonKind};
use crate::cli::terminal::{relative, sanitize, sanitize_sentence, span};
use crate::model::Timestamp;

/// Returns the line, which begins with `OK`, `TROUBLE` or `STOPPED`.
pub(super) fn line(overview: &Overview) -> String {
    let verdict = &overview.verdict;
    let word = match verdict.state {
        Condition::Ok => return format!("OK {}", summary(overview)),
        Condition::Trouble => "TROUBLE",
        Condition::Stopped => "STOPPED",
    };
    let reasons = verdict.reasons.iter();
    let reasons: Vec<String> = reasons.map(|reason| sentence(reason, overview)).collect();
    format!("{word} {}", reasons.join("; "))
}

/// Describes an instance without trouble.
fn summary(overview: &Overview) -> String {
    let now = overview.now;
    let instance = &overview.instance;
    let running = instance.started_at.map_or_else(
        || "running".into(),
        |at| format!("running for {}", age(at, now)),
    );
    // A contact of an earlier run says nothing about this one.
    let contact = instance.last_contact_at.max(instance.started_at);
    let contact = match (contact, instance.last_contact_at) {
        (Some(at), Some(contact)) if at == contact => {
            format!("last answer from Telegram {}", relative(at, now))
        }
        _ => "no answer from Telegram yet".into(),
    };
    let mut parts = vec![running, contact];
    if let Some(activity) = &overview.activity {
        let groups = activity.groups.iter().filter(|group| group.present).count();
        parts.push(counted(groups, "group"));
        parts.push(waiting_photos(activity, now));
    }
    parts.join(", ")
}

/// Describes the photos that wait.
pub(super) fn waiting_photos(activity: &Activity, now: Timestamp) -> String {
    let avatars = activity.queue.waiting.iter();
    let avatars: Vec<_> = avatars.filter(|rows| rows.class == "avatars").collect();
    let number: u64 = avatars.iter().map(|rows| rows.total).sum();
    match avatars.iter().map(|rows| rows.oldest_at).min() {
        None => "no photo waits".into(),
        Some(oldest) if number == 1 => format!("1 photo waits, for {}", age(oldest, now)),
        Some(oldest) => format!("{number} photos wait, the oldest for {}", age(oldest, now)),
    }
}

fn sentence(reason: &Reason, overview: &Overview) -> String {
    let now = overview.now;
    let since = reason
        .since
        .map_or_else(|| "an unknown time".into(), |at| age(at, now));
    let count = reason.count.unwrap_or_default();
    let detail = reason.detail.as_deref().unwrap_or_default();
    let pid = overview
        .instance
        .pid
        .map_or_else(|| "unknown".into(), |pid| pid.to_string());
    match reason.kind {
        ReasonKind::NeverRan => "it has never run with this data directory".into(),
        ReasonKind::Ended => format!("a signal ended it {since} ago"),
        ReasonKind::Busy => format!(
            "pid {pid} holds the data directory: it is starting, stopping, or running another command"
        ),
        ReasonKind::Failed => format!(
            "an error ended it {since} ago: {}",
            sanitize_sentence(detail)
        ),
        ReasonKind::Died => {
            format!(
                "it does not run, and did not end cleanly; its last sign of life was {since} ago"
            )
        }
        ReasonKind::Frozen => format!(
            "pid {pid} has given no sign of life for {since}: it hangs, or its disk refuses writes"
        ),
        ReasonKind::NoContact => format!("no answer from Telegram for {since}"),
        ReasonKind::PostsUnread => format!(
            "it posts nothing, because it cannot read its posts since the restored copy, for {since}"
        ),
        ReasonKind::NotInChannel => format!("the account is not in {detail}"),
        ReasonKind::CannotPost => format!("cannot post: the account may not write in {detail}"),
        ReasonKind::JobMissed => {
            let job = if count == 1 { "job" } else { "jobs" };
            format!("missed {job}: {detail}, due {since} ago")
        }
        ReasonKind::PhotosWait => format!("the oldest photo waits for {since}"),
        ReasonKind::GroupLeft if count == 1 => format!(
            "the account left the group \"{}\", or was removed, {since} ago",
            sanitize(detail)
        ),
        ReasonKind::GroupLeft => {
            format!("the account left {count} groups, or was removed, the last one {since} ago")
        }
        ReasonKind::PhotosExpired => format!(
            "given up in the last hour: {} that waited for too long",
            photos(count)
        ),
        ReasonKind::PhotosFailed => format!(
            "given up in the last hour: {} that could not be downloaded or posted",
            photos(count)
        ),
    }
}

fn photos(count: u64) -> String {
    match count {
        1 => "1 photo".into(),
        _ => format!("{count} photos"),
    }
}

/// Formats a number with its noun.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Formats the time since a moment; in seconds up to a few minutes, because thresholds of the verdict are below two.
fn age(at: Timestamp, now: Timestamp) -> String {
    const FEW_MINUTES: i64 = 5 * 60;
    match now.get().saturating_sub(at.get()).max(0) {
        seconds @ ..FEW_MINUTES => format!("{seconds} s"),
        seconds => span(seconds),
    }
}
