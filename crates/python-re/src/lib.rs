#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod budget;
mod charset;
mod error;
mod parse;
mod pattern;
mod requirements;
mod text;
mod tree;
mod weight;
mod width;
mod writer;

pub use self::budget::{StepBudget, StepLimitExceeded};
pub use self::error::{CompileError, SyntaxError};
pub use self::pattern::{Options, Pattern, TextFolding};
pub use self::text::Text;
pub use self::tree::Flags;
