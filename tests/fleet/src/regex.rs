//! REGEX sends lists of rules, and keeps the counts of their hits.

use std::collections::BTreeMap;

use serde_json::json;
use telegram_sim::Simulator;

use crate::files::Files;
use crate::voice::Voice;
use crate::{AVATAR, Received};

/// The bot's name in envelopes.
pub(crate) const NAME: &str = "REGEX";

/// The stand-in of REGEX.
pub struct Regex {
    /// The newest counts of each list: rule → hits.
    pub counts: BTreeMap<String, BTreeMap<String, i64>>,
    voice: Voice,
}

impl Regex {
    pub(crate) fn new(sim: &Simulator, channel: i64) -> Self {
        Self {
            counts: BTreeMap::new(),
            voice: Voice::new(sim, NAME, channel),
        }
    }

    /// Sends a list of rules; returns the message's id. `files` encrypts it.
    pub fn send_rules(&self, sim: &Simulator, files: &Files, list: &str, rules: &[&str]) -> i32 {
        let file = files.seal_rules(list, rules);
        let order = ("regex", "update");
        let data = json!(list);
        self.voice
            .send_file(sim, &[AVATAR, "NOSPAM"], order, &data, &file)
    }

    /// Asks for the counts of all lists; returns the message's id.
    pub fn ask_for_counts(&self, sim: &Simulator) -> i32 {
        let order = ("regex", "count");
        self.voice.send(sim, AVATAR, order, &json!("ask"))
    }

    pub(crate) fn read(
        &mut self,
        received: &Received<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        let list = received.envelope.data.as_str();
        let list = list
            .filter(|_| received.is("regex", "count"))
            .ok_or_else(|| received.problem("is not for REGEX"))?;
        let counts = received.open(files)?.numbers();
        let counts = counts.ok_or_else(|| received.problem("holds no counts"))?;
        self.counts.insert(list.to_owned(), counts);
        Ok(())
    }
}
