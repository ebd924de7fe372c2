//! `[schedule]`: cron expressions in UTC.
//!
//! This module checks expressions. `crate::schedule` computes when they are due.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;

use super::credentials::SecretSources;
use super::section_reader::SectionReader;
use super::sections::{Section, Value};

/// The hint for a cron expression in an error's remedy.
const CRON_HINT: &str =
    "a cron expression in UTC: minute, hour, day, month, weekday, with seconds in front if wanted";

/// `[schedule]`: each expression has an occurrence.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The status report.
    pub status: Cron,
    /// The backup of the lists.
    pub backup: Cron,
    /// The count report.
    pub count: Cron,
    /// The time of the reset; its day is [`super::Custom::reset_day`].
    pub reset_time: Cron,
    /// The refresh of the administrator lists.
    pub admins: Cron,
    /// The recheck of new members.
    pub recheck: Cron,
}

impl Section for Schedule {
    const NAME: &'static str = "schedule";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let mut cron = |key, default| section.parsed(key, default, parse_cron, CRON_HINT);
        let status = cron("status", "30 * * * *");
        let backup = cron("backup", "0 20 * * *");
        let count = cron("count", "0 21 * * *");
        let admins = cron("admins", "30 22 * * *");
        let recheck = cron("recheck", "*/15 * * * *");
        let reset_time = section.parsed("reset_time", "0 22 * * *", parse_reset_time, CRON_HINT);
        Some(Self {
            status: status?,
            backup: backup?,
            count: count?,
            reset_time: reset_time?,
            admins: admins?,
            recheck: recheck?,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("status", self.status.as_str()),
            Value::new("backup", self.backup.as_str()),
            Value::new("count", self.count.as_str()),
            Value::new("reset_time", self.reset_time.as_str()),
            Value::new("admins", self.admins.as_str()),
            Value::new("recheck", self.recheck.as_str()),
        ]
    }
}

/// Returns a cron expression with the same times of day on every day.
///
/// The result has six fields, the first for seconds; an expression of five fields means second 0.
#[must_use]
pub fn every_day(cron: &Cron) -> String {
    let fields: Vec<&str> = cron.as_str().split_whitespace().collect();
    match fields[..] {
        [minute, hour, _, _, _] => format!("0 {minute} {hour} * * *"),
        [second, minute, hour, _, _, _] => format!("{second} {minute} {hour} * * *"),
        // A nickname such as @daily. Every nickname is due at the beginning of an hour.
        _ => "0 0 * * * *".to_owned(),
    }
}

/// Parses a cron expression of five fields, or of six with seconds in front.
///
/// An expression without any occurrence, such as the 30th of February, is an error.
fn parse_cron(text: &str) -> Result<Cron, String> {
    let cron = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| format!("{text:?} is not a cron expression: {error}"))?;
    // Any start serves: croner searches more years than any expression needs to occur.
    let start = DateTime::constant(2024, 1, 1, 0, 0, 0, 0);
    if cron.find_next_occurrence(&start, true).is_err() {
        return Err(format!("{text:?} has no occurrence"));
    }
    // The scheduler has a different parser, which must accept the expression too.
    tokio_cron_scheduler::Job::new(every_day(&cron), |_, _| {})
        .map_err(|error| format!("{text:?} cannot be scheduled: {error}"))?;
    Ok(cron)
}

/// Parses the time of the reset, which must not restrict the day.
fn parse_reset_time(text: &str) -> Result<Cron, String> {
    let cron = parse_cron(text)?;
    let mut date = text.split_whitespace().rev().take(3);
    if date.all(|field| matches!(field, "*" | "?")) {
        Ok(cron)
    } else {
        Err(format!("{text:?} names a day, which belongs in reset_day"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("", "not a cron"),
            ("20:00", "not a cron"),
            ("61 * * * *", "not a cron"),
            ("* * * *", "not a cron"),
            ("0 0 20 * * * 2026", "not a cron"),
            ("0 0 30 2 *", "no occurrence"),
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
