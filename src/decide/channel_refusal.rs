//! The meaning of an error with which Telegram answers a call about one channel.

/// The meaning of an error for the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelRefusal {
    /// The account is not in the channel.
    NotInChannel,
    /// The `pts` of the call is not one of the channel.
    PtsRejected,
    /// Telegram cannot compute the differences of the channel at present. This may last for hours.
    DifferencesUnavailable,
    /// The error has another meaning.
    Other,
}

/// Returns the meaning of the error `name`, such as `CHANNEL_PRIVATE`, for the channel that a call names. Do not ask for
/// the error of a call that also names a user, where USER_NOT_PARTICIPANT concerns that user.
#[must_use]
pub fn channel_refusal(name: &str) -> ChannelRefusal {
    match name {
        "CHANNEL_INVALID"
        | "CHANNEL_PRIVATE"
        | "CHANNEL_PUBLIC_GROUP_NA"
        // The misspelling is Telegram's.
        | "CHANNEL_PARICIPANT_MISSING"
        | "CHAT_FORBIDDEN"
        | "USER_BANNED_IN_CHANNEL"
        | "USER_KICKED"
        | "USER_NOT_PARTICIPANT" => ChannelRefusal::NotInChannel,
        "PERSISTENT_TIMESTAMP_EMPTY" | "PERSISTENT_TIMESTAMP_INVALID" => {
            ChannelRefusal::PtsRejected
        }
        "HISTORY_GET_FAILED" | "PERSISTENT_TIMESTAMP_OUTDATED" => {
            ChannelRefusal::DifferencesUnavailable
        }
        _ => ChannelRefusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_channel_is_read_by_its_name() {
        for (name, refusal) in [
            ("CHANNEL_PRIVATE", ChannelRefusal::NotInChannel),
            ("CHANNEL_PUBLIC_GROUP_NA", ChannelRefusal::NotInChannel),
            ("CHAT_FORBIDDEN", ChannelRefusal::NotInChannel),
            ("USER_BANNED_IN_CHANNEL", ChannelRefusal::NotInChannel),
            ("PERSISTENT_TIMESTAMP_INVALID", ChannelRefusal::PtsRejected),
            (
                "PERSISTENT_TIMESTAMP_OUTDATED",
                ChannelRefusal::DifferencesUnavailable,
            ),
            ("HISTORY_GET_FAILED", ChannelRefusal::DifferencesUnavailable),
            ("CHAT_ADMIN_REQUIRED", ChannelRefusal::Other),
        ] {
            assert_eq!(channel_refusal(name), refusal, "{name}");
        }
    }
}
