//! The values that a text can stand for.
//!
//! Owns their spelling, both ways: each is parsed from what the maintainer writes and printed as it
//! would be written. Refuses to know keys, files and times: when a [`ResetDay`] or a cron
//! expression falls due is the schedule's business.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, Weekday};

/// How reports are worded (SPEC §5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// As the documents' own AVATAR page has it.
    #[default]
    Classic,
    /// As the fleet in service speaks.
    Current,
}

/// How files are written (SPEC §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// XChaCha20-Poly1305, SPEC §7.1.
    #[default]
    Sealed,
    /// Pickle in AES Crypt, SPEC §7.2.
    Python,
}

/// What log lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// From which level on lines are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What ends the program, or loses something.
    Error,
    /// What a maintainer should look into.
    Warn,
    /// What happens, without names, texts or numbers of anybody.
    #[default]
    Info,
    /// Every step; may hold what SPEC §10 keeps out of the other levels.
    Debug,
    /// Every call.
    Trace,
}

/// Gives an enum its spelling: `parse`, `Display`, and the list of what may be written.
macro_rules! spelled {
    ($name:ident, $what:literal: $($variant:ident = $text:literal),+) => {
        impl $name {
            /// What may be written, for an error's remedy.
            pub(super) const HINT: &str = concat!("one of ", spelled!(@list $($text),+));

            pub(super) fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("{:?} is no ", $what), text)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),+ })
            }
        }
    };
    (@list $first:literal $(, $rest:literal)*) => {
        concat!("\"", $first, "\"" $(, ", \"", $rest, "\"")*)
    };
}

spelled!(Dialect, "dialect": Classic = "classic", Current = "current");
spelled!(FileKind, "kind of file": Sealed = "sealed", Python = "python");
spelled!(LogFormat, "format": Text = "text", Json = "json");
spelled!(LogLevel, "level":
    Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace");

/// The day of the month on which the lists are reset (SPEC §3, §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetDay {
    /// `1st mon` … `5th sun`.
    Nth {
        /// Which one.
        nth: Ordinal,
        /// The day of the week.
        weekday: Weekday,
    },
    /// `last fri`: the last such day of the month.
    LastWeekday(Weekday),
    /// `last`: the month's last day.
    Last,
    /// A day number, 1 to 31.
    Day(u8),
}

/// The first to the fifth; a month has no sixth of any weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ordinal {
    /// The first.
    First = 1,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The fifth, which not every month has.
    Fifth,
}

impl Ordinal {
    /// Gives the number, 1 to 5.
    #[must_use]
    pub const fn get(self) -> u8 {
        self as u8
    }
}

const ORDINALS: [(&str, Ordinal); 5] = [
    ("1st", Ordinal::First),
    ("2nd", Ordinal::Second),
    ("3rd", Ordinal::Third),
    ("4th", Ordinal::Fourth),
    ("5th", Ordinal::Fifth),
];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl ResetDay {
    /// What may be written, for an error's remedy.
    pub(super) const HINT: &str =
        "\"1st mon\" to \"5th sun\", \"last mon\" to \"last sun\", \"last\", or a day 1 to 31";

    /// Reads what the maintainer writes.
    ///
    /// # Errors
    /// A sentence that says that it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        let words: Vec<_> = lower.split_whitespace().collect();
        let parsed = match words[..] {
            ["last"] => Some(Self::Last),
            ["last", weekday] => weekday_named(weekday).map(Self::LastWeekday),
            [ordinal, weekday] => nth_named(ordinal)
                .zip(weekday_named(weekday))
                .map(|(nth, weekday)| Self::Nth { nth, weekday }),
            [day] => day
                .parse()
                .ok()
                .filter(|day| (1..=31).contains(day))
                .map(Self::Day),
            _ => None,
        };
        parsed.ok_or_else(|| format!("{text:?} is no day of a month"))
    }
}

fn weekday_named(name: &str) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(short, _)| *short == name)
        .map(|(_, weekday)| *weekday)
}

fn nth_named(name: &str) -> Option<Ordinal> {
    ORDINALS
        .iter()
        .find(|(short, _)| *short == name)
        .map(|(_, ordinal)| *ordinal)
}

