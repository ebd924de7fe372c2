//! `why USER [GROUP]`: shows the joins and photos of a user, as text or JSON. A link to a join message stands for its
//! user and group.

mod no_join;

use clap::Args;

use super::terminal::{sanitize, sanitize_sentence, span, table, time, wrapped};
use super::{Failure, USAGE, json};
use crate::app::instance_overview::RunState;
use crate::app::member_history::{self, History, JoinEntry, PhotoEntry};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, FoundBy, MessageLink, UserId};
use crate::store::user_records::UserJoin;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The user's id, or the link to the message of a join
    #[arg(value_parser = subject, allow_negative_numbers = true)]
    user: Subject,
    /// A group's id, with or without -100, or the link to a message in it; without it, all groups
    #[arg(value_parser = group_id, allow_negative_numbers = true)]
    group: Option<ChannelId>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A user, or a message that shows joins.
#[derive(Clone, Copy, Debug)]
enum Subject {
    User(UserId),
    JoinMessage(MessageLink),
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let (users, group) = match arguments.user {
        Subject::User(user) => (vec![user], arguments.group),
        Subject::JoinMessage(_) if arguments.group.is_some() => {
            let message = "the link names a group already: leave the group out";
            return Err(Failure::new(USAGE, message));
        }
        Subject::JoinMessage(link) => (users_of(config, link)?, Some(link.channel)),
    };
    if arguments.json && users.len() > 1 {
        let users = Vec::from_iter(users.iter().map(UserId::to_string)).join(", ");
        let message =
            format!("the message shows the joins of several users, so name one of them: {users}");
        return Err(Failure::new(1, message));
    }
    let mut output = Vec::new();
    for user in users {
        let history = member_history::history(config, &Clock::system(), user, group)
            .map_err(|error| Failure::new(error.exit_code(), error))?;
        output.push(match arguments.json {
            true => json::pretty(&history)?,
            false => text(&history).join("\n") + "\n",
        });
    }
    super::print(&output.join("\n"))
}

/// Returns the users whose joins a message shows: at least one.
fn users_of(config: &Config, link: MessageLink) -> Result<Vec<UserId>, Failure> {
    let found = member_history::join_message(config, link)
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    if !found.users.is_empty() {
        return Ok(found.users);
    }
    let (group, message) = (link.channel, link.message);
    Err(Failure::new(
        1,
        match found.title {
            Some(title) => format!(
                "no join is recorded with message {message} of {group} ({}): it is no join message, it was not read, or \
             its record was cleared; `why USER {group}` with the user's id says more",
                sanitize(&title)
            ),
            None => format!(
                "the account is not in the group {group} and never was, so nothing of its message {message} is recorded"
            ),
        },
    ))
}

fn subject(text: &str) -> Result<Subject, String> {
    if MessageLink::is_link(text) {
        let link = text
            .parse()
            .map_err(|error: crate::model::MessageLinkError| error.to_string());
        return link.map(Subject::JoinMessage);
    }
    match text.parse::<i64>() {
        Ok(id) if id > 0 => Ok(Subject::User(UserId::new(id))),
        Ok(id) if id < 0 && group_id(text).is_ok() => Err(format!(
            "that is a group's id: write `why USER {id}` for the joins of a user in it, or `joins --group {id}` for all of \
             its joins"
        )),
        _ => Err(
            "a user's id is a number, such as 5079000001; a link to the message of a join works, too"
                .into(),
        ),
    }
}

/// Parses a group's id in either form, or the link to a message in it.
pub(super) fn group_id(text: &str) -> Result<ChannelId, String> {
    if MessageLink::is_link(text) {
        let link: Result<MessageLink, _> = text.parse();
        return link
            .map(|link| link.channel)
            .map_err(|error| error.to_string());
    }
    let id = text.parse().ok().and_then(ChannelId::from_either);
    id.ok_or_else(|| "a group's id is a number, such as -1001234567890 or 1234567890".into())
}

fn text(history: &History) -> Vec<String> {
    let place = history.group_id.map_or_else(String::new, |group| {
        format!(" in {}", group_name(history, group))
    });
    let mut lines = vec![format!("User {}{place}", history.user_id)];
    lines.extend(roles(history));
    if history.joins.is_empty() {
        lines.push(String::new());
        lines.extend(no_join::reasons(history));
    }
    let mut photos: Vec<&PhotoEntry> = history.photos.iter().collect();
    for entry in &history.joins {
        lines.push(String::new());
        lines.extend(join(history, entry));
        for shown in photos.extract_if(.., |shown| belongs_to(shown, entry)) {
            lines.extend(photo(history, shown));
        }
    }
    if !photos.is_empty() {
        lines.push(String::new());
        lines.push("Photos that belong to no join above".into());
        for shown in photos {
            let group = group_name(history, shown.photo.group_id);
            lines.extend(photo(history, shown));
            lines.push(format!("    for        {group}"));
        }
    }
    lines
}

