//! The camera of the device that scans a QR code.

use rqrr::PreparedImage;

/// Returns the texts of the QR codes in a picture. `luma` returns the brightness of the pixel in a column and a row; 0 is
/// black.
///
/// # Panics
///
/// If a code cannot be decoded.
pub fn read_qr_codes(
    width: usize,
    height: usize,
    luma: impl FnMut(usize, usize) -> u8,
) -> Vec<String> {
    let mut picture = PreparedImage::prepare_from_greyscale(width, height, luma);
    let codes = picture.detect_grids();
    let texts = codes.iter().map(|code| code.decode().expect("a code").1);
    texts.collect()
}
