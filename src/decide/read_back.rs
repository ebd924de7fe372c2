//! How far the groups are read back at the first start after an import, and the search for where that begins.
//!
//! The search looks at pages downwards from the newest message, until one holds a message that is too old, so that a
//! quiet group costs one call. The messages from there on are then read upwards, as those of every gap. A crash may
//! lose a search: the next start begins it again at the newest message.

use crate::model::{Channel, DatedMessage, MessageId, Timestamp};

/// How many messages of a group are read back.
const MAX_MESSAGES: i32 = 2000;
/// How far a group is read back, in seconds.
const MAX_AGE: i64 = 24 * 60 * 60;

/// Returns the earliest time of a join that is read back, if the newest imported join is of the time `from`.
#[must_use]
pub fn earliest_join(from: Timestamp, now: Timestamp) -> Timestamp {
    from.max(now.plus(-MAX_AGE))
}

/// Returns the newest message of a group that is too far back to be read.
#[must_use]
pub fn lowest_message(group: &Channel) -> MessageId {
    MessageId::new((group.top_message.get() - MAX_MESSAGES).max(0))
}

/// The bounds of the reading back of one group.
#[derive(Clone, Copy, Debug)]
pub struct ReadBackBounds {
    /// The earliest time of a join that could be missing.
    pub wanted: Timestamp,
    /// The earliest time of a join that is read back.
    pub earliest: Timestamp,
    /// The search ends here: earlier messages are too far back, or were read before a restart.
    pub lowest: MessageId,
}

/// The search for where the reading back of a group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadBackSearch {
    /// The newest message when the search began.
    top: MessageId,
    /// The newest message that was not looked at yet.
    next: MessageId,
    /// The time of the oldest message that was looked at, as far as its page shows one.
    oldest: Option<Timestamp>,
}

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadBackStart {
    /// The reading begins after this message.
    pub after: MessageId,
    /// The last page that was looked at holds every message from there to the newest one.
    pub is_page_enough: bool,
    pub cut: Option<ReadBackCut>,
}

/// A limit that leaves out messages that may hold missing joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadBackCut {
    /// The limit, for the log.
    pub limit: &'static str,
    /// The time to which the group is read back; unknown if no message shows one.
    pub down_to: Option<Timestamp>,
}

impl ReadBackSearch {
    /// Begins a search at the newest message of a group.
    #[must_use]
    pub const fn new(top: MessageId) -> Self {
        Self {
            top,
            next: top,
            oldest: None,
        }
    }

    /// Returns the newest message of the next page.
    #[must_use]
    pub const fn next(&self) -> MessageId {
        self.next
    }

    /// Returns the message before the next page, if a page has at most `limit` messages.
    #[must_use]
    pub fn before_next(&self, limit: i32, bounds: &ReadBackBounds) -> MessageId {
        MessageId::new(self.next.get().saturating_sub(limit)).max(bounds.lowest)
    }

    /// Records the page after the message `after`, which lacks deleted messages and one that cannot be read. Returns
    /// the end of the search, if this is the last page.
    pub fn looked_at(
        &mut self,
        after: MessageId,
        messages: &[DatedMessage],
        bounds: &ReadBackBounds,
    ) -> Option<ReadBackStart> {
        let is_page_enough = self.next == self.top;
        self.next = after;
        let dates = messages.iter().map(|message| message.date);
        self.oldest = dates.clone().min().or(self.oldest);
        let is_old_enough = dates.clone().any(|date| date < bounds.earliest);
        if !is_old_enough && after > bounds.lowest {
            return None;
        }
        let is_missed = |date| (bounds.wanted..bounds.earliest).contains(&date);
        let cut = if is_old_enough {
            dates.clone().any(is_missed).then_some(ReadBackCut {
                limit: "24 hours",
                down_to: Some(bounds.earliest),
            })
        } else {
            self.reaches_limit(bounds).then_some(ReadBackCut {
                limit: "2,000 messages",
                down_to: self.oldest,
            })
        };
        Some(ReadBackStart {
            after,
            is_page_enough,
            cut,
        })
    }

