//! Lines on standard error in the form of the systemd journal: `<N>` with the priority of the line, and no time stamp.
//!
//! The journal reads standard error line by line, keeps the priority, strips the prefix and adds the time
//! (sd-daemon(3)). `JOURNAL_STREAM` names the file that the journal reads. A process that got another standard error
//! inherits the variable too, so the file is compared (systemd.exec(5)).

use std::fmt;
use std::fmt::Write as _;

use rustix::fs::Stat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// A priority of syslog(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    Error = 3,
    Warning = 4,
    Info = 6,
    Debug = 7,
}

impl Priority {
    const fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warning,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Reports whether the journal reads standard error.
pub(super) fn reads_standard_error() -> bool {
    let stream = std::env::var("JOURNAL_STREAM");
    let stat = rustix::fs::fstat(std::io::stderr());
    matches!((stream, stat), (Ok(stream), Ok(stat)) if names(&stream, &stat))
}

/// Reports whether a value of `JOURNAL_STREAM`, device and inode, names a file.
fn names(stream: &str, stat: &Stat) -> bool {
    let Some((device, inode)) = stream.split_once(':') else {
        return false;
    };
    device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino)
}

/// Returns the lines of a text, each with the prefix of its priority.
pub(super) fn prefixed(text: &str, priority: Priority) -> String {
    let mut lines = String::new();
    for line in text.trim_end().lines() {
        // A write to a text does not fail.
        let _ = writeln!(lines, "<{}>{line}", priority as u8);
    }
    lines
}

/// Formats an event by another format, with prefixes.
pub(super) struct Prefixed<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Prefixed<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.0
            .format_event(context, Writer::new(&mut text), event)?;
        let priority = Priority::of(*event.metadata().level());
        // The format pads the level at its left.
        writer.write_str(&prefixed(text.trim_start(), priority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_priority_of_its_level() {
        for (level, prefix) in [
            (Level::ERROR, "<3>"),
            (Level::WARN, "<4>"),
            (Level::INFO, "<6>"),
            (Level::DEBUG, "<7>"),
            (Level::TRACE, "<7>"),
        ] {
            let lines = prefixed("one\ntwo\n", Priority::of(level));
            assert_eq!(lines, format!("{prefix}one\n{prefix}two\n"));
        }
    }

    #[test]
    fn the_journal_reads_only_the_file_that_it_names() {
        let file = tempfile::tempfile().expect("a file");
        let stat = rustix::fs::fstat(&file).expect("its status");
        let (device, inode) = (stat.st_dev, stat.st_ino);
        assert!(names(&format!("{device}:{inode}"), &stat));
        for other in [
            format!("{device}:{}", inode + 1),
            format!("{}:{inode}", device + 1),
            format!("{device}"),
            String::new(),
            "a:b".into(),
        ] {
            assert!(!names(&other, &stat), "{other}");
        }
    }
}
