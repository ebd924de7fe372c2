//! The log on standard error: calls with their outcomes, posts in HIDE, failures.

use std::time::Duration;

use telegram_sim::{Outcome, Post};

use super::{Stage, log};

/// Logs events as they happen, without end.
pub(super) async fn log_events(stage: &Stage) {
    let (mut calls, mut failures, mut posts) = (0, 0, 0);
    loop {
        let events = stage.sim.wait_async(
            |world| {
                // Calls are logged in the order of their numbers, so a call that is held delays the later lines.
                let done: Vec<String> = world.calls()[calls..]
                    .iter()
                    .take_while(|call| call.outcome != Outcome::Pending)
                    .map(|call| format!("{:.3} {call:?}", call.at.as_secs_f64()))
                    .collect();
                let failed = world.failures()[failures..].to_vec();
                let posted = world.count_posts(stage.hide) > posts;
                (!done.is_empty() || !failed.is_empty() || posted).then_some((done, failed))
            },
            Duration::from_secs(3600),
        );
        let Ok((done, failed)) = events.await else {
            continue;
        };
        calls += done.len();
        failures += failed.len();
        for line in done {
            log(&line);
        }
        for post in stage.sim.posts(stage.hide).iter().skip(posts) {
            posts += 1;
            log(&describe(post));
        }
        for line in failed {
            log(&format!("failure: {line}"));
        }
    }
}

fn describe(post: &Post) -> String {
    let file = post.file.as_ref().map_or_else(String::new, |file| {
        format!(", {} of {} bytes", file.name, file.bytes.len())
    });
    format!(
        "post: {} in HIDE by {}{file}: {:?}",
        post.id, post.from, post.text
    )
}
