//! The verdict: every sealed file opened and compared, every join accounted for, and the sum of it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use scp_079_avatar::files::{Opener, open_whole};
use telegram_sim::Post;

use crate::daemon::{JoinKey, PASSWORD};
use crate::screen::{Ink, Screen, size};
use crate::stage::{Ending, Expected, Joined, Stage, named};

/// Opens the first raider's file, and shows it beside the original.
pub(crate) fn open_one(stage: &Stage) -> anyhow::Result<()> {
    let screen = &stage.screen;
    screen.heading("One of the sealed files, opened")?;
    let in_raid = |joined: &&Joined| joined.key.0 == stage.raided;
    let forwarded = |joined: &&Joined| joined.expected == Expected::Forwarded;
    let joined = stage.joined.iter().filter(in_raid).find(forwarded);
    let joined = joined.context("nobody of the raid had a photo")?;
    let label = &joined.label;
    let posts = stage.sim.posts(stage.hide);
    let post = posts.iter().find(|post| named(post) == Some(joined.key));
    let file = post
        .and_then(|post| post.file.as_ref())
        .with_context(|| format!("the photo of {label} is not in HIDE"))?;
    let opened = open_whole(&mut Opener::new(&PASSWORD.into()), &file.bytes[..])?;

    let text = format!("the photo of {label}, in HIDE as \"{}\"", file.name);
    screen.row(Some(stage.elapsed()), Ink::Bold, "file", &text)?;
    for (word, bytes) in [
        ("sealed", &file.bytes),
        ("opened", &opened),
        ("original", &joined.photo),
    ] {
        let text = format!("{:>13}   {} ..", size(bytes.len()), head(bytes));
        screen.row(None, Ink::Step, word, &text)?;
    }
    ensure!(
        opened == joined.photo,
        "the photo of {label} in HIDE is not the one that they had"
    );
    screen.row(
        None,
        Ink::Good,
        "equal",
        "the opened file and the original, byte for byte",
    )?;
    Ok(())
}

/// Returns the first bytes of a file, to look at.
fn head(bytes: &[u8]) -> String {
    let head = bytes.iter().take(10).map(|byte| format!("{byte:02x}"));
    head.collect::<Vec<_>>().join(" ")
}

/// Prints what came of everything, and fails if any of it is not as it should be.
pub(crate) fn sum_up(stage: &mut Stage, ending: &Ending) -> anyhow::Result<()> {
    let found = Found::new(stage)?;
    let screen = &stage.screen;
    screen.heading("Summary")?;
    let raiders = stage
        .joined
        .iter()
        .filter(|j| j.key.0 == stage.raided)
        .count();
    let raid = format!("{raiders} of them in the raid");
    count(screen, Ink::Bold, "joins", stage.joined.len(), &raid)?;
    count(
        screen,
        Ink::Good,
        "forwarded",
        found.delays.len(),
        &found.pace(),
    )?;
    for (index, (reason, number)) in found.skipped.iter().enumerate() {
        let word = if index == 0 { "skipped" } else { "" };
        count(screen, Ink::Skip, word, *number, reason)?;
    }
    let equal = format!("{} files opened, equal to the originals", found.equal);
    for (word, faults, text) in [
        ("lost", found.lost.len(), ""),
        ("twice", found.twice.len(), ""),
        ("altered", found.altered.len(), equal.as_str()),
    ] {
        let ink = if faults == 0 { Ink::Good } else { Ink::Bad };
        count(screen, ink, word, faults, text)?;
    }
    let took = ending.took.as_millis();
    let text = format!("ended {took} ms after SIGTERM, {}", ending.status);
    let ink = if ending.status.success() {
        Ink::Good
    } else {
        Ink::Bad
    };
    screen.row(None, ink, "daemon", &text)?;
    let text = format!("{:.1} s in all", stage.elapsed().as_secs_f64());
    screen.row(None, Ink::Bold, "time", &text)?;
    screen.line("")?;

    let mut faults = found.faults();
    if !ending.status.success() {
        faults.push(format!("the daemon ended with {}", ending.status));
    }
    faults.extend(left_in_spool(stage)?);
    faults.extend(
        stage
            .sim
            .failures()
            .into_iter()
            .map(|failure| format!("Telegram would have objected: {failure}")),
    );
    if faults.is_empty() {
        let held = "Nothing lost, nothing twice, nothing altered.";
        screen.line(&format!("{:10}{}", "", screen.painted(Ink::Good, held)))?;
        return Ok(());
    }
    bail!("{}", faults.join("; "))
}

