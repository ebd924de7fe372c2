//! Tells on standard error what happens: calls with their outcomes, posts in HIDE, failures.

use std::time::Duration;

use telegram_sim::{Outcome, Post};

use super::{Stage, say};

/// Writes lines as things happen, for ever.
pub(super) async fn tell(stage: &Stage) {
    let (mut calls, mut failures, mut posts) = (0, 0, 0);
    loop {
        let news = stage.sim.wait_async(
            |world| {
                // In the order of their numbers, so a call that is held back holds back the lines after it.
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
        let Ok((done, failed)) = news.await else {
            continue;
        };
        calls += done.len();
        failures += failed.len();
        for line in done {
            say(&line);
        }
        for post in stage.sim.posts(stage.hide).iter().skip(posts) {
            posts += 1;
            say(&describe(post));
        }
        for line in failed {
            say(&format!("failure: {line}"));
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
