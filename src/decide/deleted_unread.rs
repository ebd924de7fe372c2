//! The number of messages that were deleted before they were read.
//!
//! The ids of a supergroup's messages are consecutive. An id that is missing in what was read belonged to a message that
//! somebody deleted first, such as a join message that a captcha bot removed.

use crate::model::{DatedMessage, MessageId, Page};

/// Counts the messages between `read_up_to` and the end of a page that the page lacks. Every message up to `read_up_to`
/// must have been read.
#[must_use]
pub fn deleted_unread(read_up_to: MessageId, page: &Page) -> u32 {
    let Some(last) = page.last_message.filter(|last| *last > read_up_to) else {
        return 0;
    };
    let is_new = |message: &&DatedMessage| read_up_to < message.id && message.id <= last;
    let read = page.messages.iter().filter(is_new).count();
    let covered = last.get().saturating_sub(read_up_to.get());
    let covered = u32::try_from(covered).unwrap_or(0);
    covered.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Advance, ChannelId, Timestamp};

    #[test]
    fn ids_that_a_page_lacks_are_counted_once() {
        let dated = |id| DatedMessage {
            id: MessageId::new(id),
            date: Timestamp::new(1),
        };
        let count = |read_up_to: i32, messages: &[i32], last: Option<i32>| {
            let advance = Advance::Pulled { from: 1, to: 2 };
            let page = Page {
                messages: messages.iter().copied().map(dated).collect(),
                last_message: last.map(MessageId::new),
                ..Page::empty(ChannelId::from_bare(1), advance)
            };
            deleted_unread(MessageId::new(read_up_to), &page)
        };
        assert_eq!(count(5, &[], None), 0, "no messages");
        assert_eq!(count(5, &[6, 7], Some(7)), 0, "consecutive");
        assert_eq!(count(5, &[8], Some(8)), 2, "6 and 7 are missing");
        assert_eq!(count(5, &[6], Some(9)), 3, "the last ones were deleted");
        assert_eq!(count(5, &[3, 4], Some(4)), 0, "read before");
        assert_eq!(count(5, &[4, 7], Some(7)), 1, "4 was read before");
        assert_eq!(
            count(5, &[], Some(3)),
            0,
            "a message that was read is deleted"
        );
    }
}
