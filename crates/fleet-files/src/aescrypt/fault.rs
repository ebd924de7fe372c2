//! What can be wrong with an AES Crypt file.

/// Why a file was not sealed or not opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AesCryptFault {
    /// It does not begin with `AES`.
    #[error("not an AES Crypt file")]
    NotAesCrypt,
    /// Another format than the one the fleet speaks.
    #[error("AES Crypt format {0}: only format 2, which pyAesCrypt writes, can be opened")]
    UnknownVersion(u8),
    /// The part that says who wrote the file is none that a release of pyAesCrypt writes.
    #[error("the file's header is damaged, or another program than pyAesCrypt wrote it")]
    UnknownHeader,
    /// The wrapped key's HMAC does not fit. Nothing can tell a wrong password from a damaged header here.
    #[error("wrong password, or the first 262 bytes of the file are damaged")]
    WrongPassword,
    /// Bytes are missing at the end.
    #[error("the file is cut short: fetch it again")]
    Truncated,
    /// The password is right and the content is not what was sealed. A cut by a multiple of 16 bytes is told from
    /// that in 15 of 16 cases.
    #[error("the file is damaged: fetch it again")]
    Damaged,
    /// The file is whole, but something follows it.
    #[error(
        "bytes follow the end of the AES Crypt file: it was tampered with or joined with another"
    )]
    TrailingBytes,
    /// More than is held in memory.
    #[error("too long: at most {} MiB are sealed or opened in AES Crypt's format", super::LARGEST >> 20)]
    TooLong,
    /// pyAesCrypt would refuse the password.
    #[error("the password is too long for pyAesCrypt, which takes at most 1024 characters")]
    PasswordTooLong,
    /// The operating system's generator failed.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
}
