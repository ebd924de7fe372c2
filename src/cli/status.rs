//! `status`: what an instance does, running or stopped, in words or as JSON.

use std::io::Write as _;

use clap::Args;

use super::Failure;
use super::ages::{bytes, relative, table, tame, time, wrapped};
use crate::app::overview::{self, Condition, Group, Job, Overview, Private, Queue, Seen, State};
use crate::clock::Clock;
use crate::config::Config;
use crate::decide::Coverage;
use crate::model::Timestamp;

/// What `status` is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print it as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Tells what an instance does.
pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let overview = overview::overview(config, &Clock::system())
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    let mut said = if arguments.json {
        serde_json::to_string_pretty(&overview).map_err(|error| Failure::new(1, error))?
    } else {
        text(&overview)
    };
    said.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(said.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(1, error))
}

fn text(overview: &Overview) -> String {
    let now = overview.now;
    let mut lines = vec![format!("Read at {}", now.rfc3339()), String::new()];
    lines.push("Instance".into());
    instance(overview, &mut lines);
    if let Some(seen) = &overview.seen {
        for (title, section) in [
            ("Groups", groups(&seen.groups, now)),
            ("Queue", queue(&seen.queue, now)),
            ("Jobs", jobs(&seen.jobs, now)),
            ("Joins today, since 00:00 UTC", joins(seen)),
            ("Floods", floods(seen, now)),
            ("Orders in the last 24 hours", orders(seen)),
        ] {
            lines.push(String::new());
            lines.push(title.into());
            lines.extend(section.into_iter().map(|line| match line.as_str() {
                "" => line,
                _ => format!("  {line}"),
            }));
        }
    }
    lines.join("\n")
}

fn instance(overview: &Overview, lines: &mut Vec<String>) {
    let (condition, now) = (&overview.instance, overview.now);
    let program = overview.program;
    let mut rows = vec![("state", state(condition, now))];
    if let Some(because) = &condition.ended_because {
        rows.push(("because", tame_sentence(because)));
    }
    rows.push(("data", condition.data_dir.display().to_string()));
    if let Some(account) = condition.account {
        rows.push(("account", account.to_string()));
    }
    if let Some(seen) = &overview.seen {
        let delivery = &seen.delivery;
        let turned = match (&delivery.exchange, delivery.posts_go_to) {
            (Some(_), "hide") => ", though there is EXCHANGE: it did not take posts, or by order",
            _ => "",
        };
        let to = delivery.posts_go_to.to_uppercase();
        rows.push(("posts go to", format!("{to}{turned}")));
        for (name, channel) in [("HIDE", &delivery.hide), ("EXCHANGE", &delivery.exchange)] {
            if let Some(channel) = channel {
                rows.push((name, private(channel)));
            }
        }
    }
    rows.push((
        "this program",
        format!(
            "{}, commit {} of {}",
            program.version, program.commit, program.commit_date
        ),
    ));
    if let (Some(version), Some(commit)) = (&condition.version, &condition.commit) {
        rows.push((
            "last to run",
            if (version.as_str(), commit.as_str()) == (program.version, program.commit) {
                "the same".into()
            } else {
                format!("{version}, commit {commit}: start it again to run this one")
            },
        ));
    }
    if let Some(layout) = condition.layout {
        rows.push(("layout", layout.to_string()));
    }
    for (name, value) in rows {
        for (index, line) in wrapped(&value, &" ".repeat(16)).into_iter().enumerate() {
            lines.push(match index {
                0 => format!("  {name:<14}{}", line.trim_start()),
                _ => line,
            });
        }
    }
}

fn state(condition: &Condition, now: Timestamp) -> String {
    let since = |at: Option<Timestamp>| at.map_or_else(|| "unknown".into(), |at| time(at, now));
    let pid = condition
        .pid
        .map_or_else(|| "unknown".into(), |pid| pid.to_string());
    match condition.state {
        State::Running => format!("running, pid {pid}, since {}", since(condition.started_at)),
        State::Busy => format!(
            "pid {pid} has the data directory: it is just starting or ending, or another command is at work"
        ),
        State::Ended => format!("not running, ended {}", since(condition.ended_at)),
        State::Failed => format!(
            "not running, ended by trouble {}",
            since(condition.ended_at)
        ),
        State::Died => format!(
            "not running, and did not end cleanly; started {}. Nothing is lost: start it again",
            since(condition.started_at)
        ),
        State::NeverRan => {
            "it has never run with this data directory: use `login`, then `run`".into()
        }
    }
}

