//! Repairs, at start, the differences that a crash left between the spool and the outbox.

use std::collections::BTreeSet;

use super::{Database, Runtime, TaskError};
use crate::spool::Spool;

/// Removes the files that no row names, and resets rows whose file is missing.
///
/// # Errors
/// See [`TaskError`]; or the spool cannot be read.
pub async fn check_spool(
    database: &Database,
    runtime: &Runtime,
    spool: &Spool,
) -> Result<(), TaskError> {
    let now = runtime.clock.now();
    let rows = database
        .write(|tx| {
            tx.drop_unreadable(now)?;
            tx.drop_unreadable_avatars(now)?;
            tx.spooled_files()
        })
        .await?;
    let named: BTreeSet<String> = rows.iter().map(|file| file.name.clone()).collect();
    let there = spool
        .sweep(&named)
        .map_err(|error| TaskError::System(format!("the spool cannot be read: {error}")))?;
    database
        .write(|tx| {
            for file in rows.iter().filter(|file| !there.contains(&file.name)) {
                tx.set_wanted(file.row)?;
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, NOW, avatar};

    #[tokio::test]
    async fn a_row_without_its_file_waits_again_and_a_file_without_a_row_goes() {
        let fixture = Fixture::new();
        fixture.spool.write("onlyfile", b"sealed").expect("written");
        fixture.spool.write("bothhere", b"sealed").expect("written");
        fixture.write(|tx| {
            for (photo, name) in [(7, "bothhere"), (8, "onlyrow1")] {
                tx.enqueue_avatar(&avatar(1, photo), NOW)?;
                let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
                tx.set_fetched(row.id, name, 6, NOW)?;
            }
            Ok(())
        });
        let (database, runtime) = (&fixture.database, &fixture.runtime);
        check_spool(database, runtime, &fixture.spool)
            .await
            .expect("checked");
        assert_eq!(fixture.spooled(), ["bothhere"]);
        let waiting = fixture.write(|tx| tx.avatars_to_fetch(NOW, 9));
        assert_eq!(waiting.len(), 1);
        assert_eq!(
            waiting[0].payload,
            crate::model::Payload::Avatar(avatar(1, 8))
        );
    }
}
