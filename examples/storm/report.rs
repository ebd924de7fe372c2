//! The result of a storm: which photos arrived, how late, and which fault held up the latest.

use std::collections::BTreeMap;
use std::time::Duration;

use telegram_sim::Simulator;

use crate::account::Account;
use crate::arrivals::{Joins, delay, print, print_delays};
use crate::faults::{Kind, Raised, Weather};

/// Prints the result. Returns true if each photo arrived once and the simulator recorded no violation.
pub(crate) fn summarize(
    joins: &Joins,
    sim: &Simulator,
    weather: &Weather,
    length: Duration,
) -> anyhow::Result<bool> {
    let arrivals = joins.arrivals(sim)?;
    let mut delays = Vec::new();
    let mut by_cause: BTreeMap<Option<Kind>, Duration> = BTreeMap::new();
    for join in &joins.joins {
        let Some(delay) = delay(join, &arrivals) else {
            continue;
        };
        let cause = cause(&weather.raised, join.at, join.at + delay);
        let longest = by_cause.entry(cause).or_default();
        *longest = delay.max(*longest);
        delays.push(delay);
    }
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
    print_delays(delays);
    let failures = sim.failures();
    for failure in &failures {
        print(&format!("violation: {failure}"));
    }
    let account = Account::new(joins, &arrivals);
    account.print();
    Ok(account.is_settled() && failures.is_empty())
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
