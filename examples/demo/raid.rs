//! The raid: 200 members join a group within seconds.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use telegram_sim::{HOME_DC, JoinKind, OTHER_DC, PhotoSpec};

use crate::screen::Style;
use crate::state::{Demo, Expected, Member, POLL_INTERVAL};

const JOINS: usize = 200;
/// The time between two joins: fifty a second.
const INTERVAL: Duration = Duration::from_millis(20);
/// Without a terminal, a line is printed after this many settled joins.
const LINE_EVERY: usize = 50;

/// Runs the raid until all its joins are settled.
pub(crate) fn run(demo: &mut Demo) -> anyhow::Result<()> {
    demo.screen.heading("A raid on another group")?;
    let text = format!(
        "{JOINS} members, {} a second; every tenth without a photo",
        Duration::from_secs(1).as_millis() / INTERVAL.as_millis()
    );
    let raiders: Vec<(Member, Expected)> = (1..=JOINS).map(|nth| raider(demo, nth)).collect();
    let started = demo.elapsed();
    demo.screen.row(Some(started), Style::Bold, "raid", &text)?;

    let group = demo.raided;
    let mut progress = Progress::new(demo)?;
    let mut waiting = raiders.iter();
    let mut next = started;
    let mut joined = 0;
    while joined < JOINS {
        // After a delay, all members that are due join at once.
        while next <= demo.elapsed()
            && let Some((member, expected)) = waiting.next()
        {
            demo.join(group, member, how(joined), *expected);
            joined += 1;
            next += INTERVAL;
        }
        progress.show(demo, joined)?;
        demo.ensure_daemon_runs()?;
        demo.screen.pause(POLL_INTERVAL)?;
    }
    demo.until("the raid to be settled", |demo| {
        Ok((progress.show(demo, JOINS)? == JOINS).then_some(()))
    })?;
    Ok(())
}

fn raider(demo: &mut Demo, nth: usize) -> (Member, Expected) {
    let dc = if nth.is_multiple_of(4) {
        OTHER_DC
    } else {
        HOME_DC
    };
    let without_photo = nth.is_multiple_of(10);
    let member = demo.member(|spec| {
        let spec = if without_photo {
            spec
        } else {
            spec.photo(PhotoSpec::jpeg().dc(dc))
        };
        if nth.is_multiple_of(3) {
            spec.min(true)
        } else {
            spec
        }
    });
    let expected = if without_photo {
        Expected::Skipped("no_photo")
    } else {
        Expected::Forwarded
    };
    (member, expected)
}

const fn how(nth: usize) -> JoinKind {
    match nth % 3 {
        0 => JoinKind::ByLink,
        1 => JoinKind::BySelf,
        _ => JoinKind::ByRequest,
    }
}

/// A progress bar, or lines if standard output is not a terminal.
struct Progress {
    bar: Option<ProgressBar>,
    lines: usize,
}

impl Progress {
    fn new(demo: &Demo) -> anyhow::Result<Self> {
        if !demo.screen.terminal {
            return Ok(Self {
                bar: None,
                lines: 0,
            });
        }
        let template = if demo.screen.coloured {
            "          {bar:28.green}  {msg}"
        } else {
            "          {bar:28}  {msg}"
        };
        let target = ProgressDrawTarget::stdout();
        let bar = ProgressBar::with_draw_target(Some(JOINS as u64), target);
        bar.set_style(ProgressStyle::with_template(template)?.progress_chars("=> "));
        Ok(Self {
            bar: Some(bar),
            lines: 0,
        })
    }

    /// Shows the progress and returns the number of settled joins.
    fn show(&mut self, demo: &mut Demo, joined: usize) -> anyhow::Result<usize> {
        let outcomes = demo.daemon.outcomes(demo.raided)?;
        let settled = outcomes.len();
        let posted = outcomes
            .values()
            .filter(|outcome| *outcome == "forwarded")
            .count();
        let skipped = settled - posted;
        if let Some(bar) = &self.bar {
            bar.set_position(settled as u64);
            bar.set_message(format!(
                "{settled:>3}/{JOINS}: {posted} posted, {skipped} skipped"
            ));
        } else if settled / LINE_EVERY > self.lines {
            self.lines = settled / LINE_EVERY;
            let text =
                format!("{joined} joined, {settled} settled: {posted} posted, {skipped} skipped");
            let now = demo.elapsed();
            demo.screen.row(Some(now), Style::Step, "", &text)?;
        }
        Ok(settled)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
            // The bar leaves the cursor on its line. The write fails only if the terminal is gone.
            let _ = writeln!(io::stdout());
        }
    }
}
