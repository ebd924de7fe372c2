//! Which channel AVATAR's posts go to (SPEC §5.4).
//!
//! Owns the choice between EXCHANGE and HIDE and what turns it. Who may give the order to turn is for `orders`;
//! that the choice survives a restart, and that the order is passed on once, is the store's and the caller's:
//! both are written in the transaction of the event.

/// The channel in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The normal road, if one is configured.
    Exchange,
    /// The only road without EXCHANGE, and the fallback with it.
    Hide,
}

/// What can turn the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteEvent {
    /// A post in EXCHANGE failed for good: no right to write, or the channel is private or gone.
    ExchangeFailed,
    /// `Order::Hide` was read in either channel.
    Ordered {
        /// To HIDE, or back to EXCHANGE.
        hide: bool,
    },
}

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The channel in use from now on.
    pub route: Route,
    /// Whether the EMERGENCY order (§5.3, last row) is to be passed on in HIDE.
    pub pass_on: bool,
}

impl Route {
    /// Chooses at start: what was chosen before the restart, as far as the configuration still has it.
    #[must_use]
    pub const fn at_start(stored: Option<Self>, has_exchange: bool) -> Self {
        match stored {
            _ if !has_exchange => Self::Hide,
            Some(stored) => stored,
            None => Self::Exchange,
        }
    }

    /// Decides what an event leads to. `has_exchange` says whether EXCHANGE is configured.
    ///
    /// Each turn from EXCHANGE to HIDE passes the order on once; what else says the same changes nothing.
    #[must_use]
    pub const fn turn(self, event: RouteEvent, has_exchange: bool) -> Turn {
        let before = Self::at_start(Some(self), has_exchange);
        let route = match event {
            RouteEvent::ExchangeFailed | RouteEvent::Ordered { hide: true } => Self::Hide,
            RouteEvent::Ordered { hide: false } => Self::at_start(None, has_exchange),
        };
        Turn {
            route,
            pass_on: matches!((before, route), (Self::Exchange, Self::Hide)),
        }
    }

    /// Returns the word under which the choice is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Hide => "hide",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Exchange, Self::Hide]
            .into_iter()
            .find(|route| route.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Route::{Exchange, Hide};
    const FAILED: RouteEvent = RouteEvent::ExchangeFailed;
    const TO_HIDE: RouteEvent = RouteEvent::Ordered { hide: true };
    const BACK: RouteEvent = RouteEvent::Ordered { hide: false };

    #[test]
    fn exchange_gives_way_to_hide_once_and_comes_back_by_order() {
        for (route, has_exchange, event, after, pass_on) in [
            (Exchange, true, FAILED, Hide, true),
            (Exchange, true, TO_HIDE, Hide, true),
            (Exchange, true, BACK, Exchange, false),
            (Hide, true, FAILED, Hide, false),
            (Hide, true, TO_HIDE, Hide, false),
            (Hide, true, BACK, Exchange, false),
            // EXCHANGE was taken out of the configuration since.
            (Exchange, false, TO_HIDE, Hide, false),
            (Hide, false, TO_HIDE, Hide, false),
            (Hide, false, BACK, Hide, false),
        ] {
            let turn = Turn {
                route: after,
                pass_on,
            };
            assert_eq!(route.turn(event, has_exchange), turn, "{route:?} {event:?}");
        }
    }

    #[test]
    fn the_choice_survives_a_restart_as_far_as_the_configuration_has_it() {
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
        for route in [Exchange, Hide] {
            assert_eq!(Route::from_word(route.as_str()), Some(route));
        }
        assert_eq!(Route::from_word("EXCHANGE"), None);
    }
}
