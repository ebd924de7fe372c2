//! Envelopes that other bots of the fleet post in HIDE.

use fleet_files::sealed::Sealer;
use scp_079_avatar::exchange::format_data;
use scp_079_avatar::list_file::sealed_json::document;
use serde_json::{Value, json};

use super::{PASSWORD, Scene};

impl Scene {
    /// Posts an envelope in HIDE, as the HIDE bot relays it; returns the id of the message.
    pub(crate) fn post_envelope(
        &self,
        from: &str,
        to: &[&str],
        (action, kind): (&str, &str),
        data: &Value,
        file: Option<&[u8]>,
    ) -> i32 {
        let text = format_data(from, to, action, kind, data);
        self.post_text(self.hide, &text, file)
    }

    /// Posts a text in HIDE or EXCHANGE; returns the id of the message.
    pub(crate) fn post_text(&self, channel: i64, text: &str, file: Option<&[u8]>) -> i32 {
        let file = file.map(|bytes| ("file", bytes));
        self.sim.post(channel, self.sim.owner(), text, file)
    }

    /// Posts an order for AVATAR; returns the id of the message.
    pub(crate) fn order(&self, from: &str, action: &str, kind: &str, data: &Value) -> i32 {
        self.post_envelope(from, &["AVATAR"], (action, kind), data, None)
    }

    /// Posts an order that is addressed to another bot; returns the id of the message.
    pub(crate) fn order_to(
        &self,
        to: &str,
        from: &str,
        action: &str,
        kind: &str,
        data: &Value,
    ) -> i32 {
        self.post_envelope(from, &[to], (action, kind), data, None)
    }

    /// Posts an order for AVATAR, and waits until the daemon has obeyed it.
    pub(crate) fn obey(&self, from: &str, action: &str, kind: &str, data: &Value) {
        let message = self.order(from, action, kind, data);
        self.wait_for_verdict(message, "obeyed");
    }

    /// Lets REGEX replace a list of rules, and waits until the daemon has obeyed.
    pub(crate) fn update_rules(&self, list: &str, rules: Value) {
        let message = self.post_envelope(
            "REGEX",
            &["AVATAR", "NOSPAM"],
            ("regex", "update"),
            &json!(list),
            Some(&sealed_list(list, rules)),
        );
        self.wait_for_verdict(message, "obeyed");
    }

    /// Posts MANAGE's order to roll a list back to what `file` holds; returns the id of the message.
    pub(crate) fn roll_back(&self, list: &str, file: &[u8]) -> i32 {
        let data = json!({"admin_id": 7, "type": list});
        let order = ("backup", "rollback");
        self.post_envelope("MANAGE", &["AVATAR"], order, &data, Some(file))
    }

    /// Waits until the order in this message of HIDE has a verdict that contains `words`.
    pub(crate) fn wait_for_verdict(&self, message: i32, words: &str) {
        self.wait_for_verdict_in(self.hide, message, words);
    }

    /// Waits until the order in this message of a channel has a verdict that contains `words`.
    pub(crate) fn wait_for_verdict_in(&self, channel: i64, message: i32, words: &str) {
        self.poll(&format!("order {message} to be {words}"), || {
            self.has_verdict(channel, message, words)
        });
    }

    /// Returns true if the order in this message of a channel has a verdict that contains `words`.
    pub(crate) fn has_verdict(&self, channel: i64, message: i32, words: &str) -> bool {
        let sql = format!(
            "SELECT verdict FROM orders WHERE channel_id = {channel} AND message_id = {message}"
        );
        let verdicts = self.query(&sql, |row| row.get::<_, String>(0));
        verdicts.iter().any(|verdict| verdict.contains(words))
    }
}

/// Seals a list under the scene's password.
pub(crate) fn sealed_list(name: &str, data: Value) -> Vec<u8> {
    let sealer = Sealer::new(&PASSWORD.into()).expect("a key");
    let json = document(name, data, "2026-01-01T00:00:00Z");
    sealer.seal_bytes(&json).expect("sealed")
}
