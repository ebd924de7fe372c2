//! `reset_day`: the day of the month on which the lists are reset, parsed and printed.
//!
//! `crate::schedule` computes which dates match.

use std::fmt;

use jiff::civil::Weekday;

/// The day of the month on which the lists are reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetDay {
    /// `1st mon` … `5th sun`.
    Nth { nth: Ordinal, weekday: Weekday },
    /// `last fri`: the last such day of the month.
    LastWeekday(Weekday),
    /// `last`: the month's last day.
    Last,
    /// A day number, 1 to 31.
    Day(u8),
}

/// A month has no sixth of any weekday, and not always a fifth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ordinal {
    First = 1,
    Second,
    Third,
    Fourth,
    Fifth,
}

impl Ordinal {
    /// Returns the number, 1 to 5.
    #[must_use]
    pub const fn number(self) -> u8 {
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
    /// The hint for an error's remedy.
    pub(super) const HINT: &str =
        "\"1st mon\" to \"5th sun\", \"last mon\" to \"last sun\", \"last\", or a day 1 to 31";

    /// Parses the text of the configuration.
    ///
    /// # Errors
    /// Returns a sentence that says that the text is not such a day.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        let words: Vec<_> = lower.split_whitespace().collect();
        let parsed = match words[..] {
            ["last"] => Some(Self::Last),
            ["last", weekday] => named(&WEEKDAYS, weekday).map(Self::LastWeekday),
            [ordinal, weekday] => named(&ORDINALS, ordinal)
                .zip(named(&WEEKDAYS, weekday))
                .map(|(nth, weekday)| Self::Nth { nth, weekday }),
            [day] => day
                .parse()
                .ok()
                .filter(|day| (1..=31).contains(day))
                .map(Self::Day),
            _ => None,
        };
        parsed.ok_or_else(|| format!("{text:?} is not a day of a month"))
    }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

impl fmt::Display for ResetDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday_name = |weekday: Weekday| {
            let index = weekday.to_monday_zero_offset().unsigned_abs();
            WEEKDAYS[usize::from(index)].0
        };
        match *self {
            Self::Nth { nth, weekday } => {
                let nth = ORDINALS[usize::from(nth.number()) - 1].0;
                write!(f, "{nth} {}", weekday_name(weekday))
            }
            Self::LastWeekday(weekday) => write!(f, "last {}", weekday_name(weekday)),
            Self::Last => f.write_str("last"),
            Self::Day(day) => write!(f, "{day}"),
        }
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
    fn an_invalid_reset_day_is_refused() {
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
            assert!(problem.contains("not a day of a month"), "{problem}");
        }
    }
}
