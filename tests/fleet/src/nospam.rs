//! NOSPAM opens each photo that the account posts, and acts on it as a test has set.

use std::collections::BTreeMap;

use serde_json::json;
use telegram_sim::{Simulator, bot_api_id};

use crate::files::{Content, Files};
use crate::voice::Voice;
use crate::{AVATAR, Received};

/// The bot's name in envelopes.
pub(crate) const NAME: &str = "NOSPAM";

/// The act that follows a user's photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The user's present photo goes on the exception list.
    Except,
    /// The join message is handled.
    Declare,
    /// The user goes on the bad list.
    Bad,
}

/// A photo that NOSPAM read, with its caption's data.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenPhoto {
    /// The group in Bot API form.
    pub group: i64,
    pub user: i64,
    pub message: i64,
    pub photo: Content,
}

/// The stand-in of NOSPAM.
pub struct Nospam {
    /// The photos, oldest first.
    pub photos: Vec<SeenPhoto>,
    verdicts: BTreeMap<i64, Verdict>,
    voice: Voice,
}

impl Nospam {
    pub(crate) fn new(sim: &Simulator, channel: i64) -> Self {
        Self {
            photos: Vec::new(),
            verdicts: BTreeMap::new(),
            voice: Voice::new(sim, NAME, channel),
        }
    }

    /// Sets the act that follows the next photo of a user.
    pub fn set_verdict(&mut self, user: i64, verdict: Verdict) {
        self.verdicts.insert(user, verdict);
    }

    /// Calls a user bad, whose photo NOSPAM did not need; returns the message's id.
    pub fn call_bad(&self, sim: &Simulator, user: i64) -> i32 {
        let data = json!({"id": user, "type": "user"});
        self.voice.send(sim, AVATAR, ("add", "bad"), &data)
    }

    /// Declares a message of a group, which NOSPAM saw itself, as handled. `group` is the bare id.
    pub fn declare(&self, sim: &Simulator, group: i64, message: i32) -> i32 {
        let data = json!({"group_id": bot_api_id(group), "message_id": message});
        self.voice.send(sim, AVATAR, ("update", "declare"), &data)
    }

    /// Returns the photos of a user, oldest first.
    pub fn photos_of(&self, user: i64) -> impl Iterator<Item = &SeenPhoto> {
        self.photos.iter().filter(move |photo| photo.user == user)
    }

    pub(crate) fn read(
        &mut self,
        sim: &Simulator,
        received: &Received<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        if !received.is("update", "avatar") {
            return Err(received.problem("is not for NOSPAM"));
        }
        let photo = received.open(files)?;
        if !photo.is_photo() {
            return Err(received.problem("is not a photo"));
        }
        let seen = SeenPhoto {
            group: received.number("group_id")?,
            user: received.number("user_id")?,
            message: received.number("message_id")?,
            photo,
        };
        match self.verdicts.remove(&seen.user) {
            Some(Verdict::Except) => {
                let data = json!({"id": seen.user, "type": "long"});
                self.voice.send(sim, AVATAR, ("add", "except"), &data);
            }
            Some(Verdict::Declare) => {
                let data = json!({"group_id": seen.group, "message_id": seen.message});
                self.voice.send(sim, AVATAR, ("update", "declare"), &data);
            }
            Some(Verdict::Bad) => {
                self.call_bad(sim, seen.user);
            }
            None => {}
        }
        self.photos.push(seen);
        Ok(())
    }
}
