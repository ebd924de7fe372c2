//! A photo as Pillow pickles it: an object whose state is a list of info, mode, size, palette and pixels (and, in
//! newer releases, the file's name).

use super::LARGEST;
use super::fault::PickleFault;
use super::heap::{Heap, Id, Node};

/// A picture in mode RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Photo {
    /// Takes the pixels, three bytes each, row after row from the top left.
    ///
    /// # Errors
    /// [`PickleFault::NotAPhoto`] when a side is 0 or they are not width × height pixels;
    /// [`PickleFault::TooLarge`] when they would make a file that nobody opens.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PickleFault> {
        let length = u64::from(width) * u64::from(height);
        if length == 0 {
            return Err(PickleFault::NotAPhoto("it has no pixels"));
        }
        if Some(rgb.len() as u64) != length.checked_mul(3) {
            return Err(PickleFault::NotAPhoto("its pixels do not fill its size"));
        }
        // What the pickle adds to the pixels is below 200 bytes.
        if rgb.len() > LARGEST - 1024 {
            return Err(PickleFault::TooLarge);
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels from left to right.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, three bytes each.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

impl Heap<'_> {
    /// The photo that has this state. Info and file name are not looked at.
    pub(super) fn photo(&self, state: Option<Id>) -> Result<Photo, PickleFault> {
        let Some(Node::List(state)) = state.map(|state| self.node(state)) else {
            return Err(PickleFault::NotAPhoto("its state is no list"));
        };
        let &[_, mode, size, palette, pixels, ..] = &state[..] else {
            return Err(PickleFault::NotAPhoto("its state is too short"));
        };
        if !matches!(self.node(mode), Node::Str(mode) if mode == "RGB") {
            return Err(PickleFault::NotAPhoto("its mode is not RGB"));
        }
        if !matches!(self.node(palette), Node::None) {
            return Err(PickleFault::NotAPhoto("it has a palette"));
        }
        let Node::Tuple(size) = self.node(size) else {
            return Err(PickleFault::NotAPhoto("its size is no tuple"));
        };
        let &[width, height] = &size[..] else {
            return Err(PickleFault::NotAPhoto("its size is no pair"));
        };
        let Node::Bytes(pixels) = self.node(pixels) else {
            return Err(PickleFault::NotAPhoto("its pixels are no bytes"));
        };
        Photo::new(self.side(width)?, self.side(height)?, pixels.to_vec())
    }

    fn side(&self, id: Id) -> Result<u32, PickleFault> {
        match self.node(id) {
            Node::Int(side) => (*side).try_into().ok(),
            _ => None,
        }
        .ok_or(PickleFault::NotAPhoto("its size is none"))
    }
}
