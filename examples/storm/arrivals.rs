//! The joins of a run, and the photos that arrive for them.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use telegram_sim::{Simulator, bot_api_id};

/// A member who joined.
pub(crate) struct Join {
    pub(crate) group: i64,
    pub(crate) user: i64,
    /// The time of the join, on the simulator's scale.
    pub(crate) at: Duration,
}

impl Join {
    /// Returns the group and the user as captions name them.
    pub(crate) fn key(&self) -> (i64, i64) {
        (bot_api_id(self.group), self.user)
    }
}

/// The joins of a run, and the channel in which their photos have to arrive.
pub(crate) struct Joins {
    hide: i64,
    pub(crate) joins: Vec<Join>,
}

impl Joins {
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

    /// Returns the photos that arrived in HIDE.
    pub(crate) fn arrivals(&self, sim: &Simulator) -> anyhow::Result<Arrivals> {
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

/// The times at which the photos of a join arrived, by group and user.
pub(crate) type Arrivals = HashMap<(i64, i64), Vec<Duration>>;

/// Returns the time from a join to its photo, if that arrived.
pub(crate) fn delay(join: &Join, arrivals: &Arrivals) -> Option<Duration> {
    let first = arrivals.get(&join.key())?.iter().min()?;
    Some(first.saturating_sub(join.at))
}

/// Prints the distribution of the delays.
pub(crate) fn print_delays(mut delays: Vec<Duration>) {
    delays.sort_unstable();
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
}

/// Prints a line. An error is ignored, because there is no other place to report it.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
