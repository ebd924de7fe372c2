//! The section of `status` that shows how much of each group's joins is seen.

use std::collections::BTreeMap;

use crate::app::instance_overview::GroupOverview;
use crate::cli::terminal::{relative, sanitize, table};
use crate::decide::Coverage;
use crate::model::{GroupClass, Timestamp};

/// Returns the lines about the groups that the account is in, without indentation.
pub(super) fn lines(groups: &[GroupOverview], now: Timestamp) -> Vec<String> {
    let groups: Vec<&GroupOverview> = groups.iter().filter(|group| group.present).collect();
    if groups.is_empty() {
        return vec!["none: the account is in no group".into()];
    }
    let heading = [
        "GROUP",
        "CLASS",
        "COVERAGE",
        "DELETED",
        "UNEXPLAINED",
        "LAST SCAN",
        "TITLE",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for group in &groups {
        rows.push(vec![
            group.id.to_string(),
            group.class.as_str().into(),
            group.coverage.as_str().into(),
            group.deleted_unread.to_string(),
            group.unexplained_joins.to_string(),
            group
                .scanned_at
                .map_or_else(|| "never".into(), |at| relative(at, now)),
            sanitize(&group.title),
        ]);
    }
    let mut lines = table(&rows);
    lines.push(totals(&groups));
    lines.extend(legend(&groups));
    lines
}

/// Counts the groups by class and by coverage, and what is known to be missing.
fn totals(groups: &[&GroupOverview]) -> String {
    let mut classes: BTreeMap<GroupClass, usize> = BTreeMap::new();
    let mut coverages: BTreeMap<Coverage, usize> = BTreeMap::new();
    for group in groups {
        *classes.entry(group.class).or_default() += 1;
        *coverages.entry(group.coverage).or_default() += 1;
    }
    let classes = classes
        .iter()
        .map(|(class, n)| format!("{n} {}", class.as_str()));
    let coverages = coverages
        .iter()
        .map(|(coverage, n)| format!("{n} {}", coverage.as_str()));
    let deleted: u64 = groups.iter().map(|group| group.deleted_unread).sum();
    format!(
        "in all: {}; coverage: {}; {deleted} deleted unread",
        classes.collect::<Vec<_>>().join(", "),
        coverages.collect::<Vec<_>>().join(", "),
    )
}

/// Explains the words of the table that occur.
fn legend(groups: &[&GroupOverview]) -> Vec<String> {
    let any = |holds: fn(&GroupOverview) -> bool| groups.iter().any(|group| holds(group));
    let mut lines = Vec::new();
    let mut explain = |holds: fn(&GroupOverview) -> bool, text: &str| {
        if any(holds) {
            lines.push(text.to_owned());
        }
    };
    explain(
        |group| group.class == GroupClass::Scanned,
        "scanned: some joins there have no message; the list of members is read every few minutes",
    );
    explain(
        |group| group.class == GroupClass::Hidden,
        "hidden: the group hides its members; new ones are found when they write a first message",
    );
    explain(
        |group| group.coverage == Coverage::Blind,
        "blind: Telegram refuses the dates of such members; [custom] unseen says who counts as new",
    );
    explain(
        |group| group.class == GroupClass::None,
        "none: a gigagroup or a monoforum, which is not watched",
    );
    explain(
        |group| group.deleted_unread > 0,
        "deleted: messages, such as join messages, that were deleted before the program read them",
    );
    explain(
        |group| group.unexplained_joins > 0,
        "unexplained: joins that only the number of members shows",
    );
    if any(|group| group.unreadable_messages > 0) {
        lines.push("partial: messages that could not be read were left out:".into());
    }
    for group in groups.iter().filter(|group| group.unreadable_messages > 0) {
        let (count, id) = (group.unreadable_messages, group.id);
        lines.push(format!("- {count} in {id}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChannelId, MessageId};

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn group(id: i64, class: GroupClass, coverage: Coverage) -> GroupOverview {
        GroupOverview {
            id: ChannelId::from_bare(id),
            title: "A title".into(),
            present: true,
            since: None,
            left_at: None,
            coverage,
            class,
            unreadable_messages: 0,
            deleted_unread: 0,
            unexplained_joins: 0,
            scanned_at: None,
            dates_refused_at: None,
            watched: true,
            joins_today: 0,
            last_join_at: None,
            administrators: None,
            administrators_at: None,
            read_up_to: MessageId::new(1),
        }
    }

    #[test]
    fn groups_are_listed_and_counted_and_the_words_that_occur_are_explained() {
        let quiet = group(1_000_000_001, GroupClass::Announced, Coverage::Full);
        let cleaned = GroupOverview {
            deleted_unread: 12,
            scanned_at: Some(NOW.plus(-180)),
            ..group(1_000_000_002, GroupClass::Announced, Coverage::Partial)
        };
        let hidden = group(1_000_000_003, GroupClass::Hidden, Coverage::Blind);
        let left = GroupOverview {
            present: false,
            ..group(1_000_000_004, GroupClass::Scanned, Coverage::Partial)
        };
        let shown = lines(&[quiet.clone(), cleaned, hidden, left], NOW);
        assert_eq!(
            shown,
            [
                "GROUP           CLASS      COVERAGE  DELETED  UNEXPLAINED  LAST SCAN  TITLE",
                "-1001000000001  announced  full            0            0  never      A title",
                "-1001000000002  announced  partial        12            0  3 min ago  A title",
                "-1001000000003  hidden     blind           0            0  never      A title",
                "in all: 2 announced, 1 hidden; coverage: 1 full, 1 partial, 1 blind; 12 deleted unread",
                "hidden: the group hides its members; new ones are found when they write a first message",
                "blind: Telegram refuses the dates of such members; [custom] unseen says who counts as new",
                "deleted: messages, such as join messages, that were deleted before the program read them",
            ]
        );
        assert_eq!(lines(&[quiet], NOW).len(), 3, "nothing to explain");
    }
}
