//! A raid: many joins at a steady rate, and the count of the photos that arrive in HIDE.
//!
//! The caption of a post names its join by `data.group_id`, `data.user_id` and `data.message_id`. The program does not
//! open the file of a post; it only requires that the file is not empty.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use telegram_sim::{Post, World, bot_api_id};

use super::version_asks::VersionAsks;
use super::{Arguments, Stage, join_kind, print};

/// The raid ends if no post arrives for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// The time for which the raid waits for duplicates after the last delivery.
const DUPLICATE_WAIT: Duration = Duration::from_secs(2);

/// The ids by which a caption names a join.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct JoinId {
    group: i64,
    user: i64,
    message: i64,
}

/// Runs the raid. Returns true if each photo arrived once and nothing else did.
pub(crate) async fn run(
    stage: &Stage,
    arguments: &Arguments,
    joins: usize,
) -> Result<bool, Box<dyn Error>> {
    let sim = &stage.sim;
    let users = (0..joins)
        .map(|number| stage.add_joiner(arguments, number))
        .collect::<Result<Vec<i64>, _>>()?;
    while sim.wait_for_connection_async(IDLE_TIMEOUT).await.is_err() {}
    tokio::time::sleep(Duration::try_from_secs_f64(arguments.raid_delay)?).await;
    let asks = VersionAsks::default();
    let interval = arguments.ask_every.map(Duration::try_from_secs_f64);
    let interval = interval.transpose()?;
    let joined = tokio::select! {
        joined = join_and_wait(stage, arguments, users, &asks) => joined?,
        never = asks.post(stage, interval, joins) => match never {},
    };
    let summary = summary(stage, &joined, &asks);
    print(&summary)?;
    Ok(summary["delivered"] == summary["joins"]
        && summary["answered"] == summary["asks"]
        && summary["duplicates"] == 0
        && summary["wrong"] == 0
        && summary["failures"].as_array().is_some_and(Vec::is_empty))
}

/// Lets the users join, and waits until every photo and every answer is in HIDE, or no more photos come. Returns the
/// time of each join.
async fn join_and_wait(
    stage: &Stage,
    arguments: &Arguments,
    users: Vec<i64>,
    asks: &VersionAsks,
) -> Result<HashMap<JoinId, Duration>, Box<dyn Error>> {
    let sim = &stage.sim;
    let mut ticks = tokio::time::interval(Duration::try_from_secs_f64(1.0 / arguments.rate)?);
    let mut joined = HashMap::new();
    for (number, user) in users.into_iter().enumerate() {
        ticks.tick().await;
        let group = stage.groups[number % stage.groups.len()];
        let at = sim.read(World::elapsed);
        let message = sim.join(group, user, join_kind(number));
        let id = JoinId {
            group: bot_api_id(group),
            user,
            message: i64::from(message),
        };
        joined.insert(id, at);
    }
    let mut seen = (0, 0);
    loop {
        let complete = seen.0 >= joined.len() && {
            let posts = sim.posts(stage.hide);
            delivered(&posts, &joined).times.len() == joined.len()
                && asks.answer_times(&posts).len() == asks.count()
        };
        let timeout = if complete {
            DUPLICATE_WAIT
        } else {
            IDLE_TIMEOUT
        };
        let count = |world: &World| (world.count_files(stage.hide), world.count_posts(stage.hide));
        // Once every photo is there, answers are waited for.
        let more = sim.wait_async(
            |world| {
                let now = count(world);
                let is_progress = now.0 > seen.0 || (now.0 >= joined.len() && now.1 > seen.1);
                is_progress.then_some(now)
            },
            timeout,
        );
        match more.await {
            Ok(count) => seen = count,
            Err(_) => return Ok(joined),
        }
    }
}

/// The first delivery of each join, and the numbers of posts that should not be there.
#[derive(Default)]
struct Delivered {
    times: HashMap<JoinId, Duration>,
    duplicates: usize,
    wrong: usize,
}

fn delivered(posts: &[Post], joined: &HashMap<JoinId, Duration>) -> Delivered {
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
        let id = (|| {
            Some(JoinId {
                group: number("group_id")?,
                user: number("user_id")?,
                message: number("message_id")?,
            })
        })();
        let has_content = post
            .file
            .as_ref()
            .is_some_and(|file| !file.bytes.is_empty());
        match id.filter(|id| has_content && joined.contains_key(id)) {
            Some(id) if found.times.contains_key(&id) => found.duplicates += 1,
            Some(id) => {
                found.times.insert(id, post.at);
            }
            None => found.wrong += 1,
        }
    }
    found
}

fn summary(stage: &Stage, joined: &HashMap<JoinId, Duration>, asks: &VersionAsks) -> Value {
    let posts = stage.sim.posts(stage.hide);
    let found = delivered(&posts, joined);
    let answers = asks.answer_times(&posts);
    let slowest = answers.iter().max().map(Duration::as_millis);
    let in_other_chats = stage
        .sim
        .posts_by_account()
        .iter()
        .filter(|(chat, _)| *chat != stage.hide)
        .count();
    let mut waits: Vec<u128> = found
        .times
        .iter()
        .map(|(id, at)| at.saturating_sub(joined[id]).as_millis())
        .collect();
    waits.sort_unstable();
    let percentile = |share: usize| {
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
        "wrong": found.wrong + in_other_chats,
        "p50_ms": percentile(50).map(u64::try_from).and_then(Result::ok),
        "p99_ms": percentile(99).map(u64::try_from).and_then(Result::ok),
        "asks": asks.count(),
        "answered": answers.len(),
        "slowest_answer_ms": slowest.map(u64::try_from).and_then(Result::ok),
        "elapsed_s": elapsed,
        "joins_per_s": if elapsed > 0.0 { found.times.len() as f64 / elapsed } else { 0.0 },
        "calls": calls,
        "failures": stage.sim.failures(),
    })
}
