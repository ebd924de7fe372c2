#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod envelope;
mod format_data;
pub mod vocabulary;

pub use envelope::{Envelope, EnvelopeError, MAX_TEXT_LEN, object_text};
pub use format_data::format_data;