fn count(screen: &Screen, ink: Ink, word: &str, number: usize, text: &str) -> std::io::Result<()> {
    screen.row(None, ink, word, &format!("{number:>5}   {text}"))
}

fn left_in_spool(stage: &Stage) -> anyhow::Result<Option<String>> {
    let left = stage.daemon.spool()?;
    Ok((!left.is_empty()).then(|| format!("left in the spool: {}", left.join(", "))))
}

/// What was found of the joins: in HIDE, and in the database.
#[derive(Default)]
struct Found {
    /// From each forwarded join to its post.
    delays: Vec<Duration>,
    skipped: BTreeMap<String, usize>,
    equal: usize,
    lost: Vec<String>,
    twice: Vec<String>,
    altered: Vec<String>,
    /// Posts that no join asked for.
    stray: usize,
    /// Joins that the database has otherwise than they should be.
    misjudged: Vec<String>,
}

impl Found {
    fn new(stage: &mut Stage) -> anyhow::Result<Self> {
        let mut found = Self::default();
        let mut outcomes = stage.daemon.outcomes(stage.group)?;
        outcomes.extend(stage.daemon.outcomes(stage.raided)?);
        let mut posts = found.posts(stage);
        let mut opener = Opener::new(&PASSWORD.into());
        for joined in &stage.joined {
            let outcome = outcomes.get(&joined.key).map_or("unknown", String::as_str);
            let label = &joined.label;
            if outcome != joined.expected.word() {
                let expected = joined.expected.word();
                let text = format!("{label} is {outcome} instead of {expected}");
                found.misjudged.push(text);
            }
            let posts = posts.remove(&joined.key).unwrap_or_default();
            match joined.expected {
                Expected::Forwarded => found.look_at(joined, &posts, &mut opener),
                Expected::Skipped(_) => {
                    *found.skipped.entry(outcome.to_owned()).or_default() += 1;
                    found.stray += posts.len();
                }
            }
        }
        found.stray += posts.values().map(Vec::len).sum::<usize>();
        Ok(found)
    }

    /// Sorts what the account posted by the joins that the captions name.
    fn posts(&mut self, stage: &Stage) -> HashMap<JoinKey, Vec<Post>> {
        let mut posts: HashMap<JoinKey, Vec<Post>> = HashMap::new();
        for (chat, post) in stage.sim.posts_by_account() {
            match named(&post) {
                Some(key) if chat == stage.hide => posts.entry(key).or_default().push(post),
                // A report without a file is no photo; anywhere else than in HIDE it is a betrayal.
                None if chat == stage.hide && post.file.is_none() => {}
                _ => self.stray += 1,
            }
        }
        posts
    }

    /// Looks at the posts for a join that had a photo.
    fn look_at(&mut self, joined: &Joined, posts: &[Post], opener: &mut Opener) {
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
            match open_whole(opener, sealed) {
                Ok(opened) if opened == joined.photo => self.equal += 1,
                Ok(_) => self.altered.push(joined.label.clone()),
                Err(fault) => self.altered.push(format!("{} ({fault})", joined.label)),
            }
        }
    }

    /// Returns how long photos took, in words.
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

    /// Returns what is wrong, in words.
    fn faults(&self) -> Vec<String> {
        let mut faults = self.misjudged.clone();
        for (what, whom) in [
            ("lost", &self.lost),
            ("posted twice", &self.twice),
            ("altered", &self.altered),
        ] {
            if !whom.is_empty() {
                faults.push(format!("{what}: {}", whom.join(", ")));
            }
        }
        if self.stray > 0 {
            faults.push(format!("{} posts that nobody asked for", self.stray));
        }
        faults
    }
}
