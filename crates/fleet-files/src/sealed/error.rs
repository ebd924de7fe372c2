//! The errors of the sealed format.

use std::io;

use crate::atomic_file::AtomicFileError;

/// The reason why a file was not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The file does not begin with `SCP079`.
    #[error("not a sealed file: the file does not begin with SCP079")]
    NotSealed,
    /// The version byte is not 1.
    #[error("sealed format version {0} is unknown: a newer release may open the file")]
    UnknownVersion(u8),
    /// The key derivation byte is not 1.
    #[error("key derivation {0} is unknown: a newer release may open the file")]
    UnknownKdf(u8),
    /// The header asks for more than 1 GiB or 16 passes. The derivation was not started.
    #[error(
        "the key derivation asks for {memory_kib} KiB and {passes} passes; more than 1 GiB or 16 passes is refused"
    )]
    KdfTooCostly {
        /// The memory in KiB.
        memory_kib: u32,
        /// The number of passes over the memory.
        passes: u32,
    },
    /// Argon2 refuses the header's parameters, or there is not enough memory.
    #[error(
        "no key can be derived with {memory_kib} KiB, {passes} passes and {lanes} lanes: {source}"
    )]
    Kdf {
        /// The memory in KiB.
        memory_kib: u32,
        /// The number of passes over the memory.
        passes: u32,
        /// The number of lanes.
        lanes: u32,
        /// The error of Argon2.
        source: argon2::Error,
    },
    /// The file ends inside the header, at the border of a chunk, or less than 16 bytes behind it. A cut elsewhere
    /// cannot be distinguished from damage.
    #[error("the file is truncated: fetch it again")]
    Truncated,
    /// Bytes follow a last chunk of full length. Bytes behind a shorter one cannot be distinguished from
    /// damage.
    #[error("bytes follow the end of the sealed file: fetch it again")]
    TrailingBytes,
    /// A chunk does not authenticate. An AEAD cannot distinguish a wrong password from a damaged file.
    #[error(
        "wrong password, or the file is damaged (chunk {}): check the password, or fetch the file again",
        chunk + 1
    )]
    WrongPasswordOrDamaged {
        /// The number of the chunk, counted from 0.
        chunk: u32,
    },
    /// The file has more than 2^32 chunks, or 256 TiB.
    #[error("the file is too long for the sealed format")]
    TooLong,
    /// The random number generator of the operating system failed.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
    /// The source cannot be read.
    #[error("cannot read the file: {0}")]
    Read(#[source] io::Error),
    /// The destination cannot be written.
    #[error("cannot write the result: {0}")]
    Write(#[source] io::Error),
}

/// The reason why a sealed file was not opened into a file.
#[derive(Debug, thiserror::Error)]
pub enum OpenToFileError {
    /// The sealed file or the password is wrong.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// The new file cannot be written.
    #[error(transparent)]
    File(#[from] AtomicFileError),
}
