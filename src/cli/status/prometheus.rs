//! `status --format prometheus`: the figures in Prometheus' text exposition format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>), for the textfile collector of its node exporter.
//!
//! The program opens no port: a timer writes this text into the collector's directory. docs/operations.md shows how.

use std::fmt::Write as _;
use std::path::Path;

use crate::app::instance_overview::{Activity, Condition, Overview, ReasonKind, RunState};
use crate::model::Timestamp;

/// The directory of the configurations of instances that have a name.
const CONFIG_DIRECTORY: &str = "scp-079-avatar";
/// The name of a configuration of the only instance.
const DEFAULT_CONFIG: &str = "config";

/// Returns the name of an instance with this configuration: `main` for `/etc/scp-079-avatar/main.toml`.
pub(super) fn instance_name(config: &Path) -> Option<&str> {
    let directory = config.parent()?.file_name()?;
    let name = config.file_stem()?.to_str()?;
    (directory == CONFIG_DIRECTORY && name != DEFAULT_CONFIG).then_some(name)
}

/// Formats the figures. `name` is the label `name` of each sample.
pub(super) fn text(overview: &Overview, name: Option<&str>) -> String {
    let mut metrics = Metrics {
        name,
        text: String::new(),
    };
    metrics.about_process(overview);
    if let Some(activity) = &overview.activity {
        metrics.about_groups(activity);
        metrics.about_queue(activity, overview.now);
        metrics.about_limits_and_jobs(activity);
    }
    metrics.text
}

/// The text so far.
struct Metrics<'a> {
    name: Option<&'a str>,
    text: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

/// A sample without labels of its own.
const PLAIN: [(&str, &str); 0] = [];

