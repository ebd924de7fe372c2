//! Frames of the full transport: `len | seq | payload | crc32`, little-endian, with one sequence per direction.
//!
//! Source: core.telegram.org/mtproto/mtproto-transports#full

/// The longest accepted frame. Telegram closes the connection at roughly one megabyte.
const MAX_LENGTH: usize = 1024 * 1024 + 64 * 1024;

/// Decodes the frames of one direction from a stream of bytes.
#[derive(Default)]
pub(crate) struct FrameDecoder {
    buffer: Vec<u8>,
    sequence: i32,
}

/// The error of an invalid frame.
#[derive(Debug, PartialEq)]
pub(crate) enum FrameError {
    Length(i32),
    Sequence { expected: i32, got: i32 },
    Checksum,
}

impl FrameDecoder {
    /// Returns the buffer to which the caller appends the bytes that it reads.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Removes the next payload from the buffer. `None` means that the frame is not complete yet.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if self.buffer.len() < 4 {
            return Ok(None);
        }
        let length = i32::from_le_bytes(self.buffer[..4].try_into().expect("4 bytes"));
        let size = usize::try_from(length).unwrap_or(0);
        if !(12..=MAX_LENGTH).contains(&size) || !size.is_multiple_of(4) {
            return Err(FrameError::Length(length));
        }
        if self.buffer.len() < size {
            return Ok(None);
        }
        let got = i32::from_le_bytes(self.buffer[4..8].try_into().expect("4 bytes"));
        if got != self.sequence {
            return Err(FrameError::Sequence {
                expected: self.sequence,
                got,
            });
        }
        let checksum = u32::from_le_bytes(self.buffer[size - 4..size].try_into().expect("4 bytes"));
        if checksum != crc32fast::hash(&self.buffer[..size - 4]) {
            return Err(FrameError::Checksum);
        }
        self.sequence += 1;
        let payload = self.buffer[8..size - 4].to_vec();
        self.buffer.drain(..size);
        Ok(Some(payload))
    }
}

/// Encodes the frames of one direction.
#[derive(Default)]
pub(crate) struct FrameEncoder {
    sequence: i32,
}

impl FrameEncoder {
    pub(crate) fn encode(&mut self, payload: &[u8]) -> Vec<u8> {
        let length = i32::try_from(payload.len() + 12).expect("a payload is below two gigabytes");
        let mut frame = Vec::with_capacity(payload.len() + 12);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&self.sequence.to_le_bytes());
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
        self.sequence += 1;
        frame
    }
}

/// Returns the bytes of a transport error, whose code is negative. In the full transport its length, sequence and body
/// are each the code, as clients observe it (Telethon issue 4042, grammers).
pub(crate) fn error(code: i32) -> Vec<u8> {
    code.to_le_bytes().repeat(3)
}
