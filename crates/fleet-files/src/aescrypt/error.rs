//! The errors of the AES Crypt format.

/// The reason why a file was not sealed or not opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AesCryptError {
    /// The file does not begin with `AES`.
    #[error("not an AES Crypt file: the file does not begin with AES")]
    NotAesCrypt,
    /// The version byte is not 2.
    #[error(
        "AES Crypt format {0} is unknown: only format 2, which pyAesCrypt writes, can be opened"
    )]
    UnknownVersion(u8),
    /// The HMAC of the wrapped key does not match. A wrong password cannot be distinguished from a
    /// damaged header.
    #[error(
        "wrong password, or the file is damaged (header): check the password, or fetch the file again"
    )]
    WrongPasswordOrDamaged,
    /// The file ends too early.
    #[error("the file is truncated: fetch it again")]
    Truncated,
    /// The password is right, and the content is not authentic. One in 16 files that were cut by a multiple of 16
    /// bytes is reported so, too.
    #[error("the file is damaged: fetch it again")]
    Damaged,
    /// The file is authentic, but bytes follow it.
    #[error("bytes follow the end of the AES Crypt file: fetch it again")]
    TrailingBytes,
    /// The content is longer than [`MAX_CONTENT`](super::MAX_CONTENT).
    #[error("too long: at most {} MiB are sealed or opened in AES Crypt's format", super::MAX_CONTENT >> 20)]
    TooLong,
    /// pyAesCrypt refuses passwords of more than 1024 characters.
    #[error("the password is too long: pyAesCrypt takes at most 1024 characters")]
    PasswordTooLong,
    /// The random number generator of the operating system failed.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
}
