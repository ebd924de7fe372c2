//! The errors of pickles.

/// The reason why a pickle was not read. Positions are bytes from the beginning.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The pickle has no end.
    #[error("the pickle is truncated")]
    Truncated,
    /// Bytes follow the pickle.
    #[error("bytes follow the end of the pickle, from byte {at}")]
    TrailingBytes {
        /// The position of the first of them.
        at: usize,
    },
    /// The protocol is newer than 5, or the input is not a pickle.
    #[error("pickle protocol {0} is unknown: protocols 0 to 5 can be read")]
    UnknownProtocol(u8),
    /// No protocol has this opcode, or the input is not a pickle.
    #[error("not a pickle: byte {at} is {opcode:#04x}, an unknown opcode")]
    UnknownOpcode {
        /// The opcode.
        opcode: u8,
        /// The position of the opcode.
        at: usize,
    },
    /// The pickle names an object that Python would import.
    #[error("the pickle names {name}, which is not plain data: refused, and nothing of it was run")]
    Refused {
        /// The module and the name, escaped where they are not printable ASCII, and shortened.
        name: String,
    },
    /// The pickle has an opcode that only objects need.
    #[error("the pickle {action} (byte {at}), which plain data does not need: refused")]
    NotData {
        /// The action of the opcode, as a predicate.
        action: &'static str,
        /// The position of the opcode.
        at: usize,
    },
    /// The opcodes contradict each other, or an argument cannot be parsed.
    #[error("the pickle is damaged: {reason} (byte {at})")]
    Malformed {
        /// The contradiction.
        reason: &'static str,
        /// The position at which it was noticed.
        at: usize,
    },
    /// A list, set or dict is the key of a dict or a member of a set.
    #[error("the pickle is damaged: a list, set or dict is the key of a dict or a member of a set")]
    Unhashable,
    /// The pickle exceeds [`MAX_BYTES`](super::MAX_BYTES) or [`MAX_VALUES`](super::MAX_VALUES).
    #[error(
        "the pickle is too large: at most {} MiB and {} values are read",
        super::MAX_BYTES >> 20,
        super::MAX_VALUES
    )]
    TooLarge,
    /// The pickle exceeds [`MAX_DEPTH`](super::MAX_DEPTH), or contains itself.
    #[error(
        "the pickle is nested too deeply: at most {} levels are read",
        super::MAX_DEPTH
    )]
    TooDeep,
    /// The pickle is well-formed, but not a photo in mode RGB.
    #[error("not a pickled photo: {0}")]
    NotAPhoto(&'static str),
}
