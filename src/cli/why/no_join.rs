//! Explains why no join of a user is recorded: what the groups do not show, and what was cleared.

use crate::app::instance_overview::RunState;
use crate::app::member_history::History;
use crate::cli::terminal::{relative, wrapped};
use crate::decide::Coverage;
use crate::model::{GroupClass, GroupSigns, Timestamp};

/// Lists the possible reasons why no join is known.
pub(super) fn reasons(history: &History) -> Vec<String> {
    let now = history.now;
    let ago = |at: Option<Timestamp>| {
        at.map_or_else(
            || "none is recorded".into(),
            |at| format!("the last one {}", relative(at, now)),
        )
    };
    if history.state == RunState::NeverRan {
        return vec!["  The program has never run with this data directory.".into()];
    }
    let unknown = if history.photos.is_empty() {
        "No join and no photo of this user is recorded."
    } else {
        "A photo of this user is recorded, but no join is recorded any more."
    };
    let mut lines = vec![format!("  {unknown}")];
    lines.extend(asked_group(history));
    lines.push("  Possible reasons:".into());
    let cleared = &history.cleared;
    for reason in unseen_joins(history) {
        lines.extend(item(&reason));
    }
    for line in [
        format!(
            "- the record was cleared by the monthly reset ({}),",
            ago(cleared.reset_at)
        ),
        format!("  by MANAGE's clear / user ({}),", ago(cleared.users_at)),
        format!(
            "  or by remove / score or remove / bad for that user ({}).",
            ago(cleared.one_user_at)
        ),
    ] {
        lines.push(format!("  {line}"));
    }
    if history.state != RunState::Running {
        lines.push("  The program does not run: events since its end are not known yet.".into());
    }
    lines
}

/// Describes how well the program sees the group of the question.
fn asked_group(history: &History) -> Option<String> {
    let signs = history.asked_group()?;
    let scanned = signs.scanned_at.map_or_else(
        || "its list of members was never read".to_owned(),
        |at| format!("its list of members was read {}", relative(at, history.now)),
    );
    Some(format!(
        "  The group: class {}, coverage {}, deleted unread {}; {scanned}.",
        signs.class.as_str(),
        Coverage::judge(signs, history.now).as_str(),
        signs.deleted_unread,
    ))
}

/// Returns the reasons that follow from the classes and the coverage of the groups.
fn unseen_joins(history: &History) -> Vec<String> {
    let now = history.now;
    let mut reasons = Vec::new();
    match (history.group_id, history.asked_group()) {
        (Some(group), None) if !history.titles.contains_key(&group) => {
            reasons.push("the account is not in that group, and never was;".to_owned());
        }
        (Some(_), None) => reasons.push("that channel is not a group;".to_owned()),
        (Some(_), Some(signs)) if !signs.present => {
            reasons.push("the account is not in that group any more;".to_owned());
        }
        _ => {}
    }
    reasons.push("the user never joined while the account was there;".to_owned());
    let groups: Vec<&GroupSigns> = history
        .groups
        .iter()
        .filter(|signs| signs.present && history.group_id.is_none_or(|id| id == signs.group))
        .collect();
    let mut explain = |holds: &dyn Fn(&GroupSigns) -> bool, text: &str| {
        let number = groups.iter().filter(|signs| holds(signs)).count();
        let all = groups.len();
        match (number, history.group_id) {
            (0, _) => {}
            (_, Some(_)) => reasons.push(format!("{text};")),
            (_, None) => reasons.push(format!("{text} ({number} of {all} groups);")),
        }
    };
    explain(
        &|signs| signs.class == GroupClass::Announced && signs.deleted_unread > 0,
        "somebody deleted the join message before the program read it, and the user left before the list of members was \
         read",
    );
    explain(
        &|signs| signs.unexplained_joins > 0,
        "the number of members rose by more than the joins that the program saw, and the user may be one of them",
    );
    explain(
        &|signs| signs.class == GroupClass::Scanned,
        "the user joined without a join message, and left before the list of members was read, or Telegram leaves the \
         user out of that list",
    );
    explain(
        &|signs| signs.class == GroupClass::Hidden,
        "the group hides its members, and the user has not written a message there",
    );
    explain(
        &|signs| Coverage::judge(signs, now) == Coverage::Blind,
        "Telegram refuses the dates of the members, and the user wrote there while the program still learned the senders",
    );
    explain(
        &|signs| signs.class == GroupClass::None,
        "the group is a gigagroup or a monoforum, which is not watched",
    );
    reasons
}

/// Formats an item of the list.
fn item(text: &str) -> Vec<String> {
    let lines = wrapped(text, "    ").into_iter().enumerate();
    lines
        .map(|(index, line)| match index {
            0 => format!("  - {}", line.trim_start()),
            _ => line,
        })
        .collect()
}
