//! Odd lists of dialogs: limited, without the newest messages, with constructors that the client does not know.

use std::time::Duration;

use super::Simulator;
use crate::flood_limit::FloodLimit;
use crate::service;
use crate::world::unknown_constructors::Unreadable;

impl Simulator {
    /// Refuses calls of a method with `420 FLOOD_WAIT_x` beyond `calls` within any `window`. The limit replaces the
    /// earlier one of the method.
    ///
    /// # Panics
    /// If the simulator has no such method.
    pub fn limit_calls(&self, method: &str, calls: usize, window: Duration) {
        assert!(service::has_method(method), "unknown method: {method}");
        let limit = FloodLimit::new(method, calls, window);
        self.shared.change(|world| world.flood_limits.set(limit));
    }

    /// Refuses posts of the account with `420 FLOOD_WAIT_x` beyond `posts` within any `window`, with and without files
    /// together.
    pub fn limit_posts(&self, posts: usize, window: Duration) {
        let limit = FloodLimit::posts(posts, window);
        self.shared.change(|world| world.flood_limits.set(limit));
    }

    /// Gives a method back the limit of [`Options::flood_limits`](crate::Options::flood_limits), or none.
    pub fn restore_limit(&self, method: &str) {
        self.shared.change(|world| {
            let limits = &world.options.flood_limits;
            match limits.iter().find(|limit| limit.method == method) {
                Some(limit) => world.flood_limits.set(limit.clone()),
                None => world.flood_limits.remove(method),
            }
        });
    }

    /// Adds that many supergroups; returns their bare ids.
    pub fn add_groups(&self, count: usize) -> Vec<i64> {
        (1..=count)
            .map(|number| self.add_group(&format!("Group {number}")))
            .collect()
    }

    /// Sets whether lists of dialogs leave out a chat's newest message, as after its deletion.
    pub fn hide_top_message(&self, chat: i64, hidden: bool) {
        self.with_chat(chat, |chat| chat.hides_top_message = hidden);
    }

    /// Sets whether a chat's dialog has a constructor that no client knows. An answer that holds it cannot be parsed.
    pub fn set_unreadable_dialog(&self, chat: i64, unreadable: bool) {
        self.with_chat(chat, |chat| {
            if unreadable {
                chat.unreadable.insert(Unreadable::Dialog);
            } else {
                chat.unreadable.remove(&Unreadable::Dialog);
            }
        });
    }

    /// Moves a chat in the list of dialogs: its messages get this date, in seconds since 1970.
    pub fn set_dialog_date(&self, chat: i64, date: i32) {
        self.with_chat(chat, |chat| {
            for message in chat.messages.values_mut() {
                message.date = date;
            }
        });
    }
}
