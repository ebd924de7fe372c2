//! What can be wrong with a pickle.

/// Why a pickle was not read. Positions are bytes from the beginning.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleFault {
    /// It ends before its end.
    #[error("the pickle is cut short")]
    Truncated,
    /// Something follows it.
    #[error("bytes follow the end of the pickle, from byte {at}")]
    TrailingBytes {
        /// Where the first of them is.
        at: usize,
    },
    /// Newer than what is known, or no pickle.
    #[error("pickle protocol {0}: protocols 0 to 5 can be read")]
    UnknownProtocol(u8),
    /// No instruction of any protocol, or no pickle.
    #[error("no pickle: byte {at} is {opcode:#04x}, which no protocol knows")]
    UnknownOpcode {
        /// The byte.
        opcode: u8,
        /// Where it is.
        at: usize,
    },
    /// It names something that a pickle would have Python import.
    #[error("the pickle names {name}, which is no plain data: refused, and nothing of it was run")]
    Refused {
        /// Module and name, quoted where they are not plain; cut if they are long.
        name: String,
    },
    /// It does what only pickles of objects do.
    #[error("the pickle {what} (byte {at}), which no plain data needs: refused")]
    NotData {
        /// What it does.
        what: &'static str,
        /// Where it does that.
        at: usize,
    },
    /// Its instructions contradict each other.
    #[error("the pickle is damaged: {what} (byte {at})")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where it shows.
        at: usize,
    },
    /// A list, set or dict as the key of a dict or in a set.
    #[error("the pickle is damaged: a list, set or dict is the key of a dict or a member of a set")]
    Unhashable,
    /// More than any file of the fleet holds.
    #[error(
        "the pickle is too large: at most {} MiB and {} values are read",
        super::LARGEST >> 20,
        super::MOST_VALUES
    )]
    TooLarge,
    /// More levels than any file of the fleet has, or a value that holds itself.
    #[error(
        "the pickle is nested too deeply: at most {} levels are read",
        super::DEEPEST
    )]
    TooDeep,
    /// It is whole, but not a photo that can be used.
    #[error("not a pickled photo: {0}")]
    NotAPhoto(&'static str),
}
