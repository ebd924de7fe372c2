//! Turns what Telegram pushes into hints for the watcher.

use telegram_wire::tl::enums;
use telegram_wire::{Push, Pushes};

use super::convert;
use crate::model::{Advance, ChannelId, Page, User, UserId};

/// A hint that Telegram pushed. Hints may be lost without harm, because the program also compares the
/// `pts` of every channel with the stored one from time to time.
#[derive(Debug)]
pub enum Hint {
    /// One event of one channel. It can be applied if it follows the stored `pts`.
    Pushed(Page),
    /// Users whose profile photo the push shows.
    Shown(Vec<User>),
    /// This channel has changed further than the push shows.
    ChannelChanged(ChannelId),
    /// The settings of this channel changed, the account joined or left it, or Telegram gives no reason.
    ChannelUpdated(ChannelId),
    /// Some channel may have moved: a push could not be read.
    ChannelsMoved,
    /// Any channel may have moved, and the account may have joined or left some.
    DialogsChanged,
    /// Another device has scanned the QR code of a login.
    QrCodeScanned,
    /// The connection was lost. Telegram does not push again what happens until the next one.
    Disconnected,
}

/// The receiver of all hints.
pub struct Hints(Pushes);

impl Hints {
    pub(super) const fn new(pushes: Pushes) -> Self {
        Self(pushes)
    }

    /// Waits for hints, and appends those that are there to `batch`, about `limit` of them. Returns false at the end.
    ///
    /// The call may be cancelled without a loss.
    pub async fn recv_many(&mut self, batch: &mut Vec<Hint>, limit: usize) -> bool {
        while batch.is_empty() {
            let Some(push) = self.0.next().await else {
                return false;
            };
            batch.extend(of_push(push));
        }
        while batch.len() < limit
            && let Some(push) = self.0.next_now()
        {
            batch.extend(of_push(push));
        }
        true
    }
}

fn of_push(push: Push) -> Vec<Hint> {
    match push {
        Push::Updates(updates) => of_updates(*updates),
        Push::Malformed => vec![Hint::ChannelsMoved],
        Push::Disconnected => vec![Hint::Disconnected],
    }
}

fn of_updates(updates: enums::Updates) -> Vec<Hint> {
    match updates {
        enums::Updates::Updates(batch) => of_batch(batch.updates, &batch.users),
        enums::Updates::Combined(batch) => of_batch(batch.updates, &batch.users),
        enums::Updates::UpdateShort(short) => of_batch(vec![short.update], &[]),
        enums::Updates::TooLong => vec![Hint::DialogsChanged],
        // Private chats and basic groups, which are not watched.
        enums::Updates::UpdateShortMessage(_)
        | enums::Updates::UpdateShortChatMessage(_)
        | enums::Updates::UpdateShortSentMessage(_) => Vec::new(),
    }
}

fn of_batch(updates: Vec<enums::Update>, users: &[enums::User]) -> Vec<Hint> {
    let messages = updates.iter().filter_map(|update| match update {
        enums::Update::NewChannelMessage(new) => Some(&new.message),
        _ => None,
    });
    let mut shown = convert::shown(users, messages);
    let mut hints: Vec<Hint> = updates
        .into_iter()
        .filter_map(|update| of_update(update, users))
        .collect();
    // A user who joins by these updates is decided on with the join, perhaps only after a pull.
    shown.retain(|user| !hints.iter().any(|hint| contains_join(hint, user.id)));
    if !shown.is_empty() {
        hints.push(Hint::Shown(shown));
    }
    hints
}

fn contains_join(hint: &Hint, user: UserId) -> bool {
    matches!(hint, Hint::Pushed(page) if page.joins.iter().any(|join| join.user == user))
}

fn of_update(update: enums::Update, users: &[enums::User]) -> Option<Hint> {
    use enums::Update as U;
    match update {
        U::NewChannelMessage(new) => {
            let Some(channel) = convert::channel_of(&new.message) else {
                return Some(Hint::ChannelsMoved);
            };
            let advance = Advance::Pushed {
                to: new.pts,
                count: new.pts_count,
            };
            let page = convert::page(channel, advance, &[new.message], users);
            Some(Hint::Pushed(page))
        }
        U::EditChannelMessage(edit) => {
            let Some(channel) = convert::channel_of(&edit.message) else {
                return Some(Hint::ChannelsMoved);
            };
            Some(moves_pts(channel, edit.pts, edit.pts_count))
        }
        U::DeleteChannelMessages(u) => {
            let channel = ChannelId::from_bare(u.channel_id);
            let advance = Advance::Pushed {
                to: u.pts,
                count: u.pts_count,
            };
            Some(Hint::Pushed(Page {
                last_message: convert::last_deleted(&u.messages),
                ..Page::empty(channel, advance)
            }))
        }
        U::ChannelWebPage(u) => {
            let channel = ChannelId::from_bare(u.channel_id);
            Some(moves_pts(channel, u.pts, u.pts_count))
        }
        U::PinnedChannelMessages(u) => {
            let channel = ChannelId::from_bare(u.channel_id);
            Some(moves_pts(channel, u.pts, u.pts_count))
        }
        U::ChannelTooLong(u) => Some(Hint::ChannelChanged(ChannelId::from_bare(u.channel_id))),
        U::Channel(u) => Some(Hint::ChannelUpdated(ChannelId::from_bare(u.channel_id))),
        U::LoginToken => Some(Hint::QrCodeScanned),
        _ => None,
    }
}

/// Makes a hint of an event that matters only for its `pts`.
fn moves_pts(channel: ChannelId, to: i32, count: i32) -> Hint {
    Hint::Pushed(Page::empty(channel, Advance::Pushed { to, count }))
}
