//! Writing and reading of a file as a stream. Each side holds a buffer of [`BUFFER`] bytes.

use std::io::{self, Read, Write};

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::Mac;
use secrecy::SecretString;

use super::error::AesCryptError;
use super::keys::{HmacSha256, InnerKey, OuterKey};
use super::layout::{self, Layout};
use super::{BLOCK, MAX_CONTENT, TAIL, blocks, content_length};

/// Bytes that are encrypted or decrypted at once.
const BUFFER: usize = 65_536;

/// A writer that encrypts. A file whose writer was dropped without [`finish`](Self::finish) does not open.
pub struct EncryptingWriter<W> {
    to: W,
    cipher: cbc::Encryptor<Aes256>,
    mac: HmacSha256,
    /// Plaintext that is not encrypted yet.
    plain: Vec<u8>,
    length: usize,
}

impl<W: Write> EncryptingWriter<W> {
    /// Writes the head of a file, with a fresh IV and key.
    ///
    /// # Errors
    /// An error of `to`, or one that wraps an [`AesCryptError`].
    pub fn new(mut to: W, password: &SecretString) -> io::Result<Self> {
        let mut outer_iv = [0; BLOCK];
        let mut inner = InnerKey::zero();
        getrandom::fill(&mut outer_iv).map_err(AesCryptError::from)?;
        getrandom::fill(inner.bytes_mut()).map_err(AesCryptError::from)?;
        to.write_all(&layout::sealed_head(password, outer_iv, &inner)?)?;
        Ok(Self {
            to,
            cipher: cbc::Encryptor::new(inner.key().into(), inner.iv().into()),
            mac: inner.mac(),
            plain: Vec::with_capacity(BUFFER),
            length: 0,
        })
    }

    /// Writes the padding, the length byte and the HMAC, and flushes the destination.
    ///
    /// # Errors
    /// An error of the destination.
    pub fn finish(mut self) -> io::Result<()> {
        let padding = self.plain.len().next_multiple_of(BLOCK) - self.plain.len();
        self.plain.resize(self.plain.len() + padding, padding as u8);
        self.encrypt()?;
        self.to.write_all(&[(self.length % BLOCK) as u8])?;
        self.to.write_all(&self.mac.finalize().into_bytes())?;
        self.to.flush()
    }

    /// Encrypts the buffer, whose length is a multiple of that of a block.
    fn encrypt(&mut self) -> io::Result<()> {
        self.cipher.encrypt_blocks(blocks(&mut self.plain));
        self.mac.update(&self.plain);
        self.to.write_all(&self.plain)?;
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for EncryptingWriter<W> {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let fitting = plain.len().min(BUFFER - self.plain.len());
        if self.length + fitting > MAX_CONTENT {
            return Err(AesCryptError::TooLong.into());
        }
        self.plain.extend_from_slice(&plain[..fitting]);
        self.length += fitting;
        if self.plain.len() == BUFFER {
            self.encrypt()?;
        }
        Ok(fitting)
    }

    /// Flushes what is encrypted. The rest is written by [`EncryptingWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A reader that decrypts. The HMAC is at the end of the file, so the content is authentic only once the reader
/// returned its end. The reader takes the extensions that this crate and pyAesCrypt write.
pub struct DecryptingReader<R> {
    from: R,
    cipher: cbc::Decryptor<Aes256>,
    /// `None` once the end was authenticated.
    mac: Option<HmacSha256>,
    /// Ciphertext, and at the end the tail, that is not decrypted yet.
    sealed: Vec<u8>,
    plain: Vec<u8>,
    returned: usize,
}

impl<R: Read> DecryptingReader<R> {
    /// Reads the head of a file, and checks the password.
    ///
    /// # Errors
    /// An error of `from`, or one that wraps an [`AesCryptError`].
    pub fn new(mut from: R, password: &SecretString) -> io::Result<Self> {
        let mut sealed = Vec::new();
        fill(&mut from, &mut sealed, BUFFER)?;
        let Layout {
            outer_iv,
            wrapped,
            wrapped_mac,
            body,
        } = Layout::parse(&sealed)?;
        let outer = OuterKey::derive(password, outer_iv)?;
        outer
            .mac(wrapped)
            .verify_slice(wrapped_mac)
            .map_err(|_| AesCryptError::WrongPasswordOrDamaged)?;
        let inner = outer.unwrap(wrapped);
        let head = sealed.len() - body.len();
        sealed.drain(..head);
        Ok(Self {
            from,
            cipher: cbc::Decryptor::new(inner.key().into(), inner.iv().into()),
            mac: Some(inner.mac()),
            sealed,
            plain: Vec::new(),
            returned: 0,
        })
    }

    /// Decrypts the next blocks. At the end of the file it checks the tail.
    fn decrypt(&mut self, mut mac: HmacSha256) -> io::Result<()> {
        self.returned = 0;
        // The last block stays until the end is known, because it may have padding.
        let wanted = BUFFER + BLOCK + TAIL;
        if !fill(&mut self.from, &mut self.sealed, wanted)? {
            let rest = self.sealed.split_off(BUFFER);
            self.plain = std::mem::replace(&mut self.sealed, rest);
            mac.update(&self.plain);
            self.cipher.decrypt_blocks(blocks(&mut self.plain));
            self.mac = Some(mac);
            return Ok(());
        }
        let text_length = self
            .sealed
            .len()
            .checked_sub(TAIL)
            .ok_or(AesCryptError::Truncated)?;
        let tail = self.sealed.split_off(text_length);
        mac.update(&self.sealed);
        if !text_length.is_multiple_of(BLOCK) || mac.verify_slice(&tail[1..]).is_err() {
            return Err(AesCryptError::Damaged.into());
        }
        self.plain = std::mem::take(&mut self.sealed);
        self.cipher.decrypt_blocks(blocks(&mut self.plain));
        let length = content_length(&self.plain, tail[0]).ok_or(AesCryptError::Damaged)?;
        self.plain.truncate(length);
        Ok(())
    }
}

impl<R: Read> Read for DecryptingReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.returned == self.plain.len() {
            match self.mac.take() {
                Some(mac) => self.decrypt(mac)?,
                None => return Ok(0),
            }
        }
        let length = to.len().min(self.plain.len() - self.returned);
        to[..length].copy_from_slice(&self.plain[self.returned..][..length]);
        self.returned += length;
        Ok(length)
    }
}

/// Reads until `bytes` has `length` bytes. Returns true at the end of `from`.
fn fill(from: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> io::Result<bool> {
    let missing = length.saturating_sub(bytes.len());
    from.take(missing as u64).read_to_end(bytes)?;
    Ok(bytes.len() < length)
}

impl From<AesCryptError> for io::Error {
    fn from(error: AesCryptError) -> Self {
        Self::other(error)
    }
}
