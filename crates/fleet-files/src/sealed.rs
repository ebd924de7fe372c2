//! The sealed format: XChaCha20-Poly1305 in the STREAM construction, with a key from Argon2id.
//!
//! [`Sealer`] encrypts and [`Opener`] decrypts chunk by chunk, so that a file never has to fit in memory. Every chunk
//! that is written out was authenticated, but an error may follow it: a caller that must not keep half a file uses
//! [`Opener::open_bytes`] or [`Opener::open_to_file`].
//!
//! Integers are little-endian. The 55 header bytes are the associated data of every chunk.
//!
//! | Offset | Bytes | Content |
//! |---|---|---|
//! | 0 | 6 | `SCP079` |
//! | 6 | 1 | version, 1 |
//! | 7 | 1 | key derivation, 1: Argon2id, version 0x13, 32 bytes of key |
//! | 8 | 4 | memory in KiB |
//! | 12 | 4 | passes |
//! | 16 | 4 | lanes |
//! | 20 | 16 | salt |
//! | 36 | 19 | nonce prefix, random |
//! | 55 | … | chunks of 65,536 plaintext bytes, each followed by its tag of 16; the last one may be shorter |
//!
//! A chunk's nonce is the prefix, the chunk's number (u32, big-endian), and a byte that is 1 for the last chunk and 0
//! for the others (the `BE32` flavour of the `aead-stream` crate). An empty file has one empty chunk.

mod derived_key;
mod error;
mod header;
mod streams;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;

use secrecy::SecretString;

use self::derived_key::DerivedKey;
pub use self::error::{OpenToFileError, SealedError};
pub(crate) use self::header::MAGIC;
use self::header::{KdfParameters, SealedHeader};
pub use self::streams::{OpeningReader, SealingWriter};
use crate::atomic_file;

/// Plaintext bytes in every chunk but the last.
const CHUNK: usize = 65_536;
/// Bytes of the tag behind every chunk.
const TAG: usize = 16;

/// Encrypts files under one password. All files of a `Sealer` share a salt, so that the key is derived once.
pub struct Sealer {
    kdf: KdfParameters,
    key: DerivedKey,
}

impl Sealer {
    /// Chooses a salt and derives the key, which takes tens of milliseconds and, for that time, 19 MiB.
    ///
    /// # Errors
    /// [`SealedError::Random`], or [`SealedError::Kdf`] if there is not enough memory.
    pub fn new(password: &SecretString) -> Result<Self, SealedError> {
        let kdf = KdfParameters::with_salt(random_salt()?);
        let key = DerivedKey::derive(password, &kdf)?;
        Ok(Self { kdf, key })
    }

    /// Does the same as [`new`](Self::new), and reports whether `earlier` is a sealed file under the same password. Both
    /// keys are derived in the same memory, because an allocator may keep that of a second derivation.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn new_after(password: &SecretString, earlier: &[u8]) -> Result<(Self, bool), SealedError> {
        let mut memory = Vec::new();
        let mut opener = Opener::new(password);
        if let Ok(header) = SealedHeader::read(&mut &earlier[..]) {
            let key = DerivedKey::derive_in(&mut memory, password, &header.kdf)?;
            opener.keys.insert(header.kdf, key);
        }
        let is_same = opener.open_bytes(earlier).is_ok();
        let kdf = KdfParameters::with_salt(random_salt()?);
        let key = DerivedKey::derive_in(&mut memory, password, &kdf)?;
        Ok((Self { kdf, key }, is_same))
    }

    /// Encrypts `from`, to its end, into `to`.
    ///
    /// # Errors
    /// [`SealedError::Read`], [`SealedError::Write`], [`SealedError::Random`] or [`SealedError::TooLong`]. The bytes
    /// that were written by then are not a sealed file.
    pub fn seal(&self, mut from: impl Read, to: impl Write) -> Result<(), SealedError> {
        let mut writer = self.writer(to)?;
        loop {
            let chunk = read_up_to(&mut from, CHUNK)?;
            if chunk.is_empty() {
                return writer.finish();
            }
            writer.push(&chunk)?;
        }
    }

    /// Returns a writer that encrypts into `to`. [`SealingWriter::finish`] ends the file.
    ///
    /// # Errors
    /// [`SealedError::Random`] or [`SealedError::Write`].
    pub fn writer<W: Write>(&self, to: W) -> Result<SealingWriter<W>, SealedError> {
        let mut nonce_prefix = [0; 19];
        getrandom::fill(&mut nonce_prefix)?;
        let header = SealedHeader::new(self.kdf, nonce_prefix);
        SealingWriter::new(to, self.key.stream(&nonce_prefix), header)
    }

    /// Encrypts `plain` in memory.
    ///
    /// # Errors
    /// [`SealedError::Random`].
    pub fn seal_bytes(&self, plain: &[u8]) -> Result<Vec<u8>, SealedError> {
        let chunks = plain.len().div_ceil(CHUNK).max(1);
        let mut sealed = Vec::with_capacity(header::LENGTH + plain.len() + chunks * TAG);
        self.seal(plain, &mut sealed)?;
        Ok(sealed)
    }
}

