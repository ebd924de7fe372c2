//! The exchange format of the SCP-079 fleet.

#![warn(missing_docs)]

pub mod envelope;
mod format_data;
mod vocabulary;

pub use format_data::format_data;
pub use vocabulary::{VOCABULARY, find};
