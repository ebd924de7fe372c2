//! Python's pickle: what the fleet's lists and photos are written as (SPEC §7.2).
//!
//! Owns reading (protocols 0 to 5) and writing (protocol 4). Reading gives plain data and nothing else: no name in a
//! pickle is looked up, nothing is called. `set` and `frozenset` are understood because older protocols spell sets
//! that way, and the classes of Pillow as the mark of a photo; every other name refuses the file. What a hostile
//! pickle can cost is bounded by [`LARGEST`], [`MOST_VALUES`] and [`DEEPEST`]. Knows no list of the fleet.

mod fault;
mod heap;
mod input;
mod literal;
mod machine;
mod opcode;
mod photo;
mod value;
mod write;

pub use self::fault::PickleFault;
use self::machine::Machine;
pub use self::photo::Photo;
pub use self::value::Value;
pub use self::write::{write, write_photo};

/// The most bytes of a pickle, and of all text and bytes in it once shared ones are counted as often as they occur.
/// A user of the fleet's lists takes about 300.
pub const LARGEST: usize = 256 << 20;
/// The most values in a pickle, counted in the same way; also the most steps in which it puts them together.
/// A user of the fleet's lists takes 43 such steps as CPython pickles them: 400,000 of them fit, and what a hostile
/// pickle makes of the same number stays below 2 GiB.
pub const MOST_VALUES: usize = 20 << 20;
/// The most levels of nested values.
pub const DEEPEST: usize = 100;

/// What one of the fleet's files holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A list, or any other plain data.
    Data(Value),
    /// A photo.
    Photo(Photo),
}

/// Reads a pickle of plain data or of a photo; which of them, the pickle says. A photo is an image of Pillow's in mode
/// RGB: a `PIL.Image.Image`, or what `Image.open` gives.
///
/// # Errors
/// [`PickleFault`]; a photo in the midst of data is refused by the name of its class.
pub fn read(pickle: &[u8]) -> Result<Content, PickleFault> {
    Machine::new(pickle)?.run()?.content()
}

#[cfg(test)]
mod tests;
