//! MANAGE asks for the status, and orders backups, clears and rollbacks.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use telegram_sim::Simulator;

use crate::backup::SavedList;
use crate::files::Files;
use crate::voice::Voice;
use crate::{AVATAR, Received};

/// The bot's name in envelopes.
pub(crate) const NAME: &str = "MANAGE";
/// The administrator on whose behalf MANAGE orders.
const ADMIN: i64 = 5_079_000_003;

/// The answer to a question for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReply {
    /// The message of the administrator's question, as MANAGE named it.
    pub message: i64,
    /// The figures by their labels.
    pub figures: BTreeMap<String, i64>,
}

/// The stand-in of MANAGE.
pub struct Manage {
    /// The answers, oldest first.
    pub replies: Vec<StatusReply>,
    voice: Voice,
}

impl Manage {
    pub(crate) fn new(sim: &Simulator, channel: i64) -> Self {
        Self {
            replies: Vec::new(),
            voice: Voice::new(sim, NAME, channel),
        }
    }

    /// Asks for the status on behalf of the administrator's message `message`; returns the id of the post.
    pub fn ask_for_status(&self, sim: &Simulator, message: i64) -> i32 {
        let data = json!({"admin_id": ADMIN, "message_id": message});
        self.voice.send(sim, AVATAR, ("status", "ask"), &data)
    }

    /// Orders a backup of all lists; returns the message's id.
    pub fn back_up_now(&self, sim: &Simulator) -> i32 {
        let order = ("backup", "now");
        self.voice.send(sim, AVATAR, order, &Value::Null)
    }

    /// Clears the users on the bad list; returns the message's id.
    pub fn clear_bad_users(&self, sim: &Simulator) -> i32 {
        let data = json!({"admin_id": ADMIN, "type": "users"});
        self.voice.send(sim, AVATAR, ("clear", "bad"), &data)
    }

    /// Orders a list to be replaced by what BACKUP kept; returns the message's id.
    pub fn roll_back(&self, sim: &Simulator, list: &str, saved: &SavedList) -> i32 {
        let data = json!({"admin_id": ADMIN, "type": list});
        let order = ("backup", "rollback");
        self.voice
            .send_file(sim, &[AVATAR], order, &data, &saved.file)
    }

    pub(crate) fn read(
        &mut self,
        received: &Received<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        if !received.is("status", "reply") {
            return Err(received.problem("is not for MANAGE"));
        }
        let figures = received.open(files)?.numbers();
        self.replies.push(StatusReply {
            message: received.number("message_id")?,
            figures: figures.ok_or_else(|| received.problem("holds no figures"))?,
        });
        Ok(())
    }
}
