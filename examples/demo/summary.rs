//! The summary: opens every sealed file, compares it with its photo, and checks every join.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fleet_files::sealed::Opener;
use telegram_sim::Post;

use crate::daemon::{JoinKey, PASSWORD};
use crate::screen::{Screen, Style, size};
use crate::state::{Demo, Exit, Expected, Joined, join_key};

/// Opens the first photo of the raid and shows it beside the original.
pub(crate) fn open_first(demo: &Demo) -> anyhow::Result<()> {
    let screen = &demo.screen;
    screen.heading("One of the sealed files, opened")?;
    let in_raid = |joined: &&Joined| joined.key.0 == demo.raided;
    let forwarded = |joined: &&Joined| joined.expected == Expected::Forwarded;
    let joined = demo.joined.iter().filter(in_raid).find(forwarded);
    let joined = joined.context("no member of the raid had a photo")?;
    let label = &joined.label;
    let posts = demo.sim.posts(demo.hide);
    let post = posts.iter().find(|post| join_key(post) == Some(joined.key));
    let file = post
        .and_then(|post| post.file.as_ref())
        .with_context(|| format!("the photo of {label} is not in HIDE"))?;
    let opened = Opener::new(&PASSWORD.into()).open_bytes(&file.bytes)?;

    let text = format!("the photo of {label}, in HIDE as \"{}\"", file.name);
    screen.row(Some(demo.elapsed()), Style::Bold, "file", &text)?;
    for (word, bytes) in [
        ("sealed", &file.bytes),
        ("opened", &opened),
        ("original", &joined.photo),
    ] {
        let text = format!("{:>13}   {} ..", size(bytes.len()), head(bytes));
        screen.row(None, Style::Step, word, &text)?;
    }
    ensure!(
        opened == joined.photo,
        "the photo of {label} in HIDE differs from the original"
    );
    screen.row(
        None,
        Style::Good,
        "equal",
        "the opened file and the original, byte for byte",
    )?;
    Ok(())
}

/// Formats the first bytes of a file.
fn head(bytes: &[u8]) -> String {
    let head = bytes.iter().take(10).map(|byte| format!("{byte:02x}"));
    head.collect::<Vec<_>>().join(" ")
}

/// Prints the summary, and fails if any check failed.
pub(crate) fn print(demo: &mut Demo, exit: &Exit) -> anyhow::Result<()> {
    let results = Results::collect(demo)?;
    let screen = &demo.screen;
    screen.heading("Summary")?;
    let raiders = demo
        .joined
        .iter()
        .filter(|j| j.key.0 == demo.raided)
        .count();
    let raid = format!("{raiders} of them in the raid");
    count(screen, Style::Bold, "joins", demo.joined.len(), &raid)?;
    count(
        screen,
        Style::Good,
        "forwarded",
        results.delays.len(),
        &results.pace(),
    )?;
    for (index, (reason, number)) in results.skipped.iter().enumerate() {
        let word = if index == 0 { "skipped" } else { "" };
        count(screen, Style::Skip, word, *number, reason)?;
    }
    let equal = format!("{} files opened, equal to the originals", results.equal);
    for (word, failed, text) in [
        ("lost", results.lost.len(), ""),
        ("twice", results.twice.len(), ""),
        ("altered", results.altered.len(), equal.as_str()),
    ] {
        let style = if failed == 0 { Style::Good } else { Style::Bad };
        count(screen, style, word, failed, text)?;
    }
    let took = exit.took.as_millis();
    let text = format!("exited {took} ms after SIGTERM, {}", exit.status);
    let style = if exit.status.success() {
        Style::Good
    } else {
        Style::Bad
    };
    screen.row(None, style, "daemon", &text)?;
    let text = format!("{:.1} s in all", demo.elapsed().as_secs_f64());
    screen.row(None, Style::Bold, "time", &text)?;
    screen.line("")?;

    let mut failures = results.failures();
    if !exit.status.success() {
        failures.push(format!("the daemon exited with {}", exit.status));
    }
    failures.extend(left_in_spool(demo)?);
    let problems = demo.fleet.problems.iter();
    failures.extend(problems.map(|problem| format!("the other bots report: {problem}")));
    failures.extend(
        demo.sim
            .failures()
            .into_iter()
            .map(|failure| format!("the simulator reports: {failure}")),
    );
    if failures.is_empty() {
        let text = "Nothing lost, nothing twice, nothing altered.";
        screen.line(&format!("{:10}{}", "", screen.styled(Style::Good, text)))?;
        return Ok(());
    }
    bail!("{}", failures.join("; "))
}

