//! Distinct JPEG files for profile photos.
//!
//! Drawing is slow in a debug build, and a raid takes a thousand photos. A few pictures of each size are therefore drawn
//! once, and each photo is one of them with its own JPEG comment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// The number of different pictures of each size.
const VARIANTS: u64 = 8;

/// The properties of a drawn picture.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Drawing {
    variant: u64,
    width: u32,
    height: u32,
    quality: u8,
}

/// Returns the photo number `seed`; the same number gives the same bytes.
pub(crate) fn jpeg(seed: u64, width: u32, height: u32, quality: u8) -> Vec<u8> {
    static DRAWN: OnceLock<Mutex<HashMap<Drawing, Arc<[u8]>>>> = OnceLock::new();
    let drawing = Drawing {
        variant: mix(seed) % VARIANTS,
        width,
        height,
        quality,
    };
    let picture = Arc::clone(
        DRAWN
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(drawing)
            .or_insert_with(|| draw(drawing).into()),
    );
    // The comment follows the JFIF header, which has to be the first segment.
    let header = 4 + usize::from(u16::from_be_bytes([picture[4], picture[5]]));
    let mut file = picture[..header].to_vec();
    file.extend_from_slice(&[0xff, 0xfe, 0, 10]);
    file.extend_from_slice(&seed.to_be_bytes());
    file.extend_from_slice(&picture[header..]);
    file
}

/// Draws a mosaic of eight by eight fields with noise, which compresses about as badly as a photograph of its size.
fn draw(drawing: Drawing) -> Vec<u8> {
    let Drawing {
        variant,
        width,
        height,
        quality,
    } = drawing;
    let grain = grain();
    let (columns, rows) = (width as usize, height as usize);
    let mut pixels = vec![0u8; columns * rows * 3];
    for (y, line) in pixels.chunks_mut(columns * 3).enumerate() {
        let offset = (y * 131 + variant as usize % 977) % (grain.len() / 2);
        let take = line.len().min(grain.len() / 2);
        line[..take].copy_from_slice(&grain[offset..offset + take]);
        let cell_height = rows.div_ceil(8);
        let cell_width = columns.div_ceil(8) * 3;
        for (x, cell) in line.chunks_mut(cell_width).enumerate() {
            let tint = mix(variant ^ ((y / cell_height * 8 + x) as u64) << 32).to_le_bytes();
            for pixel in cell.chunks_exact_mut(3) {
                pixel[0] = pixel[0].wrapping_add(tint[0]);
                pixel[1] = pixel[1].wrapping_add(tint[1]);
                pixel[2] = pixel[2].wrapping_add(tint[2]);
            }
        }
    }
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, quality)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .expect("the buffer is width by height by three");
    out
}

/// Returns a fixed block of faint noise, which is made once.
fn grain() -> &'static [u8] {
    static GRAIN: OnceLock<Vec<u8>> = OnceLock::new();
    GRAIN.get_or_init(|| {
        (0..1u64 << 15)
            .map(|index| (mix(index) % 12) as u8)
            .collect()
    })
}

/// Hashes a number with the output function of SplitMix64, which gives the same result on every machine.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_decode_and_differ_only_by_their_number() {
        let photos: Vec<Vec<u8>> = (0..20).map(|seed| jpeg(seed, 64, 48, 85)).collect();
        for (index, photo) in photos.iter().enumerate() {
            let decoded = image::load_from_memory(photo).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (64, 48));
            assert!(!photos[..index].contains(photo));
        }
        assert_eq!(jpeg(7, 64, 48, 85), photos[7]);
    }
}
