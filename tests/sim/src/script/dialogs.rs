//! Odd lists of dialogs: limited, without the newest messages, with constructors that the client does not know.

use std::time::Duration;

use super::Simulator;
use crate::flood_limit::FloodLimit;
use crate::service;
use crate::world::unknown_constructors::Unreadable;

impl Simulator {
    /// Refuses calls of a method with `420 FLOOD_WAIT_x` beyond `calls` within `window`. Several limits may be set.
    pub fn limit_calls(&self, method: &str, calls: usize, window: Duration) {
        assert!(service::has_method(method), "unknown method: {method}");
        self.shared.change(|world| {
            let limit = FloodLimit::new(method.to_owned(), calls, window);
            world.flood_limits.push(limit);
        });
    }

    /// Removes the limits of [`limit_calls`](Self::limit_calls).
    pub fn clear_limits(&self) {
        self.shared.change(|world| world.flood_limits.clear());
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