impl fmt::Display for ResetDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday_name = |weekday: Weekday| {
            let index = weekday.to_monday_zero_offset().unsigned_abs();
            WEEKDAYS[usize::from(index)].0
        };
        match *self {
            Self::Nth { nth, weekday } => {
                let nth = ORDINALS[usize::from(nth.get()) - 1].0;
                write!(f, "{nth} {}", weekday_name(weekday))
            }
            Self::LastWeekday(weekday) => write!(f, "last {}", weekday_name(weekday)),
            Self::Last => f.write_str("last"),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

/// What may be written for a cron expression.
pub(super) const CRON_HINT: &str =
    "a cron expression in UTC: minute, hour, day, month, weekday, with seconds in front if wanted";

/// Parses a cron expression of five fields, or of six with seconds in front.
///
/// One that never comes, such as the 30th of February, is an error.
pub(super) fn parse_cron(text: &str) -> Result<Cron, String> {
    let cron = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| format!("{text:?} is no cron expression: {error}"))?;
    // Any moment serves: what comes at all comes within the years that croner searches.
    let start = DateTime::constant(2024, 1, 1, 0, 0, 0, 0);
    if cron.find_next_occurrence(&start, true).is_err() {
        return Err(format!("{text:?} never comes"));
    }
    // What fires it has a parser of its own, and has to take it too.
    tokio_cron_scheduler::Job::new(super::every_day(&cron), |_, _| {})
        .map_err(|error| format!("{text:?} cannot be scheduled: {error}"))?;
    Ok(cron)
}

/// Parses the time of the reset, whose day is `reset_day`'s to say.
pub(super) fn parse_reset_time(text: &str) -> Result<Cron, String> {
    let cron = parse_cron(text)?;
    let mut date = text.split_whitespace().rev().take(3);
    if date.all(|field| matches!(field, "*" | "?")) {
        Ok(cron)
    } else {
        Err(format!(
            "{text:?} names a day, which is for reset_day to say"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reset_day_prints_as_it_is_written() {
        let weekdays = WEEKDAYS.map(|(name, _)| name);
        let mut all: Vec<String> = (1..=31).map(|day: u8| day.to_string()).collect();
        all.push("last".to_owned());
        for weekday in weekdays {
            all.push(format!("last {weekday}"));
            all.extend(ORDINALS.map(|(nth, _)| format!("{nth} {weekday}")));
        }
        assert_eq!(all.len(), 31 + 1 + 7 + 35);
        for text in all {
            let day = ResetDay::parse(&text).expect("is a day");
            assert_eq!(day.to_string(), text);
        }
        assert_eq!(
            ResetDay::parse(" 1ST  Mon ").expect("is a day"),
            ResetDay::Nth {
                nth: Ordinal::First,
                weekday: Weekday::Monday
            }
        );
    }

    #[test]
    fn what_is_no_reset_day_is_refused() {
        for text in [
            "",
            "0",
            "32",
            "-1",
            "1st",
            "6th mon",
            "1st monday",
            "last 1",
            "1st mon tue",
        ] {
            let problem = ResetDay::parse(text).expect_err(text);
            assert!(problem.contains("no day of a month"), "{problem}");
        }
    }

    #[test]
    fn cron_takes_five_fields_or_six() {
        for text in [
            "30 * * * *",
            "0 30 * * * *",
            "*/15 * * * *",
            "0 20 * * 1-5",
            "5 4 29 2 *",
            "30 * LW * *",
            "0 6 * * FRI#L",
            "@daily",
        ] {
            parse_cron(text).expect(text);
        }
        for (text, part) in [
            ("", "no cron"),
            ("20:00", "no cron"),
            ("61 * * * *", "no cron"),
            ("* * * *", "no cron"),
            ("0 0 20 * * * 2026", "no cron"),
            ("0 0 30 2 *", "never comes"),
        ] {
            let problem = parse_cron(text).expect_err(text);
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn the_reset_time_names_no_day() {
        for text in ["0 22 * * *", "15 0 22 * * *", "0 22 ? * ?"] {
            parse_reset_time(text).expect(text);
        }
        let problem = parse_reset_time("0 22 1 * *").expect_err("names a day");
        assert!(problem.contains("reset_day"), "{problem}");
    }
}