impl Metrics<'_> {
    fn about_process(&mut self, overview: &Overview) {
        let instance = &overview.instance;
        let verdict = &overview.verdict;
        self.number(
            "ok",
            "1 if the verdict of status is OK.",
            (verdict.state == Condition::Ok).into(),
        );
        self.number(
            "up",
            "1 if the program runs.",
            (instance.state == RunState::Running).into(),
        );
        self.family(
            "trouble",
            Kind::Gauge,
            "1 for each reason why the verdict is not OK.",
        );
        for kind in ReasonKind::ALL {
            let holds = verdict.reasons.iter().any(|reason| reason.kind == *kind);
            self.sample("trouble", [("reason", kind.as_str())], holds.into());
        }
        self.time(
            "read_timestamp_seconds",
            "When these figures were read.",
            Some(overview.now),
        );
        self.time(
            "start_timestamp_seconds",
            "The last start.",
            instance.started_at,
        );
        self.time(
            "alive_timestamp_seconds",
            "The last sign of life of the process.",
            instance.alive_at,
        );
        self.time(
            "last_contact_timestamp_seconds",
            "The last answer from Telegram.",
            instance.last_contact_at,
        );
        if let (Some(version), Some(commit)) = (&instance.version, &instance.commit) {
            self.family("build_info", Kind::Gauge, "The program that last ran.");
            self.sample(
                "build_info",
                [("version", version.as_str()), ("commit", commit.as_str())],
                1,
            );
        }
    }

    fn about_groups(&mut self, activity: &Activity) {
        let groups = &activity.groups;
        let count = |state: (bool, bool)| {
            let same = groups.iter();
            let same =
                same.filter(|group| (group.present, group.watched && group.present) == state);
            u64::try_from(same.count()).unwrap_or(u64::MAX)
        };
        self.family(
            "groups",
            Kind::Gauge,
            "The groups of the account, by state.",
        );
        for (word, state) in [
            ("watched", (true, true)),
            ("unwatched", (true, false)),
            ("left", (false, false)),
        ] {
            self.sample("groups", [("state", word)], count(state));
        }
        for (name, help, figure) in [
            (
                "messages_deleted_unread_total",
                "Messages that were deleted before the program read them.",
                groups.iter().map(|group| group.deleted_unread).sum(),
            ),
            (
                "messages_unreadable_total",
                "Messages that could not be read.",
                groups.iter().map(|group| group.unreadable_messages).sum(),
            ),
            (
                "joins_unexplained_total",
                "Joins that only a rise of the number of members shows.",
                groups.iter().map(|group| group.unexplained_joins).sum(),
            ),
            (
                "malformed_envelopes_total",
                "Posts without a readable envelope.",
                activity.orders.malformed_ever,
            ),
        ] {
            let figure: u64 = figure;
            self.family(name, Kind::Counter, help);
            self.sample(name, PLAIN, figure);
        }
        self.family(
            "joins_today",
            Kind::Gauge,
            "The joins since 00:00 UTC, by outcome.",
        );
        for (outcome, count) in &activity.joins_today {
            self.sample("joins_today", [("outcome", outcome.as_str())], *count);
        }
    }

    fn about_queue(&mut self, activity: &Activity, now: Timestamp) {
        let queue = &activity.queue;
        self.family(
            "queue_rows",
            Kind::Gauge,
            "The posts that wait, by class and state.",
        );
        for waiting in &queue.waiting {
            self.sample(
                "queue_rows",
                [
                    ("class", waiting.class.as_str()),
                    ("state", waiting.state.as_str()),
                ],
                waiting.total,
            );
        }
        let wait = queue
            .oldest_own_avatar_at
            .map_or(0, |at| now.get().saturating_sub(at.get()));
        self.number(
            "oldest_photo_wait_seconds",
            "How long the oldest photo of an own member waits; 0 if none waits.",
            u64::try_from(wait).unwrap_or(0),
        );
        self.number(
            "joins_to_look_up",
            "The joins whose users are looked up first.",
            queue.joins_to_look_up,
        );
        self.number(
            "joins_held",
            "The joins that wait for the end of a group flood.",
            queue.joins_held,
        );
        self.number(
            "spool_bytes",
            "The size of the photos that wait.",
            queue.spool_bytes,
        );
        self.number(
            "spool_max_bytes",
            "The limit of that size.",
            queue.spool_max_bytes,
        );
        self.family("posts_24h", Kind::Gauge, "The posts of 24 hours, by class.");
        for (class, count) in &queue.sent_24h {
            self.sample("posts_24h", [("class", class.as_str())], *count);
        }
        self.family(
            "given_up_1h",
            Kind::Gauge,
            "The photos of the last hour that were given up, by cause.",
        );
        for (cause, count) in [
            ("expired", queue.given_up_1h.expired),
            ("failed", queue.given_up_1h.failed),
        ] {
            self.sample("given_up_1h", [("cause", cause)], count);
        }
    }

    fn about_limits_and_jobs(&mut self, activity: &Activity) {
        self.family(
            "rate_limit_end_timestamp_seconds",
            Kind::Gauge,
            "When each rate limit of Telegram ends.",
        );
        for limit in &activity.floods.methods {
            self.sample(
                "rate_limit_end_timestamp_seconds",
                [("method", limit.method.as_str())],
                seconds(limit.until),
            );
        }
        self.number(
            "flooded_groups",
            "The groups under a group flood.",
            u64::try_from(activity.floods.groups.len()).unwrap_or(u64::MAX),
        );
        for (name, help, next) in [
            (
                "job_run_timestamp_seconds",
                "The last run of each job.",
                false,
            ),
            (
                "job_next_timestamp_seconds",
                "The next run of each job.",
                true,
            ),
        ] {
            self.family(name, Kind::Gauge, help);
            for job in &activity.jobs {
                if let Some(at) = if next { job.next_at } else { job.ran_at } {
                    self.sample(name, [("job", job.job)], seconds(at));
                }
            }
        }
    }

    /// Adds a gauge that is a time, if it is known.
    fn time(&mut self, name: &str, help: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.number(name, help, seconds(at));
        }
    }

    /// Adds a gauge of one sample.
    fn number(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, Kind::Gauge, help);
        self.sample(name, PLAIN, value);
    }

    /// Begins the samples of a metric.
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP scp079_avatar_{name} {help}");
        let _ = writeln!(self.text, "# TYPE scp079_avatar_{name} {kind}");
    }

    fn sample<const N: usize>(&mut self, name: &str, labels: [(&str, &str); N], value: u64) {
        let of_instance = self.name.map(|name| ("name", name));
        let labels: Vec<String> = of_instance
            .into_iter()
            .chain(labels)
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "scp079_avatar_{name}{labels} {value}");
    }
}

/// Escapes the value of a label.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.get()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_by_its_configuration() {
        for (path, name) in [
            ("/etc/scp-079-avatar/main.toml", Some("main")),
            ("/etc/scp-079-avatar/config.toml", None),
            ("/home/a/config.toml", None),
            ("/home/a/main.toml", None),
            ("/", None),
        ] {
            assert_eq!(instance_name(Path::new(path)), name, "{path}");
        }
    }

    #[test]
    fn the_value_of_a_label_is_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
    }
}
