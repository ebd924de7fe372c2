//! `status`: what an instance does, running or stopped, in words or as JSON.

mod tables;

use clap::Args;

use super::Failure;
use super::terminal::{tame, tame_sentence, time, wrapped};
use crate::app::instance_overview::{self, Condition, Overview, Private, State};
use crate::clock::Clock;
use crate::config::Config;
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
    let overview = instance_overview::overview(config, &Clock::system())
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    let mut said = if arguments.json {
        serde_json::to_string_pretty(&overview).map_err(|error| Failure::new(1, error))?
    } else {
        text(&overview)
    };
    said.push('\n');
    super::print(&said)
}

fn text(overview: &Overview) -> String {
    let now = overview.now;
    let mut lines = vec![format!("Read at {}", now.rfc3339()), String::new()];
    lines.push("Instance".into());
    instance(overview, &mut lines);
    if let Some(seen) = &overview.seen {
        for (title, section) in [
            ("Groups", tables::groups(&seen.groups, now)),
            ("Queue", tables::queue(&seen.queue, now)),
            ("Jobs", tables::jobs(&seen.jobs, now)),
            ("Joins today, since 00:00 UTC", tables::joins(seen)),
            ("Floods", tables::floods(seen, now)),
            ("Orders in the last 24 hours", tables::orders(seen)),
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
