//! The result of a storm: which photos arrived, how late, and which fault held up the latest.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use telegram_sim::{Simulator, bot_api_id};

use crate::faults::{Kind, Raised, Weather};

/// A member who joined.
pub(crate) struct Join {
    pub(crate) group: i64,
    pub(crate) user: i64,
    /// The time of the join, on the simulator's scale.
    pub(crate) at: Duration,
}

/// The joins of a storm, and the channel in which their photos have to arrive.
pub(crate) struct Report {
    hide: i64,
    pub(crate) joins: Vec<Join>,
}

/// The times at which the photos of a join arrived, by group and user.
type Arrivals = HashMap<(i64, i64), Vec<Duration>>;

impl Report {
    pub(crate) const fn new(hide: i64) -> Self {
        Self {
            hide,
            joins: Vec::new(),
        }
    }

    /// Returns how many joins have a photo in HIDE.
    pub(crate) fn delivered(&self, sim: &Simulator) -> anyhow::Result<usize> {
        Ok(self.arrivals(sim)?.len())
    }

    /// Prints the result. Returns true if each photo arrived once and the simulator recorded no violation.
    pub(crate) fn summarize(
        &self,
        sim: &Simulator,
        weather: &Weather,
        length: Duration,
    ) -> anyhow::Result<bool> {
        let arrivals = self.arrivals(sim)?;
        let key = |join: &Join| (bot_api_id(join.group), join.user);
        let lost: Vec<&Join> = self
            .joins
            .iter()
            .filter(|join| !arrivals.contains_key(&key(join)))
            .collect();
        let twice = arrivals.values().filter(|times| times.len() > 1).count();
        let expected: Vec<(i64, i64)> = self.joins.iter().map(key).collect();
        let foreign = arrivals.keys().filter(|found| !expected.contains(found));
        let foreign = foreign.count();
        let mut delays = Vec::new();
        let mut by_cause: BTreeMap<Option<Kind>, Duration> = BTreeMap::new();
        for join in &self.joins {
            let Some(first) = arrivals
                .get(&key(join))
                .and_then(|times| times.iter().min())
            else {
                continue;
            };
            let delay = first.saturating_sub(join.at);
            let cause = cause(&weather.raised, join.at, *first);
            let longest = by_cause.entry(cause).or_default();
            *longest = delay.max(*longest);
            delays.push(delay);
        }
        delays.sort_unstable();
        let minutes = length.as_secs_f64() / 60.0;
        print(&format!(
            "{} faults, {:.0} a minute",
            weather.raised.len(),
            weather.raised.len() as f64 / minutes
        ));
        print("fault                     raised  longest delay of a photo");
        for (cause, longest) in &by_cause {
            let name = cause.map_or_else(|| "(none)".to_owned(), |kind| kind.to_string());
            let raised = weather.raised.iter();
            let count = raised.filter(|fault| Some(fault.kind) == *cause).count();
            print(&format!(
                "{name:<25} {count:>6}  {:.1} s",
                longest.as_secs_f64()
            ));
        }
        let at = |share: f64| {
            let last = delays.len().saturating_sub(1);
            let index = (last as f64 * share) as usize;
            delays.get(index).map_or(0.0, Duration::as_secs_f64)
        };
        print(&format!(
            "delays: median {:.2} s, 99 of 100 within {:.1} s, longest {:.1} s",
            at(0.5),
            at(0.99),
            at(1.0)
        ));
        let failures = sim.failures();
        for failure in &failures {
            print(&format!("violation: {failure}"));
        }
        for join in &lost {
            let (group, user) = key(join);
            print(&format!(
                "lost: user {user} in {group}, joined at {:?}",
                join.at
            ));
        }
        print(&format!(
            "joins {}, delivered {}, lost {}, twice {twice}, not expected {foreign}",
            self.joins.len(),
            self.joins.len() - lost.len(),
            lost.len()
        ));
        Ok(lost.is_empty() && twice == 0 && foreign == 0 && failures.is_empty())
    }

    fn arrivals(&self, sim: &Simulator) -> anyhow::Result<Arrivals> {
        let mut arrivals = Arrivals::new();
        for post in sim.posts(self.hide).iter().filter(|post| post.by_account) {
            let caption: Value = serde_json::from_str(&post.text)
                .with_context(|| format!("a post is no envelope: {}", post.text))?;
            if caption["type"] != "avatar" {
                continue;
            }
            let number = |key: &str| {
                let number = caption["data"][key].as_i64();
                number.with_context(|| format!("a caption lacks {key}: {}", post.text))
            };
            let key = (number("group_id")?, number("user_id")?);
            arrivals.entry(key).or_default().push(post.at);
        }
        Ok(arrivals)
    }
}

/// Returns the fault that overlaps a delay for the longest time.
fn cause(raised: &[Raised], from: Duration, until: Duration) -> Option<Kind> {
    let overlap = |fault: &Raised| {
        let end = fault.until.min(until);
        end.saturating_sub(fault.from.max(from))
    };
    raised
        .iter()
        .filter(|fault| !overlap(fault).is_zero())
        .max_by_key(|fault| overlap(fault))
        .map(|fault| fault.kind)
}

/// Prints a line. An error is ignored, because there is no other place to report it.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
