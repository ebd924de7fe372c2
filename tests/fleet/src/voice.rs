//! A bot's account and the channel in which it posts.

use fleet_exchange::format_data;
use serde_json::Value;
use telegram_sim::{Simulator, UserSpec};

/// The account of a bot.
pub(crate) struct Voice {
    pub(crate) account: i64,
    name: &'static str,
    channel: i64,
}

impl Voice {
    pub(crate) fn new(sim: &Simulator, name: &'static str, channel: i64) -> Self {
        Self {
            account: sim.add_user(UserSpec::new(name).bot()),
            name,
            channel,
        }
    }

    /// Posts an envelope without a file; returns the message's id.
    pub(crate) fn send(
        &self,
        sim: &Simulator,
        to: &str,
        (action, kind): (&str, &str),
        data: &Value,
    ) -> i32 {
        let text = format_data(self.name, &[to], action, kind, data);
        sim.post(self.channel, self.account, &text, None)
    }

    /// Posts an envelope with a file; returns the message's id.
    pub(crate) fn send_file(
        &self,
        sim: &Simulator,
        to: &[&str],
        (action, kind): (&str, &str),
        data: &Value,
        file: &[u8],
    ) -> i32 {
        let text = format_data(self.name, to, action, kind, data);
        sim.post(self.channel, self.account, &text, Some(("file", file)))
    }
}
