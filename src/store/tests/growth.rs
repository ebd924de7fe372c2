//! The statements of `status` and of a group flood do not read more rows because more users are known.

use rusqlite::StatementStatus;

use super::*;
use crate::store::statistics;

/// Adds users who joined before `until`, one in each second, and whose photos were posted or dropped.
fn add_users(tx: &Tx<'_>, count: i64, until: Timestamp) -> Result<(), StoreError> {
    tx.db.execute_batch(&format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS
             (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})
             SELECT i, 1000 + (SELECT COUNT(*) FROM joins) + i AS user, {until} - i AS at FROM n;
         INSERT INTO joins (group_id, message_id, user_id, joined_at, outcome, seen_at, found_by)
             SELECT 5, user, user, at, 'forwarded', at, 'push' FROM n;
         INSERT INTO outbox (kind, random_id, created_at, due_at, state, reason, group_id, user_id, photo_id, photo_dc,
                 join_message_id, is_recheck, settled_at)
             SELECT 'avatar', user, at, at, iif(i % 2, 'sent', 'dropped'), iif(i % 2, NULL, 'bad'), 5, user, user, 2,
                 user, 0, at FROM n;
         DROP TABLE n;"
    ))?;
    Ok(())
}

/// Returns how many steps of SQLite's virtual machine a statement takes.
fn steps(tx: &Tx<'_>, sql: &str, parameters: &[i64]) -> Result<i32, StoreError> {
    let mut statement = tx.db.prepare(sql)?;
    if statement.readonly() {
        let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
        while rows.next()?.is_some() {}
    } else {
        statement.execute(rusqlite::params_from_iter(parameters))?;
    }
    Ok(statement.get_status(StatementStatus::VmStep))
}

#[test]
fn statements_take_no_more_steps_for_more_known_users() {
    with_tx(|tx| {
        let group = Channel {
            id: AVATAR.group,
            access_hash: AccessHash::new(1),
            kind: ChannelKind::Group,
            title: "A group".into(),
            can_post: false,
            since: Timestamp::new(1),
            pts: 1,
            top_message: MessageId::new(1),
            member_count: None,
        };
        tx.record_channel(&group)?;
        let today = NOW.midnight();
        add_users(tx, 20, today.plus(60))?;
        let (sent, dropped) = (
            statistics::outbox_counts::sent(),
            statistics::outbox_counts::dropped(),
        );
        let held = CancelScope::Group(AVATAR.group).joins_sql();
        let since = [today.get()];
        let statements: [(&str, &[i64]); 6] = [
            (statistics::JOINS_TODAY, &since),
            (statistics::JOINS_FOUND_TODAY, &since),
            (statistics::group_records::GROUPS, &[1, today.get()]),
            (&sent, &since),
            (&dropped, &since),
            (&held, &[AVATAR.group.bare(), 1]),
        ];
        let count = || -> Result<Vec<i32>, StoreError> {
            let counts = statements.iter();
            counts
                .map(|(sql, parameters)| steps(tx, sql, parameters))
                .collect()
        };
        let before = count()?;
        add_users(tx, 2000, today.plus(-1))?;
        let after = count()?;
        for (index, (sql, _)) in statements.iter().enumerate() {
            let (before, after) = (before[index], after[index]);
            assert!(after <= before + 20, "{before} steps, then {after}: {sql}");
        }
        Ok(())
    });
}

/// SQLite reads the figures of a day from the indexes alone: reading the rows too would take most of the time.
#[test]
fn the_figures_of_a_day_are_in_indexes() {
    for (sql, index) in [
        (
            statistics::JOINS_TODAY.to_owned(),
            "joins_by_outcome (outcome=? AND joined_at>?)",
        ),
        (
            statistics::JOINS_FOUND_TODAY.to_owned(),
            "joins_by_age (joined_at>?)",
        ),
        (
            statistics::group_records::GROUPS.to_owned(),
            "joins_by_group (group_id=? AND joined_at>?)",
        ),
        (
            statistics::outbox_counts::sent(),
            "outbox_settled (settled_at>?)",
        ),
    ] {
        with_tx(|tx| {
            let mut plan = tx.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let parameters = vec![Null; plan.parameter_count()];
            let rows = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))?;
            let plan: Vec<String> = rows.collect::<Result<_, _>>()?;
            let wanted = format!("USING COVERING INDEX {index}");
            assert!(
                plan.iter().any(|step| step.contains(&wanted)),
                "{sql}: {plan:?}"
            );
            Ok(())
        });
    }
}
