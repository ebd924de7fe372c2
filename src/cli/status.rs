//! `status`: shows what an instance does, running or stopped, as text, JSON or metrics.
//!
//! The first line of the text is the verdict; `--check` prints only that line, and ends with 1 unless it is `OK`.

mod brief;
mod coverage_table;
mod prometheus;
mod tables;
mod verdict_line;

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::terminal::{sanitize, sanitize_sentence, time, wrapped};
use super::{Failure, json};
use crate::app::instance_overview::{
    self, Condition, InstanceStatus, Overview, PaceOverview, PrivateChannel, RunState,
};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::model::{Share, Timestamp};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print JSON, for programs; the same as --format json
    #[arg(long, group = "output")]
    json: bool,
    /// Print five lines
    #[arg(long, group = "output")]
    brief: bool,
    /// Print one line; exit with 0 if it says OK, and with 1 otherwise
    #[arg(long, group = "output")]
    check: bool,
    /// The form of the output
    #[arg(long, group = "output", value_enum, value_name = "FORM")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For the textfile collector of Prometheus' node exporter
    Prometheus,
}

pub(super) fn run(loaded: &Loaded, arguments: &Arguments) -> Result<(), Failure> {
    let overview = instance_overview::overview(&loaded.config, &Clock::system())
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    if arguments.check {
        super::print(&(verdict_line::line(&overview) + "\n"))?;
        return match overview.verdict.state {
            Condition::Ok => Ok(()),
            Condition::Trouble | Condition::Stopped => Err(Failure::logged(1)),
        };
    }
    let format = match (arguments.json, arguments.format) {
        (true, _) => Format::Json,
        (false, format) => format.unwrap_or(Format::Text),
    };
    super::print(&match format {
        Format::Json => json::pretty(&overview)?,
        Format::Prometheus => prometheus::text(&overview, prometheus::instance_name(&loaded.path)),
        Format::Text if arguments.brief => brief::lines(&overview).join("\n") + "\n",
        Format::Text => text(&overview) + "\n",
    })
}

fn text(overview: &Overview) -> String {
    let now = overview.now;
    let mut lines = vec![
        verdict_line::line(overview),
        format!("Read at {}", now.rfc3339()),
        String::new(),
    ];
    lines.push("Instance".into());
    lines.extend(instance(overview));
    if let Some(activity) = &overview.activity {
        for (title, section) in [
            ("Groups", tables::groups(&activity.groups, now)),
            ("Coverage", coverage_table::lines(&activity.groups, now)),
            ("Queue", tables::queue(&activity.queue, now)),
            ("Jobs", tables::jobs(&activity.jobs, now)),
            (
                "Joins today, since 00:00 UTC",
                tables::joins(&activity.joins_today, &activity.joins_found_today),
            ),
            ("Floods", tables::floods(&activity.floods, now)),
            (
                "Orders in the last 24 hours",
                tables::orders(&activity.orders),
            ),
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

fn instance(overview: &Overview) -> Vec<String> {
    let (instance, now) = (&overview.instance, overview.now);
    let program = overview.program;
    let mut rows = vec![("state", run_state(instance, now))];
    if let Some(because) = &instance.ended_because {
        rows.push(("because", sanitize_sentence(because)));
    }
    if let Some(at) = instance.last_contact_at {
        rows.push(("last answer", format!("from Telegram, {}", time(at, now))));
    }
    rows.push(("data", instance.data_dir.display().to_string()));
    if let Some(account) = instance.account {
        rows.push(("account", account.to_string()));
    }
    if let Some(activity) = &overview.activity {
        let delivery = &activity.delivery;
        let fallback = match (&delivery.exchange, delivery.posts_go_to) {
            (Some(_), "hide") => ", not to EXCHANGE: a post there failed, or an order said so",
            _ => "",
        };
        let to = delivery.posts_go_to.to_uppercase();
        rows.push(("posts go to", format!("{to}{fallback}")));
        if delivery.share != Share::WHOLE.to_string() {
            let others = activity.queue.others_avatars;
            let share = &delivery.share;
            rows.push((
                "share",
                format!("{share}; {others} photos of other instances' members wait"),
            ));
        }
        for (name, channel) in [("HIDE", &delivery.hide), ("EXCHANGE", &delivery.exchange)] {
            if let Some(channel) = channel {
                rows.push((name, private_channel(channel)));
            }
        }
        rows.push(("pace", pace(&delivery.pace)));
    }
    rows.push((
        "this program",
        format!(
            "{}, commit {} of {}",
            program.version, program.commit, program.commit_date
        ),
    ));
    if let (Some(version), Some(commit)) = (&instance.version, &instance.commit) {
        rows.push((
            "last to run",
            if (version.as_str(), commit.as_str()) == (program.version, program.commit) {
                "the same".into()
            } else {
                format!("{version}, commit {commit}: restart the service to run this program")
            },
        ));
    }
    if let Some(layout) = instance.layout {
        rows.push(("layout", layout.to_string()));
    }
    let mut lines = Vec::new();
    for (name, value) in rows {
        for (index, line) in wrapped(&value, &" ".repeat(16)).into_iter().enumerate() {
            lines.push(match index {
                0 => format!("  {name:<14}{}", line.trim_start()),
                _ => line,
            });
        }
    }
    lines
}

fn pace(pace: &PaceOverview) -> String {
    let seconds = |millis: u64| Duration::from_millis(millis).as_secs_f64();
    let interval = format!(
        "{}, a post every {} s",
        pace.kind,
        seconds(pace.interval_ms)
    );
    match pace.learned_interval_ms {
        Some(learned) => format!("{interval}, in a raid every {} s", seconds(learned)),
        None => interval,
    }
}

fn run_state(instance: &InstanceStatus, now: Timestamp) -> String {
    let since = |at: Option<Timestamp>| at.map_or_else(|| "unknown".into(), |at| time(at, now));
    let pid = instance
        .pid
        .map_or_else(|| "unknown".into(), |pid| pid.to_string());
    match instance.state {
        RunState::Running => format!("running, pid {pid}, since {}", since(instance.started_at)),
        RunState::Busy => format!(
            "pid {pid} holds the lock of the data directory: it is starting, stopping, or running another command"
        ),
        RunState::Ended => format!("not running, ended {}", since(instance.ended_at)),
        RunState::Failed => format!(
            "not running, ended by an error {}",
            since(instance.ended_at)
        ),
        RunState::Died => format!(
            "not running, and did not end cleanly; started {}. No data is lost: start it again",
            since(instance.started_at)
        ),
        RunState::NeverRan => {
            "it has never run with this data directory: use `login`, then `run`".into()
        }
    }
}

fn private_channel(channel: &PrivateChannel) -> String {
    let problem = match (channel.present, channel.can_post) {
        (true, true) => "",
        (true, false) => ", the account may not post there",
        (false, _) => ", the account is not in it",
    };
    let title = channel.title.as_deref().map(sanitize).unwrap_or_default();
    format!("{} {title}{problem}", channel.id)
}
