use std::collections::BTreeSet;

use telegram_wire::tl::{Deserializable, Identifiable, Serializable, enums, functions as f, types};

use super::*;
use crate::model::ChannelId;

const NOW: Timestamp = Timestamp::new(1_800_000_000);
/// The newest message of every dialog.
const TOP: i32 = 9;

/// A dialog of the list.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: i64,
    date: i32,
    pinned: bool,
    /// The newest message is not shown.
    hidden: bool,
    unreadable: bool,
}

/// A list of dialogs, newest first.
struct List(Vec<Entry>);

impl List {
    /// Makes a list of `count` dialogs, `apart` seconds apart.
    fn new(count: usize, apart: i32) -> Self {
        let now = i32::try_from(NOW.get()).expect("before 2038");
        let numbers = 1..=i32::try_from(count).expect("few");
        Self(
            numbers
                .map(|number| Entry {
                    id: i64::from(number),
                    date: now - number * apart,
                    pinned: false,
                    hidden: false,
                    unreadable: false,
                })
                .collect(),
        )
    }

    fn change(
        mut self,
        positions: impl IntoIterator<Item = usize>,
        change: fn(&mut Entry),
    ) -> Self {
        for position in positions {
            change(&mut self.0[position]);
        }
        self
    }

    /// Answers a request; `None` if the answer cannot be parsed.
    fn answer(&self, request: &f::messages::GetDialogs) -> Option<enums::messages::Dialogs> {
        let mut all: Vec<Entry> = self.0.clone();
        if request.folder_id == Some(1) {
            all.clear();
        }
        let (pinned, unpinned): (Vec<Entry>, Vec<Entry>) = all.iter().partition(|e| e.pinned);
        let after = |entry: &Entry| {
            if request.offset_date == 0 {
                return true;
            }
            let key = (entry.date, entry.id);
            match &request.offset_peer {
                enums::InputPeer::Channel(peer) => key < (request.offset_date, peer.channel_id),
                _ => entry.date <= request.offset_date,
            }
        };
        let first = pinned.into_iter().filter(|_| !request.exclude_pinned);
        let page: Vec<Entry> = first
            .chain(unpinned.into_iter().filter(after))
            .take(usize::try_from(request.limit).expect("positive"))
            .collect();
        if page.iter().any(|entry| entry.unreadable) {
            return None;
        }
        let is_whole = page.len() == all.len();
        let (dialogs, messages, chats) = (
            page.iter().map(Entry::dialog).collect(),
            page.iter()
                .filter(|e| !e.hidden)
                .map(Entry::message)
                .collect(),
            page.iter().map(Entry::chat).collect(),
        );
        let users = Vec::new();
        Some(if is_whole {
            types::messages::Dialogs {
                dialogs,
                messages,
                chats,
                users,
            }
            .into()
        } else {
            let count = i32::try_from(all.len()).expect("few");
            types::messages::DialogsSlice {
                count,
                dialogs,
                messages,
                chats,
                users,
            }
            .into()
        })
    }
}

/// Makes an object from its serialized fields: flags say which of the optional ones are there.
fn object<T: Deserializable>(fields: &[Vec<u8>]) -> T {
    T::from_bytes(&fields.concat()).expect("an object")
}

impl Entry {
    fn peer(&self) -> enums::Peer {
        types::PeerChannel {
            channel_id: self.id,
        }
        .into()
    }

    fn dialog(&self) -> enums::Dialog {
        let flags = 1 | u32::from(self.pinned) << 2;
        let settings: [u32; 2] = [types::PeerNotifySettings::CONSTRUCTOR_ID, 0];
        let counts = [0_i32; 6];
        let pts = 5_i32;
        let dialog: types::Dialog = object(&[
            flags.to_bytes(),
            self.peer().to_bytes(),
            TOP.to_bytes(),
            counts.map(|count| count.to_bytes()).concat(),
            settings.map(|word| word.to_bytes()).concat(),
            pts.to_bytes(),
        ]);
        dialog.into()
    }

    fn message(&self) -> enums::Message {
        let message: types::MessageService = object(&[
            0_u32.to_bytes(),
            TOP.to_bytes(),
            self.peer().to_bytes(),
            self.date.to_bytes(),
            enums::MessageAction::Empty.to_bytes(),
        ]);
        message.into()
    }

    fn chat(&self) -> enums::Chat {
        const MEGAGROUP_WITH_ACCESS_HASH: u32 = 1 << 8 | 1 << 13;
        let chat: types::Channel = object(&[
            MEGAGROUP_WITH_ACCESS_HASH.to_bytes(),
            0_u32.to_bytes(),
            self.id.to_bytes(),
            7_i64.to_bytes(),
            "A group".to_owned().to_bytes(),
            enums::ChatPhoto::Empty.to_bytes(),
            self.date.to_bytes(),
        ]);
        chat.into()
    }
}

