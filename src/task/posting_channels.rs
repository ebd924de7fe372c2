//! The private channels, and which of them posts go to now.
//!
//! `exchange::route` decides which events change the choice; this module stores the choice, in the transaction of
//! the event, and passes the EMERGENCY order on once. See docs/exchange.md, "Which channel".

use crate::exchange::reports;
use crate::exchange::route::{Route, RouteEvent};
use crate::model::{Channel, ChannelId, ChannelKind, Purpose, Timestamp};
use crate::store::{OutboxRow, ReadTx, StoreError, Tx};

/// The setting that stores the choice.
const ROUTE: &str = "route";

/// HIDE and, where one is configured, EXCHANGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingChannels {
    pub hide: ChannelId,
    pub exchange: Option<ChannelId>,
}

impl PostingChannels {
    /// Reports whether a channel is one of them.
    #[must_use]
    pub fn contains(&self, channel: ChannelId) -> bool {
        channel == self.hide || Some(channel) == self.exchange
    }

    /// Returns EXCHANGE for HIDE and HIDE for EXCHANGE, if both are configured.
    pub(super) fn other(&self, channel: ChannelId) -> Option<ChannelId> {
        let exchange = self.exchange?;
        Some(if channel == exchange {
            self.hide
        } else {
            exchange
        })
    }

    /// Reports whether the updates of a channel are followed: those of every group, HIDE and EXCHANGE.
    pub(super) fn is_watched(&self, channel: &Channel) -> bool {
        channel.kind == ChannelKind::Group || self.contains(channel.id)
    }

    /// Returns where posts go now.
    pub(super) fn route(&self, tx: &ReadTx<'_>) -> Result<Route, StoreError> {
        let stored = tx.setting(ROUTE)?.and_then(|word| word.parse().ok());
        Ok(Route::at_start(stored, self.exchange.is_some()))
    }

    /// Returns the channel of a row's post: the one in which the post was begun, since only that channel knows its
    /// `random_id`; otherwise the one that posts go to now.
    pub(super) fn target(&self, tx: &ReadTx<'_>, row: &OutboxRow) -> Result<ChannelId, StoreError> {
        if let Some(channel) = row.begun_in {
            return Ok(channel);
        }
        Ok(match (self.route(tx)?, self.exchange) {
            (Route::Exchange, Some(exchange)) => exchange,
            _ => self.hide,
        })
    }

    /// Changes the choice after an event. Returns `true` if the EMERGENCY order is passed on in HIDE.
    pub(super) fn change_route(
        &self,
        tx: &Tx<'_>,
        event: RouteEvent,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = self.route(tx)?.after(event, self.exchange.is_some());
        tx.set_setting(ROUTE, change.route.into())?;
        if change.notify_fleet {
            tx.enqueue_text(Purpose::Emergency, &reports::emergency(), now)?;
        }
        Ok(change.notify_fleet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SendFilter;
    use crate::task::fixture::{EXCHANGE, Fixture, HIDE, NOW};

    #[test]
    fn the_emergency_order_is_passed_on_once_and_a_begun_post_stays_where_it_was_begun() {
        let fixture = Fixture::new();
        let channels = PostingChannels {
            hide: HIDE,
            exchange: Some(EXCHANGE),
        };
        fixture.write(|tx| {
            tx.enqueue_text(Purpose::Version, "a report", NOW)?;
            let mut row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
            assert_eq!(channels.target(tx, &row)?, EXCHANGE);
            assert!(channels.change_route(tx, RouteEvent::ExchangeFailed, NOW)?);
            assert!(!channels.change_route(tx, RouteEvent::Ordered { hide: true }, NOW)?);
            assert_eq!(channels.target(tx, &row)?, HIDE);
            row.begun_in = Some(EXCHANGE);
            assert_eq!(channels.target(tx, &row)?, EXCHANGE);
            assert!(!channels.change_route(tx, RouteEvent::Ordered { hide: false }, NOW)?);
            assert_eq!(channels.route(tx)?, Route::Exchange);
            Ok(())
        });
    }
}