fn private(channel: &Private) -> String {
    let trouble = match (channel.present, channel.can_post) {
        (true, true) => "",
        (true, false) => ", the account may not post there",
        (false, _) => ", the account is not in it",
    };
    let title = channel.title.as_deref().map(tame).unwrap_or_default();
    format!("{} {title}{trouble}", channel.id)
}

fn groups(groups: &[Group], now: Timestamp) -> Vec<String> {
    if groups.is_empty() {
        return vec!["none: the account is in no group".into()];
    }
    let heading = [
        "GROUP",
        "COVERAGE",
        "WATCHED",
        "TODAY",
        "LAST JOIN",
        "ADMINISTRATORS",
        "TITLE",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for group in groups {
        let coverage = if group.present {
            group.coverage.as_str()
        } else {
            "left"
        };
        let administrators = match (group.administrators, group.administrators_at) {
            (Some(count), Some(at)) => format!("{count}, {}", relative(at, now)),
            _ => "not known yet".into(),
        };
        rows.push(vec![
            group.id.to_string(),
            coverage.into(),
            if group.watched { "yes" } else { "no" }.into(),
            group.joins_today.to_string(),
            group
                .last_join_at
                .map_or_else(|| "never".into(), |at| relative(at, now)),
            administrators,
            tame(&group.title),
        ]);
    }
    let mut lines = table(&rows);
    let any = |holds: fn(&Group) -> bool| groups.iter().any(|group| group.present && holds(group));
    if any(|group| group.coverage == Coverage::Unknown) {
        lines.push(
            "unknown: no join message seen in the last 30 days: either nobody joined, or".into(),
        );
        lines.push("         the group hides them".into());
    }
    if any(|group| !group.watched) {
        lines.push("watched no: NOSPAM is no administrator there".into());
    }
    if groups.iter().any(|group| !group.present) {
        lines.push("left: the account is not in that group any more".into());
    }
    lines
}

fn queue(queue: &Queue, now: Timestamp) -> Vec<String> {
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
            "wanted: to be fetched; fetched: waits for its post; sending: its post is begun".into(),
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
            "files that wait",
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
            let (class, reason) = (&dropped.class, tame_sentence(&dropped.reason));
            lines.push(format!("{:>7}  {class:<8} {reason}", dropped.count));
        }
    }
    lines
}

fn jobs(jobs: &[Job], now: Timestamp) -> Vec<String> {
    let mut rows = vec![["JOB", "LAST RUN", "NEXT"].map(str::to_owned).to_vec()];
    for job in jobs {
        let next = match job.next_at {
            None => "unknown".into(),
            Some(_) if job.missed && job.made_up_for => "missed: at the next start".into(),
            Some(_) if job.missed => "missed, and not made up for".into(),
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

fn joins(seen: &Seen) -> Vec<String> {
    let mut outcomes: Vec<(&String, &u64)> = seen.joins_today.iter().collect();
    outcomes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    if outcomes.is_empty() {
        return vec!["none".into()];
    }
    let total: u64 = seen.joins_today.values().sum();
    let mut lines: Vec<String> = outcomes
        .into_iter()
        .map(|(outcome, count)| format!("{count:>7}  {outcome}"))
        .collect();
    lines.push(format!("{total:>7}  in all"));
    lines
}

fn floods(seen: &Seen, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    for resting in &seen.floods.methods {
        let (method, until) = (&resting.method, time(resting.until, now));
        lines.push(format!("{method} rests until {until}"));
    }
    for flooded in &seen.floods.groups {
        let since = time(flooded.since, now);
        lines.push(format!("group {} is flooded since {since}", flooded.id));
    }
    if lines.is_empty() {
        lines.push("none".into());
    }
    lines
}

fn orders(seen: &Seen) -> Vec<String> {
    let orders = &seen.orders;
    let mut lines = vec![format!("{:>7}  obeyed", orders.obeyed_24h)];
    for refused in &orders.refused_24h {
        let what = format!(
            "{}/{} from {}",
            refused.action, refused.kind, refused.sender
        );
        let line = format!(
            "{:>7}  refused: {}: {}",
            refused.count,
            tame(&what),
            tame_sentence(&refused.why)
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

/// A sentence that came from elsewhere, whole.
fn tame_sentence(text: &str) -> String {
    text.split_whitespace()
        .map(tame)
        .collect::<Vec<_>>()
        .join(" ")
}
