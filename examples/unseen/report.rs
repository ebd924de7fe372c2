//! The result of a run: which photos arrived, how late, and what the program asked for meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use grammers_tl_types::{enums, functions};
use serde_json::Value;
use telegram_sim::{Simulator, bot_api_id};

use crate::scenario::Scenario;

/// A member who joined.
pub(crate) struct Join {
    pub(crate) group: i64,
    pub(crate) user: i64,
    /// The time of the join, on the simulator's scale.
    pub(crate) at: Duration,
}

/// The joins of a run, and the channel in which their photos have to arrive.
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

    /// Prints the result. Returns true if each photo arrived once, or was counted as deleted unread where the scenario
    /// permits that, and the simulator recorded no violation.
    pub(crate) fn summarize(
        &self,
        sim: &Simulator,
        scenario: Scenario,
        deleted_unread: u64,
        elapsed: Duration,
    ) -> anyhow::Result<bool> {
        let arrivals = self.arrivals(sim)?;
        let key = |join: &Join| (bot_api_id(join.group), join.user);
        let lost: Vec<&Join> = self
            .joins
            .iter()
            .filter(|join| !arrivals.contains_key(&key(join)))
            .collect();
        let twice = arrivals.values().filter(|times| times.len() > 1).count();
        let mut delays: Vec<Duration> = self
            .joins
            .iter()
            .filter_map(|join| {
                let first = arrivals.get(&key(join))?.iter().min()?;
                Some(first.saturating_sub(join.at))
            })
            .collect();
        delays.sort_unstable();
        let at = |share: f64| {
            let last = delays.len().saturating_sub(1);
            let index = (last as f64 * share) as usize;
            delays.get(index).map_or(0.0, Duration::as_secs_f64)
        };
        print(&format!(
            "delays: median {:.1} s, 99 of 100 within {:.1} s, longest {:.1} s",
            at(0.5),
            at(0.99),
            at(1.0)
        ));
        print_calls(sim, elapsed);
        let failures = sim.failures();
        for failure in &failures {
            print(&format!("violation: {failure}"));
        }
        for join in &lost {
            let (group, user) = key(join);
            print(&format!(
                "not found: user {user} in {group}, joined at {:?}",
                join.at
            ));
        }
        print(&format!(
            "joins {}, delivered {}, not found {}, twice {twice}, deleted unread {deleted_unread}",
            self.joins.len(),
            delays.len(),
            lost.len()
        ));
        let missing = u64::try_from(lost.len()).unwrap_or(u64::MAX);
        let is_accounted_for =
            missing == 0 || (scenario == Scenario::Captcha && missing <= deleted_unread);
        Ok(is_accounted_for && twice == 0 && failures.is_empty())
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

/// Prints the calls a minute by method, and the longest time between two scans of one group.
fn print_calls(sim: &Simulator, elapsed: Duration) {
    let minutes = elapsed.as_secs_f64() / 60.0;
    for (method, times) in sim.call_times() {
        print(&format!(
            "{method:<32} {:>6.1} calls a minute",
            times.len() as f64 / minutes
        ));
    }
    let mut scans: BTreeMap<i64, Vec<Duration>> = BTreeMap::new();
    for call in sim.calls_of("channels.getParticipants") {
        let Some(request) = call.decode::<functions::channels::GetParticipants>() else {
            continue;
        };
        let is_scan = matches!(
            request.filter,
            enums::ChannelParticipantsFilter::ChannelParticipantsRecent
        );
        if let (true, 0, enums::InputChannel::Channel(channel)) =
            (is_scan, request.offset, request.channel)
        {
            scans.entry(channel.channel_id).or_default().push(call.at);
        }
    }
    let often = scans.values().filter(|times| times.len() > 2);
    let gaps = often.flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0]));
    print(&format!(
        "scans: {} groups, {} scans, longest time between two scans of a group that was scanned more than twice {:.0} s",
        scans.len(),
        scans.values().map(Vec::len).sum::<usize>(),
        gaps.max().unwrap_or_default().as_secs_f64()
    ));
}

/// Prints a line. An error is ignored, because there is no other place to report it.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
