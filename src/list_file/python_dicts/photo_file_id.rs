//! Decoding of the file ids by which the Python programs name profile photos.
//!
//! A file id is base64url without padding. Each run of zero bytes is stored as a zero byte and its length. Integers are
//! little-endian:
//!
//! | Bytes | Content |
//! |---|---|
//! | 4 | type: 1 for a profile photo, plus a flag if a file reference follows |
//! | 4 | data centre |
//! | … | file reference: bytes of TL, only with the flag |
//! | 8 | `photo_id` |
//! | 8 | access hash, 0 for a profile photo |
//! | 8 | volume |
//! | 4 | size: 2 for the small photo, 3 for the big one |
//! | 8 + 8 | the owner and its access hash |
//! | 4 | local id |
//! | 2 | version: the minor number, then the major number 4 |
//!
//! File ids of earlier major versions name the owner in place of the photo, and cannot be decoded.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::model::PhotoId;

const PROFILE_PHOTO: i32 = 1;
const FILE_REFERENCE_FLAG: i32 = 1 << 25;
const SIZES: [i32; 2] = [2, 3];
const MAJOR_VERSION: u8 = 4;
/// The most bytes of a decoded file id. Those with a file reference have about 100.
const MAX_LENGTH: usize = 1024;

/// Returns the id of a photo: the number itself, as this program writes it, or the one in a file id. Returns `None` if
/// the text contains no photo id.
pub(super) fn photo_id(text: &str) -> Option<PhotoId> {
    if let Ok(number) = text.parse() {
        return Some(PhotoId::new(number));
    }
    let bytes = expand_zeros(&Base64UrlUnpadded::decode_vec(text).ok()?)?;
    let [content @ .., _minor, MAJOR_VERSION] = bytes.as_slice() else {
        return None;
    };
    let mut fields = Fields(content);
    let kind = fields.int()?;
    let _data_center = fields.int()?;
    if kind & FILE_REFERENCE_FLAG != 0 {
        fields.skip_tl_bytes()?;
    }
    if kind & !FILE_REFERENCE_FLAG != PROFILE_PHOTO {
        return None;
    }
    let photo = fields.long()?;
    let (_access_hash, _volume) = (fields.long()?, fields.long()?);
    let size = fields.int()?;
    let (_owner, _owner_hash, _local_id) = (fields.long()?, fields.long()?, fields.int()?);
    (SIZES.contains(&size) && photo != 0 && fields.0.is_empty()).then(|| PhotoId::new(photo))
}

/// Replaces each zero byte and the length behind it by so many zero bytes.
fn expand_zeros(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut expanded = Vec::new();
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        let count = if byte == 0 { rest.next()?.into() } else { 1 };
        if count == 0 || expanded.len() + count > MAX_LENGTH {
            return None;
        }
        expanded.resize(expanded.len() + count, byte);
    }
    Some(expanded)
}

/// The fields of a file id that were not read yet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn int(&mut self) -> Option<i32> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_le_bytes(*field))
    }

    fn long(&mut self) -> Option<i64> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_le_bytes(*field))
    }

    /// Skips bytes with their length before them, padded to a multiple of 4. The length takes one byte, or three
    /// behind a byte of 254.
    fn skip_tl_bytes(&mut self) -> Option<()> {
        let length = match *self.0 {
            [254, a, b, c, ..] => {
                4 + usize::from(a) + (usize::from(b) << 8) + (usize::from(c) << 16)
            }
            [length, ..] if length < 254 => 1 + usize::from(length),
            _ => return None,
        };
        self.0 = self.0.get(length.next_multiple_of(4)..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photo_ids_are_decoded_from_numbers_and_file_ids() {
        for (text, expected) in [
            ("-5", -5),
            // Version 4.22, big.
            (
                "AQADAgADnctPeldkWl8ACOsypPj_____AwAD0gKWSQAEqedUYZfT03VNAAMWBA",
                6_870_914_508_384_095_133,
            ),
            // Version 4.30, small.
            (
                "AQADAgADnctPeldkWl8ACOsypPj_____AgAD0gKWSQAEnf________8ABB4E",
                6_870_914_508_384_095_133,
            ),
            // Version 4.30, big, with a file reference of 5 bytes.
            (
                "AQACAgQAAwUBAAECAwQAAvv_________BwAPAwAD0gKWSQAEnf________8ABB4E",
                -5,
            ),
        ] {
            assert_eq!(photo_id(text), Some(PhotoId::new(expected)), "{text}");
        }
    }

    #[test]
    fn file_ids_without_a_certain_photo_id_are_refused() {
        for text in [
            "",
            "not base64!",
            // Truncated.
            "AQADAgADr6cxGw",
            "AQADAgADnctPeldkWl8ACOsypPj_____AwAD0gKWSQAEqedUYZfT03VNAAM",
            // A photo of a message.
            "AgADAgADnctPeldkWl9NAAcBAAcBAAMCAAN4AAMFAAMeBA",
            // Version 2, which names the owner.
            "AQADAgAD0gKWSQAEnf________8BAA8FAAMC",
            // Without a photo id.
            "AQADAgAT6zKk-P____8DAAPSApZJAASd_________wcAAxYE",
            // A length of zero bytes without an end, and a run of none.
            "AQA",
            "AQAA",
        ] {
            assert_eq!(photo_id(text), None, "{text}");
        }
    }
}
