//! How large the next page of a channel may be, and when it has to be read in another way.
//!
//! A page that cannot be read is narrowed down to one event or message by halving the limit. As soon as the guilty one
//! is passed, the limit grows again. The history of a channel outlives the pull, so that a channel whose pages are large
//! does not begin with too large a page each time.

use std::time::Duration;

use crate::decide::backoff;

/// The events or messages that a page may hold. Telegram permits 100 events and 200 messages, but 100 messages of the
/// greatest length make an answer of 1.64 MB, and the connection takes hardly one.
pub(super) const LARGEST_PAGE: i32 = 50;
/// How often the connection may end during a page of one event before the event is read in another way. An outage must
/// not look like an event that cannot be read.
const MAX_CUTS: u8 = 4;
/// How often Telegram may fail to compute the differences before the messages are fetched by their ids.
const MAX_UNAVAILABLE: u32 = 3;

/// The lessons from the earlier pages of a channel for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHistory {
    limit: i32,
    /// The next events among which one cannot be read; 0 if none is known.
    unreadable_within: i32,
    /// The connection ended so many times in a row during a page of one event.
    cuts: u8,
    /// Telegram failed so many times in a row to compute the differences.
    unavailable: u32,
    /// The differences could not be read so many times in a row, whatever the limit.
    dead_ends: u32,
    /// A page of this channel may have ended the connection.
    pub(super) is_suspect: bool,
}

/// How the next page of a channel is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextPage {
    /// In the same way, perhaps with a smaller limit.
    Again,
    /// In the same way, after a pause.
    Later,
    /// In another way: differences by message ids, and a message by stepping over it.
    Otherwise,
}

impl Default for PageHistory {
    fn default() -> Self {
        Self {
            limit: LARGEST_PAGE,
            unreadable_within: 0,
            cuts: 0,
            unavailable: 0,
            dead_ends: 0,
            is_suspect: false,
        }
    }
}

impl PageHistory {
    pub(super) const fn limit(&self) -> i32 {
        self.limit
    }

    /// Records that a page was read, or that the message that could not be read was passed.
    pub(super) fn page_read(&mut self) {
        self.is_suspect = false;
        self.cuts = 0;
        self.unreadable_within = (self.unreadable_within - self.limit).max(0);
        self.limit = if self.unreadable_within > 0 {
            (self.unreadable_within / 2).max(1)
        } else {
            (self.limit * 2).min(LARGEST_PAGE)
        };
    }

    /// Records an answer that cannot be parsed.
    pub(super) const fn page_unreadable(&mut self) -> NextPage {
        self.is_suspect = false;
        self.cuts = 0;
        if self.limit == 1 {
            self.unreadable_within = 1;
            return NextPage::Otherwise;
        }
        self.halve();
        NextPage::Again
    }

    /// Records that Telegram refused a page. A smaller one may pass. No message is left out, since all of them may be
    /// refused for a while.
    pub(super) const fn page_refused(&mut self) -> NextPage {
        self.is_suspect = false;
        self.cuts = 0;
        if self.limit > 1 {
            self.halve();
        }
        NextPage::Later
    }

    /// Records that the connection ended during a page. If other pages were in flight, the guilty one is not known.
    pub(super) const fn connection_ended(&mut self, alone: bool) -> NextPage {
        self.is_suspect = true;
        if !alone {
            return NextPage::Again;
        }
        if self.limit > 1 {
            self.halve();
            return NextPage::Again;
        }
        self.unreadable_within = 1;
        self.cuts += 1;
        if self.cuts < MAX_CUTS {
            return NextPage::Later;
        }
        self.cuts = 0;
        NextPage::Otherwise
    }

    /// Records that Telegram cannot compute the differences.
    pub(super) const fn differences_unavailable(&mut self) -> NextPage {
        self.unavailable = self.unavailable.saturating_add(1);
        if self.are_differences_unavailable() {
            NextPage::Otherwise
        } else {
            NextPage::Later
        }
    }

    pub(super) const fn are_differences_unavailable(&self) -> bool {
        self.unavailable >= MAX_UNAVAILABLE
    }