/// Decrypts files that were sealed under one password. An `Opener` keeps the key of every salt that it has seen, so
/// that the files of one [`Sealer`] cost one derivation.
pub struct Opener {
    password: SecretString,
    keys: HashMap<KdfParameters, DerivedKey>,
}

impl Opener {
    /// Keeps the password. The first key is derived when the first file is opened.
    pub fn new(password: &SecretString) -> Self {
        Self {
            password: password.clone(),
            keys: HashMap::new(),
        }
    }

    /// Decrypts one sealed file, to the end of `from`, and returns the number of plaintext bytes.
    ///
    /// # Errors
    /// See [`SealedError`]. The chunks before the error were authenticated and are written to `to` by then; the file
    /// as a whole was not authenticated.
    pub fn open(&mut self, from: impl Read, mut to: impl Write) -> Result<u64, SealedError> {
        let mut reader = self.reader(from)?;
        let mut opened_length = 0;
        while let Some(chunk) = reader.next_chunk()? {
            to.write_all(chunk).map_err(SealedError::Write)?;
            opened_length += chunk.len() as u64;
        }
        to.flush().map_err(SealedError::Write)?;
        Ok(opened_length)
    }

    /// Reads the header of a sealed file, and returns a reader that decrypts the rest of `from`. Every byte that the
    /// reader returns was authenticated; the file as a whole is once the reader reached its end.
    ///
    /// # Errors
    /// See [`SealedError`].
    pub fn reader<R: Read>(&mut self, mut from: R) -> Result<OpeningReader<R>, SealedError> {
        let header = SealedHeader::read(&mut from)?;
        let stream = self.key(&header.kdf)?.stream(&header.nonce_prefix);
        OpeningReader::new(from, stream, header)
    }

    /// Decrypts a sealed file in memory. Returns nothing of it unless the whole file was authenticated.
    ///
    /// # Errors
    /// See [`SealedError`].
    pub fn open_bytes(&mut self, sealed: &[u8]) -> Result<Vec<u8>, SealedError> {
        let mut plain = Vec::new();
        self.open(sealed, &mut plain)?;
        Ok(plain)
    }

    /// Decrypts a sealed file into the file `path`, which is created or replaced only after the whole sealed file was
    /// authenticated. Returns the number of plaintext bytes.
    ///
    /// # Errors
    /// See [`SealedError`] and [`atomic_file::write_with`]; `path` is then unchanged.
    pub fn open_to_file(&mut self, from: impl Read, path: &Path) -> Result<u64, OpenToFileError> {
        atomic_file::write_with(path, |file| Ok(self.open(from, file)?))
    }

    fn key(&mut self, kdf: &KdfParameters) -> Result<&DerivedKey, SealedError> {
        if !self.keys.contains_key(kdf) {
            let key = DerivedKey::derive(&self.password, kdf)?;
            self.keys.insert(*kdf, key);
        }
        Ok(&self.keys[kdf])
    }
}

fn random_salt() -> Result<[u8; 16], SealedError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    Ok(salt)
}

/// Reads `length` bytes, or fewer at the end of `from`.
fn read_up_to(from: &mut impl Read, length: usize) -> Result<Vec<u8>, SealedError> {
    // The capacity includes the tag of a chunk that is encrypted in place.
    let mut bytes = Vec::with_capacity(length + TAG);
    from.take(length as u64)
        .read_to_end(&mut bytes)
        .map_err(SealedError::Read)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
