//! `why USER [GROUP]`: what became of a member, in words or as JSON.

mod outcomes;

use clap::Args;

use self::outcomes::meaning;
use super::Failure;
use super::terminal::{relative, span, table, tame, tame_sentence, time, wrapped};
use crate::app::member_history::{self, History, Joined, Shown};
use crate::app::instance_overview::State;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, UserId};

/// What `why` is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The user's id
    #[arg(value_parser = user_id)]
    user: UserId,
    /// One group's id, with -100 or without; else all of them
    #[arg(value_parser = group_id, allow_negative_numbers = true)]
    group: Option<ChannelId>,
    /// Print it as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Tells what became of a member.
pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let history = member_history::history(config, &Clock::system(), arguments.user, arguments.group)
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    let mut said = if arguments.json {
        serde_json::to_string_pretty(&history).map_err(|error| Failure::new(1, error))?
    } else {
        text(&history).join("\n")
    };
    said.push('\n');
    super::print(&said)
}

fn user_id(text: &str) -> Result<UserId, String> {
    match text.parse::<i64>() {
        Ok(id) if id > 0 => Ok(UserId::new(id)),
        _ => Err("a user's id is a number, such as 5079000001".into()),
    }
}

fn group_id(text: &str) -> Result<ChannelId, String> {
    let id = text.parse().ok().and_then(ChannelId::from_either);
    id.ok_or_else(|| "a group's id is a number, such as -1001234567890 or 1234567890".into())
}

fn text(history: &History) -> Vec<String> {
    let place = history.group_id.map_or_else(String::new, |group| {
        format!(" in {}", group_name(history, group))
    });
    let mut lines = vec![format!("User {}{place}", history.user_id)];
    lines.extend(standing(history));
    if history.joins.is_empty() {
        lines.push(String::new());
        lines.extend(nothing(history));
    }
    let mut told = vec![false; history.photos.len()];
    for joined in &history.joins {
        lines.push(String::new());
        lines.extend(join(history, joined));
        for (shown, told) in history.photos.iter().zip(&mut told) {
            if !*told && belongs_to(shown, joined) {
                *told = true;
                lines.extend(photo(history, shown));
            }
        }
    }
    let rest = history.photos.iter().zip(&told);
    let rest: Vec<&Shown> = rest
        .filter_map(|(shown, told)| (!told).then_some(shown))
        .collect();
    if !rest.is_empty() {
        lines.push(String::new());
        lines.push("Photos that belong to no join above".into());
        for shown in rest {
            let group = group_name(history, shown.seen.group_id);
            lines.extend(photo(history, shown));
            lines.push(format!("    for        {group}"));
        }
    }
    lines
}

/// A photo belongs to the join whose message it was queued for; where that is not known any more, to
/// the latest of its group.
fn belongs_to(shown: &Shown, joined: &Joined) -> bool {
    let (photo, join) = (&shown.seen, &joined.seen);
    let message = photo.join_message_id;
    photo.group_id == join.group_id && message.is_none_or(|message| message == join.message_id)
}

fn standing(history: &History) -> Vec<String> {
    let (standing, now) = (&history.standing, history.now);
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![format!("  {name}"), value]);
    if history.is_own_account {
        row("account", "this is the account itself".into());
    }
    if let Some(name) = history.fleet {
        row("fleet", format!("{}, by [bots]", name.to_uppercase()));
    }
    if let Some(since) = standing.bad_since {
        row("bad", format!("on the bad list since {}", time(since, now)));
    }
    for group in &standing.administrator_of {
        row("administers", group_name(history, *group));
    }
    if let Some(put) = standing.exception_due {
        let way = if put { "to go on" } else { "to come off" };
        let what = format!("the present photo is {way} the exception list, once it is looked up");
        row("exception", what);
    }
    if let Some(photo) = standing.last_photo_id {
        let excepted = if standing.last_photo_excepted {
            ", which is on the exception list"
        } else {
            ""
        };
        row("last seen", format!("with the photo {photo}{excepted}"));
    }
    table(&rows)
}

fn join(history: &History, joined: &Joined) -> Vec<String> {
    let (seen, now) = (&joined.seen, history.now);
    let mut lines = vec![format!("Join in {}", group_name(history, seen.group_id))];
    let by = match (seen.by, seen.added_by) {
        ("user", Some(adder)) => format!("added by {adder}"),
        ("group", _) => "added by an administrator in the name of the group".into(),
        _ => "by themselves".into(),
    };
    lines.push(format!("  joined     {}, {by}", time(seen.joined_at, now)));
    let message = match &joined.link {
        Some(link) => format!("{}, {link}", seen.message_id),
        None => "none: no message told of it".into(),
    };
    lines.push(format!("  message    {message}"));
    let after = |seconds: i64| match seconds {
        ..=0 => "at once".into(),
        _ => format!("{} after the join", span(seconds)),
    };
    lines.push(format!(
        "  seen       {}",
        seen.seen_at.map_or_else(
            || "unknown: it was recorded by an older version, or restored".into(),
            |at| format!(
                "{}, {}",
                at.rfc3339(),
                after(at.get().saturating_sub(seen.joined_at.get()))
            )
        )
    ));
    let meaning = meaning(&seen.outcome);
    let means = meaning.map_or(
        "an outcome that this version of the program does not know",
        |meaning| meaning.means,
    );
    lines.extend(labelled("outcome", &format!("{}: {means}", seen.outcome)));
    if let Some(remedy) = meaning.and_then(|meaning| meaning.remedy) {
        lines.extend(labelled("to do", remedy));
    }
    if let Some(at) = seen.declared_at {
        lines.push(format!("  declared   {}", time(at, now)));
    }
    if let Some(since) = seen.flooded_since {
        lines.push(format!(
            "  flood      in that group since {}",
            time(since, now)
        ));
    }
    lines
}

