//! `upload.saveFilePart` for large parts.
//!
//! The generated request adds its bytes one by one, which takes longer than to encrypt them. This one copies them as a
//! whole, and is serialized to the same bytes.

use grammers_client::tl::functions::upload::SaveFilePart;
use grammers_client::tl::{Identifiable, RemoteCall, Serializable};

/// A part of a file that is being uploaded, of at most 512 KiB.
#[derive(Clone, Debug)]
pub struct FilePart {
    pub file_id: i64,
    pub file_part: i32,
    pub bytes: Vec<u8>,
}

impl Identifiable for FilePart {
    const CONSTRUCTOR_ID: u32 = SaveFilePart::CONSTRUCTOR_ID;
}

impl RemoteCall for FilePart {
    type Return = bool;
}

impl Serializable for FilePart {
    fn serialize(&self, buf: &mut impl Extend<u8>) {
        buf.extend(self.to_bytes());
    }

    fn to_bytes(&self) -> Vec<u8> {
        const NO_BYTES: [u8; 4] = [0; 4];
        let length = self.bytes.len();
        let mut request = Vec::with_capacity(length + 32);
        let head = SaveFilePart {
            file_id: self.file_id,
            file_part: self.file_part,
            bytes: Vec::new(),
        };
        head.serialize(&mut request);
        request.truncate(request.len() - NO_BYTES.len());
        // A short length takes one byte, and a longer one three bytes after a mark.
        match u8::try_from(length) {
            Ok(short) if short < 254 => request.push(short),
            _ => {
                let [first, second, third, ..] = length.to_le_bytes();
                request.extend([254, first, second, third]);
            }
        }
        request.extend_from_slice(&self.bytes);
        request.resize(request.len().next_multiple_of(4), 0);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_serialized_like_the_generated_request() {
        for length in [0, 1, 2, 3, 4, 252, 253, 254, 255, 256, 97_001, 512 * 1024] {
            let bytes: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
            let generated = SaveFilePart {
                file_id: -7,
                file_part: 3,
                bytes: bytes.clone(),
            };
            let part = FilePart {
                file_id: -7,
                file_part: 3,
                bytes,
            };
            assert_eq!(part.to_bytes(), generated.to_bytes(), "{length} bytes");
        }
    }
}
