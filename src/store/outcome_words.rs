//! Outcomes of joins in SQL: as bound values, and as the lists of words that conditions need.

use std::sync::LazyLock;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

use crate::model::{EffectOnRecheck, JoinOutcome};

/// The outcomes of joins that are not settled.
pub(super) static WAITING: LazyLock<String> = LazyLock::new(|| words(JoinOutcome::is_waiting));

/// The outcomes after which a recheck forwards a photo that the user shows later.
pub(super) static OPEN: LazyLock<String> =
    LazyLock::new(|| words(|outcome| outcome.effect_on_recheck() == EffectOnRecheck::Recheck));

/// The outcomes after which a recheck ignores the joins in the same group.
pub(super) static OTHER_GROUPS: LazyLock<String> = LazyLock::new(|| {
    words(|outcome| outcome.effect_on_recheck() == EffectOnRecheck::IgnoreThisGroup)
});

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
            "'queued', 'forwarded', 'failed', 'expired', 'taken', 'restored', 'no_photo', 'unreadable', 'excepted', 'repeat'"
        );
        assert_eq!(
            *OTHER_GROUPS,
            "'kicked', 'unwatched_group', 'added_by_trusted', 'declared', 'unproven'"
        );
    }
}
