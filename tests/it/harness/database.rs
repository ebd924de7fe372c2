//! Reading and changing `state.db` beside the daemon. Every function panics if its SQL cannot be prepared or fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};
use scp_079_avatar::store::Store;

use super::{Scene, TIMEOUT, fixture};

impl Scene {
    /// Returns the rows of a query.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let database = open(&self.state());
        let mut statement = database
            .prepare(sql)
            .unwrap_or_else(|error| panic!("cannot prepare {sql}: {error}"));
        let rows = statement.query_map([], |row| read(row));
        rows.and_then(Iterator::collect)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Returns the number of rows that a query yields.
    pub(crate) fn count(&self, sql: &str) -> usize {
        self.query(sql, |_| Ok(())).len()
    }

    /// Executes one statement, which has to change at least one row; returns how many it changed.
    pub(crate) fn execute(&self, sql: &str) -> usize {
        let changed = open(&self.state())
            .execute(sql, [])
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(changed > 0, "{sql}: no row was changed");
        changed
    }

    /// Returns the outcomes of each user's joins, oldest message first.
    pub(crate) fn outcomes(&self) -> BTreeMap<i64, Vec<String>> {
        let mut outcomes: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (user, outcome) in self.query(
            "SELECT user_id, outcome FROM joins ORDER BY group_id, message_id",
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        ) {
            outcomes.entry(user).or_default().push(outcome);
        }
        outcomes
    }

    /// Returns the outbox rows that are not sent or dropped and the joins that have no final outcome.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        if !self.state().exists() {
            return Vec::new();
        }
        let mut rows = self.query(
            "SELECT kind || ' ' || COALESCE(purpose, list, user_id) || ' ' || state FROM outbox WHERE state NOT IN ('sent', 'dropped')",
            |row| row.get(0),
        );
        rows.extend(self.query(
            "SELECT user_id || ' ' || outcome FROM joins WHERE outcome IN ('lookup', 'queued')",
            |row| row.get(0),
        ));
        rows
    }

    /// Returns the number of online reports that were posted, if `state.db` has a layout with purposes.
    pub(super) fn sent_online_reports(&self) -> usize {
        let has_purposes = "SELECT 1 FROM pragma_table_info('outbox') WHERE name = 'purpose'";
        if !self.state().exists() || self.count(has_purposes) == 0 {
            return 0;
        }
        self.count("SELECT 1 FROM outbox WHERE purpose = 'online' AND state = 'sent'")
    }

    /// Makes a database of the newest layout from a released one.
    pub(crate) fn copy_newest_state(&self) {
        fs::copy(fixture("state/layout_10.db"), self.state()).expect("copied");
        drop(Store::open(&self.state()).expect("migrated"));
        fs::remove_file(self.data_dir().join("state.db.layout-10")).expect("a safety copy");
    }

    /// Returns whether the daemon has ever brought `state.db` to its newest layout and recorded its start there.
    pub(super) fn has_state(&self) -> bool {
        self.state().exists()
            && self.count("SELECT 1 FROM sqlite_master WHERE name = 'settings'") > 0
            && self.count("SELECT 1 FROM settings WHERE key = 'started_at'") > 0
    }
}

/// Executes statements in a database, which is created if it does not exist.
pub(crate) fn execute_batch(path: &Path, sql: &str) {
    let database = Connection::open(path).expect("a database");
    database.busy_timeout(TIMEOUT).expect("a timeout");
    database
        .execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    database.close().expect("closed");
}

/// Opens an existing database.
fn open(path: &Path) -> Connection {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    database.busy_timeout(TIMEOUT).expect("a timeout");
    database
}

#[test]
#[should_panic(expected = "cannot prepare SELECT 1 FROM no_such_table")]
fn a_query_of_an_unknown_table_panics() {
    let scene = Scene::new();
    execute_batch(&scene.state(), "CREATE TABLE a_table (a_column)");
    scene.count("SELECT 1 FROM no_such_table");
}
