//! Outcomes of joins in SQL: as bound values, and as the lists of words that conditions need.

use std::sync::LazyLock;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

use crate::model::{JoinOutcome, RecheckScope};

/// The outcomes of joins that are not settled.
pub(super) static WAITING: LazyLock<String> = LazyLock::new(|| words(JoinOutcome::is_waiting));

/// The outcomes after which a photo that the user shows later is still forwarded.
pub(super) static OPEN: LazyLock<String> =
    LazyLock::new(|| words(|outcome| outcome.recheck_scope() == RecheckScope::Open));

/// The outcomes that concern one group alone.
pub(super) static OTHER_GROUPS: LazyLock<String> =
    LazyLock::new(|| words(|outcome| outcome.recheck_scope() == RecheckScope::OtherGroups));

fn words(condition: impl Fn(JoinOutcome) -> bool) -> String {
    let words: Vec<String> = JoinOutcome::all()
        .filter(|outcome| condition(*outcome))
        .map(|outcome| format!("'{}'", outcome.as_str()))
        .collect();
    words.join(", ")
}

impl ToSql for JoinOutcome {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for JoinOutcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::from_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_list_every_outcome_of_their_kind() {
        assert_eq!(*WAITING, "'lookup', 'queued', 'held'");
        assert_eq!(
            *OPEN,
            "'queued', 'forwarded', 'failed', 'expired', 'restored', 'no_photo', 'excepted', 'repeat'"
        );
        assert_eq!(
            *OTHER_GROUPS,
            "'kicked', 'unwatched_group', 'added_by_trusted', 'declared'"
        );
    }
}
