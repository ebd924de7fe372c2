#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod aescrypt;
pub mod atomic_file;
mod format;
pub mod pickle;
pub mod sealed;

pub use self::format::FileFormat;
