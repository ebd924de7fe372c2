//! Whether the bytes that were downloaded are a whole photo.
//!
//! Pure, and CPU-bound for some milliseconds. A decoder alone does not answer the question: it fills what a cut JPEG
//! lacks with grey, and stops reading a PNG before its end. So the container is walked to its end marker first,
//! and then the picture is decoded under limits. Knows no Telegram and no file.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// No avatar is near this: Telegram's are 640, at most 1280 pixels wide.
const LARGEST_SIDE: u32 = 4096;
const LARGEST_ALLOCATION: u64 = 256 << 20;

/// What a photo is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG, which Telegram makes of nearly every photo.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

/// A whole still image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Still {
    /// How it is encoded.
    pub format: Format,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Why the bytes are no photo to pass on.
#[derive(Debug, thiserror::Error)]
pub enum PhotoFault {
    /// They begin like no image of a known format, or there are none.
    #[error("not a JPEG, PNG or WebP image")]
    NotAnImage,
    /// The image's end is missing.
    #[error("the {format:?} image is cut short")]
    Truncated {
        /// As which it begins.
        format: Format,
    },
    /// Decoding it would take more memory than any avatar is worth.
    #[error(
        "the image is {width}×{height} pixels large; at most {LARGEST_SIDE}×{LARGEST_SIDE} are decoded"
    )]
    TooLarge {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// It begins and ends as an image, and is none.
    #[error("the {format:?} image cannot be decoded: {source}")]
    Undecodable {
        /// As which it begins.
        format: Format,
        /// What the decoder says.
        source: ImageError,
    },
}

/// Checks that the bytes are one whole image that can be decoded.
///
/// # Errors
/// [`PhotoFault`] says in which way they are not. A file that was cut anywhere is refused.
pub fn check(bytes: &[u8]) -> Result<Still, PhotoFault> {
    let format = Format::of(bytes).ok_or(PhotoFault::NotAnImage)?;
    let end = match format {
        Format::Jpeg => jpeg_end(bytes),
        Format::Png => png_end(bytes),
        Format::WebP => webp_end(bytes),
    };
    // What follows the end does not make the image less whole.
    if end.is_none_or(|end| end > bytes.len()) {
        return Err(PhotoFault::Truncated { format });
    }
    let (width, height) = decode(bytes, format)?;
    Ok(Still {
        format,
        width,
        height,
    })
}

impl Format {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            _ => None,
        }
    }
}

/// Where a JPEG ends: behind the EOI marker (ITU-T T.81, B.1.1). Segments are stepped over by their length, since a
/// thumbnail within one has an end of its own; in coded data an `ff` that is no marker is followed by `00`.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    const FILL: u8 = 0xff;
    const END: u8 = 0xd9;
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            at += 1;
            continue;
        }
        match *bytes.get(at + 1)? {
            FILL => at += 1,
            END => return Some(at + 2),
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// Where a PNG ends: behind the chunk IEND (PNG, third edition, §5.3).
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let head = bytes.get(at..at + 8)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        at = at.checked_add(12)?.checked_add(length as usize)?;
        if head[4..] == *b"IEND" {
            return Some(at);
        }
    }
}

/// Where a WebP ends: behind as many bytes as its RIFF header says, made even (RFC 9649, §2.3).
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(4..8)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    length.checked_next_multiple_of(2)?.checked_add(8)
}

