//! The bytes of a pickle, taken one piece after the other.

use super::fault::PickleFault;

/// What is left of a pickle.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn malformed(&self, what: &'static str) -> PickleFault {
        PickleFault::Malformed { what, at: self.at }
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleFault> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleFault> {
        let piece = self.bytes[self.at..]
            .first_chunk()
            .ok_or(PickleFault::Truncated)?;
        self.at += N;
        Ok(*piece)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], PickleFault> {
        let piece = self.bytes[self.at..]
            .get(..length)
            .ok_or(PickleFault::Truncated)?;
        self.at += length;
        Ok(piece)
    }

    /// What stands before the next line feed, which is taken too.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleFault> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(PickleFault::Truncated)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// A length of one byte, and so many bytes.
    pub(super) fn counted1(&mut self) -> Result<&'a [u8], PickleFault> {
        let length = self.byte()?;
        self.take(length.into())
    }

    /// A length of four bytes, and so many bytes. The protocols that sign it never make it negative.
    pub(super) fn counted4(&mut self) -> Result<&'a [u8], PickleFault> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    /// A length of eight bytes, and so many bytes.
    pub(super) fn counted8(&mut self) -> Result<&'a [u8], PickleFault> {
        let length = u64::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| PickleFault::Truncated)?)
    }
}