fn count(
    screen: &Screen,
    style: Style,
    word: &str,
    number: usize,
    text: &str,
) -> std::io::Result<()> {
    screen.row(None, style, word, &format!("{number:>5}   {text}"))
}

fn left_in_spool(demo: &Demo) -> anyhow::Result<Option<String>> {
    let left = demo.daemon.spooled_files()?;
    Ok((!left.is_empty()).then(|| format!("left in the spool: {}", left.join(", "))))
}

/// The results of the joins, from HIDE and the database.
#[derive(Default)]
struct Results {
    /// The time from each forwarded join to its post.
    delays: Vec<Duration>,
    skipped: BTreeMap<String, usize>,
    equal: usize,
    lost: Vec<String>,
    twice: Vec<String>,
    altered: Vec<String>,
    /// Posts without a join.
    unexpected: usize,
    /// Joins with an unexpected outcome in the database.
    wrong_outcomes: Vec<String>,
}

impl Results {
    fn collect(demo: &mut Demo) -> anyhow::Result<Self> {
        let mut results = Self::default();
        let mut outcomes = demo.daemon.outcomes(demo.group)?;
        outcomes.extend(demo.daemon.outcomes(demo.raided)?);
        let mut posts = results.posts(demo);
        let mut opener = Opener::new(&PASSWORD.into());
        for joined in &demo.joined {
            let outcome = outcomes.get(&joined.key).map_or("unknown", String::as_str);
            let label = &joined.label;
            if outcome != joined.expected.outcome() {
                let expected = joined.expected.outcome();
                let text = format!("{label} is {outcome} instead of {expected}");
                results.wrong_outcomes.push(text);
            }
            let posts = posts.remove(&joined.key).unwrap_or_default();
            match joined.expected {
                Expected::Forwarded => results.check_posts(joined, &posts, &mut opener),
                Expected::Skipped(_) => {
                    *results.skipped.entry(outcome.to_owned()).or_default() += 1;
                    results.unexpected += posts.len();
                }
            }
        }
        results.unexpected += posts.values().map(Vec::len).sum::<usize>();
        Ok(results)
    }

    /// Groups the account's posts by the joins that the captions name.
    fn posts(&mut self, demo: &Demo) -> HashMap<JoinKey, Vec<Post>> {
        let mut posts: HashMap<JoinKey, Vec<Post>> = HashMap::new();
        for (chat, post) in demo.sim.posts_by_account() {
            match join_key(&post) {
                Some(key) if chat == demo.hide => posts.entry(key).or_default().push(post),
                // Reports and lists are read by the other bots. Any post outside HIDE is unexpected.
                None if chat == demo.hide => {}
                _ => self.unexpected += 1,
            }
        }
        posts
    }

    /// Checks the posts for a join with a photo.
    fn check_posts(&mut self, joined: &Joined, posts: &[Post], opener: &mut Opener) {
        let Some(first) = posts.first() else {
            self.lost.push(joined.label.clone());
            return;
        };
        self.delays.push(first.at.saturating_sub(joined.at));
        if posts.len() > 1 {
            self.twice.push(joined.label.clone());
        }
        for post in posts {
            let sealed = post.file.as_ref().map_or(&[][..], |file| &file.bytes);
            match opener.open_bytes(sealed) {
                Ok(opened) if opened == joined.photo => self.equal += 1,
                Ok(_) => self.altered.push(joined.label.clone()),
                Err(error) => self.altered.push(format!("{} ({error})", joined.label)),
            }
        }
    }

    /// Describes the time from join to post.
    fn pace(&self) -> String {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let within = |percent: usize| {
            let place = (delays.len() * percent).div_ceil(100).saturating_sub(1);
            delays.get(place).map_or(0, Duration::as_millis)
        };
        format!(
            "half within {} ms, 99 % within {} ms",
            within(50),
            within(99)
        )
    }

    /// Describes the failed checks.
    fn failures(&self) -> Vec<String> {
        let mut failures = self.wrong_outcomes.clone();
        for (problem, members) in [
            ("lost", &self.lost),
            ("posted twice", &self.twice),
            ("altered", &self.altered),
        ] {
            if !members.is_empty() {
                failures.push(format!("{problem}: {}", members.join(", ")));
            }
        }
        if self.unexpected > 0 {
            failures.push(format!("{} posts without a join", self.unexpected));
        }
        failures
    }
}
