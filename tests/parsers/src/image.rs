//! Profile photos of users.

use scp_079_avatar::config::FileKind;
use scp_079_avatar::file_codec::{DecodedFile, Decoder, Encoder};
use scp_079_avatar::photo::{Format, InvalidImage, Still, check as check_photo};

use super::Parser;
use super::samples::{fixture, fixtures, password};

/// A downloaded photo.
pub const IMAGE: Parser = Parser {
    name: "image",
    samples: || {
        let mut samples = vec![fixture("avatar.jpg")];
        for extension in ["jpg", "png", "webp"] {
            samples.extend(fixtures("photos", extension));
        }
        samples
    },
    pieces: &[
        b"\xff\xd8\xff",
        b"\xff\xd9",
        b"\xff\xc0\0\x11\x08\xff\xff\xff\xff",
        b"\xff\xda",
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\rIHDR",
        b"\0\0\0\0IEND\xae\x42\x60\x82",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
    ],
    check,
};

/// An image that passes has a size within the limits, passes with a tail, and can be encoded for the Python programs
/// and decoded with the same size. The encoder may find that the pixels of a JPEG are damaged.
fn check(input: &[u8]) -> bool {
    let still = match check_photo(input) {
        Ok(still) => still,
        Err(InvalidImage::TooLarge { width, height }) => {
            assert!(width > 4096 || height > 4096);
            return false;
        }
        Err(error) => {
            assert!(error.to_string().len() < 1000, "{error}");
            return false;
        }
    };
    assert!((1..=4096).contains(&still.width) && (1..=4096).contains(&still.height));
    let with_tail = [input, b"\0\0more"].concat();
    assert_eq!(check_photo(&with_tail).ok(), Some(still));
    check_encoding(input, still);
    true
}

fn check_encoding(input: &[u8], still: Still) {
    let encoder = Encoder::new(FileKind::Python, &password()).expect("no key is derived");
    let file = match encoder.encode_photo(input) {
        Ok(file) => file,
        Err(error) => {
            assert_eq!(still.format, Format::Jpeg, "{error}");
            return;
        }
    };
    let decoded = Decoder::new(&password()).decode(&file);
    let Ok(DecodedFile::Photo(png)) = decoded else {
        panic!("an encoded photo is decoded as {decoded:?}");
    };
    let again = check_photo(&png).expect("a decoded photo is an image");
    assert_eq!((again.width, again.height), (still.width, still.height));
}
