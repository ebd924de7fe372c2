//! A cursor over the bytes of a pickle.

use super::error::PickleError;

/// The bytes of a pickle, and the position up to which they were read.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Returns the number of bytes that were not read yet.
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Returns an error at the present position.
    pub(super) fn malformed(&self, reason: &'static str) -> PickleError {
        PickleError::Malformed {
            reason,
            at: self.at,
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let piece = self.bytes[self.at..]
            .first_chunk()
            .ok_or(PickleError::Truncated)?;
        self.at += N;
        Ok(*piece)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], PickleError> {
        let piece = self.bytes[self.at..]
            .get(..length)
            .ok_or(PickleError::Truncated)?;
        self.at += length;
        Ok(piece)
    }

    /// Reads up to the next line feed, and returns the bytes before it.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(PickleError::Truncated)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// Reads a length of one byte, and as many bytes.
    pub(super) fn counted1(&mut self) -> Result<&'a [u8], PickleError> {
        let length = self.byte()?;
        self.take(length.into())
    }

    /// Reads a length of four bytes, and as many bytes. Some opcodes have a signed length, which is never negative.
    pub(super) fn counted4(&mut self) -> Result<&'a [u8], PickleError> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    /// Reads a length of eight bytes, and as many bytes.
    pub(super) fn counted8(&mut self) -> Result<&'a [u8], PickleError> {
        let length = u64::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| PickleError::Truncated)?)
    }
}
