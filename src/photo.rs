//! Checks that a downloaded photo is complete.
//!
//! The check walks the container to its end marker, because a decoder fills the missing part of a truncated JPEG with
//! grey, and stops reading a PNG before its end. Then it reads the header under limits. The pixels of a JPEG are not
//! decoded: MTProto authenticates every message, so that a download is either as Telegram sent it or truncated, and the
//! decoder accepts most damaged pixels anyway. PNG and WebP, which Telegram hardly uses for photos of users, are decoded.
//! The module does no I/O.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// Larger images are not decoded. Telegram's avatars are 640, at most 1280 pixels wide.
const MAX_SIDE: u32 = 4096;
const MAX_ALLOCATION: u64 = 256 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    WebP,
}

/// A complete still image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Still {
    pub format: Format,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The reason why a photo is not forwarded.
#[derive(Debug, thiserror::Error)]
pub enum InvalidImage {
    /// The first bytes are of no known format, or there are no bytes.
    #[error("not a JPEG, PNG or WebP image")]
    NotAnImage,
    #[error("the {format:?} image is truncated")]
    Truncated { format: Format },
    #[error("the image has {width}×{height} pixels; at most {MAX_SIDE}×{MAX_SIDE} are decoded")]
    TooLarge { width: u32, height: u32 },
    /// The container is complete, but the picture is damaged.
    #[error("the {format:?} image cannot be decoded: {source}")]
    Undecodable {
        format: Format,
        source: image::ImageError,
    },
}

/// Checks that the bytes are one complete image.
///
/// # Errors
/// See [`InvalidImage`]. An image that was truncated at any byte is refused.
pub fn check(bytes: &[u8]) -> Result<Still, InvalidImage> {
    let format = Format::of(bytes).ok_or(InvalidImage::NotAnImage)?;
    let end = match format {
        Format::Jpeg => jpeg_end(bytes),
        Format::Png => png_end(bytes),
        Format::WebP => webp_end(bytes),
    };
    // Trailing bytes do not make the image incomplete.
    if end.is_none_or(|end| end > bytes.len()) {
        return Err(InvalidImage::Truncated { format });
    }
    let (width, height) = read_picture(bytes, format)?;
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

/// Returns the end of a JPEG, after the EOI marker (ITU-T T.81, B.1.1).
///
/// Segments are skipped by their length, because a thumbnail in a segment has its own EOI marker.
/// In coded data, an `ff` that is not a marker is followed by `00`.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    const FILL: u8 = 0xff;
    const END: u8 = 0xd9;
    let mut at = 2;
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)?;
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

/// Returns the end of a PNG, after the chunk IEND (PNG, third edition, §5.3).
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

/// Returns the end of a WebP: the length in its RIFF header, rounded up to even (RFC 9649, §2.3).
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(4..8)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    length.checked_next_multiple_of(2)?.checked_add(8)
}

/// Reads the header of a JPEG, and all of another image. Returns width and height.
fn read_picture(bytes: &[u8], format: Format) -> Result<(u32, u32), InvalidImage> {
    let undecodable = |source| InvalidImage::Undecodable { format, source };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOCATION);
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
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(InvalidImage::TooLarge { width, height });
    }
    if format != Format::Jpeg {
        DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    }
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
    fn complete_photos_pass() {
        for (name, bytes, still) in PHOTOS {
            assert_eq!(check(bytes).unwrap(), still, "{name}");
            let longer = [bytes, b"\0\0more"].concat();
            assert_eq!(check(&longer).unwrap(), still, "{name}, with a tail");
        }
    }

    #[test]
    fn a_photo_truncated_at_any_byte_is_refused() {
        for (name, bytes, still) in PHOTOS {
            for length in 0..bytes.len() {
                let error = check(&bytes[..length]).expect_err(name);
                let expected = match error {
                    InvalidImage::NotAnImage => length < 12,
                    InvalidImage::Truncated { format } => format == still.format,
                    _ => false,
                };
                assert!(expected, "{name} cut to {length}: {error}");
            }
        }
    }

    #[test]
    fn a_container_without_a_picture_is_refused() {
        for bytes in [
            &b"\xff\xd8\xff\xd9"[..],
            b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82",
            b"RIFF\x04\0\0\0WEBP",
        ] {
            let error = check(bytes).unwrap_err();
            assert!(matches!(error, InvalidImage::Undecodable { .. }), "{error}");
        }
        for bytes in [&b""[..], b"GIF89a", b"<html>", b"\0\0\0\x18ftypmp42"] {
            assert!(matches!(check(bytes), Err(InvalidImage::NotAnImage)));
        }
    }

    #[test]
    fn a_damaged_png_is_refused() {
        let mut png = PHOTOS[4].1.to_vec();
        png[100] ^= 1;
        assert!(matches!(check(&png), Err(InvalidImage::Undecodable { .. })));
    }

    #[test]
    fn an_image_larger_than_any_avatar_is_not_decoded() {
        let wide = include_bytes!("../tests/fixtures/photos/too_wide.png");
        let error = check(wide).unwrap_err();
        assert!(
            matches!(
                error,
                InvalidImage::TooLarge {
                    width: 4097,
                    height: 1
                }
            ),
            "{error}"
        );
        // A JPEG that claims 65535 × 65535 pixels: height and width are 5 bytes after the frame marker.
        let mut huge = PHOTOS[0].1.to_vec();
        let frame = huge
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        huge[frame + 5..frame + 9].fill(0xff);
        let error = check(&huge).unwrap_err();
        assert!(
            matches!(error, InvalidImage::TooLarge { width: 65535, .. }),
            "{error}"
        );
    }
}
