//! Real JPEG files, each different, for profile photos.

use std::sync::OnceLock;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Draws the picture number `seed`: an eight by eight mosaic under grain, so that it compresses about as badly
/// as a photograph of its size.
pub(crate) fn jpeg(seed: u64, width: u32, height: u32, quality: u8) -> Vec<u8> {
    let grain = grain();
    let (columns, rows) = (width as usize, height as usize);
    let mut pixels = vec![0u8; columns * rows * 3];
    for (y, line) in pixels.chunks_mut(columns * 3).enumerate() {
        let offset = (y * 131 + seed as usize % 977) % (grain.len() / 2);
        let take = line.len().min(grain.len() / 2);
        line[..take].copy_from_slice(&grain[offset..offset + take]);
        let cell_height = rows.div_ceil(8);
        let cell_width = columns.div_ceil(8) * 3;
        for (x, cell) in line.chunks_mut(cell_width).enumerate() {
            let tint = mix(seed ^ ((y / cell_height * 8 + x) as u64) << 32).to_le_bytes();
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

/// A fixed stretch of faint noise, made once.
fn grain() -> &'static [u8] {
    static GRAIN: OnceLock<Vec<u8>> = OnceLock::new();
    GRAIN.get_or_init(|| {
        (0..1u64 << 15)
            .map(|index| (mix(index) % 12) as u8)
            .collect()
    })
}

/// SplitMix64's output function: a number to one that looks random, the same on every machine.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
