//! One turn of the loop that posts: the row to post now, or how long the loop sleeps.
//!
//! A single moment decides both. With a moment for each, the loop would sleep past a row that falls due, or a limit
//! that ends, between the two.

use super::sharing;
use crate::model::Timestamp;
use crate::store::{Members, OutboxRow, ReadTx, SendFilter, StoreError};

/// The conditions of one turn.
pub(super) struct Turn {
    pub(super) now: Timestamp,
    /// When the rate limits of posts end.
    pub(super) reports_limited_until: Option<Timestamp>,
    pub(super) avatars_limited_until: Option<Timestamp>,
    /// When the closed channel is tried again.
    pub(super) closed_until: Option<Timestamp>,
    /// The members whose photos may be posted.
    pub(super) members: Members,
    /// When those of more members may be.
    pub(super) members_change_at: Option<Timestamp>,
}

/// The action of a turn: `P` is what to post.
pub(super) enum Next<P> {
    Post(P),
    /// Sleep until this time, if it is known.
    Sleep(Option<Timestamp>),
}

impl Turn {
    /// Returns the row to post now, if there is one and neither a rate limit nor a closed channel forbids it.
    pub(super) fn next(&self, tx: &ReadTx<'_>) -> Result<Next<OutboxRow>, StoreError> {
        let closed_until = self.closed_until.filter(|until| *until > self.now);
        if closed_until.is_none() {
            let filter = SendFilter {
                reports: self.reports_limited_until.is_none(),
                avatars: self.avatars_limited_until.is_none(),
                members: self.members,
            };
            if let Some(row) = tx.next_to_send(self.now, filter)? {
                return Ok(Next::Post(row));
            }
        }
        let moments = [
            self.reports_limited_until,
            self.avatars_limited_until,
            tx.next_send_due(self.now)?,
            closed_until,
            self.members_change_at,
            sharing::next_old_enough_at(tx, self.members)?,
        ];
        Ok(Next::Sleep(moments.into_iter().flatten().min()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    use crate::clock::Clock;
    use crate::config::PaceKind;
    use crate::model::{JoinOutcome, MessageId, Payload, Purpose};
    use crate::task::deliver::pacer::Pacer;
    use crate::task::fixture::{Fixture, HIDE, NOW};
    use crate::task::queue_cost::assert_flat;

    const TURN: Turn = Turn {
        now: NOW,
        reports_limited_until: None,
        avatars_limited_until: None,
        closed_until: None,
        members: Members::All,
        members_change_at: None,
    };

    #[test]
    fn a_turn_costs_the_same_however_many_photos_wait() {
        let pacer = Pacer::new(
            PaceKind::Adaptive,
            Duration::from_secs(1),
            BTreeMap::new(),
            HIDE,
            Clock::system().instant(),
        );
        let turns = [
            TURN,
            // No photo may be posted: the turn looks for the next moment.
            Turn {
                avatars_limited_until: Some(NOW.plus(9)),
                ..TURN
            },
        ];
        for turn in turns {
            assert_flat(|fixture| {
                fixture.write(|tx| {
                    pacer.count_waiting(tx, &turn)?;
                    // The first one posts the report.
                    while let Next::Post(row) = turn.next(tx)? {
                        let is_report = matches!(row.payload, Payload::Envelope { .. });
                        tx.set_sending(row.id, HIDE)?;
                        tx.set_sent(row.id, MessageId::new(1), NOW)?;
                        if !is_report {
                            tx.settle_row(row.id, JoinOutcome::Forwarded)?;
                            break;
                        }
                    }
                    Ok(())
                });
            });
        }
    }

    #[test]
    fn a_turn_posts_or_sleeps_until_the_earliest_moment_that_matters() {
        let fixture = Fixture::new();
        let next = |turn: Turn| match fixture.write(|tx| turn.next(tx)) {
            Next::Post(row) => panic!("{row}"),
            Next::Sleep(wake_at) => wake_at,
        };
        let in_seconds = |seconds| Some(NOW.plus(seconds));
        assert_eq!(next(TURN), None, "an empty outbox");
        let row = fixture.write(|tx| {
            tx.enqueue_text(Purpose::Version, "a report", NOW)?;
            tx.next_to_send(NOW, SendFilter::ALL)
        });
        fixture.write(|tx| tx.postpone(row.expect("a row").id, NOW.plus(9), true));
        assert_eq!(next(TURN), in_seconds(9), "a row that is not due");
        let limited = Turn {
            now: NOW.plus(9),
            reports_limited_until: in_seconds(12),
            ..TURN
        };
        assert_eq!(next(limited), in_seconds(12), "a rate limit");
        let closed = |now: Timestamp| Turn {
            now,
            closed_until: in_seconds(60),
            ..TURN
        };
        assert_eq!(
            next(closed(NOW.plus(59))),
            in_seconds(60),
            "a closed channel"
        );
        let turn = closed(NOW.plus(60));
        let next = fixture.write(|tx| turn.next(tx));
        assert!(matches!(next, Next::Post(_)), "the channel is tried again");
    }
}
