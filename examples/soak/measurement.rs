//! Measures the process, its files and the rows of `state.db`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};

use crate::flatness::Sample;

/// How long a read waits for a lock of the program.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Measures the process with this id, the number `process` of the run, and its data directory.
pub(crate) fn sample(
    at: Duration,
    process: usize,
    pid: u32,
    data: &Path,
) -> anyhow::Result<Sample> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let word = line.and_then(|line| line.split_whitespace().next());
        let word = word.with_context(|| format!("/proc has no {name}"))?;
        anyhow::Ok(word.parse::<u64>()?)
    };
    let (files, _) = files_in(data)?;
    let (spool_files, spool_bytes) = files_in(&data.join("spool"))?;
    Ok(Sample {
        at,
        process,
        memory_kib: number("VmRSS:")?,
        threads: number("Threads:")?,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
        database_bytes: size(&data.join("state.db")),
        log_bytes: size(&data.join("state.db-wal")),
        session_bytes: size(&data.join("account.session")),
        files,
        spool_files,
        spool_bytes,
        rows: rows(&open(data)?)?,
    })
}

/// Opens `state.db` to read it.
pub(crate) fn open(data: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(data.join("state.db"), flags)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    Ok(database)
}

/// Runs a statement that counts rows.
pub(crate) fn count(database: &Connection, sql: &str) -> anyhow::Result<u64> {
    let count: i64 = database.query_row(sql, [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Counts the rows of a table by the text in a column.
pub(crate) fn count_by(
    database: &Connection,
    table: &str,
    column: &str,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let sql = format!("SELECT {column}, COUNT(*) FROM {table} GROUP BY {column}");
    let mut statement = database.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts the rows of all tables.
fn rows(database: &Connection) -> anyhow::Result<u64> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = database.prepare(tables)?;
    let tables = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut rows = 0;
    for table in tables {
        rows += count(database, &format!("SELECT COUNT(*) FROM {}", table?))?;
    }
    Ok(rows)
}

/// Returns the number of files in a directory, and their bytes.
pub(crate) fn files_in(directory: &Path) -> anyhow::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.is_dir() {
            files += 1;
            bytes += size(&path);
        }
    }
    Ok((files, bytes))
}

/// Returns the size of a file; 0 if it is gone.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
