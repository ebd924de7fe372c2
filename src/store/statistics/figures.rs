//! The figures of the status report (docs/exchange.md, "Reports"), by label.

use std::collections::BTreeMap;

use super::count;
use crate::store::{ReadTx, StoreError};

/// The labels, each with the query for its figure.
const FIGURES: [(&str, &str); 14] = [
    (
        "groups",
        "SELECT COUNT(*) FROM ledger WHERE present AND kind = 'group'",
    ),
    ("joins", "SELECT COUNT(*) FROM joins"),
    ("users", "SELECT COUNT(DISTINCT user_id) FROM joins"),
    ("forwarded", "SELECT COUNT(*) FROM forwarded"),
    (
        "waiting",
        "SELECT COUNT(*) FROM outbox WHERE kind = 'avatar' AND state IN ('wanted', 'fetched', 'sending')",
    ),
    ("bad users", "SELECT COUNT(*) FROM bad WHERE kind = 'user'"),
    (
        "bad channels",
        "SELECT COUNT(*) FROM bad WHERE kind = 'channel'",
    ),
    ("exceptions", "SELECT COUNT(*) FROM excepted"),
    ("flooded groups", "SELECT COUNT(*) FROM flooded"),
    (
        "administrators",
        "SELECT COUNT(DISTINCT user_id) FROM admins",
    ),
    ("rules", "SELECT COUNT(*) FROM rules"),
    (
        "orders obeyed",
        "SELECT COUNT(*) FROM orders WHERE verdict = 'obeyed'",
    ),
    (
        "orders refused",
        "SELECT COUNT(*) FROM orders WHERE verdict NOT IN ('obeyed', 'copy')",
    ),
    (
        "malformed envelopes",
        "SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'malformed'), 0)",
    ),
];

impl ReadTx<'_> {
    /// Returns the figures of the status report. The joins are also counted by outcome, as `joins: OUTCOME`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn status_figures(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut figures = BTreeMap::new();
        for (label, sql) in FIGURES {
            let figure = self.db.query_row(sql, [], |row| row.get(0).map(count))?;
            figures.insert(label.to_owned(), figure);
        }
        let mut statement = self
            .db
            .prepare("SELECT outcome, COUNT(*) FROM joins GROUP BY outcome")?;
        let rows = statement.query_map([], |row| {
            let outcome: String = row.get(0)?;
            Ok((format!("joins: {outcome}"), count(row.get(1)?)))
        })?;
        for row in rows {
            let (label, figure) = row?;
            figures.insert(label, figure);
        }
        Ok(figures)
    }
}
