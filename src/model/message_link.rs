//! Links to messages, as Telegram's apps copy them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{ChannelId, MessageId};

/// A message of a group or channel. The text form is the link that works for members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLink {
    pub channel: ChannelId,
    pub message: MessageId,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageLinkError {
    #[error("a link to a message has the form https://t.me/c/1234567890/12")]
    Form,
    /// The link names a public group.
    #[error(
        "the program stores no usernames, so it does not know which group @{username} is; take the group's id from \
         `status`, and name the message as https://t.me/c/ID/{message}"
    )]
    Username { username: String, message: String },
}

impl MessageLink {
    /// Returns true if a text is meant as a link to Telegram.
    #[must_use]
    pub fn is_link(text: &str) -> bool {
        path(text).is_some()
    }
}

impl FromStr for MessageLink {
    type Err = MessageLinkError;

    /// Parses `https://t.me/c/1234567890/12`. In a group with topics, the topic stands before the message.
    fn from_str(text: &str) -> Result<Self, MessageLinkError> {
        let path = path(text).ok_or(MessageLinkError::Form)?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let (id, message) = match parts[..] {
            ["c", id, message] | ["c", id, _, message] => (id, message),
            [username, message] | [username, _, message]
                if username != "c" && message.parse::<i32>().is_ok() =>
            {
                return Err(MessageLinkError::Username {
                    username: username.to_owned(),
                    message: message.to_owned(),
                });
            }
            _ => return Err(MessageLinkError::Form),
        };
        let channel = id.parse().ok().filter(|id| *id > 0);
        let channel = channel.and_then(ChannelId::from_either);
        let message = message.parse().ok().filter(|message| *message > 0);
        match (channel, message) {
            (Some(channel), Some(message)) => Ok(Self {
                channel,
                message: MessageId::new(message),
            }),
            _ => Err(MessageLinkError::Form),
        }
    }
}

impl fmt::Display for MessageLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://t.me/c/{}/{}", self.channel.bare(), self.message)
    }
}

/// Returns the part of a link behind Telegram's host.
fn path(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    ["t.me/", "telegram.me/"]
        .iter()
        .find_map(|host| text.strip_prefix(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_channel_and_a_message() {
        let link = MessageLink {
            channel: ChannelId::from_bare(1_234_567_890),
            message: MessageId::new(12),
        };
        for text in [
            "https://t.me/c/1234567890/12",
            "http://t.me/c/1234567890/12/",
            " t.me/c/1234567890/12?single",
            "https://telegram.me/c/1234567890/12#x",
            // The topic 3 of a group.
            "https://t.me/c/1234567890/3/12",
        ] {
            assert!(MessageLink::is_link(text), "{text}");
            assert_eq!(text.parse(), Ok(link), "{text}");
        }
        assert_eq!(link.to_string(), "https://t.me/c/1234567890/12");
        for text in [
            "https://t.me/c/1234567890",
            "https://t.me/c/0/12",
            "https://t.me/c/-1001234567890/12",
            "https://t.me/c/1234567890/0",
            "https://t.me/c/1234567890/x",
            "https://t.me/group",
            "https://t.me/+AbCdEf",
            "https://t.me/",
        ] {
            assert!(MessageLink::is_link(text), "{text}");
            assert_eq!(
                text.parse::<MessageLink>(),
                Err(MessageLinkError::Form),
                "{text}"
            );
        }
        let error = "https://t.me/durov/5"
            .parse::<MessageLink>()
            .expect_err("a username");
        assert!(error.to_string().contains("@durov"), "{error}");
        for text in ["5079000001", "-1001234567890", "https://example.org/c/5/6"] {
            assert!(!MessageLink::is_link(text), "{text}");
        }
    }
}