/// Returns true if a photo was queued for a join's message. If that message is not known any more, the
/// photo belongs to the latest join of its group.
fn belongs_to(photo: &PhotoEntry, join: &JoinEntry) -> bool {
    let (photo, join) = (&photo.photo, &join.join);
    let message = photo.join_message_id;
    photo.group_id == join.group_id && message.is_none_or(|message| message == join.message_id)
}

fn roles(history: &History) -> Vec<String> {
    let (roles, now) = (&history.roles, history.now);
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![format!("  {name}"), value]);
    if history.is_own_account {
        row("account", "this is the account itself".into());
    }
    if let Some(name) = history.fleet {
        row("fleet", format!("{}, by [bots]", name.to_uppercase()));
    }
    if let Some(instance) = &history.instance {
        let text = if history.is_own_member {
            format!("{instance}, which is this one")
        } else {
            format!("{instance}: photos are posted here only while that instance is silent")
        };
        row("instance", text);
    }
    if let Some(since) = roles.bad_since {
        row("bad", format!("on the bad list since {}", time(since, now)));
    }
    for group in &roles.administrator_of {
        row("administers", group_name(history, *group));
    }
    if let Some(put) = roles.exception_due {
        let way = if put { "to go on" } else { "to come off" };
        let text = format!("the present photo is {way} the exception list, once it is looked up");
        row("exception", text);
    }
    if let Some(photo) = roles.last_photo_id {
        let excepted = if roles.last_photo_excepted {
            ", which is on the exception list"
        } else {
            ""
        };
        row("last seen", format!("with the photo {photo}{excepted}"));
    }
    table(&rows)
}

fn join(history: &History, entry: &JoinEntry) -> Vec<String> {
    let (seen, now) = (&entry.join, history.now);
    let mut lines = vec![format!("Join in {}", group_name(history, seen.group_id))];
    let by = match (seen.by, seen.added_by) {
        ("user", Some(adder)) => format!("added by {adder}"),
        ("group", _) => "added by an administrator in the name of the group".into(),
        ("unknown", _) => "by themselves or added by another user".into(),
        _ => "by themselves".into(),
    };
    lines.push(format!("  joined     {}, {by}", time(seen.joined_at, now)));
    let message = match &entry.link {
        Some(link) => format!("{}, {link}", seen.message_id),
        None => "none was read".into(),
    };
    lines.push(format!("  message    {message}"));
    lines.extend(labelled("found", &way_of_finding(seen)));
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
    let explanation = seen.outcome.explanation();
    let text = format!("{}: {}", seen.outcome.as_str(), explanation.meaning);
    lines.extend(labelled("outcome", &text));
    if let Some(remedy) = explanation.remedy {
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

/// Describes how the program learned of a join.
fn way_of_finding(join: &UserJoin) -> String {
    let sign = match join.found_by {
        Some(FoundBy::Push) => return "by the join message, which Telegram pushed".into(),
        Some(FoundBy::Poll) => return "by the join message, which the program asked for".into(),
        Some(FoundBy::Gap) => {
            return "by the join message, which the program read by its id over a gap".into();
        }
        None => return "unknown: an older version recorded the join, or it was restored".into(),
        Some(FoundBy::Scan) => "in the list of members",
        Some(FoundBy::FirstMessage) => "by a first message, because the group hides its members",
    };
    if join.message_id.get() > 0 {
        format!("{sign}; the join message was read later")
    } else {
        format!("{sign}: no join message was read")
    }
}

fn photo(history: &History, entry: &PhotoEntry) -> Vec<String> {
    let (seen, now) = (&entry.photo, history.now);
    let settled = seen
        .settled_at
        .map_or_else(|| "at an unknown time".into(), |at| time(at, now));
    let state = match seen.state.as_str() {
        "wanted" => "is to be fetched".into(),
        "fetched" => "was fetched, and waits for its post".into(),
        "sending" => "the post has begun, and is not confirmed yet".into(),
        "dropped" => format!("was dropped {settled}"),
        _ => format!("was posted {settled}"),
    };
    let mut lines = labelled("photo", &format!("{}: {state}", seen.photo_id));
    if seen.found_by_recheck == Some(true) {
        lines.push("    found      by the recheck, so the report has message_id 0".into());
    }
    let waits = seen.next_try_at.is_some();
    if let Some(since) = seen.queued_at.filter(|_| waits) {
        lines.push(format!("    queued     {}", time(since, now)));
    }
    if waits && seen.attempts > 0 {
        lines.push(format!("    attempts   {} failed", seen.attempts));
    }
    if let Some(at) = seen.next_try_at {
        let when = match history.state {
            RunState::Running if at <= now => "as soon as its turn comes".into(),
            RunState::Running => format!("not before {}", time(at, now)),
            _ if at <= now => "when the program runs".into(),
            _ => format!("when the program runs, and not before {}", time(at, now)),
        };
        lines.push(format!("    next try   {when}"));
    }
    if let Some(reason) = &seen.reason {
        let reason = sanitize_sentence(reason);
        lines.extend(wrapped(&format!("reason     {reason}"), "    "));
    }
    match (&entry.link, seen.message_id, seen.channel_id) {
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
        |title| format!("{group} ({})", sanitize(title)),
    )
}
