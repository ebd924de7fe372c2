//! What can be wrong with a sealed file, one plain sentence each.

use std::io;

/// Why a file was not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealedFault {
    /// The first six bytes are others.
    #[error("not a sealed file: it does not begin with SCP079")]
    NotSealed,
    /// The version byte is not 1.
    #[error("sealed format version {0} is unknown here; open the file with a newer scp-079-avatar")]
    UnknownVersion(u8),
    /// The key derivation byte is not 1.
    #[error("key derivation {0} is unknown here; open the file with a newer scp-079-avatar")]
    UnknownDerivation(u8),
    /// The header asks for more than 1 GiB or 16 passes. No work was done for it.
    #[error(
        "the file asks for {memory_kib} KiB and {passes} passes to derive its key; more than 1 GiB or 16 passes is refused"
    )]
    TooCostly {
        /// Memory that Argon2id is to fill.
        memory_kib: u32,
        /// How often it is to be filled.
        passes: u32,
    },
    /// The header's parameters contradict each other, or there is not the memory that they ask for.
    #[error(
        "no key can be derived with the file's {memory_kib} KiB, {passes} passes and {lanes} lanes: {source}"
    )]
    Derivation {
        /// Memory that Argon2id is to fill.
        memory_kib: u32,
        /// How often it is to be filled.
        passes: u32,
        /// Independent lanes in it.
        lanes: u32,
        /// What Argon2 says about it.
        source: argon2::Error,
    },
    /// Nothing in the file opens with this password. No cipher can tell that from a damaged header.
    #[error("wrong password, or the file's first 55 bytes are damaged: nothing in it opens")]
    WrongPassword,
    /// Bytes are missing at the end.
    #[error("the file is cut short: fetch it again")]
    Truncated,
    /// The password is right, the length is right, and this chunk is not what was sealed.
    #[error("chunk {} of the file is damaged: fetch it again", position + 1)]
    Damaged {
        /// Which chunk, from 0.
        position: u32,
    },
    /// The password is right and the last chunk is not what was sealed, in a file whose header does not vouch for
    /// its length.
    #[error("the last chunk of the file, number {}, is damaged or cut short: fetch it again", position + 1)]
    DamagedOrCut {
        /// Which chunk, from 0.
        position: u32,
    },
    /// The file is whole, but something follows it.
    #[error("bytes follow the end of the sealed file: it was tampered with or joined with another")]
    TrailingBytes,
    /// More than 2^32 chunks, 256 TiB.
    #[error("too long for the sealed format")]
    TooLong,
    /// The reader gave another number of bytes than its caller said.
    #[error("the file changed while it was sealed: {told} bytes were announced, {found} came")]
    LengthDiffers {
        /// The length that the header vouches for.
        told: u64,
        /// The length that came.
        found: u64,
    },
    /// The operating system's generator failed.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
    /// The source cannot be read.
    #[error("cannot read the file: {0}")]
    Read(#[source] io::Error),
    /// The destination cannot be written.
    #[error("cannot write the result: {0}")]
    Write(#[source] io::Error),
}
