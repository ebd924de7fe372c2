//! `joins`: lists the latest recorded joins, as a table or JSON.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::terminal::{relative, sanitize, table};
use super::{Failure, json, why};
use crate::app::recorded_joins::{self, JoinQuery, RecordedJoins};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, JoinOutcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many joins
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    last: u32,
    /// Only joins in this group: its id, with or without -100, or the link to a message in it
    #[arg(long, value_name = "GROUP", value_parser = why::group_id, allow_negative_numbers = true)]
    group: Option<ChannelId>,
    /// Only joins with this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = outcomes(), hide_possible_values = true)]
    outcome: Option<JoinOutcome>,
    /// Only joins that are no older, such as 30m, 1h or 2d
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<i64>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let query = JoinQuery {
        group: arguments.group,
        outcome: arguments.outcome,
        max_age: arguments.since,
        last: arguments.last,
    };
    let joins = recorded_joins::recorded_joins(config, &Clock::system(), &query)
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    super::print(&match arguments.json {
        true => json::pretty(&joins)?,
        false => lines(&joins).join("\n") + "\n",
    })
}

/// Accepts the words of docs/outcomes.md, and proposes one for a misspelt word.
fn outcomes() -> impl clap::builder::TypedValueParser<Value = JoinOutcome> {
    PossibleValuesParser::new(JoinOutcome::all().map(JoinOutcome::as_str))
        .try_map(|word| word.parse())
}

/// Parses an age: a number and its unit.
fn age(text: &str) -> Result<i64, String> {
    let error =
        || "an age is a number and its unit: s, m, h, d or w, such as 30m, 1h or 2d".to_owned();
    let (at, unit) = text.char_indices().last().ok_or_else(error)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 24 * 3_600,
        'w' => 7 * 24 * 3_600,
        _ => return Err(error()),
    };
    let number: u32 = text[..at].parse().map_err(|_| error())?;
    Ok(i64::from(number) * seconds)
}

fn lines(joins: &RecordedJoins) -> Vec<String> {
    if joins.joins.is_empty() {
        return vec!["no such join is recorded".into()];
    }
    let heading = [
        "JOINED", "AGO", "USER", "OUTCOME", "FOUND BY", "GROUP", "MESSAGE", "TITLE",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for entry in &joins.joins {
        let join = &entry.join.join;
        let ago = relative(join.joined_at, joins.now);
        let title = joins.titles.get(&join.group_id);
        rows.push(vec![
            join.joined_at.rfc3339(),
            ago.trim_end_matches(" ago").to_owned(),
            entry.join.user_id.to_string(),
            join.outcome.as_str().into(),
            join.found_by.map_or("unknown", Into::into).into(),
            join.group_id.to_string(),
            match join.message_id.get() {
                0 => "-".into(),
                message => message.to_string(),
            },
            title.map(|title| sanitize(title)).unwrap_or_default(),
        ]);
    }
    let mut lines = table(&rows);
    if joins.has_more {
        lines.push("there are older ones: use --last N".into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_its_unit() {
        for (text, seconds) in [
            ("30s", 30),
            ("30m", 1_800),
            ("1h", 3_600),
            ("2d", 172_800),
            ("1w", 604_800),
            ("0h", 0),
        ] {
            assert_eq!(age(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "1",
            "h",
            "-1h",
            "1y",
            "1.5h",
            "99999999999d",
            "1 h",
            "1群",
        ] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
