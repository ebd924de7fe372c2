//! A raid: many joins at a steady rate, and the count of what arrived in HIDE.
//!
//! A post belongs to a join by its caption alone, `data.group_id`, `data.user_id` and `data.message_id`; the sealed file is
//! not opened, only required to have content.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use telegram_sim::{Post, bot_api_id};

use super::{Arguments, Stage, kind, print};

/// A raid is over when nothing has arrived for so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a duplicate is waited for after the last delivery.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// What a caption says: group, user, message.
type Named = (i64, i64, i64);

/// Plays the raid; returns whether all went well.
pub(crate) async fn play(
    stage: &Stage,
    arguments: &Arguments,
    joins: usize,
) -> Result<bool, Box<dyn Error>> {
    let sim = &stage.sim;
    let users = (0..joins)
        .map(|number| stage.newcomer(arguments, number))
        .collect::<Result<Vec<i64>, _>>()?;
    while sim.wait_connected_async(PATIENCE).await.is_err() {}
    // What the client posted before the first join, its online report, say, is not counted as progress.
    let before = sim.read(|world| world.count_posts(stage.hide));
    let mut ticks = tokio::time::interval(Duration::try_from_secs_f64(1.0 / arguments.rate)?);
    let mut joined = HashMap::new();
    for (number, user) in users.into_iter().enumerate() {
        ticks.tick().await;
        let group = stage.groups[number % stage.groups.len()];
        let at = sim.read(telegram_sim::World::elapsed);
        let message = sim.join(group, user, kind(number));
        joined.insert((bot_api_id(group), user, i64::from(message)), at);
    }
    let mut seen = before;
    loop {
        let enough = seen >= before + joins
            && delivered(&sim.posts(stage.hide), &joined).times.len() == joins;
        let patience = if enough { AFTERWARDS } else { PATIENCE };
        let more = sim.wait_async(
            |world| Some(world.count_posts(stage.hide)).filter(|count| *count > seen),
            patience,
        );
        match more.await {
            Ok(count) => seen = count,
            Err(_) => break,
        }
    }
    let summary = summary(stage, &joined);
    print(&summary)?;
    Ok(summary["delivered"] == summary["joins"]
        && summary["duplicates"] == 0
        && summary["wrong"] == 0
        && summary["failures"].as_array().is_some_and(Vec::is_empty))
}

/// Which joins arrived, when first, and how much came that should not.
#[derive(Default)]
struct Delivered {
    times: HashMap<Named, Duration>,
    duplicates: usize,
    wrong: usize,
}

fn delivered(posts: &[Post], joined: &HashMap<Named, Duration>) -> Delivered {
    let mut found = Delivered::default();
    for post in posts.iter().filter(|post| post.by_account) {
        let Ok(caption) = serde_json::from_str::<Value>(&post.text) else {
            found.wrong += 1;
            continue;
        };
        if caption["type"] != "avatar" {
            continue;
        }
        let number = |key: &str| caption["data"][key].as_i64();
        let named = (|| {
            Some((
                number("group_id")?,
                number("user_id")?,
                number("message_id")?,
            ))
        })();
        let sealed = post
            .file
            .as_ref()
            .is_some_and(|file| !file.bytes.is_empty());
        match named.filter(|named| sealed && joined.contains_key(named)) {
            Some(named) if found.times.contains_key(&named) => found.duplicates += 1,
            Some(named) => {
                found.times.insert(named, post.at);
            }
            None => found.wrong += 1,
        }
    }
    found
}

fn summary(stage: &Stage, joined: &HashMap<Named, Duration>) -> Value {
    let found = delivered(&stage.sim.posts(stage.hide), joined);
    let elsewhere = stage
        .sim
        .posts_by_account()
        .iter()
        .filter(|(chat, _)| *chat != stage.hide)
        .count();
    let mut waits: Vec<u128> = found
        .times
        .iter()
        .map(|(named, at)| at.saturating_sub(joined[named]).as_millis())
        .collect();
    waits.sort_unstable();
    let part = |share: usize| {
        waits
            .get((waits.len() * share).div_ceil(100).saturating_sub(1))
            .copied()
    };
    let first = joined.values().min().copied().unwrap_or_default();
    let last = found.times.values().max().copied().unwrap_or(first);
    let elapsed = last.saturating_sub(first).as_secs_f64();
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    stage.sim.read(|world| {
        for call in world.calls() {
            *calls.entry(call.method).or_default() += 1;
        }
    });
    json!({
        "joins": joined.len(),
        "delivered": found.times.len(),
        "duplicates": found.duplicates,
        "lost": joined.len() - found.times.len(),
        "wrong": found.wrong + elsewhere,
        "p50_ms": part(50).map(u64::try_from).and_then(Result::ok),
        "p99_ms": part(99).map(u64::try_from).and_then(Result::ok),
        "elapsed_s": elapsed,
        "joins_per_s": if elapsed > 0.0 { found.times.len() as f64 / elapsed } else { 0.0 },
        "calls": calls,
        "failures": stage.sim.failures(),
    })
}