    /// Reports whether the limit on the messages ends the search, and neither the beginning of the group nor what was
    /// read before a restart.
    const fn reaches_limit(&self, bounds: &ReadBackBounds) -> bool {
        bounds.lowest.get() > 0 && self.top.get() - bounds.lowest.get() >= MAX_MESSAGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: i64 = 500;
    const EARLIEST: i64 = 1_000;

    fn bounds(lowest: i32) -> ReadBackBounds {
        ReadBackBounds {
            wanted: Timestamp::new(WANTED),
            earliest: Timestamp::new(EARLIEST),
            lowest: MessageId::new(lowest),
        }
    }

    /// Searches a group with messages 1 to `top`, whose times are given by `date`; returns how many pages were looked
    /// at, and the end.
    fn search(top: i32, lowest: i32, date: impl Fn(i32) -> Option<i64>) -> (usize, ReadBackStart) {
        let (bounds, mut search) = (bounds(lowest), ReadBackSearch::new(MessageId::new(top)));
        for pages in 1.. {
            let after = search.before_next(50, &bounds);
            assert!(after < search.next(), "an empty page");
            let ids = after.get() + 1..=search.next().get();
            let dated = |id| {
                Some(DatedMessage {
                    id: MessageId::new(id),
                    date: Timestamp::new(date(id)?),
                })
            };
            let messages: Vec<_> = ids.filter_map(dated).collect();
            if let Some(end) = search.looked_at(after, &messages, &bounds) {
                return (pages, end);
            }
        }
        unreachable!("the search ends at the lowest message")
    }

    fn cut(limit: &'static str, down_to: Option<i64>) -> Option<ReadBackCut> {
        let down_to = down_to.map(Timestamp::new);
        Some(ReadBackCut { limit, down_to })
    }

    #[test]
    fn groups_are_read_back_24_hours_at_most() {
        let now = Timestamp::new(1_000_000);
        for (from, expected) in [(999_000, 999_000), (5, 1_000_000 - 86_400)] {
            assert_eq!(earliest_join(Timestamp::new(from), now).get(), expected);
        }
    }

    #[test]
    fn a_page_with_a_message_that_is_too_old_ends_the_search() {
        let is_new = |from: i32| move |id| Some(if id >= from { EARLIEST } else { WANTED - 1 });
        for (from, pages, after) in [
            // The newest message is too old already, or the last one of the page is.
            (5_001, 1, 4_950),
            (4_952, 1, 4_950),
            (4_951, 2, 4_900),
            (4_000, 21, 3_950),
            // No message of the last page is too old.
            (3_001, 40, 3_000),
        ] {
            let (looked_at, end) = search(5_000, 3_000, is_new(from));
            assert_eq!((looked_at, end.after.get()), (pages, after), "{from}");
            assert_eq!(end.is_page_enough, pages == 1, "{from}");
            assert_eq!(end.cut.is_some(), pages == 40, "{from}");
        }
    }

    #[test]
    fn the_limit_on_the_messages_is_a_cut_with_the_time_of_the_oldest_message() {
        let (_, end) = search(5_000, 3_000, |id| Some(EARLIEST + i64::from(id)));
        assert_eq!(end.cut, cut("2,000 messages", Some(EARLIEST + 3_001)));
        let (pages, end) = search(5_000, 3_000, |_| None);
        assert_eq!(end.cut, cut("2,000 messages", None));
        assert_eq!((pages, end.after.get()), (40, 3_000));
        let (_, end) = search(5_000, 3_000, |id| (id >= 4_980).then_some(EARLIEST));
        assert_eq!(end.cut, cut("2,000 messages", Some(EARLIEST)));
    }

    #[test]
    fn neither_the_beginning_of_a_group_nor_a_restart_is_a_cut() {
        for (top, lowest) in [(30, 0), (2_000, 0), (5_000, 3_500)] {
            let (_, end) = search(top, lowest, |_| Some(EARLIEST));
            assert_eq!((end.after.get(), end.cut), (lowest, None), "{top}");
        }
    }

    #[test]
    fn messages_between_the_newest_imported_join_and_the_limit_of_24_hours_are_a_cut() {
        for (old, expected) in [
            (WANTED, cut("24 hours", Some(EARLIEST))),
            (EARLIEST - 1, cut("24 hours", Some(EARLIEST))),
            (WANTED - 1, None),
        ] {
            let (_, end) = search(5_000, 3_000, |id| {
                Some(if id > 4_990 { EARLIEST } else { old })
            });
            assert_eq!(end.cut, expected, "{old}");
        }
    }
}