    pub(super) const fn differences_available(&mut self) {
        self.unavailable = 0;
        self.dead_ends = 0;
    }

    /// Records that the differences have to be read in another way.
    pub(super) const fn dead_end(&mut self) {
        self.dead_ends = self.dead_ends.saturating_add(1);
    }

    /// Returns true if an event could not be read, and pulling again after a list of dialogs did not help.
    pub(super) const fn is_unreadable_for_long(&self) -> bool {
        self.dead_ends >= 2 && !self.are_differences_unavailable()
    }

    /// Returns the pause before the next pull of differences, which grows while they cannot be read, because each time
    /// the dialogs are listed for the channel. The list may lack the channel: its newest message may be the one that
    /// cannot be read.
    pub(super) fn pause(&self) -> Duration {
        match self.dead_ends {
            0 | 1 => Duration::ZERO,
            more => backoff(more - 2),
        }
    }

    const fn halve(&mut self) {
        self.unreadable_within = self.limit;
        self.limit /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads events of which the one at `guilty` cannot be read, as the tracker does; returns how many calls failed.
    fn narrow_down(history: &mut PageHistory, guilty: i32) -> usize {
        let (mut at, mut failed) = (0, 0);
        loop {
            let is_guilty = (at..at + history.limit()).contains(&guilty);
            if !is_guilty {
                at += history.limit();
                assert!(at <= guilty, "stepped past {guilty}");
                history.page_read();
                continue;
            }
            failed += 1;
            if history.page_unreadable() == NextPage::Otherwise {
                assert_eq!(at, guilty);
                return failed;
            }
        }
    }

    #[test]
    fn an_unreadable_event_is_found_with_few_failures_wherever_it_is() {
        for guilty in 0..200 {
            let mut history = PageHistory::default();
            let failed = narrow_down(&mut history, guilty);
            assert!(failed <= 7, "{guilty}: {failed}");
            history.page_read();
            history.page_read();
            assert_eq!(history.limit(), 4, "it grows again");
            for _ in 0..4 {
                history.page_read();
            }
            assert_eq!(history, PageHistory::default());
        }
    }

    #[test]
    fn a_page_that_ends_the_connection_alone_is_halved_and_at_last_read_otherwise() {
        let mut history = PageHistory::default();
        assert_eq!(history.connection_ended(false), NextPage::Again);
        assert_eq!((history.limit(), history.is_suspect), (50, true));
        for limit in [25, 12, 6, 3, 1] {
            assert_eq!(history.connection_ended(true), NextPage::Again);
            assert_eq!(history.limit(), limit);
        }
        for _ in 1..MAX_CUTS {
            assert_eq!(history.connection_ended(true), NextPage::Later);
        }
        assert_eq!(history.connection_ended(true), NextPage::Otherwise);
        history.page_read();
        assert!(!history.is_suspect);
    }

    #[test]
    fn a_success_in_between_starts_the_count_of_cuts_again() {
        let mut history = PageHistory::default();
        while history.connection_ended(true) != NextPage::Later {}
        history.page_read();
        assert_eq!(history.limit(), 2);
        assert_eq!(history.connection_ended(true), NextPage::Again);
        for _ in 1..MAX_CUTS {
            assert_eq!(history.connection_ended(true), NextPage::Later);
        }
        assert_eq!(history.connection_ended(true), NextPage::Otherwise);
    }

    #[test]
    fn differences_that_stay_unavailable_are_asked_for_ever_more_rarely() {
        let mut history = PageHistory::default();
        assert_eq!(history.differences_unavailable(), NextPage::Later);
        assert_eq!(history.differences_unavailable(), NextPage::Later);
        assert_eq!(history.pause(), Duration::ZERO);
        for seconds in [0, 1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(history.differences_unavailable(), NextPage::Otherwise);
            history.dead_end();
            assert_eq!(history.pause(), Duration::from_secs(seconds));
        }
        history.differences_available();
        assert_eq!(history, PageHistory::default());
    }
}
