//! Writing and reading of a sealed file as a stream. Both sides hold at most two chunks.

use std::io::{self, Read, Write};

use aead_stream::{StreamBE32, StreamPrimitive};
use chacha20poly1305::XChaCha20Poly1305;

use super::error::SealedError;
use super::header::SealedHeader;
use super::{CHUNK, TAG, read_up_to};

type Chunks = StreamBE32<XChaCha20Poly1305>;

/// A writer that encrypts. A file whose writer was dropped without [`finish`](Self::finish) does not open.
pub struct SealingWriter<W> {
    to: W,
    stream: Chunks,
    header: SealedHeader,
    number: u32,
    /// Plaintext that is not encrypted yet. A full chunk waits here, because it may be the last one.
    chunk: Vec<u8>,
}

impl<W: Write> SealingWriter<W> {
    pub(super) fn new(
        mut to: W,
        stream: Chunks,
        header: SealedHeader,
    ) -> Result<Self, SealedError> {
        to.write_all(&header.bytes).map_err(SealedError::Write)?;
        Ok(Self {
            to,
            stream,
            header,
            number: 0,
            chunk: Vec::with_capacity(CHUNK + TAG),
        })
    }

    pub(super) fn push(&mut self, mut plain: &[u8]) -> Result<(), SealedError> {
        while !plain.is_empty() {
            if self.chunk.len() == CHUNK {
                self.seal_chunk(false)?;
            }
            let (fitting, rest) = plain.split_at(plain.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(fitting);
            plain = rest;
        }
        Ok(())
    }

    /// Encrypts the last chunk, and flushes the destination.
    ///
    /// # Errors
    /// [`SealedError::Write`] or [`SealedError::TooLong`].
    pub fn finish(mut self) -> Result<(), SealedError> {
        self.seal_chunk(true)?;
        self.to.flush().map_err(SealedError::Write)
    }

    fn seal_chunk(&mut self, is_last: bool) -> Result<(), SealedError> {
        self.stream
            .encrypt_in_place(self.number, is_last, &self.header.bytes, &mut self.chunk)
            .map_err(|_| SealedError::TooLong)?;
        self.to.write_all(&self.chunk).map_err(SealedError::Write)?;
        self.chunk.clear();
        if !is_last {
            self.number = self.number.checked_add(1).ok_or(SealedError::TooLong)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.push(plain)?;
        Ok(plain.len())
    }

    /// Flushes the chunks that are full. The rest is written by [`SealingWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A reader that decrypts, and authenticates each chunk before it returns a byte of it.
pub struct OpeningReader<R> {
    from: R,
    stream: Chunks,
    header: SealedHeader,
    number: u32,
    /// The chunk that was decrypted last, and how many of its bytes were returned.
    opened: Vec<u8>,
    returned: usize,
    /// The chunk behind it, encrypted; `None` behind the last one.
    next: Option<Vec<u8>>,
}

impl<R: Read> OpeningReader<R> {
    pub(super) fn new(
        mut from: R,
        stream: Chunks,
        header: SealedHeader,
    ) -> Result<Self, SealedError> {
        let next = Some(read_up_to(&mut from, CHUNK + TAG)?);
        Ok(Self {
            from,
            stream,
            header,
            number: 0,
            opened: Vec::new(),
            returned: 0,
            next,
        })
    }

    /// Decrypts the next chunk. Returns `None` behind the last one.
    pub(super) fn next_chunk(&mut self) -> Result<Option<&[u8]>, SealedError> {
        let Some(mut chunk) = self.next.take() else {
            return Ok(None);
        };
        let number = self.number;
        let next = read_up_to(&mut self.from, CHUNK + TAG)?;
        let is_last = next.is_empty();
        let mut opens = |is_last| {
            self.stream
                .decrypt_in_place(number, is_last, &self.header.bytes, &mut chunk)
                .is_ok()
        };
        if !opens(is_last) {
            // The last-chunk flag is part of the nonce. A chunk that opens under the other flag is intact, and the
            // file ends too early or too late. A failed attempt leaves the chunk unchanged.
            return Err(match (opens(!is_last), is_last) {
                (true, true) => SealedError::Truncated,
                (true, false) => SealedError::TrailingBytes,
                (false, _) if chunk.len() < TAG => SealedError::Truncated,
                (false, _) => SealedError::WrongPasswordOrDamaged { chunk: number },
            });
        }
        if !is_last {
            self.number = number.checked_add(1).ok_or(SealedError::TooLong)?;
            self.next = Some(next);
        }
        self.opened = chunk;
        self.returned = 0;
        Ok(Some(&self.opened))
    }
}

impl<R: Read> Read for OpeningReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.returned == self.opened.len() {
            if self.next_chunk()?.is_none() {
                return Ok(0);
            }
        }
        let length = to.len().min(self.opened.len() - self.returned);
        to[..length].copy_from_slice(&self.opened[self.returned..][..length]);
        self.returned += length;
        Ok(length)
    }
}

/// An error of the source or destination keeps its kind, so that a full disk is recognised.
impl From<SealedError> for io::Error {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Read(error) | SealedError::Write(error) => error,
            error => Self::other(error),
        }
    }
}
