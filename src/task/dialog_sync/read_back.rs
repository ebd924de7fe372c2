//! Bounds of the reading back of groups at the first start after an import.
//!
//! The groups of the first dialog sync are read from an earlier message on, by ids and upwards. The ledger holds that
//! message and the earliest time of a join, so a crash loses and repeats nothing.

use crate::model::{Channel, MessageId, Page, Timestamp};

/// How many messages of a group are read back.
const MAX_MESSAGES: i32 = 2000;
/// How far a group is read back, in seconds.
const MAX_AGE: i64 = 24 * 60 * 60;

/// Returns the earliest time of a join that is read back.
pub(super) fn earliest_join(from: Timestamp, now: Timestamp) -> Timestamp {
    from.max(now.plus(-MAX_AGE))
}

/// Returns the message of a group after which the reading begins.
pub(super) fn begin_after(group: &Channel) -> MessageId {
    MessageId::new((group.top_message.get() - MAX_MESSAGES).max(0))
}

/// Reports whether messages before `page`, which was read after `after`, lie beyond the limit although joins of that
/// time are of interest.
pub(in crate::task) fn is_cut(
    page: &Page,
    after: MessageId,
    top: MessageId,
    earliest_join: Timestamp,
) -> bool {
    let dates = page.joins.iter().map(|join| join.date);
    let oldest = dates
        .chain(page.senders.iter().map(|sender| sender.date))
        .min();
    let is_first_page = after.get() > 0 && top.get() - after.get() >= MAX_MESSAGES;
    is_first_page && earliest_join.get() > 0 && oldest.is_some_and(|date| date > earliest_join)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Advance, ChannelId, Sender, UserId};

    #[test]
    fn groups_are_read_back_24_hours_at_most() {
        let now = Timestamp::new(1_000_000);
        for (from, expected) in [(999_000, 999_000), (5, 1_000_000 - 86_400)] {
            assert_eq!(earliest_join(Timestamp::new(from), now).get(), expected);
        }
    }

    #[test]
    fn a_first_page_of_newer_messages_shows_that_older_ones_are_left_out() {
        let sender = Sender {
            user: UserId::new(1),
            message: MessageId::new(11),
            date: Timestamp::new(500),
        };
        let page = Page {
            senders: vec![sender],
            ..Page::empty(ChannelId::from_bare(5), Advance::ByMessageIds)
        };
        for (after, from, expected) in [
            (10, 400, true),
            (10, 600, false),
            (110, 400, false),
            (10, 0, false),
        ] {
            let (after, top) = (MessageId::new(after), MessageId::new(2010));
            let cut = is_cut(&page, after, top, Timestamp::new(from));
            assert_eq!(cut, expected, "{after} {from}");
        }
    }
}
