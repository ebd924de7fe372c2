//! The full transport: `len | seq | payload | crc32`, little-endian, an own sequence per direction.
//!
//! Owns the framing of one direction of one connection, and nothing above it.
//! Source: core.telegram.org/mtproto/mtproto-transports#full

/// The longest frame that is taken; Telegram closes the connection at roughly a megabyte.
const LONGEST: usize = 1024 * 1024 + 64 * 1024;

/// The reading half: collects bytes and cuts them into payloads.
#[derive(Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    sequence: i32,
}

/// Why the stream is no longer a stream of frames.
#[derive(Debug, PartialEq)]
pub(crate) enum Broken {
    Length(i32),
    Sequence { expected: i32, got: i32 },
    Checksum,
}

impl Reader {
    /// The buffer that socket reads are appended to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Takes the next whole payload out of the buffer; `None` means that more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        if self.buffer.len() < 4 {
            return Ok(None);
        }
        let length = i32::from_le_bytes(self.buffer[..4].try_into().expect("4 bytes"));
        let size = usize::try_from(length).unwrap_or(0);
        if !(12..=LONGEST).contains(&size) || !size.is_multiple_of(4) {
            return Err(Broken::Length(length));
        }
        if self.buffer.len() < size {
            return Ok(None);
        }
        let got = i32::from_le_bytes(self.buffer[4..8].try_into().expect("4 bytes"));
        if got != self.sequence {
            return Err(Broken::Sequence {
                expected: self.sequence,
                got,
            });
        }
        let checksum = u32::from_le_bytes(self.buffer[size - 4..size].try_into().expect("4 bytes"));
        if checksum != crc32fast::hash(&self.buffer[..size - 4]) {
            return Err(Broken::Checksum);
        }
        self.sequence += 1;
        let payload = self.buffer[8..size - 4].to_vec();
        self.buffer.drain(..size);
        Ok(Some(payload))
    }
}

/// The writing half: numbers payloads and wraps them.
#[derive(Default)]
pub(crate) struct Writer {
    sequence: i32,
}

impl Writer {
    pub(crate) fn frame(&mut self, payload: &[u8]) -> Vec<u8> {
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

/// Returns the bytes of a transport error. In the full transport, length, sequence and body are each the
/// negated code, as Telethon (issue 4042) and grammers have met it in the field.
pub(crate) fn error(code: i32) -> Vec<u8> {
    (-code).to_le_bytes().repeat(3)
}
