//! The result of a run: which photos arrived, how late, and what the program asked for meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use grammers_tl_types::{enums, functions};
use telegram_sim::Simulator;

use crate::arrivals::{Join, Joins, delay, print, print_delays};
use crate::scenario::Scenario;

/// Prints the result. Returns true if each photo arrived once, or was counted as deleted unread where the scenario
/// permits that, and the simulator recorded no violation.
pub(crate) fn summarize(
    joins: &Joins,
    sim: &Simulator,
    scenario: Scenario,
    deleted_unread: u64,
    elapsed: Duration,
) -> anyhow::Result<bool> {
    let arrivals = joins.arrivals(sim)?;
    let lost: Vec<&Join> = joins
        .joins
        .iter()
        .filter(|join| !arrivals.contains_key(&join.key()))
        .collect();
    let twice = arrivals.values().filter(|times| times.len() > 1).count();
    let delays: Vec<Duration> = joins
        .joins
        .iter()
        .filter_map(|join| delay(join, &arrivals))
        .collect();
    let delivered = delays.len();
    print_delays(delays);
    print_calls(sim, elapsed);
    let failures = sim.failures();
    for failure in &failures {
        print(&format!("violation: {failure}"));
    }
    for join in &lost {
        let (group, user) = join.key();
        print(&format!(
            "not found: user {user} in {group}, joined at {:?}",
            join.at
        ));
    }
    print(&format!(
        "joins {}, delivered {}, not found {}, twice {twice}, deleted unread {deleted_unread}",
        joins.joins.len(),
        delivered,
        lost.len()
    ));
    let missing = u64::try_from(lost.len()).unwrap_or(u64::MAX);
    let is_accounted_for =
        missing == 0 || (scenario == Scenario::Captcha && missing <= deleted_unread);
    Ok(is_accounted_for && twice == 0 && failures.is_empty())
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