fn decode(bytes: &[u8], format: Format) -> Result<(u32, u32), PhotoFault> {
    let undecodable = |source| PhotoFault::Undecodable { format, source };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(LARGEST_ALLOCATION);
    let mut reader = ImageReader::with_format(
        Cursor::new(bytes),
        match format {
            Format::Jpeg => ImageFormat::Jpeg,
            Format::Png => ImageFormat::Png,
            Format::WebP => ImageFormat::WebP,
        },
    );
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if width > LARGEST_SIDE || height > LARGEST_SIDE {
        return Err(PhotoFault::TooLarge { width, height });
    }
    DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    Ok((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTOS: [(&str, &[u8], Still); 7] = [
        (
            "avatar.jpg",
            include_bytes!("../tests/fixtures/avatar.jpg"),
            still(Format::Jpeg, 160),
        ),
        (
            "progressive.jpg",
            include_bytes!("../tests/fixtures/photos/progressive.jpg"),
            still(Format::Jpeg, 160),
        ),
        (
            "grey.jpg",
            include_bytes!("../tests/fixtures/photos/grey.jpg"),
            still(Format::Jpeg, 160),
        ),
        (
            "thumbnail.jpg",
            include_bytes!("../tests/fixtures/photos/thumbnail.jpg"),
            still(Format::Jpeg, 160),
        ),
        (
            "small.png",
            include_bytes!("../tests/fixtures/photos/small.png"),
            still(Format::Png, 40),
        ),
        (
            "lossy.webp",
            include_bytes!("../tests/fixtures/photos/lossy.webp"),
            still(Format::WebP, 160),
        ),
        (
            "lossless.webp",
            include_bytes!("../tests/fixtures/photos/lossless.webp"),
            still(Format::WebP, 40),
        ),
    ];

    const fn still(format: Format, side: u32) -> Still {
        Still {
            format,
            width: side,
            height: side,
        }
    }

    #[test]
    fn whole_photos_pass() {
        for (name, bytes, still) in PHOTOS {
            assert_eq!(check(bytes).unwrap(), still, "{name}");
            let longer = [bytes, b"\0\0more"].concat();
            assert_eq!(check(&longer).unwrap(), still, "{name}, with a tail");
        }
    }

    #[test]
    fn a_photo_cut_at_any_byte_is_refused() {
        for (name, bytes, still) in PHOTOS {
            for length in 0..bytes.len() {
                let fault = check(&bytes[..length]).expect_err(name);
                let expected = match fault {
                    PhotoFault::NotAnImage => length < 12,
                    PhotoFault::Truncated { format } => format == still.format,
                    _ => false,
                };
                assert!(expected, "{name} cut to {length}: {fault}");
            }
        }
    }

    #[test]
    fn what_only_begins_and_ends_like_a_photo_is_refused() {
        for bytes in [
            &b"\xff\xd8\xff\xd9"[..],
            b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82",
            b"RIFF\x04\0\0\0WEBP",
        ] {
            let fault = check(bytes).unwrap_err();
            assert!(matches!(fault, PhotoFault::Undecodable { .. }), "{fault}");
        }
        for bytes in [&b""[..], b"GIF89a", b"<html>", b"\0\0\0\x18ftypmp42"] {
            assert!(matches!(check(bytes), Err(PhotoFault::NotAnImage)));
        }
    }

    #[test]
    fn a_damaged_png_is_refused() {
        let mut png = PHOTOS[4].1.to_vec();
        png[100] ^= 1;
        assert!(matches!(check(&png), Err(PhotoFault::Undecodable { .. })));
    }

    #[test]
    fn an_image_larger_than_any_avatar_is_not_decoded() {
        let wide = include_bytes!("../tests/fixtures/photos/too_wide.png");
        let fault = check(wide).unwrap_err();
        assert!(
            matches!(
                fault,
                PhotoFault::TooLarge {
                    width: 4097,
                    height: 1
                }
            ),
            "{fault}"
        );
        // A JPEG that claims 65535 × 65535: the frame header's two sizes stand 5 bytes behind its marker.
        let mut huge = PHOTOS[0].1.to_vec();
        let frame = huge
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        huge[frame + 5..frame + 9].fill(0xff);
        let fault = check(&huge).unwrap_err();
        assert!(
            matches!(fault, PhotoFault::TooLarge { width: 65535, .. }),
            "{fault}"
        );
    }
}
