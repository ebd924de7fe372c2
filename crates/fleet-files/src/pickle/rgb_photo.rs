//! A photo as Pillow pickles it: an object whose state is a list of info, mode, size, palette and pixels, and, in newer
//! releases, the name of the file.

use super::MAX_BYTES;
use super::error::PickleError;
use super::heap::{Heap, Node, NodeId};

/// A photo in mode RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbPhoto {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl RgbPhoto {
    /// Takes the pixels, three bytes each, row by row from the top left.
    ///
    /// # Errors
    /// [`PickleError::NotAPhoto`] if a side is 0 or the pixels do not fill width × height;
    /// [`PickleError::TooLarge`] if the pickle would be longer than [`MAX_BYTES`].
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, PickleError> {
        let count = u64::from(width) * u64::from(height);
        if count == 0 {
            return Err(PickleError::NotAPhoto("the image has no pixels"));
        }
        if Some(pixels.len() as u64) != count.checked_mul(3) {
            return Err(PickleError::NotAPhoto("the pixels do not fill the size"));
        }
        // The pickle is less than 200 bytes longer than the pixels.
        if pixels.len() > MAX_BYTES - 1024 {
            return Err(PickleError::TooLarge);
        }
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    /// Returns the width in pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Returns the pixels, three bytes each.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Takes the pixels out.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }
}

impl Heap<'_> {
    /// Returns the photo that has this state. Info and file name are ignored.
    pub(super) fn photo(&self, state: Option<NodeId>) -> Result<RgbPhoto, PickleError> {
        let Some(Node::List(state)) = state.map(|state| self.node(state)) else {
            return Err(PickleError::NotAPhoto("the state is not a list"));
        };
        let &[_, mode, size, palette, pixels, ..] = &state[..] else {
            return Err(PickleError::NotAPhoto("the state is too short"));
        };
        if !matches!(self.node(mode), Node::Str(mode) if mode == "RGB") {
            return Err(PickleError::NotAPhoto("the mode is not RGB"));
        }
        if !matches!(self.node(palette), Node::None) {
            return Err(PickleError::NotAPhoto("the image has a palette"));
        }
        let Node::Tuple(size) = self.node(size) else {
            return Err(PickleError::NotAPhoto("the size is not a tuple"));
        };
        let &[width, height] = &size[..] else {
            return Err(PickleError::NotAPhoto("the size is not a pair"));
        };
        let Node::Bytes(pixels) = self.node(pixels) else {
            return Err(PickleError::NotAPhoto("the pixels are not bytes"));
        };
        RgbPhoto::new(self.side(width)?, self.side(height)?, pixels.to_vec())
    }

    fn side(&self, id: NodeId) -> Result<u32, PickleError> {
        match self.node(id) {
            Node::Int(side) => (*side).try_into().ok(),
            _ => None,
        }
        .ok_or(PickleError::NotAPhoto("the size is not a number of pixels"))
    }
}
