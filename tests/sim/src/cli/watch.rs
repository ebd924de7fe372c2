//! Tells on standard error what happens: calls with their outcomes, posts, failures.

use std::time::Duration;

use telegram_sim::{Outcome, Simulator};

use super::say;

/// Writes lines as things happen, for ever.
pub(crate) async fn tell(sim: &Simulator) {
    let mut calls = 0;
    let mut failures = 0;
    loop {
        let news = sim.wait_async(
            |world| {
                // In the order of their numbers, so a call that is held back holds back the lines after it.
                let done: Vec<String> = world.calls()[calls..]
                    .iter()
                    .take_while(|call| call.outcome != Outcome::Pending)
                    .map(|call| format!("{:8.3} {call:?}", call.at.as_secs_f64()))
                    .collect();
                let failed = world.failures()[failures..].to_vec();
                (!done.is_empty() || !failed.is_empty()).then_some((done, failed))
            },
            Duration::from_secs(3600),
        );
        let Ok((done, failed)) = news.await else {
            continue;
        };
        calls += done.len();
        failures += failed.len();
        for line in done {
            say(&line);
        }
        for line in failed {
            say(&format!("failure: {line}"));
        }
    }
}
