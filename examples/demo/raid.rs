//! The raid: many members at a steady rate, faster than a person could follow.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use telegram_sim::{HOME_DC, JoinKind, OTHER_DC, PhotoSpec};

use crate::screen::Ink;
use crate::stage::{Expected, GLANCE, Member, Stage};

/// How many join.
const JOINS: usize = 200;
/// The time from one to the next: fifty a second.
const INTERVAL: Duration = Duration::from_millis(20);
/// How many settled joins make a line where no bar can move.
const LINE_EVERY: usize = 50;

/// Plays the raid until every join of it is settled.
pub(crate) fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.screen.heading("A raid on another group")?;
    let text = format!(
        "{JOINS} members, {} a second; every tenth without a photo",
        Duration::from_secs(1).as_millis() / INTERVAL.as_millis()
    );
    let raiders: Vec<(Member, Expected)> = (1..=JOINS).map(|nth| raider(stage, nth)).collect();
    let begun = stage.elapsed();
    stage.screen.row(Some(begun), Ink::Bold, "raid", &text)?;

    let group = stage.raided;
    let mut progress = Progress::new(stage)?;
    let mut waiting = raiders.iter();
    let mut next = begun;
    let mut joined = 0;
    while joined < JOINS {
        // A late look lets all those join who should have by now.
        while next <= stage.elapsed()
            && let Some((member, expected)) = waiting.next()
        {
            stage.join(group, member, how(joined), *expected);
            joined += 1;
            next += INTERVAL;
        }
        progress.show(stage, joined)?;
        stage.check_daemon()?;
        stage.screen.pause(GLANCE)?;
    }
    stage.until("the raid to be settled", |stage| {
        Ok((progress.show(stage, JOINS)? == JOINS).then_some(()))
    })?;
    Ok(())
}

fn raider(stage: &mut Stage, nth: usize) -> (Member, Expected) {
    let dc = if nth.is_multiple_of(4) {
        OTHER_DC
    } else {
        HOME_DC
    };
    let bare = nth.is_multiple_of(10);
    let member = stage.member(|spec| {
        let spec = if bare {
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
    let expected = if bare {
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

/// A bar that moves, or lines where nobody watches.
struct Progress {
    bar: Option<ProgressBar>,
    lines: usize,
}

impl Progress {
    fn new(stage: &Stage) -> anyhow::Result<Self> {
        if !stage.screen.terminal {
            return Ok(Self {
                bar: None,
                lines: 0,
            });
        }
        let template = if stage.screen.coloured {
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

    /// Shows how far it is, and returns how many joins are settled.
    fn show(&mut self, stage: &mut Stage, joined: usize) -> anyhow::Result<usize> {
        let outcomes = stage.daemon.outcomes(stage.raided)?;
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
            let now = stage.elapsed();
            stage.screen.row(Some(now), Ink::Step, "", &text)?;
        }
        Ok(settled)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
            // The bar leaves the cursor in its own line. Nobody reads on if the terminal is gone.
            let _ = writeln!(io::stdout());
        }
    }
}
