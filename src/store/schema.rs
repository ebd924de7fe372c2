//! The layouts of `state.db` and the migrations from each to the next (docs/state-db.md).
//!
//! `PRAGMA user_version` holds the number of the layout. Each migration is one transaction: a program that is killed
//! during one finds the old layout at the next start, and begins the migration again. Before the first migration of a
//! start, the whole database is copied beside itself.

mod layouts;
pub(super) mod outbox_columns;
mod safety_copy;

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// The step from one layout to the next.
enum Migration {
    Sql(&'static str),
    Code(fn(&Transaction<'_>) -> Result<(), StoreError>),
}

/// The migrations in order; the first one leads to layout 1. A released migration is never changed.
const MIGRATIONS: &[Migration] = &[
    Migration::Sql(layouts::LAYOUT_1),
    Migration::Sql(layouts::LAYOUT_2),
    Migration::Sql(layouts::LAYOUT_3),
    Migration::Code(outbox_columns::migrate),
    Migration::Sql(layouts::LAYOUT_5),
    Migration::Sql(layouts::LAYOUT_6),
    Migration::Sql(layouts::LAYOUT_7),
    Migration::Sql(layouts::LAYOUT_8),
    Migration::Sql(layouts::LAYOUT_9),
    Migration::Sql(layouts::LAYOUT_10),
    Migration::Sql(layouts::LAYOUT_11),
];

/// Marks the file as this program's: "SCP7", in SQLite's `application_id`.
const APPLICATION: i32 = 0x5343_5037;

/// Checks that a database belongs to this program and has a known layout. Changes nothing.
pub(super) fn check_layout(database: &Connection) -> Result<(), StoreError> {
    let found = layout(database)?;
    let newest = newest();
    if found > newest {
        return Err(StoreError::Newer { found, newest });
    }
    let application: i32 = database.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        database.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
    let is_new = found == 0 && tables == 0;
    if !is_new && application != APPLICATION {
        return Err(StoreError::Damaged("it is another program's".into()));
    }
    Ok(())
}

/// Checks that a database is not damaged. Reads all of it, and changes nothing.
pub(super) fn check_integrity(database: &Connection) -> Result<(), StoreError> {
    let verdict: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Damaged(verdict));
    }
    Ok(())
}

/// Brings the database at `path`, which was checked, to the newest layout.
pub(super) fn migrate(database: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = layout(database)?;
    if found > 0 && found < newest() {
        safety_copy::write(database, path, found)?;
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = database.transaction()?;
        match migration {
            Migration::Sql(sql) => transaction.execute_batch(sql)?,
            Migration::Code(migrate) => migrate(&transaction)?,
        }
        let layout = index + 1;
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {layout}"
        ))?;
        transaction.commit()?;
        if found > 0 {
            tracing::info!(layout, "state.db was migrated");
        }
    }
    Ok(())
}

/// Returns the newest layout that this version knows.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Returns the layout of a database; 0 for an empty one.
pub(super) fn layout(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA user_version", [], |row| row.get(0))
}
