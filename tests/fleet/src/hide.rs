//! HIDE carries envelopes between the two channels, and questions for the version between TEST and AVATAR.

use serde_json::json;
use telegram_sim::{Post, Simulator, bot_api_id};

use crate::files::Files;
use crate::test_group::{COMMAND, TestGroup};
use crate::voice::Voice;
use crate::{AVATAR, Received};

/// The bot's name in envelopes.
pub(crate) const NAME: &str = "HIDE";

/// An answer to `/version`, as HIDE posted it in TEST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The message with the answer.
    pub message: i32,
    /// The message with the question, which the answer replies to.
    pub reply_to: i64,
    pub text: String,
}

/// The stand-in of HIDE.
pub struct Hide {
    /// The answers in TEST, oldest first.
    pub answers: Vec<Answer>,
    /// The number of posts that were copied from EXCHANGE into HIDE.
    pub copied: usize,
    /// The number of posts of the account that were carried from HIDE into EXCHANGE.
    pub carried: usize,
    voice: Voice,
}

impl Hide {
    pub(crate) fn new(sim: &Simulator, channel: i64) -> Self {
        Self {
            answers: Vec::new(),
            copied: 0,
            carried: 0,
            voice: Voice::new(sim, NAME, channel),
        }
    }

    /// Returns the answer to the question in this message of TEST.
    pub fn answer_to(&self, message: i32) -> Option<&Answer> {
        self.answers
            .iter()
            .find(|answer| answer.reply_to == i64::from(message))
    }

    /// Asks AVATAR for its version if a member of TEST typed the command.
    pub(crate) fn read_test(&self, sim: &Simulator, test: i64, post: &Post) {
        if post.text == COMMAND {
            let data = json!({
                "admin_id": post.from,
                "message_id": post.id,
                "group_id": bot_api_id(test),
            });
            self.voice.send(sim, AVATAR, ("version", "ask"), &data);
        }
    }

    /// Reads a post that the account addressed to HIDE.
    pub(crate) fn read(
        &mut self,
        sim: &Simulator,
        test: &TestGroup,
        received: &Received<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        let (chat, reply_to, text) = if received.is("version", "reply") {
            let version = received.envelope.data["version"].as_str();
            let version = version.ok_or_else(|| received.problem("has no version"))?;
            let text = format!("SCP-079-AVATAR {version}");
            (test.group, received.number("message_id")?, text)
        } else if received.is("help", "send") {
            let chat = bot_api_id(received.number("chat_id")?);
            let text = received.open(files)?;
            let text = text.text().ok_or_else(|| received.problem("has no text"))?;
            if chat != test.group {
                // A report for the debug channel, which this fleet does not have.
                return Ok(());
            }
            (chat, received.number("message_id")?, text.to_owned())
        } else {
            return Err(received.problem("is not for HIDE"));
        };
        let message = sim.post(chat, self.voice.account, &text, None);
        self.answers.push(Answer {
            message,
            reply_to,
            text,
        });
        Ok(())
    }

    /// Carries a post of the account from HIDE to the bots in EXCHANGE.
    pub(crate) fn carry(&mut self, sim: &Simulator, exchange: i64, received: &Received<'_>) {
        let to_everybody = received.envelope.to.iter().any(|to| to == "EMERGENCY");
        if received.envelope.from == AVATAR && !to_everybody {
            self.copy(sim, exchange, received.post);
            self.carried += 1;
        }
    }

    /// Copies a post in EXCHANGE into HIDE if it is addressed to a bot that must stay hidden.
    pub(crate) fn copy_to_hidden(&mut self, sim: &Simulator, hide: i64, received: &Received<'_>) {
        let to = &received.envelope.to;
        let to_hidden = to.iter().any(|to| to == AVATAR || to == "EMERGENCY");
        if to_hidden && received.post.from != self.voice.account {
            self.copy(sim, hide, received.post);
            self.copied += 1;
        }
    }

    fn copy(&self, sim: &Simulator, chat: i64, post: &Post) {
        let file = post.file.as_ref();
        let file = file.map(|file| (file.name.as_str(), file.bytes.as_slice()));
        sim.post(chat, self.voice.account, &post.text, file);
    }
}
