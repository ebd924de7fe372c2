//! The work of SQLite for each statement, for tests: its steps, whether it was prepared more than once, and the tables that
//! its plan reads as a whole. All are independent of time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::StatementStatus;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::types::Null;

use super::{Store, StoreError};

/// The tables that have few rows in every installation, and a queue of which only the first rows are read.
const SMALL_TABLES: [&str; 7] = [
    "exceptions_due",
    "ledger",
    "member_scans",
    "runs",
    "floods",
    "flooded",
    "spooled",
];

/// The statements of the writing connection, since they were last taken.
#[derive(Clone, Default)]
pub(crate) struct StatementWork {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The steps of each prepared statement so far: SQLite sums them over its runs.
    sums: BTreeMap<String, i32>,
    /// The steps since the work was last taken.
    steps: BTreeMap<String, i64>,
    /// The statements that SQLite prepared again for other parameters.
    prepared_again: BTreeSet<String>,
}

impl StatementWork {
    /// Returns the statements that ran since the last call, each with the number of its steps in SQLite's virtual machine.
    pub(crate) fn take(&self) -> BTreeMap<String, i64> {
        std::mem::take(&mut self.lock().steps)
    }

    /// Returns the statements that SQLite prepared again because a parameter changed: each such use costs as much as the
    /// first one.
    pub(crate) fn prepared_again(&self) -> BTreeSet<String> {
        self.lock().prepared_again.clone()
    }

    fn add(&self, sql: String, sum: i32, is_prepared_again: bool) {
        let mut seen = self.lock();
        if is_prepared_again {
            seen.prepared_again.insert(sql.clone());
        }
        let before = seen.sums.insert(sql.clone(), sum).unwrap_or(0);
        // A statement that was compiled again counts from 0.
        let steps = if sum >= before { sum - before } else { sum };
        *seen.steps.entry(sql).or_default() += i64::from(steps);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Records the statements of the writing connection from now on.
    pub(crate) fn record_statements(&self) -> StatementWork {
        let work = StatementWork::default();
        let seen = work.clone();
        let record = move |event: TraceEvent<'_>| {
            if let TraceEvent::Profile(statement, _) = event {
                let sum = statement.get_status(StatementStatus::VmStep);
                let is_prepared_again = statement.get_status(StatementStatus::RePrepare) > 0;
                seen.add(statement.sql().into_owned(), sum, is_prepared_again);
            }
        };
        let mut writer = self.writer();
        // A statement that is compiled after this counts from 0.
        writer.database.flush_prepared_statement_cache();
        writer
            .database
            .trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(record))
            .expect("the connection is open");
        work
    }

    /// Returns how many temporary tables SQLite may make in a run of the statement, with its triggers; `None` if the
    /// statement does not change one row of the outbox.
    pub(crate) fn temporary_tables(&self, sql: &str) -> Option<usize> {
        if !(sql.trim_start().starts_with("UPDATE outbox") && sql.contains("WHERE id = ?1")) {
            return None;
        }
        let operations: Result<Vec<String>, StoreError> = self.write(|tx| {
            let mut program = tx.db.prepare(&format!("EXPLAIN {sql}"))?;
            let parameters = vec![Null; program.parameter_count()];
            let steps =
                program.query_map(rusqlite::params_from_iter(parameters), |row| row.get(1))?;
            Ok(steps.collect::<Result<_, _>>()?)
        });
        let tables = operations
            .expect(sql)
            .iter()
            .filter(|operation| *operation == "OpenEphemeral")
            .count();
        Some(tables)
    }

    /// Returns the steps of the statement's plan that read a table as a whole which may have many rows. A walk along an
    /// index of the outbox is none: it ends at the first rows that fit.
    pub(crate) fn full_scans(&self, sql: &str) -> Vec<String> {
        let is_query = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
            .iter()
            .any(|word| sql.trim_start().starts_with(word));
        if !is_query {
            return Vec::new();
        }
        let plan: Result<Vec<String>, StoreError> = self.write(|tx| {
            let mut plan = tx.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let parameters = vec![Null; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))?;
            Ok(steps.collect::<Result<_, _>>()?)
        });
        plan.expect(sql)
            .into_iter()
            .filter(|step| !step.starts_with("SCAN outbox USING INDEX"))
            .filter(|step| {
                let table = step.strip_prefix("SCAN ").map(|rest| {
                    let end = rest.find(' ').unwrap_or(rest.len());
                    &rest[..end]
                });
                // A part of the statement itself, such as a row of constants or a recursion, is no table.
                table.is_some_and(|table| !SMALL_TABLES.contains(&table) && self.is_table(table))
            })
            .collect()
    }

    fn is_table(&self, name: &str) -> bool {
        let found: Result<bool, StoreError> = self.write(|tx| {
            let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            Ok(tx.db.prepare(sql)?.exists([name])?)
        });
        found.expect("a table list")
    }
}
