//! The sealed format: XChaCha20-Poly1305 in the STREAM construction, key from Argon2id (SPEC §7.1).
//!
//! Owns sealing and opening, chunk by chunk, from any reader to any writer. What is written was authenticated, but
//! a fault may follow it: whoever must not see half a file writes to a place of its own (`files::replace`).
//! Knows neither paths nor contents, and keeps nothing but derived keys.
//!
//! The layout leaves open how the 19 bytes of the nonce prefix are chosen. [`Sealer`] makes 11 of them random and
//! lets 8 vouch for the file's length and the key (`key`), so that a wrong password, a cut and a flipped bit can
//! be told apart; a file whose prefix is all random opens as well, only its faults are told less exactly.

mod diagnosis;
mod fault;
mod header;
mod key;

use std::collections::HashMap;
use std::io::{self, Read, Write};

use aead_stream::StreamPrimitive;
use secrecy::SecretString;

pub use self::fault::SealedFault;
pub(super) use self::header::MAGIC;
use self::header::{Header, Parameters};
use self::key::Key;

/// Plaintext bytes in every chunk but the last.
const CHUNK: usize = 65_536;
/// Bytes of the tag behind every chunk.
const TAG: usize = 16;

/// Seals files under one password. It has one salt, so that its key is derived once in a process's life.
pub struct Sealer {
    parameters: Parameters,
    key: Key,
}

impl Sealer {
    /// Chooses a salt and derives the key: tens of milliseconds, and 19 MiB while it lasts.
    ///
    /// # Errors
    /// The operating system gives no random bytes, or no memory.
    pub fn new(password: &SecretString) -> Result<Self, SealedFault> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let parameters = Parameters::with_salt(salt);
        let key = Key::derive(password, &parameters)?;
        Ok(Self { parameters, key })
    }

    /// Seals the `length` bytes that `from` has. The length is told beforehand because the header vouches for it.
    ///
    /// # Errors
    /// Reading, writing, no random bytes, or [`SealedFault::LengthDiffers`]; what was written is then worthless.
    pub fn seal(&self, length: u64, from: impl Read, to: impl Write) -> Result<(), SealedFault> {
        let found = self.seal_under(self.key.prefix(length)?, from, to)?;
        if found == length {
            Ok(())
        } else {
            Err(SealedFault::LengthDiffers {
                told: length,
                found,
            })
        }
    }

    fn seal_under(
        &self,
        prefix: [u8; 19],
        mut from: impl Read,
        mut to: impl Write,
    ) -> Result<u64, SealedFault> {
        let header = Header::new(self.parameters, prefix);
        let stream = self.key.stream(&header.prefix);
        to.write_all(&header.bytes).map_err(SealedFault::Write)?;
        let mut chunk = read_up_to(&mut from, CHUNK)?;
        let mut sealed_length = 0;
        for position in 0..=u32::MAX {
            let next = read_up_to(&mut from, CHUNK)?;
            sealed_length += chunk.len() as u64;
            stream
                .encrypt_in_place(position, next.is_empty(), &header.bytes, &mut chunk)
                .map_err(|_| SealedFault::TooLong)?;
            to.write_all(&chunk).map_err(SealedFault::Write)?;
            if next.is_empty() {
                to.flush().map_err(SealedFault::Write)?;
                return Ok(sealed_length);
            }
            chunk = next;
        }
        Err(SealedFault::TooLong)
    }

    /// Seals what is in memory.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn seal_bytes(&self, plain: &[u8]) -> Result<Vec<u8>, SealedFault> {
        let chunks = plain.len().div_ceil(CHUNK).max(1);
        let mut sealed = Vec::with_capacity(header::LENGTH + plain.len() + chunks * TAG);
        self.seal(plain.len() as u64, plain, &mut sealed)?;
        Ok(sealed)
    }
}

/// Opens files sealed under one password. It remembers the key of every salt, so that many files of one process
/// cost one derivation.
pub struct Opener {
    password: SecretString,
    keys: HashMap<Parameters, Key>,
}

impl Opener {
    /// Keeps the password; nothing is derived yet.
    pub fn new(password: &SecretString) -> Self {
        Self {
            password: password.clone(),
            keys: HashMap::new(),
        }
    }

    /// Opens one sealed file, to the end of `from`, and returns the number of plaintext bytes.
    ///
    /// # Errors
    /// One of [`SealedFault`]. The chunks before the fault are written by then; each was authenticated, but the
    /// whole was not.
    pub fn open(&mut self, mut from: impl Read, mut to: impl Write) -> Result<u64, SealedFault> {
        let header = Header::read(&mut from)?;
        let key = self.key(&header.parameters)?;
        let stream = key.stream(&header.prefix);
        let mut chunk = read_up_to(&mut from, CHUNK + TAG)?;
        let mut opened_length = 0;
        for position in 0..=u32::MAX {
            let mut next = read_up_to(&mut from, CHUNK + TAG)?;
            let opened =
                stream.decrypt_in_place(position, next.is_empty(), &header.bytes, &mut chunk);
            if opened.is_err() {
                let suspect = diagnosis::Suspect {
                    position,
                    chunk: &mut chunk,
                    next: &mut next,
                };
                return Err(suspect.diagnose(&header, key, from));
            }
            to.write_all(&chunk).map_err(SealedFault::Write)?;
            opened_length += chunk.len() as u64;
            if next.is_empty() {
                to.flush().map_err(SealedFault::Write)?;
                return Ok(opened_length);
            }
            chunk = next;
        }
        Err(SealedFault::TooLong)
    }

    fn key(&mut self, parameters: &Parameters) -> Result<&Key, SealedFault> {
        if !self.keys.contains_key(parameters) {
            let key = Key::derive(&self.password, parameters)?;
            self.keys.insert(*parameters, key);
        }
        Ok(&self.keys[parameters])
    }
}

/// Reads until there are `length` bytes or no more.
fn read_up_to(from: &mut impl Read, length: usize) -> Result<Vec<u8>, SealedFault> {
    let mut bytes = Vec::with_capacity(length + TAG);
    from.take(length as u64)
        .read_to_end(&mut bytes)
        .map_err(SealedFault::Read)?;
    Ok(bytes)
}

/// Reads to the end and returns how much that was.
fn count_rest(mut from: impl Read) -> Result<u64, SealedFault> {
    io::copy(&mut from, &mut io::sink()).map_err(SealedFault::Read)
}

#[cfg(test)]
mod tests;
