//! Properties of the parsers that read what others wrote: whatever the input is, they hold.
//!
//! Each module has one [`Parser`]: samples, and a function that checks the properties for one input. Two programs call
//! these functions: `tests/seeded.rs` with a bounded number of mutated samples, as a part of `cargo test`, and the
//! targets in `fuzz/` with the inputs of libFuzzer. The binary of this package writes the samples as a corpus.

mod aes_crypt;
mod bounded_run;
mod configuration;
mod envelope;
mod image;
mod list_file;
mod mutation;
mod order_data;
mod pickle;
mod rule;
mod samples;
mod sealed;

pub use self::aes_crypt::AES_CRYPT;
pub use self::bounded_run::BoundedRun;
pub use self::configuration::CONFIGURATION;
pub use self::envelope::ENVELOPE;
pub use self::image::IMAGE;
pub use self::list_file::LIST_FILE;
pub use self::order_data::ORDER_DATA;
pub use self::pickle::PICKLE;
pub use self::rule::RULE;
pub use self::sealed::SEALED;

/// A parser under test.
pub struct Parser {
    /// The name of the fuzz target.
    pub name: &'static str,
    /// Returns valid inputs, and invalid ones that get far.
    pub samples: fn() -> Vec<Vec<u8>>,
    /// Pieces that mutations insert.
    pub pieces: &'static [&'static [u8]],
    /// Parses one input and panics if a property does not hold. Returns true if the parser accepted the input.
    pub check: fn(&[u8]) -> bool,
}

/// All parsers, in the order of their names.
pub const PARSERS: [&Parser; 9] = [
    &AES_CRYPT,
    &CONFIGURATION,
    &ENVELOPE,
    &IMAGE,
    &LIST_FILE,
    &ORDER_DATA,
    &PICKLE,
    &RULE,
    &SEALED,
];