fn photo(history: &History, shown: &Shown) -> Vec<String> {
    let (seen, now) = (&shown.seen, history.now);
    let settled = seen
        .settled_at
        .map_or_else(|| "at an unknown time".into(), |at| time(at, now));
    let state = match seen.state.as_str() {
        "wanted" => "is to be fetched".into(),
        "fetched" => "was fetched, and waits for its post".into(),
        "sending" => "its post is begun, and not proven yet".into(),
        "dropped" => format!("was dropped {settled}"),
        _ => format!("was posted {settled}"),
    };
    let mut lines = labelled("photo", &format!("{}: {state}", seen.photo_id));
    if seen.second_look == Some(true) {
        lines.push("    found      at a second look, so it is told with message_id 0".into());
    }
    let waits = seen.next_try_at.is_some();
    if let Some(since) = seen.queued_at.filter(|_| waits) {
        lines.push(format!("    queued     {}", time(since, now)));
    }
    if waits && seen.attempts > 0 {
        lines.push(format!("    attempts   {} in vain", seen.attempts));
    }
    if let Some(at) = seen.next_try_at {
        let when = match history.state {
            State::Running if at <= now => "as soon as its turn comes".into(),
            State::Running => format!("not before {}", time(at, now)),
            _ if at <= now => "when the program runs".into(),
            _ => format!("when the program runs, and not before {}", time(at, now)),
        };
        lines.push(format!("    next try   {when}"));
    }
    if let Some(reason) = &seen.reason {
        let reason = tame_sentence(reason);
        lines.extend(wrapped(&format!("reason     {reason}"), "    "));
    }
    match (&shown.link, seen.message_id, seen.channel_id) {
        (Some(link), Some(message), Some(channel)) => {
            let channel = group_name(history, channel);
            lines.push(format!("    message    {message} of {channel}, {link}"));
        }
        (None, Some(message), None) => {
            lines.push(format!(
                "    message    {message}, of a channel that was not recorded"
            ));
        }
        _ => {}
    }
    lines
}

/// Why nothing may be known.
fn nothing(history: &History) -> Vec<String> {
    let now = history.now;
    let ago = |at: Option<crate::model::Timestamp>| {
        at.map_or_else(
            || "none is recorded".into(),
            |at| format!("the last one {}", relative(at, now)),
        )
    };
    if history.state == State::NeverRan {
        return vec![
            "  Nothing is known: the program has never run with this data directory.".into(),
        ];
    }
    let what = if history.photos.is_empty() {
        "join and no photo of theirs is known"
    } else {
        "join of theirs is known any more, though a photo is"
    };
    let mut lines = vec![format!("  No {what}. That may be because:")];
    if let Some(group) = history.group_id
        && !history.titles.contains_key(&group)
    {
        lines.push("  - the account is not in that group, and never was;".into());
    }
    let cleared = &history.cleared;
    for reason in [
        "- they never joined while the account was there, or joined without a message that tells of it;"
            .to_owned(),
        format!(
            "- it was cleared by the monthly reset ({}),",
            ago(cleared.reset_at)
        ),
        format!(
            "  by MANAGE's clear / user ({}),",
            ago(cleared.users_at)
        ),
        format!(
            "  or by remove / score or remove / bad for that user ({}).",
            ago(cleared.one_user_at)
        ),
    ] {
        lines.push(format!("  {reason}"));
    }
    if history.state != State::Running {
        lines.push(
            "  The program does not run: what happened since it ended is not known yet.".into(),
        );
    }
    lines
}

fn labelled(label: &str, text: &str) -> Vec<String> {
    let lines = wrapped(text, &" ".repeat(13)).into_iter().enumerate();
    lines
        .map(|(index, line)| match index {
            0 => format!("  {label:<9}  {}", line.trim_start()),
            _ => line,
        })
        .collect()
}

fn group_name(history: &History, group: ChannelId) -> String {
    let title = history.titles.get(&group);
    title.map_or_else(
        || group.to_string(),
        |title| format!("{group} ({})", tame(title)),
    )
}
