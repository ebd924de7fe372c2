//! BACKUP keeps the account's status reports and lists, and can order EXCHANGE back.

use std::collections::BTreeMap;

use serde_json::json;
use telegram_sim::Simulator;

use crate::Received;
use crate::files::{Content, Files};
use crate::voice::Voice;

/// The bot's name in envelopes.
pub(crate) const NAME: &str = "BACKUP";

/// A list as the account posted it.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedList {
    /// The file, for a rollback.
    pub file: Vec<u8>,
    pub content: Content,
}

/// The stand-in of BACKUP.
pub struct Backup {
    /// The words of the status reports, oldest first: "online" or "awake".
    pub reports: Vec<String>,
    /// The newest file of each list.
    pub lists: BTreeMap<String, SavedList>,
    voice: Voice,
}

impl Backup {
    pub(crate) fn new(sim: &Simulator, channel: i64) -> Self {
        Self {
            reports: Vec::new(),
            lists: BTreeMap::new(),
            voice: Voice::new(sim, NAME, channel),
        }
    }

    /// Orders all bots to use EXCHANGE again; returns the message's id.
    pub fn restore_exchange(&self, sim: &Simulator) -> i32 {
        let order = ("backup", "hide");
        self.voice.send(sim, "EMERGENCY", order, &json!(false))
    }

    pub(crate) fn read(
        &mut self,
        received: &Received<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        let data = &received.envelope.data;
        if received.is("backup", "status") {
            // `classic` sends the word, and `current` an object with the word.
            let word = data.as_str().or_else(|| data["type"].as_str());
            let word = word.ok_or_else(|| received.problem("has no status"))?;
            self.reports.push(word.to_owned());
        } else if received.is("backup", "pickle") || received.is("backup", "data") {
            let list = data.as_str();
            let list = list.ok_or_else(|| received.problem("names no list"))?;
            let content = received.open(files)?;
            let file = received.post.file.as_ref();
            let file = file.map_or_else(Vec::new, |file| file.bytes.clone());
            self.lists
                .insert(list.to_owned(), SavedList { file, content });
        } else {
            return Err(received.problem("is not for BACKUP"));
        }
        Ok(())
    }
}