/// Reads the whole list; returns the ids that were listed and the number of calls.
fn read(listing: &mut DialogListing, list: &List) -> (BTreeSet<i64>, usize) {
    let (mut ids, mut calls) = (BTreeSet::new(), 0);
    while listing.folder < FOLDERS.len() {
        calls += 1;
        assert!(calls < 500, "the listing does not end: {listing:?}");
        match list.answer(&listing.request()) {
            Some(answer) => {
                let channels = listing.take(answer, NOW);
                ids.extend(channels.iter().map(|channel| channel.id.bare()));
            }
            None => listing.note_unreadable("a test", NOW),
        }
    }
    (ids, calls)
}

fn assert_read(list: &List, most_calls: usize) {
    let mut listing = DialogListing::default();
    let readable = list.0.iter().filter(|entry| !entry.unreadable);
    let wanted: BTreeSet<i64> = readable.map(|entry| entry.id).collect();
    let (ids, calls) = read(&mut listing, list);
    let lacks: Vec<&i64> = wanted.difference(&ids).collect();
    assert!(lacks.is_empty(), "lacks {lacks:?}");
    assert!(calls <= most_calls, "{calls} calls");
}

#[test]
fn every_dialog_is_listed() {
    for count in [0, 1, 49, 50, 51, 100, 480] {
        assert_read(&List::new(count, 60), 2 + count.div_ceil(50) + 2);
    }
}

#[test]
fn pages_without_newest_messages_do_not_end_the_list() {
    for apart in [1, 60, 5_000] {
        let list = List::new(130, apart).change(0..120, |entry| entry.hidden = true);
        assert_read(&list, 80);
        let list = List::new(300, apart).change(60..200, |entry| entry.hidden = true);
        assert_read(&list, 90);
        let list = List::new(120, apart).change(60..120, |entry| entry.hidden = true);
        assert_read(&list, 60);
    }
}

#[test]
fn unreadable_dialogs_are_stepped_over() {
    for apart in [1, 60, 5_000] {
        for positions in [
            vec![0],
            vec![30],
            vec![119],
            vec![10, 11, 12],
            vec![5, 60, 100],
        ] {
            let list = List::new(120, apart);
            let list = list.change(positions.clone(), |entry| entry.unreadable = true);
            assert_read(&list, 20 + 45 * positions.len());
        }
    }
}

#[test]
fn the_next_list_finds_an_unreadable_dialog_where_it_was() {
    let list = List::new(120, 5_000).change([30], |entry| entry.unreadable = true);
    let mut listing = DialogListing::default();
    let (first, calls) = read(&mut listing, &list);
    listing.restart();
    let (second, fewer) = read(&mut listing, &list);
    assert_eq!(first, second);
    assert!(fewer + 8 < calls, "{fewer} of {calls}");
    assert_eq!(listing.most_skipped, 1);
}

#[test]
fn pinned_dialogs_do_not_hide_others() {
    for pinned in [0..5, 55..60, 110..115] {
        let list = List::new(120, 60).change(pinned.clone(), |entry| entry.pinned = true);
        assert_read(&list, 12);
        // An unreadable dialog behind them makes the pages small.
        let list = list.change([20], |entry| entry.unreadable = true);
        assert_read(&list, 60);
    }
}

#[test]
fn an_unreadable_pinned_dialog_does_not_hide_those_that_are_not_pinned() {
    let list = List::new(120, 60)
        .change([3, 4], |entry| entry.pinned = true)
        .change([3], |entry| entry.unreadable = true);
    let (ids, _) = read(&mut DialogListing::default(), &list);
    assert!(
        (1..=120)
            .filter(|id| ![4, 5].contains(id))
            .all(|id| ids.contains(&id))
    );
}

#[test]
fn a_failure_keeps_the_offset() {
    let list = List::new(480, 60);
    let mut listing = DialogListing::default();
    for _ in 0..4 {
        let answer = list.answer(&listing.request()).expect("readable");
        listing.take(answer, NOW);
    }
    let before = listing.request();
    listing.limit.fail();
    let after = listing.request();
    assert_eq!(after.offset_date, before.offset_date);
    assert!(after.limit < before.limit);
    assert_ne!(after.offset_date, 0);
    let (ids, _) = read(&mut listing, &list);
    assert!(ids.contains(&480) && ids.contains(&201));
    assert!(ids.iter().all(|id| ChannelId::from_bare(*id).bare() == *id));
}
