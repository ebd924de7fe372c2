//! Python's pickle, as a format of plain data.
//!
//! [`read`] understands protocols 0 to 5 and returns plain data or one photo. Nothing in a pickle is imported or
//! called: the names `set` and `frozenset` are understood because older protocols write sets with them, Pillow's image
//! classes mark a photo, and any other name refuses the pickle. [`MAX_BYTES`], [`MAX_VALUES`] and [`MAX_DEPTH`] bound
//! the cost of a hostile pickle. [`write()`] and [`write_photo`] write protocol 4.

mod error;
mod heap;
mod input;
mod literals;
mod opcode;
mod pickler;
mod py_value;
mod rgb_photo;
mod unpickler;

pub use self::error::PickleError;
pub use self::pickler::{DictPickler, write, write_photo};
pub use self::py_value::PyValue;
pub use self::rgb_photo::RgbPhoto;
use self::unpickler::Unpickler;

/// The limit for the bytes of a pickle, and for those of all strings and bytes in it, where shared ones count as often
/// as they occur. One user of the fleet's lists takes about 300.
pub const MAX_BYTES: usize = 256 << 20;
/// The limit for the values in a pickle, counted in the same way, and for the steps that build them. One user of the
/// fleet's lists takes 43 steps as CPython pickles them, so that 400,000 users fit; a hostile pickle with this number
/// of steps takes less than 2 GiB.
pub const MAX_VALUES: usize = 20 << 20;
/// The limit for the levels of nested values.
pub const MAX_DEPTH: usize = 100;

/// The content of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub enum Unpickled {
    /// A list or any other plain data.
    Data(PyValue),
    /// A photo.
    Photo(RgbPhoto),
}

/// Reads a pickle of plain data or of a photo. A photo is an image of Pillow's in mode RGB, of the class
/// `PIL.Image.Image` or of one that `Image.open` returns.
///
/// # Errors
/// See [`PickleError`]. A photo inside of data is refused by the name of its class.
pub fn read(pickle: &[u8]) -> Result<Unpickled, PickleError> {
    Unpickler::new(pickle)?.run()?.content()
}

#[cfg(test)]
mod tests;
