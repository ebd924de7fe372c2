//! Chooses the channel that AVATAR's posts go to: EXCHANGE or HIDE.
//!
//! The module `orders` decides who may order a change. The caller stores the choice and enqueues the notice to the
//! fleet in the transaction of the event, so that the choice survives a crash and the notice is sent once.

/// The channel that posts go to. Its text form is stored in `state.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Route {
    /// The normal channel, if it is configured.
    Exchange,
    /// The only channel without EXCHANGE, and the fallback with it.
    Hide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteEvent {
    /// A post in EXCHANGE failed for good: no right to write, or the channel is private or gone.
    ExchangeFailed,
    /// `Order::SetRoute` was read in either channel.
    Ordered { hide: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteChange {
    /// The channel after the event.
    pub route: Route,
    /// True if the order to use HIDE has to be posted in HIDE: [`reports::emergency`](super::reports::emergency).
    pub notify_fleet: bool,
}

impl Route {
    /// Returns the channel at start: the stored choice, as far as the configuration still allows it.
    #[must_use]
    pub const fn at_start(stored: Option<Self>, has_exchange: bool) -> Self {
        match stored {
            _ if !has_exchange => Self::Hide,
            Some(stored) => stored,
            None => Self::Exchange,
        }
    }

    /// Returns the channel after an event. `has_exchange` is true if EXCHANGE is configured.
    ///
    /// Only a change from EXCHANGE to HIDE notifies the fleet; another event of the same meaning changes nothing.
    #[must_use]
    pub const fn after(self, event: RouteEvent, has_exchange: bool) -> RouteChange {
        let before = Self::at_start(Some(self), has_exchange);
        let route = match event {
            RouteEvent::ExchangeFailed | RouteEvent::Ordered { hide: true } => Self::Hide,
            RouteEvent::Ordered { hide: false } => Self::at_start(None, has_exchange),
        };
        RouteChange {
            route,
            notify_fleet: matches!((before, route), (Self::Exchange, Self::Hide)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Route::{Exchange, Hide};
    use super::*;

    const FAILED: RouteEvent = RouteEvent::ExchangeFailed;
    const TO_HIDE: RouteEvent = RouteEvent::Ordered { hide: true };
    const BACK: RouteEvent = RouteEvent::Ordered { hide: false };

    #[test]
    fn posts_move_to_hide_with_one_notice_and_back_by_order() {
        for (before, has_exchange, event, route, notify_fleet) in [
            (Exchange, true, FAILED, Hide, true),
            (Exchange, true, TO_HIDE, Hide, true),
            (Exchange, true, BACK, Exchange, false),
            (Hide, true, FAILED, Hide, false),
            (Hide, true, TO_HIDE, Hide, false),
            (Hide, true, BACK, Exchange, false),
            // EXCHANGE was removed from the configuration after the choice was stored.
            (Exchange, false, TO_HIDE, Hide, false),
            (Hide, false, TO_HIDE, Hide, false),
            (Hide, false, BACK, Hide, false),
        ] {
            let change = RouteChange {
                route,
                notify_fleet,
            };
            assert_eq!(
                before.after(event, has_exchange),
                change,
                "{before:?} {event:?}"
            );
        }
    }

    #[test]
    fn the_choice_survives_a_restart_as_far_as_the_configuration_allows_it() {
        for (stored, has_exchange, chosen) in [
            (None, false, Hide),
            (None, true, Exchange),
            (Some(Exchange), false, Hide),
            (Some(Exchange), true, Exchange),
            (Some(Hide), true, Hide),
            (Some(Hide), false, Hide),
        ] {
            assert_eq!(Route::at_start(stored, has_exchange), chosen, "{stored:?}");
        }
    }

    #[test]
    fn the_stored_words_are_stable() {
        for (route, word) in [(Exchange, "exchange"), (Hide, "hide")] {
            assert_eq!(<&str>::from(route), word);
            assert_eq!(word.parse(), Ok(route));
        }
        assert!("EXCHANGE".parse::<Route>().is_err());
    }
}
